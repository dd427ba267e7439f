// Health checks and checks: when they run, what is told of them, and what they lead to.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

/// An agent with one checked task, and what a test does with its checks.
struct CheckedTask {
    var agent = AgentConversation()
    let key = AgentConversation.key("t1")

    init(
        capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [], docker: Bool = false,
        _ change: (inout V1TaskInfo) -> Void
    ) {
        agent.register()
        var info = AgentConversation.info("t1", docker: docker)
        change(&info)
        agent.command(.runTask(AgentConversation.frameworkInfo(capabilities), info))
        agent.happen(.containerPrepared(agent.container("t1")))
        started = agent.happen(.containerStarted(agent.container("t1"), StartedContainer()))
        agent.acknowledgeAll("t1")
    }

    /// What the start of the container led to.
    var started: [AgentEffect] = []

    /// Runs that are waited for, newest last, with their delays.
    func appointments(in effects: [AgentEffect]) -> [(id: CheckRun.ID, delay: Duration)] {
        effects.compactMap { effect in
            guard case .schedule(.checkDue(let id), let delay) = effect else { return nil }
            return (id, delay)
        }
    }

    /// Lets the next run take place, and end like this.
    @discardableResult
    mutating func check(_ outcome: CheckOutcome, of purpose: CheckPurpose = .health) -> [AgentEffect] {
        guard let next = appointments(in: agent.effects).last(where: { $0.id.purpose == purpose }) else { return [] }
        agent.pass(next.delay)
        guard agent.happen(.timerFired(.checkDue(next.id))).words == ["run \(purpose) check"] else { return [] }
        let effects = agent.happen(.checkFinished(next.id, outcome))
        agent.acknowledgeAll("t1")
        return effects
    }
}

extension V1HealthCheck {
    static func command(grace: Double = 0, failures: UInt32 = 3) -> V1HealthCheck {
        var check = V1HealthCheck()
        check.type = .command
        check.command.value = "true"
        check.gracePeriodSeconds = grace
        check.consecutiveFailures = failures
        return check
    }
}

struct HealthCheckTests {
    @Test func `the first run comes after the delay and the next an interval after each result`() {
        var task = CheckedTask {
            $0.healthCheck = .command()
            $0.healthCheck.delaySeconds = 4
            $0.healthCheck.intervalSeconds = 7
        }
        #expect(task.appointments(in: task.started).map(\.delay) == [.seconds(4)])
        let next = task.check(.exited(status: 0))
        #expect(task.appointments(in: next).map(\.delay) == [.seconds(7)])
    }

    @Test func `without numbers of its own a check has those of Apache Mesos`() {
        let task = CheckedTask { $0.healthCheck.command.value = "true" }
        #expect(task.appointments(in: task.started).map(\.delay) == [.seconds(15)])
        var agent = task.agent
        guard let id = task.appointments(in: task.started).first?.id else { return }
        let effects = agent.happen(.timerFired(.checkDue(id)))
        #expect(effects.contains { if case .runCheck(let run) = $0 { run.timeout == .seconds(20) } else { false } })
    }

    @Test func `the first success is told once, and success after failures again`() {
        var task = CheckedTask { $0.healthCheck = .command() }
        let first = task.check(.exited(status: 0)).sentUpdates
        #expect(first.map(\.state) == [.taskRunning])
        #expect(first.map(\.healthy) == [true])
        #expect(first.map(\.reason) == [.taskHealthCheckStatusUpdated])
        #expect(task.check(.exited(status: 0)).sentUpdates.isEmpty)
        #expect(task.check(.exited(status: 1)).sentUpdates.map(\.healthy) == [false])
        #expect(task.check(.exited(status: 0)).sentUpdates.map(\.healthy) == [true])
    }

