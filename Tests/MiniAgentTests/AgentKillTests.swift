// Kills: early, late, repeated, and ones that do not work at first.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct AgentKillTests {
    private let key = AgentConversation.key("t1")

    private func registered() -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        return agent
    }

    @Test func `a kill before the task is on disk ends it before anything is prepared`() {
        var agent = registered()
        agent.holdsDisk = true
        agent.launch("t1")
        #expect(agent.command(.killTask(key, grace: nil)).words == [])
        let effects = agent.flush()
        #expect(effects.words == ["write TASK_KILLED", "send TASK_KILLED", "release"])
        #expect(effects.sentUpdates[0].reason == .taskKilledDuringLaunch)
        #expect(effects.sentUpdates[0].message == "Killed before delivery to the executor")
    }

    @Test func `a kill during the pull cancels it and ends the task`() {
        var agent = registered()
        agent.launch("t1", docker: true)
        let container = agent.container("t1")
        #expect(
            agent.command(.killTask(key, grace: nil)).words == [
                "cancel", "write TASK_KILLED", "send TASK_KILLED", "release",
            ])
        #expect(agent.happen(.containerPrepared(container)).words == [], "too late: it must not start")
    }

    @Test func `a kill while TASK_STARTING goes to disk keeps the container from starting`() {
        var agent = registered()
        agent.launch("t1")
        agent.holdsDisk = true
        agent.happen(.containerPrepared(agent.container("t1")))
        agent.command(.killTask(key, grace: nil))
        #expect(!agent.flush().words.contains("start"))
        agent.acknowledgeAll("t1")
        #expect(agent.effects.sentStates == [.taskStarting, .taskKilled])
    }

    @Test func `a kill while the container is being started stops it as soon as it runs`() {
        var agent = registered()
        agent.launch("t1")
        agent.happen(.containerPrepared(agent.container("t1")))
        #expect(agent.command(.killTask(key, grace: .seconds(2))).words == ["write kill"])
        let effects = agent.happen(.containerStarted(agent.container("t1"), StartedContainer()))
        #expect(effects.words == ["stop container"])
    }

    @Test func `a running task is stopped with grace once the kill is on disk, and then is killed whatever its exit`() {
        var agent = registered()
        agent.run("t1")
        agent.holdsDisk = true
        #expect(agent.command(.killTask(key, grace: .seconds(2))).words == ["write kill"])
        #expect(agent.flush().contains { if case .stopContainer(_, .seconds(2)) = $0 { true } else { false } })
        agent.acknowledgeAll("t1")
        let end = agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(end.sentStates == [.taskKilled])
        #expect(end.sentUpdates[0].message == "Command exited with status 0")
    }

    @Test func `an operator ends a task as its framework would, with or without a master`() {
        var agent = registered()
        agent.run("t1")
        #expect(agent.happen(.killAsked(key)).words == ["write kill", "stop container"])
        let end = agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(end.words.contains("write TASK_KILLED"))
        #expect(agent.happen(.killAsked(AgentConversation.key("nobody"))).words == [])
    }

    @Test func `the grace comes from the kill, else from the task, else from the containerizer`() {
        var agent = registered()
        agent.run("t1", docker: true)
        agent.run("t2")
        var info = AgentConversation.info("t3")
        info.killPolicy.gracePeriod.nanoseconds = 7_000_000_000
        agent.command(.runTask(AgentConversation.frameworkInfo(), info))
        agent.happen(.containerPrepared(agent.container("t3")))
        agent.happen(.containerStarted(agent.container("t3"), StartedContainer()))
        func grace(_ name: String, _ asked: Duration? = nil) -> Duration? {
            let effects = agent.command(.killTask(AgentConversation.key(name), grace: asked))
            for case .stopContainer(_, let grace) in effects { return grace }
            return nil
        }
        #expect(grace("t1") == .seconds(5))
        #expect(grace("t2") == .seconds(3))
        #expect(grace("t3") == .seconds(7))
        agent.run("t4")
        #expect(grace("t4", .zero) == .zero)
    }

    @Test func `TASK_KILLING is sent to frameworks that know it`() {
        var agent = registered()
        agent.run("t1", capabilities: [.taskKillingState])
        agent.acknowledgeAll("t1")
        #expect(agent.command(.killTask(key, grace: nil)).sentStates == [.taskKilling])
    }

    @Test func `a repeated kill can bring the end closer but not put it off`() {
        var agent = registered()
        agent.run("t1")
        agent.command(.killTask(key, grace: .seconds(60)))
        #expect(agent.command(.killTask(key, grace: .seconds(90))).words == [])
        agent.pass(.seconds(10))
        #expect(agent.command(.killTask(key, grace: .seconds(1))).words == ["write kill", "stop container"])
        #expect(agent.disk.tasks[key]?.kill?.grace == .seconds(1), "also after a restart")
    }

    @Test func `a shorter grace asked for before the stop is what the stop gets`() {
        var agent = registered()
        agent.launch("t1")
        agent.happen(.containerPrepared(agent.container("t1")))
        agent.command(.killTask(key, grace: .seconds(60)))
        agent.command(.killTask(key, grace: .seconds(2)))
        agent.command(.killTask(key, grace: .seconds(30)))
        let effects = agent.happen(.containerStarted(agent.container("t1"), StartedContainer()))
        #expect(effects.contains { if case .stopContainer(_, .seconds(2)) = $0 { true } else { false } })
    }

    @Test func `a kill goes on after a restart with its grace as asked last`() {
        var agent = registered()
        agent.run("t1")
        agent.command(.killTask(key, grace: .seconds(60)))
        agent.command(.killTask(key, grace: .seconds(4)))
        let container = agent.container("t1")
        var next = AgentConversation(
            seed: 8,
            recovering: planRecovery(
                checkpoint: agent.disk, containers: .found([]),
                supervisors: .found([ObservedContainer(id: container, condition: .running)])))
        #expect(next.effects.contains { if case .stopContainer(_, .seconds(4)) = $0 { true } else { false } })
        let end = next.happen(.containerExited(container, .exited(status: 0)))
        #expect(end.writes.contains { if case .update(let update) = $0 { update.state == .taskKilled } else { false } })
    }

    @Test func `a container that outlives its grace is killed by force, again and again`() {
        var agent = registered()
        agent.run("t1")
        let effects = agent.command(.killTask(key, grace: .seconds(2)))
        #expect(
            effects.contains {
                $0 == .schedule(.repeatKill(agent.container("t1"), attempt: 1), after: .seconds(7))
            })
        #expect(agent.happen(.timerFired(.repeatKill(agent.container("t1"), attempt: 1))).words == ["kill container"])
        #expect(agent.happen(.timerFired(.repeatKill(agent.container("t1"), attempt: 1))).words == [])
        #expect(agent.happen(.timerFired(.repeatKill(agent.container("t1"), attempt: 2))).words == ["kill container"])
    }

    @Test func `a kill of a task nobody knows here is answered`() {
        var agent = registered()
        let effects = agent.command(.killTask(key, grace: nil))
        #expect(effects.sentStates == [.taskLost])
        #expect(effects.sentUpdates[0].message == "Cannot find executor")
    }

    @Test func `a kill after the end changes nothing`() {
        var agent = registered()
        agent.run("t1")
        agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(agent.command(.killTask(key, grace: nil)).words == [])
        agent.acknowledgeAll("t1")
        #expect(agent.effects.sentStates == [.taskStarting, .taskRunning, .taskFinished])
    }
}
