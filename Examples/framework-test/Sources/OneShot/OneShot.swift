// A small framework: it runs shell commands, each one until it has ended by itself, wherever there is room.

import Logging
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// Runs shell commands on a cluster, each one once; one that is lost with its agent is run again.
public actor OneShot {
    /// How a command ended.
    public enum Outcome: Hashable, Sendable {
        case finished
        case failed(message: String)
    }

    private let client: SchedulerClient
    private var waiting: [Int]
    private let commands: [String]
    /// Which command a task runs. A task's id is never used twice.
    private var running: [String: Int] = [:]
    private var attempts = 0
    private var outcomes: [Int: Outcome] = [:]

    /// - Parameter master: `zk://host:port,.../path` or `host:port`.
    public init(commands: [String], master: String) throws {
        var framework = V1FrameworkInfo()
        framework.user = "root"
        framework.name = "one shot"
        framework.roles = ["*"]
        // Tasks outlive a restart of their agent, and an absence of this framework of a minute.
        framework.checkpoint = true
        framework.failoverTimeout = 60
        for capability in [V1FrameworkInfo.Capability.TypeEnum.multiRole, .partitionAware] {
            var entry = V1FrameworkInfo.Capability()
            entry.type = capability
            framework.capabilities.append(entry)
        }
        var logger = Logger(label: "one shot")
        logger.logLevel = .warning
        client = SchedulerClient(
            .init(master: try MasterLocation.parse(master), framework: framework), logger: logger)
        self.commands = commands
        waiting = Array(commands.indices)
    }

    /// Runs until every command has ended.
    ///
    /// - Returns: How they ended, in their order.
    public func run() async -> [Outcome] {
        let subscription = Task { [client] in await client.run() }
        for await event in client.events {
            if case .event(let event) = event { handle(event) }
            if outcomes.count == commands.count { break }
        }
        try? await client.teardown()
        client.stop()
        await subscription.value
        return commands.indices.map { outcomes[$0] ?? .failed(message: "the master refused the framework") }
    }

    private func handle(_ event: V1SchedulerEvent) {
        switch event.type {
        case .offers: for offer in event.offers.offers { use(offer) }
        case .update: learn(event.update.status)
        default: break
        }
    }

    /// One command for each offer spreads them over the agents.
    private func use(_ offer: V1Offer) {
        let id = OfferID(offer.id.value)
        guard let next = waiting.first else { return client.submit(Calls.decline([id], refuse: .seconds(1))) { _ in } }
        waiting.removeFirst()
        attempts += 1
        var task = V1TaskInfo()
        task.name = "command \(next)"
        task.taskID.value = "one-shot-\(attempts)"
        task.agentID = offer.agentID
        task.command.shell = true
        task.command.value = commands[next]
        task.resources = [("cpus", 0.1), ("mem", 32)].map { name, value in
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            if offer.hasAllocationInfo { resource.allocationInfo = offer.allocationInfo }
            return resource
        }
        running[task.taskID.value] = next
        client.submit(Calls.accept([id], [Calls.launch([task])], refuse: .zero)) { _ in }
    }

    private func learn(_ status: V1TaskStatus) {
        if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
        let task = status.taskID.value
        guard let command = running[task] else { return }
        switch status.state {
        case .taskFinished: outcomes[command] = .finished
        case .taskFailed, .taskError, .taskKilled: outcomes[command] = .failed(message: status.message)
        // Its agent is gone, or never had it.
        case .taskGone, .taskGoneByOperator, .taskDropped, .taskLost: waiting.append(command)
        default: return
        }
        running[task] = nil
    }
}
