// A framework of a few lines on the SchedulerClient library: launches shell commands, remembers every update.

import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// A task to launch once.
struct WantedTask: Sendable {
    var id: TaskID
    var command: String
    var image: String?
    var cpus: Double
    var memory: Double
    /// Reserved resources and volumes that it uses as well.
    var extra: [V1Resource] = []
    /// What is done with the offer before the task is launched from it, in the same call.
    var before: [V1Offer.Operation] = []
}

final class SmallFramework: Sendable {
    private struct State {
        var waiting: [WantedTask]
        var updates: [TaskID: [V1TaskStatus]] = [:]
        /// Offers that no task needs: kept, so that their sum can be looked at.
        var kept: [OfferID: V1Offer] = [:]
        /// To be done with the next offer for which it returns something.
        var plan: (@Sendable (V1Offer) -> [V1Offer.Operation])?
    }

    private let client: SchedulerClient
    private let state: Locked<State>
    private let launchesMax: Int
    private let isContent: Bool

    /// - Parameters:
    ///   - launchesMax: Most tasks in one ACCEPT.
    ///   - isContent: Whether it wants no offers once its tasks are launched.
    init(
        master: String, tasks: [WantedTask], launchesMax: Int = 100, role: String = "*", isContent: Bool = false
    ) throws {
        var framework = V1FrameworkInfo()
        framework.user = "root"
        framework.name = "acceptance test"
        framework.roles = [role]
        framework.checkpoint = true
        framework.failoverTimeout = 60
        var multiRole = V1FrameworkInfo.Capability()
        multiRole.type = .multiRole
        var refinement = V1FrameworkInfo.Capability()
        refinement.type = .reservationRefinement
        framework.capabilities = [multiRole, refinement]
        var logger = Logger(label: "acceptance")
        logger.logLevel = .critical
        client = SchedulerClient(.init(master: try MasterLocation.parse(master), framework: framework), logger: logger)
        state = Locked(State(waiting: tasks))
        self.launchesMax = launchesMax
        self.isContent = isContent
    }

    /// Runs until `body` returns, then tears the framework down.
    func run(isolation: isolated (any Actor)? = #isolation, while body: () async throws -> Void) async throws {
        let subscription = Task { await client.run() }
        let reading = Task { for await event in client.events { handle(event) } }
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch { result = .failure(error) }
        try? await client.teardown()
        client.stop()
        await subscription.value
        await reading.value
        try result.get()
    }

    /// Every update of a task, repetitions included, in the order of arrival.
    func updates(of task: TaskID) -> [V1TaskStatus] { state.withLock { $0.updates[task] ?? [] } }

    func states(of task: TaskID) -> [V1TaskState] { updates(of: task).map(\.state) }

    /// Tasks of which a terminal update has arrived.
    var endedCount: Int { state.withLock { $0.updates.values.count { $0.contains { $0.state.isTerminal } } } }

    /// What is offered and not used, by resource name, summed over all offers.
    var keptScalars: [String: Double] {
        state.withLock { state in
            state.kept.values.flatMap(\.resources).filter { $0.type == .scalar }
                .reduce(into: [:]) { $0[$1.name, default: 0] += $1.scalar.value }
        }
    }

    /// Declines everything it keeps in one call; new offers of the same are welcome at once.
    func handBack() {
        let offers = state.withLock { state in
            defer { state.kept = [:] }
            return state.kept.keys.sorted()
        }
        client.submit(Calls.decline(offers, refuse: .zero)) { _ in }
    }

    /// Launches one more task, from the next offers.
    func launch(_ task: WantedTask) {
        state.withLock { $0.waiting.append(task) }
        handBack()
    }

    /// Does something with the next offer for which `plan` finds something to do.
    func perform(_ plan: @escaping @Sendable (V1Offer) -> [V1Offer.Operation]) {
        state.withLock { $0.plan = plan }
        handBack()
    }

    private func handle(_ event: SchedulerEvent) {
        switch event {
        case .subscribed: state.withLock { $0.kept = [:] }
        case .disconnected, .refused: break
        case .event(let event):
            switch event.type {
            case .offers: for offer in event.offers.offers { use(offer) }
            case .rescind: state.withLock { $0.kept[OfferID(event.rescind.offerID.value)] = nil }
            case .update:
                let status = event.update.status
                state.withLock { $0.updates[TaskID(status.taskID.value), default: []].append(status) }
                if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
            default: break
            }
        }
    }

    private func use(_ offer: V1Offer) {
        if let operations = state.withLock({ $0.plan })?(offer), !operations.isEmpty {
            state.withLock { $0.plan = nil }
            client.submit(Calls.accept([OfferID(offer.id.value)], operations, refuse: .zero)) { _ in }
            return
        }
        let tasks = state.withLock { state -> [WantedTask] in
            let tasks = Array(state.waiting.prefix(launchesMax))
            state.waiting.removeFirst(tasks.count)
            if tasks.isEmpty { state.kept[OfferID(offer.id.value)] = offer }
            return tasks
        }
        guard !tasks.isEmpty else { return }
        let operations = tasks.flatMap(\.before) + [Calls.launch(tasks.map { $0.info(on: offer) })]
        client.submit(Calls.accept([OfferID(offer.id.value)], operations, refuse: .zero)) { _ in }
        if isContent, state.withLock({ $0.waiting.isEmpty }) { client.submit(Calls.suppress([])) { _ in } }
    }
}

extension WantedTask {
    fileprivate func info(on offer: V1Offer) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.name = id.value
        info.taskID = V1TaskID(id)
        info.agentID = offer.agentID
        info.resources =
            [("cpus", cpus), ("mem", memory)].map { name, value in
                var resource = V1Resource()
                resource.name = name
                resource.type = .scalar
                resource.scalar.value = value
                if offer.hasAllocationInfo { resource.allocationInfo = offer.allocationInfo }
                return resource
            } + extra
        info.command.shell = true
        info.command.value = command
        if let image {
            info.container.type = .docker
            info.container.docker.image = image
            info.container.docker.network = .host
        }
        return info
    }
}
