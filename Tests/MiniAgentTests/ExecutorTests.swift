// Custom executors while their agent lives: launch, subscription, updates, kills and the end.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct ExecutorTests {
    private func registered() -> AgentConversation {
        var agent = AgentConversation()
        agent.register()
        return agent
    }

    private func running() -> AgentConversation {
        var agent = registered()
        agent.runHosted()
        return agent
    }

    // MARK: Launch and subscription

    @Test func `the first task brings its executor, and both are on disk before anything is prepared`() {
        var agent = registered()
        #expect(agent.launchHosted("t1").words == ["write framework", "write executor", "write task", "prepare"])
        #expect(agent.happen(.containerPrepared(agent.executorContainer)).words == ["write starting", "start"])
        #expect(agent.executorLife?.phase == .registering)
    }

    @Test func `the executor's container is described by the executor, not by the task`() throws {
        var agent = registered()
        let prepared = agent.launchHosted("t1").compactMap { effect -> TaskRecord? in
            if case .prepareContainer(let record, _) = effect { record } else { nil }
        }
        let record = try #require(prepared.first)
        #expect(record.isExecutorContainer)
        #expect(record.info.command.value == "./executor")
        #expect(try Resources(record.info.resources)["cpus"] == Scalar(milli: 1500))
    }

    @Test func `an executor that subscribes hears who it is and then of its task, once that is on disk`() {
        var agent = registered()
        agent.launchHosted("t1")
        agent.startExecutor()
        agent.holdsDisk = true
        #expect(agent.subscribe().words == ["write subscribed"])
        #expect(agent.flush().words == ["tell SUBSCRIBED", "write delivery", "tell LAUNCH t1"])
        #expect(agent.executorLife?.phase == .running)
    }

    @Test func `tasks that come before the executor wait for it in order`() {
        var agent = registered()
        for name in ["t3", "t1", "t2"] { agent.launchHosted(name) }
        agent.startExecutor()
        #expect(
            agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH t3", "LAUNCH t1", "LAUNCH t2"])
    }

    @Test func `a later task goes to the running executor`() {
        var agent = running()
        let effects = agent.launchHosted("t2")
        #expect(effects.words == ["write task", "write delivery", "tell LAUNCH t2"])
    }

    @Test func `an executor and its tasks hold their resources until they end`() {
        var agent = running()
        agent.launchHosted("t2")
        #expect(agent.core.used["cpus"] == Scalar(milli: 2500))
        agent.say("t1", .taskFinished)
        #expect(agent.core.used["cpus"] == Scalar(milli: 1500))
        agent.happen(.containerExited(agent.executorContainer, .exited(status: 0)))
        #expect(agent.core.used["cpus"] == Scalar(milli: 0))
    }

    @Test func `the container grows before a task is given to its executor, and shrinks when one has ended`() throws {
        var agent = running()
        func size(_ effects: [AgentEffect]) throws -> Scalar? {
            for case .updateContainer(let record) in effects { return try Resources(record.info.resources)["mem"] }
            return nil
        }
        #expect(try size(agent.effects) == nil, "it was made for the first task")
        let launch = agent.launchHosted("t2")
        #expect(try size(launch) == Scalar(milli: 288_000))
        let grown = launch.firstIndex { if case .updateContainer = $0 { true } else { false } }
        let told = launch.firstIndex { if case .tellExecutor = $0 { true } else { false } }
        #expect(try #require(grown) < (try #require(told)))
        #expect(try size(agent.say("t1", .taskFinished)) == Scalar(milli: 160_000))
    }

    @Test func `a second subscription takes the place of the first`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        #expect(agent.subscribe(2).words == ["close stream 1", "write subscribed", "tell SUBSCRIBED"])
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "old"))
        #expect(agent.executorLife?.isConnected == true)
    }

    @Test func `an executor that does not subscribe in time is ended, and with it its tasks`() {
        var agent = registered()
        agent.launchHosted("t1")
        #expect(
            agent.effects.contains(
                .schedule(.executorDeadline(agent.executorContainer, attempt: 1), after: .seconds(60))))
        agent.startExecutor()
        #expect(agent.missDeadline().words == ["kill container"])
        let end = agent.happen(
            .containerExited(agent.executorContainer, .signaled(signal: 9, coreDumped: false)))
        #expect(end.sentUpdates.map(\.reason) == [.executorRegistrationTimeout])
        #expect(end.sentUpdates.first?.message == "Executor did not register within 1mins")
        #expect(end.sentStates == [.taskFailed])
    }

    @Test func `the deadline of an executor that has subscribed means nothing`() {
        var agent = running()
        #expect(agent.missDeadline().words == [])
    }

    @Test func `a container that cannot be launched fails the tasks and ends the executor`() {
        var agent = registered()
        agent.launchHosted("t1")
        let effects = agent.happen(.containerFailed(agent.executorContainer, .preparation("no such image")))
        #expect(effects.sentUpdates.map(\.reason) == [.containerLaunchFailed])
        #expect(effects.sentUpdates.first?.message == "Failed to launch container: no such image")
        #expect(effects.sentUpdates.first?.source == .agent)
        #expect(effects.exitStatuses == [-1])
    }

    @Test func `a command task cannot take an executor's name`() throws {
        var agent = running()
        let update = try #require(agent.launch("e1").sentUpdates.first)
        #expect(update.state == .taskLost && update.reason == .taskInvalid)
        #expect(update.message == "Cannot reuse an already existing executor for a command task")
    }

    // MARK: Updates

    @Test func `an update is acknowledged to the executor and sent to the framework once it is on disk`() {
        var agent = running()
        agent.holdsDisk = true
        #expect(agent.say("t1", .taskRunning).words == ["write TASK_RUNNING"])
        #expect(agent.flush().words == ["tell ACKNOWLEDGED t1", "send TASK_RUNNING"])
    }

    @Test func `an update is completed with what the agent knows`() throws {
        var agent = running()
        let update = try #require(agent.say("t1", .taskRunning).sentUpdates.first)
        #expect(update.source == .executor)
        #expect(update.executor == ExecutorID("e1"))
        #expect(update.container == agent.executorContainer)
        #expect(update.networks == [AgentConversation.network])
        #expect(update.timestamp == agent.now.wall)
        #expect(update.id.bytes == [UInt8](repeating: 1, count: 16))
    }

    @Test func `what an executor says besides is passed through`() throws {
        var agent = running()
        var status = AgentConversation.status("t1", .taskRunning)
        status.healthy = true
        status.message = "up"
        status.checkStatus.type = .tcp
        status.checkStatus.tcp.succeeded = true
        let effects = agent.happen(.executorCalled(AgentConversation.executor, .update(status)))
        let sent = try #require(effects.sentUpdates.first).status(agent: AgentConversation.agentID)
        #expect(sent.healthy)
        #expect(sent.message == "up")
        #expect(sent.checkStatus.tcp.succeeded)
        #expect(sent.agentID.value == "a1")
    }

    @Test func `a repeated update is acknowledged again and told to nobody`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        #expect(agent.say("t1", .taskRunning).words == ["tell ACKNOWLEDGED t1"])
    }

    @Test func `a task has one end, whatever the executor says after it`() {
        var agent = running()
        agent.say("t1", .taskFinished, 1)
        #expect(agent.say("t1", .taskFailed, 2).words == ["tell ACKNOWLEDGED t1"])
        agent.acknowledgeHosted("t1")
        #expect(agent.effects.sentStates.filter(\.isTerminal) == [.taskFinished])
        #expect(agent.say("t1", .taskFailed, 3).words == ["tell ACKNOWLEDGED t1"])
    }

    @Test func `an acknowledged end retires the task and leaves the executor`() {
        var agent = running()
        agent.say("t1", .taskFinished)
        agent.acknowledgeHosted("t1")
        #expect(agent.effects.words.last == "write retirement")
        #expect(agent.executorLife?.tasks.isEmpty == true)
        #expect(agent.executorLife?.phase == .running)
        #expect(agent.core.completed.map(\.record.key) == [AgentConversation.key("t1")])
        #expect(agent.launchHosted("t2").told.map(\.word) == ["LAUNCH t2"])
    }

    @Test func `updates of an agent that drains say so`() throws {
        var agent = registered()
        agent.runHosted("t1", for: AgentConversation.checkpointing([.partitionAware]))
        agent.say("t1", .taskRunning, 1)
        var config = V1DrainConfig()
        config.markGone = true
        #expect(agent.command(.drain(config)).words == ["write drain", "write kill", "tell KILL t1"])
        agent.acknowledgeHosted("t1")
        let update = try #require(agent.say("t1", .taskKilled, 2).sentUpdates.first)
        #expect(update.state == .taskGoneByOperator)
        #expect(update.reason == .agentDraining)
        let late = agent.launchHosted("t2").sentUpdates
        #expect(late.isEmpty || late[0].reason == .agentDraining)
    }

    @Test func `an endless talker is not acknowledged beyond a bound`() {
        var agent = running()
        for number in 0..<1200 {
            var status = AgentConversation.status("t1", .taskRunning)
            let bytes = [UInt8](repeating: 9, count: 14) + [UInt8(number >> 8), UInt8(number & 255)]
            status.updateUUID = WireUUID(bytes: bytes) ?? .random()
            agent.happen(.executorCalled(AgentConversation.executor, .update(status)))
        }
        #expect(agent.executorLife?.tasks[AgentConversation.key("t1")]?.stream.queue.count == 1000)
        #expect(agent.say("t1", .taskFinished, 200).words.contains("write TASK_FINISHED"))
    }

    // MARK: Kills

    @Test func `a task that was not delivered is killed by the agent, and its executor is not needed`() {
        var agent = registered()
        agent.launchHosted("t1")
        let effects = agent.command(.killTask(AgentConversation.key("t1"), grace: nil))
        #expect(effects.sentStates == [.taskKilled])
        #expect(effects.sentUpdates.first?.reason == .taskKilledDuringLaunch)
        #expect(effects.sentUpdates.first?.message == "Killed before delivery to the executor")
        #expect(effects.words.contains("cancel"))
        #expect(effects.exitStatuses == [-1])
    }

    @Test func `one of two waiting tasks is killed and the other delivered`() {
        var agent = registered()
        agent.launchHosted("t1")
        agent.launchHosted("t2")
        agent.command(.killTask(AgentConversation.key("t1"), grace: nil))
        agent.startExecutor()
        #expect(agent.subscribe().told.map(\.word) == ["SUBSCRIBED", "LAUNCH t2"])
    }

    @Test func `a kill of a delivered task is the executor's business, with the policy only if one was given`() {
        var agent = running()
        let key = AgentConversation.key("t1")
        let plain = agent.command(.killTask(key, grace: nil))
        #expect(plain.words == ["write kill", "tell KILL t1"])
        #expect(plain.told == [.kill(key.task, grace: nil)])
        #expect(agent.command(.killTask(key, grace: .seconds(7))).told == [.kill(key.task, grace: .seconds(7))])
        #expect(agent.say("t1", .taskKilled).sentStates == [.taskKilled])
    }

    @Test func `a kill that the executor could not hear reaches it when it is back`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.happen(.executorDisconnected(AgentConversation.executor, ExecutorStreamID(1), reason: "gone"))
        #expect(agent.command(.killTask(AgentConversation.key("t1"), grace: nil)).words == ["write kill"])
        #expect(agent.subscribe(2).told.map(\.word) == ["SUBSCRIBED", "KILL t1"])
    }

    // MARK: Messages

    @Test func `messages pass both ways while the executor is connected`() {
        var agent = running()
        let key = AgentConversation.executor
        #expect(agent.command(.message(key.framework, key.executor, [1, 2])).told == [.message([1, 2])])
        #expect(
            agent.happen(.executorCalled(key, .message([3]))).contains(
                .send(agent.openLink, .message(key.framework, key.executor, [3]))))
        agent.happen(.executorDisconnected(key, ExecutorStreamID(1), reason: "gone"))
        #expect(agent.command(.message(key.framework, key.executor, [1])).told == [])
        #expect(agent.command(.message(key.framework, ExecutorID("other"), [1])).told == [])
    }

    // MARK: The end

    @Test func `an executor's exit ends its tasks, and the master hears of both`() {
        var agent = running()
        agent.launchHosted("t2")
        agent.say("t1", .taskRunning)
        agent.acknowledgeHosted("t1")
        let effects = agent.happen(.containerExited(agent.executorContainer, .exited(status: 3)))
        #expect(effects.sentStates == [.taskFailed, .taskFailed])
        #expect(effects.sentUpdates.allSatisfy { $0.reason == .executorTerminated && $0.source == .agent })
        #expect(effects.sentUpdates.allSatisfy { $0.message == "Executor terminated" })
        #expect(effects.exitStatuses == [768])
        #expect(effects.words.contains("close stream 1"))
        agent.acknowledgeHosted("t1")
        agent.acknowledgeHosted("t2")
        #expect(agent.effects.words.suffix(2) == ["write retirement", "write executor retirement"])
        #expect(agent.core.executors.isEmpty)
        #expect(agent.core.completedExecutors.count == 1)
    }

    @Test func `the container goes only after the ends of all tasks are on disk`() {
        var agent = running()
        agent.holdsDisk = true
        #expect(!agent.happen(.containerExited(agent.executorContainer, .exited(status: 0))).words.contains("release"))
        #expect(agent.flush().words.contains("release"))
    }

    @Test func `an executor that exceeds its memory says so for its tasks`() {
        var agent = running()
        let effects = agent.happen(
            .containerExited(agent.executorContainer, .memoryLimitExceeded(message: "Memory limit exceeded")))
        #expect(effects.sentUpdates.map(\.reason) == [.containerLimitationMemory])
        #expect(effects.sentUpdates.first?.limitation?["mem"] == Scalar(milli: 32_000))
    }

    @Test func `SHUTDOWN asks the executor to end and makes it after the grace period, again and again`() {
        var agent = running()
        let key = AgentConversation.executor
        let effects = agent.command(.shutdownExecutor(key.framework, key.executor))
        #expect(effects.words == ["tell SHUTDOWN"])
        #expect(
            effects.contains { if case .schedule(.executorKill, after: .seconds(5)) = $0 { true } else { false } })
        #expect(agent.say("t1", .taskKilled).sentStates == [.taskKilled])
        #expect(agent.missKill().words == ["kill container"])
        #expect(agent.missKill().words == ["kill container"])
        let end = agent.happen(.containerExited(agent.executorContainer, .signaled(signal: 9, coreDumped: false)))
        #expect(end.sentStates == [])
        #expect(end.exitStatuses == [9])
    }

    @Test func `an executor's own grace period counts`() {
        var agent = registered()
        var info = AgentConversation.executorInfo()
        info.shutdownGracePeriod.nanoseconds = 30_000_000_000
        agent.launchHosted("t1", of: info)
        agent.startExecutor()
        agent.subscribe()
        let key = AgentConversation.executor
        let effects = agent.command(.shutdownExecutor(key.framework, key.executor))
        #expect(
            effects.contains { if case .schedule(.executorKill, after: .seconds(30)) = $0 { true } else { false } })
    }

    @Test func `no task is taken for an executor on its way out`() {
        var agent = running()
        let key = AgentConversation.executor
        agent.command(.shutdownExecutor(key.framework, key.executor))
        let late = agent.launchHosted("t2").sentUpdates
        #expect(late.map(\.state) == [.taskLost])
        #expect(late.first?.reason == .executorTerminated)
        #expect(late.first?.message == "Executor terminating/terminated")
        #expect(agent.subscribe(3).words == ["tell SHUTDOWN", "close stream 3"])
    }

    @Test func `a removed framework's executor is ended without a word about its tasks`() {
        var agent = running()
        agent.say("t1", .taskRunning)
        let effects = agent.command(.shutdownFramework(AgentConversation.framework))
        #expect(effects.words == ["tell SHUTDOWN", "write retirement"])
        #expect(agent.say("t1", .taskKilled, 2).words == [])
        let end = agent.happen(.containerExited(agent.executorContainer, .exited(status: 0)))
        #expect(end.sentStates == [])
        #expect(end.words.suffix(2) == ["release", "write executor retirement"])
        #expect(agent.core.frameworks.isEmpty)
    }

    @Test func `an agent that leaves shuts its executors down first`() {
        var agent = running()
        #expect(agent.happen(.unregisterRequested(reason: "bye")).words == ["tell SHUTDOWN"])
        let end = agent.happen(.containerExited(agent.executorContainer, .exited(status: 0)))
        #expect(end.sentStates == [.taskKilled])
        #expect(end.words.contains("stop agent"))
    }

    @Test func `a container that is being started when its end is wanted is killed as soon as it runs`() {
        var agent = registered()
        agent.launchHosted("t1")
        agent.happen(.containerPrepared(agent.executorContainer))
        let key = AgentConversation.executor
        #expect(agent.command(.shutdownExecutor(key.framework, key.executor)).words == [])
        #expect(
            agent.happen(.containerStarted(agent.executorContainer, StartedContainer())).words == ["kill container"])
    }

    // MARK: The master

    @Test func `a registration names executors and their tasks`() throws {
        var agent = running()
        agent.say("t1", .taskRunning)
        agent.happen(.linkLost(agent.openLink, reason: "test"))
        agent.happen(.masterDetected(MasterAddress(id: "m2", url: "http://10.0.0.2:5050")))
        let effects = agent.happen(.timerFired(.register(agent.openLink)))
        let registration = try #require(
            effects.compactMap { effect -> Registration? in
                if case .register(_, _, let registration) = effect { registration } else { nil }
            }.first)
        #expect(registration.executors.map(\.info.executorID.value) == ["e1"])
        #expect(registration.tasks.map(\.state) == [.taskRunning])
        #expect(registration.frameworks.count == 1)
    }

    @Test func `an executor whose first task is refused does not count`() {
        var agent = registered()
        agent.run("t0")
        agent.command(.drain(V1DrainConfig()))
        let effects = agent.launchHosted("t1")
        #expect(effects.words == ["send TASK_LOST", "executor exited"])
        #expect(agent.core.executors.isEmpty)
    }

    @Test func `an executor that no containerizer can run is refused with its task, reliably`() {
        var settings = AgentConversation.settings
        settings.containerizers = [.process]
        var agent = AgentConversation(settings: settings)
        agent.register()
        var info = AgentConversation.executorInfo()
        info.container.type = .docker
        info.container.docker.image = "busybox"
        let effects = agent.launchHosted("t1", of: info)
        #expect(effects.exitStatuses == [-1])
        #expect(effects.sentStates == [.taskFailed])
        #expect(agent.core.executors.isEmpty)
    }

    @Test func `reconciliation knows the tasks of executors`() {
        var agent = running()
        #expect(agent.command(.reconcile([AgentConversation.key("t1")])).words == ["reconciled"])
    }
}
