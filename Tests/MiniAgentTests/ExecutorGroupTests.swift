// Groups of tasks for a custom executor: given to it at once, killed and lost together until then.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct ExecutorGroupTests {
    private func launching(_ names: [String] = ["t1", "t2"]) -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        launch(names, &agent)
        return agent
    }

    @discardableResult
    private func launch(_ names: [String], _ agent: inout AgentConversation) -> [AgentEffect] {
        agent.command(
            .runTaskGroup(
                AgentConversation.checkpointing(), AgentConversation.executorInfo(),
                names.map { name in
                    var info = AgentConversation.info(name)
                    info.clearCommand()
                    return info
                }))
    }

    @Test func `an executor is given a group at once, and its container is made for all of it`() throws {
        var agent = launching()
        let record = try #require(agent.executorLife?.record)
        #expect(try Resources(record.resources)["cpus"] == Scalar(milli: 2500))
        agent.startExecutor()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH_GROUP t1,t2"])
        #expect(launch(["t3"], &agent).told.map(\.word) == ["LAUNCH_GROUP t3"])
        #expect(agent.say("t2", .taskRunning).sentStates == [.taskRunning])
    }

    @Test func `a group waits for the last of its tasks to be on disk`() {
        var agent = launching(["t0"])
        agent.startExecutor()
        agent.subscribe(tasks: [])
        agent.holdsDisk = true
        launch(["t1", "t2"], &agent)
        let writes = agent.heldWrites
        agent.holdsDisk = false
        agent.heldWrites = []
        var told: [[String]] = []
        for write in writes {
            agent.disk.apply(write)
            told.append(agent.happen(.checkpointed(write.token)).told.map(\.word))
        }
        #expect(told == [[], ["LAUNCH_GROUP t1,t2"]])
    }

    @Test func `one task that is killed before delivery takes the others along`() throws {
        var agent = launching()
        let effects = agent.command(.killTask(AgentConversation.key("t2"), grace: nil))
        #expect(effects.sentStates == [.taskKilled, .taskKilled])
        let message = "A task within the task group was killed before delivery to the executor"
        #expect(effects.sentUpdates.allSatisfy { $0.message == message })
    }

    @Test(arguments: [false, true])
    func `a group that never arrived is dropped, or killed if a part of it was`(isKilled: Bool) {
        var agent = launching()
        agent.startExecutor()
        agent.subscribe()
        agent.restart(finding: .running)
        agent.register()
        if isKilled { agent.command(.killTask(AgentConversation.key("t1"), grace: nil)) }
        let effects = agent.subscribe()
        #expect(effects.sentStates == Array(repeating: isKilled ? .taskKilled : .taskLost, count: 2))
        #expect(effects.told.map(\.word).last == "SHUTDOWN")
    }

    @Test func `what an executor holds of a group goes on without the rest`() {
        var agent = launching()
        agent.startExecutor()
        agent.subscribe()
        let effects = agent.subscribe(2, tasks: ["t2"])
        #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
        #expect(effects.sentUpdates.map(\.key) == [AgentConversation.key("t1")])
        #expect(effects.sentStates == [.taskLost])
    }

    @Test func `a group of which a crash kept a part from the disk is not delivered`() {
        var agent = launching()
        agent.disk.tasks[AgentConversation.key("t2")] = nil
        agent.restart(finding: nil)
        agent.register()
        #expect(agent.effects.sentStates == [.taskLost])
        #expect(!agent.effects.words.contains("prepare"))
        agent.acknowledgeHosted("t1")
        #expect(agent.disk.tasks.isEmpty && agent.disk.executors.isEmpty)
    }

    @Test func `a group that came while its executor was away is given to it whole after a restart`() {
        for noted in [[], ["t1"], ["t2"]] {
            var agent = launching(["t0"])
            agent.startExecutor()
            agent.subscribe()
            agent.say("t0", .taskRunning)
            agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "broken"))
            launch(["t1", "t2"], &agent)
            // A crash may keep a part of the notes from the disk; then nothing was given.
            for name in noted {
                agent.disk.apply(.delivery(AgentConversation.key(name), agent.executorContainer))
            }
            agent.restart(finding: .running)
            agent.register()
            let effects = agent.subscribe()
            #expect(effects.told.map(\.word) == ["SUBSCRIBED", "LAUNCH_GROUP t1,t2"], "\(noted)")
            #expect(effects.sentUpdates.isEmpty, "\(noted)")
        }
    }

    @Test func `a group of which its executor has a part is not given to it`() {
        var agent = launching(["t0"])
        agent.startExecutor()
        agent.subscribe()
        agent.say("t0", .taskRunning)
        agent.restart(finding: .running)
        agent.register()
        launch(["t1", "t2"], &agent)
        let effects = agent.subscribe(1, tasks: ["t2"])
        #expect(effects.told.map(\.word) == ["SUBSCRIBED"])
        #expect(effects.sentUpdates.map(\.key) == [AgentConversation.key("t1")])
        #expect(effects.sentStates == [.taskLost])
    }

    @Test func `what one task cannot have, no task of the group gets`() {
        var agent = AgentConversation()
        agent.register()
        var bad = AgentConversation.info("t2")
        bad.resources = [V1Resource()]
        agent.command(
            .runTaskGroup(
                AgentConversation.checkpointing(), AgentConversation.executorInfo(),
                [AgentConversation.info("t1"), bad]))
        #expect(agent.effects.sentStates == [.taskError, .taskError])
        #expect(agent.core.executors.isEmpty)
    }

    @Test func `the resources of a group count once`() {
        let agent = launching()
        #expect(agent.disk.resourcesInUse["cpus"] == Scalar(milli: 2500))
    }
}
