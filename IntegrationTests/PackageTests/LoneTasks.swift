// A framework that runs shell tasks on named hosts and remembers every update of them.

import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// Tasks, each of which goes to the host it names.
final class LoneTasks: Sendable {
    struct Wanted: Sendable {
        var id: TaskID
        var hostPort: Int
        var command: String
    }

    private struct State {
        var waiting: [Wanted]
        var updates: [TaskID: [V1TaskStatus]] = [:]
    }

    private let client: SchedulerClient
    private let state: Locked<State>

    init(zooKeeper: String, tasks: [Wanted]) throws {
        var framework = V1FrameworkInfo()
        framework.user = "root"
        framework.name = "package test"
        framework.roles = ["*"]
        framework.checkpoint = true
        framework.failoverTimeout = 600
        let capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [.multiRole, .partitionAware]
        framework.capabilities = capabilities.map {
            var capability = V1FrameworkInfo.Capability()
            capability.type = $0
            return capability
        }
        var logger = Logger(label: "package test")
        logger.logLevel = .critical
        client = SchedulerClient(
            .init(master: try MasterLocation.parse(zooKeeper), framework: framework), logger: logger)
        state = Locked(State(waiting: tasks))
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

    /// The states of a task in the order of arrival, repetitions included.
    func states(of task: TaskID) -> [V1TaskState] { state.withLock { $0.updates[task] ?? [] }.map(\.state) }

    func updates(of task: TaskID) -> [V1TaskStatus] { state.withLock { $0.updates[task] ?? [] } }

    private func handle(_ event: SchedulerEvent) {
        guard case .event(let event) = event else { return }
        switch event.type {
        case .offers: for offer in event.offers.offers { use(offer) }
        case .update:
            let status = event.update.status
            state.withLock { $0.updates[TaskID(status.taskID.value), default: []].append(status) }
            if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
        default: break
        }
    }

    private func use(_ offer: V1Offer) {
        let tasks = state.withLock { state -> [Wanted] in
            let fitting = state.waiting.filter { $0.hostPort == Int(offer.url.address.port) }
            state.waiting.removeAll { $0.hostPort == Int(offer.url.address.port) }
            return fitting
        }
        let id = OfferID(offer.id.value)
        guard !tasks.isEmpty else { return client.submit(Calls.decline([id], refuse: .seconds(1))) { _ in } }
        let infos = tasks.map { task in
            var info = V1TaskInfo()
            info.name = task.id.value
            info.taskID = V1TaskID(task.id)
            info.agentID = offer.agentID
            info.resources = [("cpus", 0.1), ("mem", 32)].map { name, value in
                var resource = V1Resource()
                resource.name = name
                resource.type = .scalar
                resource.scalar.value = value
                if offer.hasAllocationInfo { resource.allocationInfo = offer.allocationInfo }
                return resource
            }
            info.command.shell = true
            info.command.value = task.command
            return info
        }
        client.submit(Calls.accept([id], [Calls.launch(infos)], refuse: .zero)) { _ in }
    }
}
