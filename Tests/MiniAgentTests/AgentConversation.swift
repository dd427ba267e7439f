// An agent's core in a test: a disk that confirms at once, a clock that moves when told, and words for what a test checks.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

/// Drives one core. Checkpoints are confirmed at once unless `holdsDisk`, and each is applied to `disk` first.
struct AgentConversation {
    var core: AgentCore
    var disk = AgentCheckpoint()
    var now = Moment(instant: .zero, wall: WallTime(nanoseconds: 1_800_000_000_000_000_000))
    var holdsDisk = false
    var heldWrites: [CheckpointWrite] = []
    /// Every effect so far, checkpoints included.
    var effects: [AgentEffect] = []

    static let agentID = AgentID("a1")
    static let framework = FrameworkID("f1")
    static let master = MasterAddress(id: "m1", url: "http://10.0.0.1:5050", hostname: "m1")

    init(settings: AgentSettings = Self.settings, seed: UInt64 = 7, recovering plan: RecoveryPlan = RecoveryPlan()) {
        core = AgentCore(settings: settings, seed: seed)
        happen(.recovered(plan))
    }

    static var settings: AgentSettings {
        AgentSettings(
            resources: (try? Resources.parse("cpus:4;mem:4096;ports:[31000-32000]", defaultRole: .any)) ?? Resources(),
            containerizers: [.docker, .process])
    }

    /// - Returns: The effects of this event and of the checkpoints it led to.
    @discardableResult
    mutating func happen(_ event: AgentEvent) -> [AgentEffect] {
        var all: [AgentEffect] = []
        var pending = core.step(event, at: now)
        while !pending.isEmpty {
            let effect = pending.removeFirst()
            all.append(effect)
            guard case .checkpoint(let write) = effect else { continue }
            if holdsDisk {
                heldWrites.append(write)
            } else {
                disk.apply(write)
                pending += core.step(.checkpointed(write.token), at: now)
            }
        }
        effects += all
        return all
    }

    /// The disk takes what it was given, oldest first.
    @discardableResult
    mutating func flush() -> [AgentEffect] {
        holdsDisk = false
        let writes = heldWrites
        heldWrites = []
        return writes.flatMap { write in
            disk.apply(write)
            return happen(.checkpointed(write.token))
        }
    }

    mutating func pass(_ duration: Duration) { now = now.advanced(by: duration) }

    /// Detects a master and registers with it.
    @discardableResult
    mutating func register(with master: MasterAddress = Self.master) -> [AgentEffect] {
        happen(.masterDetected(master))
        let link = openLink
        happen(.timerFired(.register(link)))
        return command(
            .registered(RegistrationGrant(agent: Self.agentID, pingInterval: .seconds(15), pingMissesMax: 5)))
    }

    var openLink: LinkID {
        switch core.link.phase {
        case .detached: LinkID(0)
        case .waiting(_, let link), .registering(_, let link), .recordingIdentity(_, let link, _),
            .registered(_, let link, _, _):
            link
        }
    }

    @discardableResult
    mutating func command(_ command: MasterCommand) -> [AgentEffect] { happen(.commandReceived(openLink, command)) }

    // MARK: Tasks

    static func info(_ name: String, docker: Bool = false) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.name = name
        info.taskID.value = name
        info.agentID.value = agentID.value
        info.command.value = "sleep 100"
        info.resources = (try? Resources.parse("cpus:1;mem:128", defaultRole: .any))?.protobuf() ?? []
        if docker {
            info.container.type = .docker
            info.container.docker.image = "busybox"
        }
        return info
    }

    static func frameworkInfo(_ capabilities: [V1FrameworkInfo.Capability.TypeEnum] = []) -> V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.id.value = framework.value
        info.user = "root"
        info.name = "test"
        info.capabilities = capabilities.map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        return info
    }

    static func key(_ name: String) -> TaskKey { TaskKey(framework: framework, task: TaskID(name)) }

    @discardableResult
    mutating func launch(
        _ name: String, docker: Bool = false, capabilities: [V1FrameworkInfo.Capability.TypeEnum] = []
    ) -> [AgentEffect] {
        command(.runTask(Self.frameworkInfo(capabilities), Self.info(name, docker: docker)))
    }

    /// Launches a task and brings it to TASK_RUNNING.
    mutating func run(
        _ name: String, docker: Bool = false, capabilities: [V1FrameworkInfo.Capability.TypeEnum] = []
    ) {
        launch(name, docker: docker, capabilities: capabilities)
        happen(.containerPrepared(container(name)))
        happen(.containerStarted(container(name), StartedContainer()))
    }

    func container(_ name: String) -> ContainerID {
        core.tasks[Self.key(name)]?.record.container ?? ContainerID("none")
    }

    func state(_ name: String) -> V1TaskState? { core.tasks[Self.key(name)]?.state }

    /// Acknowledges whatever the task waits for, until nothing is pending.
    mutating func acknowledgeAll(_ name: String) {
        while let head = core.tasks[Self.key(name)]?.stream.head {
            command(.acknowledge(Self.key(name), head.id))
        }
    }
}

extension [AgentEffect] {
    /// The updates among the calls to the master.
    var sentUpdates: [StatusUpdate] {
        compactMap { effect in
            guard case .send(_, .update(let update, _)) = effect else { return nil }
            return update
        }
    }

    var sentStates: [V1TaskState] { sentUpdates.map(\.state) }

    var writes: [CheckpointWrite] {
        compactMap { effect in
            guard case .checkpoint(let write) = effect else { return nil }
            return write
        }
    }

    /// A short word for each effect, to check order with.
    var words: [String] {
        compactMap { effect in
            switch effect {
            case .checkpoint(.agent): "write agent"
            case .checkpoint(.cluster): "write cluster"
            case .checkpoint(.drain): "write drain"
            case .checkpoint(.framework): "write framework"
            case .checkpoint(.task): "write task"
            case .checkpoint(.update(let update)): "write \(update.state.name)"
            case .checkpoint(.acknowledgement): "write ack"
            case .checkpoint(.kill): "write kill"
            case .checkpoint(.retirement): "write retirement"
            case .checkpoint(.resources): "write resources"
            case .checkpoint(.executor): "write executor"
            case .checkpoint(.executorStep(_, _, let step)): "write \(step.rawValue)"
            case .checkpoint(.subscription): "write subscribed"
            case .checkpoint(.delivery): "write delivery"
            case .checkpoint(.executorRetirement): "write executor retirement"
            case .tellExecutor(_, let event): "tell \(event.word)"
            case .closeExecutorStream(let id): "close stream \(id.number)"
            case .register: "register"
            case .closeLink: "close"
            case .send(_, .update(let update, _)): "send \(update.state.name)"
            case .send(_, .pong): "pong"
            case .send(_, .tasksReconciled): "reconciled"
            case .send(_, .unregister): "unregister"
            case .send(_, .operation(let operation)): "send \(operation.status.state.name)"
            case .send(_, .executorExited): "executor exited"
            case .send(_, .message): "send message"
            case .prepareContainer: "prepare"
            case .cancelPreparation: "cancel"
            case .startContainer: "start"
            case .reattachContainer: "reattach"
            case .stopContainer: "stop container"
            case .killContainer: "kill container"
            case .releaseContainer: "release"
            case .runCheck(let run): "run \(run.id.purpose) check"
            case .endChecks: "end checks"
            case .closeGroupNetwork: "close network"
            case .removeOrphan: "remove orphan"
            case .stop: "stop agent"
            case .schedule, .updateContainer, .notice: nil
            }
        }
    }
}