    @Test func `every failure is told, with what went wrong`() {
        var task = CheckedTask { $0.healthCheck = .command() }
        #expect(
            task.check(.exited(status: 2)).sentUpdates.map(\.message) == [
                "COMMAND health check failed (1 in a row): Command exited with status 2"
            ])
        #expect(task.check(.failed("too slow")).sentUpdates.map(\.healthy) == [false])
    }

    @Test func `failures in a row end the task, which is then killed and unhealthy`() {
        var task = CheckedTask { $0.healthCheck = .command(failures: 2) }
        task.check(.exited(status: 1))
        let last = task.check(.exited(status: 1))
        #expect(last.sentUpdates.map(\.healthy) == [false])
        #expect(last.words.contains("write kill") && last.words.contains("stop container"))
        let end = task.agent.happen(
            .containerExited(task.agent.container("t1"), .signaled(signal: 15, coreDumped: false)))
        #expect(end.sentUpdates.map(\.state) == [.taskKilled])
        #expect(end.sentUpdates.map(\.healthy) == [false])
        #expect(end.sentUpdates.map(\.message) == ["Command terminated with signal Terminated"])
        #expect(end.sentUpdates.map(\.source) == [.executor])
    }

    @Test func `a success in between starts the count anew`() {
        var task = CheckedTask { $0.healthCheck = .command(failures: 2) }
        for _ in 0..<5 {
            #expect(!task.check(.exited(status: 1)).words.contains("stop container"))
            task.check(.exited(status: 0))
        }
        #expect(task.agent.state("t1") == .taskRunning)
    }

    @Test func `a young task may fail until its grace period is over or it was healthy once`() {
        var task = CheckedTask {
            $0.healthCheck = .command(grace: 30, failures: 1)
            $0.healthCheck.delaySeconds = 0
            $0.healthCheck.intervalSeconds = 10
        }
        for _ in 0..<3 { #expect(task.check(.exited(status: 1)).sentUpdates.isEmpty) }
        #expect(task.check(.exited(status: 0)).sentUpdates.map(\.healthy) == [true])
        #expect(task.check(.exited(status: 1)).words.contains("stop container"))

        var late = CheckedTask { $0.healthCheck = .command(grace: 20, failures: 1) }
        #expect(late.check(.exited(status: 1)).sentUpdates.isEmpty)
        #expect(late.check(.exited(status: 1)).sentUpdates.map(\.healthy) == [false])
    }

    @Test func `a run that could not take place says nothing about the task`() {
        var task = CheckedTask { $0.healthCheck = .command(failures: 1) }
        let effects = task.check(.notRun("no memory"))
        #expect(effects.sentUpdates.isEmpty)
        #expect(task.appointments(in: effects).count == 1)
        #expect(task.agent.state("t1") == .taskRunning)
    }

    @Test func `an answer from 200 to 399 is healthy`() {
        for (status, healthy) in [(199, false), (200, true), (302, true), (399, true), (400, false), (503, false)] {
            var task = CheckedTask {
                $0.healthCheck.type = .http
                $0.healthCheck.http.port = 80
                $0.healthCheck.gracePeriodSeconds = 0
            }
            #expect(task.check(.answered(status: status)).sentUpdates.map(\.healthy) == [healthy], "\(status)")
        }
    }

    @Test func `while a task is being killed nothing is checked, and a late result does not count`() {
        var task = CheckedTask(capabilities: [.taskKillingState]) { $0.healthCheck = .command(failures: 1) }
        guard let id = task.appointments(in: task.started).first?.id else { return }
        task.agent.happen(.timerFired(.checkDue(id)))
        let kill = task.agent.command(.killTask(task.key, grace: nil))
        #expect(kill.words.prefix(2) == ["end checks", "write kill"])
        #expect(task.agent.happen(.checkFinished(id, .exited(status: 1))).isEmpty)
        task.agent.acknowledgeAll("t1")
        let end = task.agent.happen(.containerExited(task.agent.container("t1"), .exited(status: 0)))
        #expect(end.sentUpdates.map(\.healthy) == [nil])
    }

    @Test func `the end of the task ends a check that is under way`() {
        var task = CheckedTask { $0.healthCheck = .command() }
        guard let id = task.appointments(in: task.started).first?.id else { return }
        task.agent.happen(.timerFired(.checkDue(id)))
        let end = task.agent.happen(.containerExited(task.agent.container("t1"), .exited(status: 0)))
        #expect(end.words.first == "end checks")
        #expect(task.agent.happen(.checkFinished(id, .exited(status: 1))).isEmpty)
    }

    @Test func `health is repeated in the updates that follow`() {
        var task = CheckedTask(capabilities: [.taskKillingState]) {
            $0.healthCheck = .command()
            $0.check.type = .command
            $0.check.command.command.value = "true"
        }
        task.check(.exited(status: 0))
        let told = task.check(.exited(status: 3), of: .status).sentUpdates
        #expect(told.map(\.healthy) == [true])
        let killing = task.agent.command(.killTask(task.key, grace: nil)).sentUpdates
        #expect(killing.map(\.healthy) == [true])
        #expect(killing.map(\.checkStatus?.command.exitCode) == [3])
    }

    @Test func `with many updates unacknowledged a flapping check is told later, not more often`() {
        var task = CheckedTask { $0.healthCheck = .command(failures: 9) }
        for _ in 0..<200 {
            for status: Int32 in [1, 0] {
                guard let next = task.appointments(in: task.agent.effects).last else { return }
                task.agent.happen(.timerFired(.checkDue(next.id)))
                task.agent.happen(.checkFinished(next.id, .exited(status: status)))
            }
        }
        #expect(task.agent.core.tasks[task.key]?.stream.queue.count == TaskLife.checkUpdatesMax)
        task.agent.acknowledgeAll("t1")
        task.check(.exited(status: 1))
        #expect(task.agent.core.tasks[task.key]?.checks.healthy == false)
    }

    // MARK: Checks that are only told

    @Test func `every update of a task with a check says what kind it is, even before the first result`() {
        var task = CheckedTask {
            $0.check.type = .http
            $0.check.http.port = 80
        }
        let early = task.agent.effects.sentUpdates
        #expect(early.map(\.state) == [.taskStarting, .taskRunning])
        #expect(early.allSatisfy { $0.checkStatus?.type == .http && $0.checkStatus?.http.hasStatusCode == false })
        let told = task.check(.answered(status: 404), of: .status).sentUpdates
        #expect(told.map(\.reason) == [.taskCheckStatusUpdated])
        #expect(told.map(\.checkStatus?.http.statusCode) == [404])
    }

    @Test func `a result is told when it changes, and a failure to get one is an empty result`() {
        var task = CheckedTask {
            $0.check.type = .tcp
            $0.check.tcp.port = 80
        }
        #expect(task.check(.connected(true), of: .status).sentUpdates.map(\.checkStatus?.tcp.succeeded) == [true])
        #expect(task.check(.connected(true), of: .status).sentUpdates.isEmpty)
        #expect(task.check(.connected(false), of: .status).sentUpdates.map(\.checkStatus?.tcp.succeeded) == [false])
        #expect(task.check(.failed("slow"), of: .status).sentUpdates.map(\.checkStatus?.tcp.hasSucceeded) == [false])
        #expect(task.agent.state("t1") == .taskRunning)
    }

    // MARK: Restart

    /// The agent of a new life on the same disk, with the container found again.
    private func restarted(_ task: CheckedTask, after pause: Duration) -> CheckedTask {
        var next = task
        let container = task.agent.container("t1")
        let plan = planRecovery(
            checkpoint: task.agent.disk, containers: .found([]),
            supervisors: .found([ObservedContainer(id: container, condition: .running)]))
        next.agent = AgentConversation(seed: 8)
        next.agent.disk = task.agent.disk
        next.agent.now = task.agent.now.advanced(by: pause)
        next.agent.core = AgentCore(settings: AgentConversation.settings, seed: 8)
        next.agent.effects = []
        next.agent.happen(.recovered(plan))
        next.agent.register()
        next.started = next.agent.happen(.containerStarted(container, StartedContainer()))
        return next
    }

    @Test func `checks go on after a restart of the agent, and remember what they have told`() {
        var task = CheckedTask {
            $0.healthCheck = .command(grace: 100, failures: 3)
            $0.healthCheck.delaySeconds = 15
        }
        task.check(.exited(status: 0))
        var next = restarted(task, after: .seconds(5))
        #expect(next.appointments(in: next.started).map(\.delay) == [.zero], "the delay is over")
        #expect(next.check(.exited(status: 0)).sentUpdates.isEmpty, "it was told")
        #expect(next.check(.exited(status: 1)).sentUpdates.map(\.healthy) == [false], "no second grace period")
        next.check(.exited(status: 1))
        var third = restarted(next, after: .seconds(5))
        #expect(third.check(.exited(status: 1)).words.contains("stop container"), "two failures were before")
    }

    @Test func `the delay goes on after a restart where it was`() {
        let task = CheckedTask {
            $0.healthCheck = .command()
            $0.healthCheck.delaySeconds = 15
        }
        let next = restarted(task, after: .seconds(6))
        #expect(next.appointments(in: next.started).map(\.delay) == [.seconds(9)])
    }

    // MARK: The time limit

    @Test func `a task that takes too long is killed without grace and has failed`() {
        var task = CheckedTask { $0.maxCompletionTime.nanoseconds = 60_000_000_000 }
        let container = task.agent.container("t1")
        #expect(task.started.contains(.schedule(.completionTimeReached(container), after: .seconds(60))))
        let kill = task.agent.happen(.timerFired(.completionTimeReached(container)))
        #expect(kill.contains { if case .stopContainer(_, .zero) = $0 { true } else { false } })
        let end = task.agent.happen(.containerExited(container, .signaled(signal: 9, coreDumped: false)))
        #expect(end.sentUpdates.map(\.state) == [.taskFailed])
        #expect(end.sentUpdates.map(\.reason) == [.maxCompletionTimeReached])
        #expect(end.sentUpdates.map(\.source) == [.executor])
        #expect(end.sentUpdates.map(\.message) == ["Command terminated with signal Killed"])
    }

    @Test func `a task that is being killed is not killed again for its time limit`() {
        var task = CheckedTask { $0.maxCompletionTime.nanoseconds = 60_000_000_000 }
        task.agent.command(.killTask(task.key, grace: .seconds(100)))
        #expect(task.agent.happen(.timerFired(.completionTimeReached(task.agent.container("t1")))).isEmpty)
        let end = task.agent.happen(.containerExited(task.agent.container("t1"), .exited(status: 0)))
        #expect(end.sentUpdates.map(\.state) == [.taskKilled])
    }

    @Test func `the time that a task may take goes on while there is no agent`() {
        let task = CheckedTask { $0.maxCompletionTime.nanoseconds = 60_000_000_000 }
        let next = restarted(task, after: .seconds(45))
        let limit = AgentEffect.schedule(.completionTimeReached(task.agent.container("t1")), after: .seconds(15))
        #expect(next.agent.effects.count { $0 == limit } == 1)
        let late = restarted(task, after: .seconds(100))
        #expect(
            late.agent.effects.contains(.schedule(.completionTimeReached(task.agent.container("t1")), after: .zero)))
    }

    @Test func `a kill for the time limit is still that after a restart`() {
        var task = CheckedTask { $0.maxCompletionTime.nanoseconds = 60_000_000_000 }
        task.agent.happen(.timerFired(.completionTimeReached(task.agent.container("t1"))))
        var next = restarted(task, after: .seconds(1))
        let end = next.agent.happen(
            .containerExited(task.agent.container("t1"), .signaled(signal: 9, coreDumped: false)))
        #expect(end.sentUpdates.last?.reason == .maxCompletionTimeReached)
    }
}
