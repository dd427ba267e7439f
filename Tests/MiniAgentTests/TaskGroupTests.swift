// Task groups: in together or not at all, out together unless they end well, under an executor that is only an account.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

extension AgentConversation {
    static func executor(_ name: String = "e1") -> V1ExecutorInfo {
        var executor = V1ExecutorInfo()
        executor.type = .default
        executor.executorID.value = name
        executor.frameworkID.value = framework.value
        executor.resources = (try? Resources.parse("cpus:0.1;mem:32;disk:10", defaultRole: .any))?.protobuf() ?? []
        return executor
    }

    @discardableResult
    mutating func launchGroup(
        _ names: [String], under executor: V1ExecutorInfo = Self.executor(),
        capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [], _ change: (inout V1TaskInfo) -> Void = { _ in }
    ) -> [AgentEffect] {
        let infos = names.map { name in
            var info = Self.info(name)
            change(&info)
            return info
        }
        return command(.runTaskGroup(Self.frameworkInfo(capabilities), executor, infos))
    }

    /// Launches a group and brings all of it to TASK_RUNNING.
    mutating func runGroup(_ names: [String], under executor: V1ExecutorInfo = Self.executor()) {
        launchGroup(names, under: executor)
        for name in names { happen(.containerPrepared(container(name))) }
        for name in names { happen(.containerStarted(container(name), StartedContainer())) }
    }

    @discardableResult
    mutating func exit(_ name: String, _ status: Int) -> [AgentEffect] {
        happen(.containerExited(container(name), .exited(status: status)))
    }

    /// The agent of a new life on the same disk, as the containers are found.
    func restarted(_ running: [String]) -> AgentConversation {
        let found = running.map { ObservedContainer(id: container($0), condition: .running) }
        var next = AgentConversation(
            seed: 9,
            recovering: planRecovery(checkpoint: disk, containers: .found([]), supervisors: .found(found)))
        next.disk = disk
        for case .checkpoint(let write) in next.effects { next.disk.apply(write) }
        return next
    }
}

