// An agent with a custom executor in a test: its tasks, its calls, and what it is told.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

extension AgentConversation {
    static let executor = ExecutorKey(framework: framework, executor: ExecutorID("e1"))

    static func executorInfo(_ name: String = "e1") -> V1ExecutorInfo {
        var info = V1ExecutorInfo()
        info.type = .custom
        info.executorID.value = name
        info.frameworkID.value = framework.value
        info.command.value = "./executor"
        info.resources = (try? Resources.parse("cpus:0.5;mem:32", defaultRole: .any))?.protobuf() ?? []
        return info
    }

    static func hosted(_ name: String, of executor: V1ExecutorInfo = executorInfo()) -> V1TaskInfo {
        var info = info(name)
        info.clearCommand()
        info.executor = executor
        return info
    }

    static func checkpointing(_ capabilities: [V1FrameworkInfo.Capability.TypeEnum] = []) -> V1FrameworkInfo {
        var info = frameworkInfo(capabilities)
        info.checkpoint = true
        return info
    }

    @discardableResult
    mutating func launchHosted(
        _ name: String, of executor: V1ExecutorInfo = executorInfo(), for framework: V1FrameworkInfo = checkpointing()
    ) -> [AgentEffect] {
        command(.runTask(framework, Self.hosted(name, of: executor)))
    }

    /// Launches a task and lets the disk take only so many of the writes that this leads to.
    mutating func launchHosted(_ name: String, onDisk count: Int) {
        holdsDisk = true
        launchHosted(name)
        for _ in 0..<count where !heldWrites.isEmpty {
            let write = heldWrites.removeFirst()
            disk.apply(write)
            happen(.checkpointed(write.token))
        }
    }

    var executorLife: ExecutorLife? { core.executors[Self.executor] }
    var executorContainer: ContainerID { executorLife?.record.container ?? ContainerID("none") }

    /// The container is prepared and runs.
    @discardableResult
    mutating func startExecutor() -> [AgentEffect] {
        happen(.containerPrepared(executorContainer))
            + happen(.containerStarted(executorContainer, StartedContainer(networks: [Self.network])))
    }

    static var network: V1NetworkInfo {
        var address = V1NetworkInfo.IPAddress()
        address.ipAddress = "10.0.0.7"
        var network = V1NetworkInfo()
        network.ipAddresses = [address]
        return network
    }

    @discardableResult
    mutating func subscribe(
        _ stream: UInt64 = 1, tasks: [String] = [], updates: [V1TaskStatus] = []
    ) -> [AgentEffect] {
        happen(
            .executorCalled(
                Self.executor,
                .subscribe(ExecutorStreamID(stream), tasks: tasks.map { TaskID($0) }, updates: updates)))
    }

    /// Launches a task and brings its executor to have it.
    mutating func runHosted(_ name: String = "t1", for framework: V1FrameworkInfo = checkpointing()) {
        launchHosted(name, for: framework)
        startExecutor()
        subscribe()
    }

    static func status(_ task: String, _ state: V1TaskState, _ number: UInt8 = 1) -> V1TaskStatus {
        var status = V1TaskStatus()
        status.taskID.value = task
        status.state = state
        status.source = .executor
        status.updateUUID = WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random()
        return status
    }

    @discardableResult
    mutating func say(_ task: String, _ state: V1TaskState, _ number: UInt8 = 1) -> [AgentEffect] {
        happen(.executorCalled(Self.executor, .update(Self.status(task, state, number))))
    }

    func hostedState(_ name: String) -> V1TaskState? { executorLife?.tasks[Self.key(name)]?.state }

    /// Acknowledges whatever the task's framework waits for.
    mutating func acknowledgeHosted(_ name: String) {
        while let head = executorLife?.tasks[Self.key(name)]?.stream.head {
            command(.acknowledge(Self.key(name), head.id))
        }
    }

    /// The agent ends and starts again on the same disk.
    mutating func restart(containers: Observation = .found([]), supervisors: Observation) {
        let disk = disk
        let plan = planRecovery(checkpoint: disk, containers: containers, supervisors: supervisors)
        let stopped = now
        self = AgentConversation(seed: 8, recovering: plan)
        self.disk = disk
        now = stopped
    }

    /// The restarted agent finds the executor's container in this condition.
    mutating func restart(finding condition: ObservedContainer.Condition?) {
        let container = executorContainer
        restart(supervisors: .found(condition.map { [ObservedContainer(id: container, condition: $0)] } ?? []))
    }

    /// The last deadline that was set for the executor passes.
    @discardableResult
    mutating func missDeadline() -> [AgentEffect] {
        let timers = effects.compactMap { effect -> AgentTimer? in
            if case .schedule(.executorDeadline(let container, let attempt), _) = effect {
                return .executorDeadline(container, attempt: attempt)
            }
            return nil
        }
        return timers.last.map { happen(.timerFired($0)) } ?? []
    }

    @discardableResult
    mutating func missKill() -> [AgentEffect] {
        let timers = effects.compactMap { effect -> AgentTimer? in
            if case .schedule(.executorKill(let container, let attempt), _) = effect {
                return .executorKill(container, attempt: attempt)
            }
            return nil
        }
        return timers.last.map { happen(.timerFired($0)) } ?? []
    }
}

extension ExecutorEvent {
    var word: String {
        switch self {
        case .subscribed: "SUBSCRIBED"
        case .launch(let task): "LAUNCH \(task.taskID.value)"
        case .launchGroup(let tasks): "LAUNCH_GROUP \(tasks.map(\.taskID.value).joined(separator: ","))"
        case .kill(let task, _): "KILL \(task)"
        case .acknowledged(let task, _): "ACKNOWLEDGED \(task)"
        case .message: "MESSAGE"
        case .shutdown: "SHUTDOWN"
        }
    }
}

extension [AgentEffect] {
    /// With what statuses executors are said to have ended.
    var exitStatuses: [Int32] {
        compactMap { effect in
            guard case .send(_, .executorExited(_, _, let status)) = effect else { return nil }
            return status
        }
    }

    /// What an executor is told, in order.
    var told: [ExecutorEvent] {
        compactMap { effect in
            guard case .tellExecutor(_, let event) = effect else { return nil }
            return event
        }
    }
}
