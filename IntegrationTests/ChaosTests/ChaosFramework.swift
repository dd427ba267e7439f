// A framework that never stops launching, and keeps account of every task from the outside.

import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// What one task was told to be, in order.
struct TaskAccount: Sendable {
    var agent: AgentID
    var launched: ContinuousClock.Instant
    /// Every status that came, repetitions left out.
    var told: [V1TaskState] = []
    /// Ends that the agent vouched for with a uuid.
    var agentEnds: Set<V1TaskState> = []
    /// The end the framework believes in.
    var end: V1TaskState?

    /// Whether nothing more is expected. An unreachable task may come back.
    var isOver: Bool { end != nil }
}

/// Launches small shell tasks for as long as it is told to, each of which leaves a line in a file of its own.
final class ChaosFramework: Sendable {
    private struct State {
        var tasks: [TaskID: TaskAccount] = [:]
        var counter = 0
        var isLaunching = true
        var id: FrameworkID?
        var client: SchedulerClient?
        var subscriptions = 0
        var generation = 0
    }

    let name: String
    let isPartitionAware: Bool
    private let location: String
    private let runs: String
    private let state = Locked(State())
    static let inFlightMax = 12

    /// - Parameter runs: The folder for the tasks' files.
    init(name: String, location: String, runs: String, isPartitionAware: Bool) {
        self.name = name
        self.location = location
        self.runs = runs
        self.isPartitionAware = isPartitionAware
    }

    // MARK: Life

    /// Starts it, for the first time or as a new instance of the same framework.
    func start() throws {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = name
        info.roles = [name]
        info.checkpoint = true
        info.failoverTimeout = 3600
        var capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [.multiRole]
        if isPartitionAware { capabilities.append(.partitionAware) }
        info.capabilities = capabilities.map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        if let id = state.withLock({ $0.id }) { info.id = V1FrameworkID(id) }
        var logger = Logger(label: name)
        logger.logLevel = .critical
        let client = SchedulerClient(
            .init(
                master: try MasterLocation.parse(location), framework: info,
                zooKeeperSessionTimeout: ChaosCluster.sessionTimeout),
            logger: logger)
        let generation = state.withLock { state in
            state.client = client
            state.generation += 1
            return state.generation
        }
        Task { await client.run() }
        Task { [weak self] in
            for await event in client.events { self?.handle(event, client, generation) }
        }
    }

    /// The instance goes without a word, as if its process were killed.
    func crash() { state.withLock { $0.client }?.stop() }

    func stopLaunching() { state.withLock { $0.isLaunching = false } }

    func teardown() async {
        guard let client = state.withLock({ $0.client }) else { return }
        try? await client.teardown()
        client.stop()
    }

    // MARK: Accounts

    var accounts: [TaskID: TaskAccount] { state.withLock { $0.tasks } }

    var openCount: Int { state.withLock { $0.tasks.values.count { !$0.isOver } } }

    /// Tasks launched after that moment which have finished.
    func finished(launchedAfter moment: ContinuousClock.Instant) -> Int {
        state.withLock { $0.tasks.values.count { $0.launched > moment && $0.end == .taskFinished } }
    }

    func runsFile(of task: TaskID) -> String { "\(runs)/\(task)" }

    /// Asks about every task that is not over.
    func reconcile() {
        let (client, open) = state.withLock { state in
            (state.client, state.tasks.filter { !$0.value.isOver }.sorted { $0.key < $1.key })
        }
        guard let client, !open.isEmpty else { return }
        client.submit(Calls.reconcile(open.map { ($0.key, $0.value.agent) })) { _ in }
    }

    // MARK: Events

    private func handle(_ event: SchedulerEvent, _ client: SchedulerClient, _ generation: Int) {
        switch event {
        case .subscribed(let id, _):
            state.withLock { state in
                state.id = id
                state.subscriptions += 1
            }
        case .disconnected, .refused: break
        case .event(let event):
            switch event.type {
            case .offers: for offer in event.offers.offers { use(offer, client) }
            case .update: take(event.update.status, client)
            default: break
            }
        }
    }

    private func use(_ offer: V1Offer, _ client: SchedulerClient) {
        let ids = state.withLock { state -> [TaskID] in
            let open = state.tasks.values.count { !$0.isOver }
            let count = state.isLaunching ? max(0, min(3, Self.inFlightMax - open)) : 0
            return (0..<count).map { _ in
                state.counter += 1
                let id = TaskID("\(name)-\(state.counter)")
                state.tasks[id] = TaskAccount(agent: AgentID(offer.agentID), launched: .now)
                return id
            }
        }
        let offerID = OfferID(offer.id)
        guard !ids.isEmpty else {
            return client.submit(Calls.decline([offerID], refuse: .milliseconds(300))) { _ in }
        }
        let operation = Calls.launch(ids.map { info($0, on: offer) })
        client.submit(Calls.accept([offerID], [operation], refuse: .milliseconds(100))) { _ in }
    }

    private func info(_ id: TaskID, on offer: V1Offer) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.name = id.value
        info.taskID = V1TaskID(id)
        info.agentID = offer.agentID
        info.resources = [("cpus", 0.1), ("mem", 16.0)].map { name, value in
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            resource.allocationInfo = offer.allocationInfo
            return resource
        }
        info.command.shell = true
        let seconds = ["0.3", "1", "2.5"][abs(id.value.utf8.reduce(0) { ($0 &* 31) &+ Int($1) }) % 3]
        info.command.value = "echo run >> \(runsFile(of: id)); sleep \(seconds)"
        return info
    }

    private func take(_ status: V1TaskStatus, _ client: SchedulerClient) {
        let id = TaskID(status.taskID)
        state.withLock { state in
            guard var account = state.tasks[id] else { return }
            if account.told.last != status.state { account.told.append(status.state) }
            let isFromAgent = status.hasUuid && !status.uuid.isEmpty
            switch status.state {
            case .taskFinished, .taskFailed, .taskKilled, .taskError:
                if isFromAgent { account.agentEnds.insert(status.state) }
                account.end = status.state
            case .taskDropped, .taskGone, .taskGoneByOperator, .taskUnknown:
                if isFromAgent { account.agentEnds.insert(status.state) }
                if account.end == nil { account.end = status.state }
            case .taskLost:
                // Without PARTITION_AWARE a task on an unreachable agent is called lost, and may come back.
                if status.reason != .agentRemoved, status.reason != .reconciliation || !status.hasUnreachableTime {
                    if account.end == nil { account.end = .taskLost }
                }
            case .taskStaging, .taskStarting, .taskRunning, .taskKilling, .taskUnreachable: break
            }
            state.tasks[id] = account
        }
        if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
    }
}