struct TaskGroupTests {
    private func registered() -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        return agent
    }

    private func killed(_ effects: [AgentEffect]) -> Set<ContainerID> {
        Set(effects.compactMap { if case .stopContainer(let container, _) = $0 { container.id } else { nil } })
    }

    // MARK: In

    @Test func `nothing is prepared before the last task of the group is on disk`() {
        var agent = registered()
        agent.holdsDisk = true
        agent.launchGroup(["t1", "t2", "t3"])
        let writes = agent.heldWrites
        #expect(writes.count == 4, "the framework and three tasks")
        agent.holdsDisk = false
        agent.heldWrites = []
        var prepared: [Int] = []
        for write in writes {
            agent.disk.apply(write)
            prepared.append(agent.happen(.checkpointed(write.token)).words.count { $0 == "prepare" })
        }
        #expect(prepared == [0, 0, 0, 3])
    }

    @Test func `each task has a container of its own, below that of the executor`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        let updates = agent.effects.sentUpdates
        #expect(Set(updates.map(\.container)).count == 2)
        #expect(Set(updates.map(\.parent)).count == 1)
        #expect(updates.allSatisfy { $0.parent != nil && $0.executor == ExecutorID("e1") })
        let status = updates[0].status(agent: AgentConversation.agentID)
        #expect(StatusUpdate(status, framework: AgentConversation.framework)?.parent == updates[0].parent)
    }

    @Test func `what one task cannot have, no task of its group gets`() {
        var agent = registered()
        var number = 0
        agent.launchGroup(["t1", "t2"]) { info in
            number += 1
            if number == 2 { info.resources = [V1Resource()] }
        }
        let ends = agent.effects.sentUpdates
        #expect(ends.map(\.state) == [.taskError, .taskError])
        #expect(Set(ends.map(\.message)).count == 1)
        #expect(!agent.effects.words.contains("prepare"))
    }

    @Test func `a group that cannot be taken in at all is answered task by task, and the executor never was`() {
        var agent = registered()
        agent.run("other")
        var drain = V1DrainConfig()
        drain.markGone = false
        agent.command(.drain(drain))
        let effects = agent.launchGroup(["t1", "t2"])
        #expect(effects.sentUpdates.map(\.reason) == [.agentDraining, .agentDraining])
        #expect(effects.words.last == "executor exited")
    }

    @Test func `while the engine is stalled a group with one container is not taken in`() {
        var agent = registered()
        agent.happen(.engineStalled("no answer"))
        var number = 0
        agent.launchGroup(["t1", "t2"]) { info in
            number += 1
            guard number == 2 else { return }
            info.container.type = .mesos
            info.container.mesos.image.docker.name = "busybox"
        }
        #expect(agent.effects.sentUpdates.map(\.message) == ["Engine stalled: no answer", "Engine stalled: no answer"])
        #expect(agent.core.tasks.isEmpty)
    }

    @Test func `a kill before the start ends the whole group before anything runs`() {
        var agent = registered()
        agent.launchGroup(["t1", "t2"])
        let effects = agent.command(.killTask(AgentConversation.key("t1"), grace: nil))
        #expect(effects.sentUpdates.map(\.state) == [.taskKilled, .taskKilled])
        #expect(
            effects.sentUpdates.allSatisfy {
                $0.message == "A task within the task group was killed before delivery to the executor"
                    && $0.reason == .taskKilledDuringLaunch
            })
    }

    // MARK: Out

    @Test func `a task that ends well leaves the others alone`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        #expect(killed(agent.exit("t1", 0)).isEmpty)
        #expect(agent.state("t2") == .taskRunning)
    }

    @Test func `a task that fails takes its group with it, and the others are killed`() {
        var agent = registered()
        agent.runGroup(["t1", "t2", "t3"])
        for name in ["t1", "t2", "t3"] { agent.acknowledgeAll(name) }
        let effects = agent.exit("t1", 7)
        #expect(effects.sentStates == [.taskFailed])
        #expect(killed(effects) == [agent.container("t2"), agent.container("t3")])
        let end = agent.happen(.containerExited(agent.container("t2"), .signaled(signal: 15, coreDumped: false)))
        #expect(end.sentStates == [.taskKilled])
        #expect(end.sentUpdates[0].message == "Command terminated with signal Terminated")
    }

    @Test func `a kill of one task ends its group once the task is killed`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        #expect(killed(agent.command(.killTask(AgentConversation.key("t1"), grace: .zero))) == [agent.container("t1")])
        #expect(killed(agent.exit("t1", 0)) == [agent.container("t2")])
    }

    @Test func `a failing health check ends the group`() {
        var agent = registered()
        agent.launchGroup(["t1", "t2"]) { info in
            if info.taskID.value == "t1" { info.healthCheck = .command(failures: 1) }
        }
        for name in ["t1", "t2"] { agent.happen(.containerPrepared(agent.container(name))) }
        for name in ["t1", "t2"] { agent.happen(.containerStarted(agent.container(name), StartedContainer())) }
        let id = CheckRun.ID(container: agent.container("t1"), purpose: .health, number: 1)
        agent.happen(.timerFired(.checkDue(id)))
        #expect(killed(agent.happen(.checkFinished(id, .exited(status: 1)))) == [agent.container("t1")])
        #expect(killed(agent.exit("t1", 0)) == [agent.container("t2")])
    }

    @Test func `another group of the same executor lives on`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        agent.runGroup(["t3", "t4"])
        #expect(Set(agent.effects.sentUpdates.map(\.parent)).count == 1, "one executor")
        #expect(killed(agent.exit("t1", 1)) == [agent.container("t2")])
        #expect(agent.core.defaultExecutors.count == 1)
    }

    // MARK: The executor

    @Test func `the executor holds its resources while it has tasks, and is over with its last one`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        agent.runGroup(["t3"])
        #expect(agent.core.used["cpus"] == Scalar(milli: 3100))
        for name in ["t1", "t2", "t3"] { agent.exit(name, 0) }
        for name in ["t1", "t2"] { agent.acknowledgeAll(name) }
        #expect(!agent.effects.words.contains("executor exited"))
        agent.acknowledgeAll("t3")
        let ends = agent.effects.filter {
            if case .send(_, .executorExited(AgentConversation.framework, ExecutorID("e1"), status: 0)) = $0 {
                true
            } else {
                false
            }
        }
        #expect(ends.count == 1)
        #expect(agent.core.used.isEmpty)
    }

    @Test func `a later group under the same name is a new executor`() {
        var agent = registered()
        agent.runGroup(["t1"])
        let first = agent.core.defaultExecutors
        agent.exit("t1", 0)
        agent.acknowledgeAll("t1")
        agent.runGroup(["t2"])
        #expect(agent.core.defaultExecutors.map(\.run) != first.map(\.run))
    }

    @Test func `SHUTDOWN of the executor ends all its tasks`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        agent.runGroup(["t3"])
        agent.runGroup(["t4"], under: AgentConversation.executor("e2"))
        let effects = agent.command(.shutdownExecutor(AgentConversation.framework, ExecutorID("e1")))
        #expect(killed(effects) == Set(["t1", "t2", "t3"].map { agent.container($0) }))
    }

    @Test func `an agent that registers names its default executors`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        agent.runGroup(["t3"], under: AgentConversation.executor("e2"))
        let effects = agent.register(with: MasterAddress(id: "m2", url: "http://10.0.0.2:5050"))
        let all = effects + agent.effects
        let registration = all.lazy.compactMap { effect -> Registration? in
            if case .register(_, _, let registration) = effect { registration } else { nil }
        }.last
        #expect(registration?.executors.map(\.info.executorID.value) == ["e1", "e2"])
    }

    // MARK: The network

    @Test func `what holds a group's network goes with the executor`() {
        var agent = registered()
        var executor = AgentConversation.executor()
        var network = V1NetworkInfo()
        network.name = "overlay"
        executor.container.networkInfos = [network]
        func withImage(_ info: inout V1TaskInfo) {
            info.container.type = .mesos
            info.container.mesos.image.docker.name = "busybox"
        }
        agent.launchGroup(["t1", "t2"], under: executor, withImage)
        for name in ["t1", "t2"] {
            agent.happen(.containerPrepared(agent.container(name)))
            agent.happen(.containerStarted(agent.container(name), StartedContainer()))
        }
        agent.exit("t1", 0)
        agent.acknowledgeAll("t1")
        #expect(!agent.effects.words.contains("close network"))
        agent.exit("t2", 0)
        agent.acknowledgeAll("t2")
        #expect(agent.effects.words.suffix(2) == ["close network", "executor exited"])

        agent.launchGroup(["t3"], under: executor)
        #expect(
            agent.effects.sentUpdates.last?.message
                == "A task without an image cannot be put on the network 'overlay' of its group")
        var mapping = V1NetworkInfo.PortMapping()
        mapping.hostPort = 80
        executor.container.networkInfos[0].portMappings = [mapping]
        agent.launchGroup(["t4"], under: executor, withImage)
        #expect(agent.effects.sentUpdates.last?.message == "Port [80] not included in resources")
    }

    @Test func `what holds a group's network is no orphan while the group has tasks`() {
        var agent = registered()
        agent.runGroup(["t1"])
        guard let run = agent.core.defaultExecutors.first?.run else { return }
        let plan = planRecovery(
            checkpoint: agent.disk, containers: .found([ObservedContainer(id: run, condition: .running)]),
            supervisors: .found([]))
        #expect(plan.orphans.isEmpty)
    }

    @Test func `the program that holds it is as small as a program can be`() {
        let program = SleeperProgram.executable(machine: 0x3E, code: [0x90])
        #expect(program.count == 121)
        #expect(SleeperProgram.archive(program).count == 512 * 4)
    }

    // MARK: Restart

    @Test func `a group goes on after a restart, still as a group`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        var next = agent.restarted(["t1", "t2"])
        #expect(next.core.defaultExecutors == agent.core.defaultExecutors)
        #expect(next.effects.words.count { $0 == "reattach" } == 2)
        next.register()
        #expect(killed(next.exit("t1", 3)) == [next.container("t2")])
    }

    @Test func `a group of which a part never reached the disk is not started`() {
        var agent = registered()
        agent.holdsDisk = true
        agent.launchGroup(["t1", "t2"])
        for write in agent.heldWrites.dropLast() { agent.disk.apply(write) }
        var next = agent.restarted([])
        next.register()
        #expect(!next.effects.words.contains("prepare"))
        #expect(next.effects.sentUpdates.map(\.state) == [.taskLost])
        #expect(next.effects.sentUpdates.map(\.reason) == [.agentRestarted])
    }

    @Test func `a task that was over before another was started is not missed after a restart`() {
        var agent = registered()
        agent.launchGroup(["t1", "t2"])
        agent.happen(.containerPrepared(agent.container("t1")))
        agent.happen(.containerStarted(agent.container("t1"), StartedContainer()))
        agent.exit("t1", 0)
        agent.acknowledgeAll("t1")
        #expect(agent.disk.tasks.count == 2, "the record of t1 is kept: t2 is still being prepared")
        // Even two restarts later.
        var next = agent.restarted([]).restarted([])
        #expect(next.effects.words.contains("prepare"))
        next.happen(.containerPrepared(next.container("t2")))
        #expect(next.effects.words.contains("start"))
        #expect(next.disk.tasks.count == 1)
    }

    @Test func `what a crash kept from being ended is ended after the restart`() {
        var agent = registered()
        agent.runGroup(["t1", "t2"])
        let before = agent.disk.tasks[AgentConversation.key("t2")]
        agent.exit("t1", 1)
        // The end of t1 is on disk, the kill of t2 is not.
        agent.disk.tasks[AgentConversation.key("t2")] = before
        let next = agent.restarted(["t2"])
        #expect(next.effects.words.contains("stop container"))
    }

    @Test func `the place in a group survives the disk`() {
        let membership = GroupMembership(
            group: WireUUID(bytes: Array(1...16)) ?? .random(), tasks: [TaskID("a b"), TaskID("ü")],
            executorRun: ContainerID("run"))
        #expect(GroupMembership(text: membership.text) == membership)
        #expect(GroupMembership(text: "nonsense") == nil)
        #expect(CheckpointRecord(CheckpointRecord.group(membership).encoded) == .group(membership))
    }
}
