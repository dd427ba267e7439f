// Conversations with a whole agent: tasks from launch to acknowledged end.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct AgentCoreTests {
    @Test func `a task lives from launch to its acknowledged end`() {
        var agent = AgentConversation()
        agent.register()
        #expect(agent.launch("t1").words == ["write framework", "write task", "prepare"])
        #expect(
            agent.happen(.containerPrepared(agent.container("t1"))).words == [
                "write TASK_STARTING", "send TASK_STARTING", "start",
            ])
        agent.acknowledgeAll("t1")
        #expect(
            agent.happen(.containerStarted(agent.container("t1"), StartedContainer())).words == [
                "write TASK_RUNNING", "send TASK_RUNNING",
            ])
        agent.acknowledgeAll("t1")
        #expect(agent.core.used["cpus"] == Scalar(milli: 1000))
        let end = agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(end.words == ["write TASK_FINISHED", "send TASK_FINISHED", "release"])
        #expect(end.sentUpdates[0].message == "Command exited with status 0")
        #expect(agent.core.used.isEmpty)
        agent.acknowledgeAll("t1")
        #expect(agent.core.tasks.isEmpty)
        #expect(agent.core.completed.count == 1)
        #expect(agent.disk.tasks.isEmpty)
    }

    @Test func `so many ended tasks of a framework are remembered, the newest ones`() {
        var settings = AgentConversation.settings
        settings.completedExecutorsMax = 2
        var agent = AgentConversation(settings: settings)
        agent.register()
        for name in ["t1", "t2", "t3"] {
            agent.run(name)
            agent.acknowledgeAll(name)
            agent.happen(.containerExited(agent.container(name), .exited(status: 0)))
            agent.acknowledgeAll(name)
        }
        #expect(agent.core.tasks.isEmpty)
        #expect(agent.core.completed.map(\.record.key) == ["t2", "t3"].map { AgentConversation.key($0) })
    }

    @Test func `nothing is done for a task before it is on disk`() {
        var agent = AgentConversation()
        agent.register()
        agent.holdsDisk = true
        #expect(agent.launch("t1").words == ["write framework", "write task"])
        #expect(agent.flush().words == ["prepare"])
    }

    @Test func `no container starts before TASK_STARTING is on disk`() {
        var agent = AgentConversation()
        agent.register()
        agent.launch("t1")
        agent.holdsDisk = true
        #expect(agent.happen(.containerPrepared(agent.container("t1"))).words == ["write TASK_STARTING"])
        #expect(agent.flush().words == ["send TASK_STARTING", "start"])
    }

    @Test func `a container is kept until its task's end is on disk`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.holdsDisk = true
        #expect(
            agent.happen(.containerExited(agent.container("t1"), .exited(status: 1))).words == ["write TASK_FAILED"])
        #expect(agent.flush().words == ["release"], "the update itself waits for the acknowledgement of TASK_STARTING")
    }

    @Test(arguments: [
        (ContainerExit.exited(status: 0), V1TaskState.taskFinished, "Container exited with status 0"),
        (.exited(status: 3), .taskFailed, "Container exited with status 3"),
        (
            .signaled(signal: 11, coreDumped: true), .taskFailed,
            "Container terminated with signal Segmentation fault (core dumped)"
        ),
        (.memoryLimitExceeded(message: "Memory limit exceeded"), .taskFailed, "Memory limit exceeded"),
        (.unknown("its container is gone"), .taskFailed, "Failed to get exit status: its container is gone"),
    ])
    func `an exit becomes the state and message that Mesos gives it`(
        exit: ContainerExit, state: V1TaskState, message: String
    ) {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1", docker: true)
        agent.acknowledgeAll("t1")
        let update = agent.happen(.containerExited(agent.container("t1"), exit)).sentUpdates.first
        #expect(update?.state == state)
        #expect(update?.message == message)
        if case .memoryLimitExceeded = exit {
            #expect(update?.reason == .containerLimitationMemory)
            #expect(update?.limitation?["mem"] == Scalar(milli: 128_000))
        }
    }

    @Test func `a failed preparation ends the task with the engine's reason`() {
        var agent = AgentConversation()
        agent.register()
        agent.launch("t1", docker: true)
        let update = agent.happen(
            .containerFailed(agent.container("t1"), .preparation("Failed to pull Docker image 'x': no such image"))
        ).sentUpdates.first
        #expect(update?.state == .taskFailed)
        #expect(update?.reason == .containerLaunchFailed)
        #expect(update?.source == .agent)
        #expect(update?.message == "Failed to launch container: Failed to pull Docker image 'x': no such image")
    }

    @Test func `a task this agent cannot run is refused with an update that is kept until acknowledged`() {
        var settings = AgentConversation.settings
        settings.containerizers = [.process]
        var agent = AgentConversation(settings: settings)
        agent.register()
        let effects = agent.launch("t1", docker: true)
        #expect(effects.words == ["write framework", "write task", "write TASK_FAILED", "send TASK_FAILED", "release"])
        #expect(effects.sentUpdates.first?.message?.contains("none of the enabled containerizers (process)") == true)
    }

    @Test func `a launch that comes twice runs once`() {
        var agent = AgentConversation()
        agent.register()
        agent.launch("t1")
        #expect(agent.launch("t1").words == [])
    }

    @Test func `a task meant for another agent is ignored`() {
        var agent = AgentConversation()
        agent.register()
        var info = AgentConversation.info("t1")
        info.agentID.value = "somebody-else"
        #expect(agent.command(.runTask(AgentConversation.frameworkInfo(), info)).words == [])
        #expect(agent.core.tasks.isEmpty)
    }

    @Test func `an id that cannot be a directory name is refused without touching the disk`() {
        var agent = AgentConversation()
        agent.register()
        for name in ["..", "a/b", "", String(repeating: "x", count: 256), "a\u{7}"] {
            let effects = agent.launch(name)
            #expect(effects.words == ["send TASK_ERROR"], "\(name)")
        }
    }

    @Test func `tasks the master lists and the agent does not know are answered, and the end of the list is said`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1", capabilities: [.partitionAware])
        let effects = agent.command(.reconcile([AgentConversation.key("t1"), AgentConversation.key("gone")]))
        #expect(effects.words == ["send TASK_DROPPED", "reconciled"])
        #expect(effects.sentUpdates[0].reason == .reconciliation)
        let other = TaskKey(framework: FrameworkID("unknown"), task: TaskID("gone"))
        #expect(agent.command(.reconcile([other])).sentStates == [.taskLost])
    }

    @Test func `updates wait while there is no master and are sent when there is one again`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.happen(.linkLost(agent.openLink, reason: "gone"))
        #expect(agent.happen(.containerExited(agent.container("t1"), .exited(status: 0))).sentStates == [])
        #expect(agent.register().sentStates == [.taskStarting], "in order: the first was never acknowledged")
        agent.acknowledgeAll("t1")
        #expect(agent.effects.sentStates.last == .taskFinished)
    }

    @Test func `shutting a framework down ends its tasks and tells nobody`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.launch("t2")
        let effects = agent.command(.shutdownFramework(AgentConversation.framework))
        #expect(effects.words == ["write kill", "cancel", "release", "write retirement", "stop container"])
        let end = agent.happen(.containerExited(agent.container("t1"), .signaled(signal: 15, coreDumped: false)))
        #expect(end.words == ["release", "write retirement"])
        #expect(agent.core.tasks.isEmpty)
        #expect(agent.core.frameworks.isEmpty)
    }

    @Test func `a framework's new description replaces the old one on disk`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        var info = AgentConversation.frameworkInfo()
        info.name = "renamed"
        agent.acknowledgeAll("t1")
        #expect(agent.command(.updateFramework(info)).words == ["write framework"])
        #expect(agent.disk.frameworks[AgentConversation.framework]?.name == "renamed")
        #expect(agent.command(.updateFramework(info)).words == [])
    }
}
