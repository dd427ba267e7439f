// When the controller is asked again.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct PollPaceTests {
    typealias Talk = PlannerConversation

    private let linux = AgentTemplate.named("linux")

    private func plan(_ talk: Talk) -> PollPlan {
        talk.planner.pollPlan(quick: .milliseconds(250), seldom: .seconds(4))
    }

    /// How long after the latest poll the next is due.
    private func pause(_ talk: Talk) -> Duration { plan(talk).basis.duration(to: plan(talk).dueAt) }

    /// A build whose quiet period ends so long from now.
    private func waiting(_ id: QueueItemID, _ talk: Talk, endsIn left: Duration, of quiet: Duration) -> QueueItem {
        var item = QueueItem.buildable(id, "linux")
        item.phase = .waiting
        let end = talk.now.wall.advanced(by: left).nanoseconds / 1_000_000
        item.quietUntil = end
        item.inQueueSince = end - quiet.components.seconds * 1_000
        return item
    }

    private func begun(_ id: QueueItemID, _ talk: Talk, after quiet: Duration) -> QueueItem {
        var item = QueueItem.buildable(id, "linux")
        item.buildableSince = talk.now.wall.nanoseconds / 1_000_000
        item.inQueueSince = (item.buildableSince ?? 0) - quiet.components.seconds * 1_000
        return item
    }

    private func pipeline(_ id: QueueItemID) -> QueueItem {
        QueueItem(id: id, phase: .waiting, taskClass: "org.jenkinsci.plugins.workflow.job.WorkflowJob", taskName: "p")
    }

    @Test
    func `a quiet controller is asked for its queue alone every four seconds, and for its computers twice a minute`() {
        var talk = Talk.subscribed([linux])
        #expect(plan(talk).dueAt == .zero && plan(talk).isFull, "first of all everything is read")
        talk.poll()
        #expect(pause(talk) == .seconds(4))
        var full = 0
        for _ in 1...15 {
            let next = plan(talk)
            full += next.isFull ? 1 : 0
            talk.wait(talk.now.instant.duration(to: next.dueAt) - .milliseconds(500))
            if next.isFull { talk.poll() } else { pollQueue(&talk) }
        }
        #expect(full == 2)
    }

    private func pollQueue(_ talk: inout Talk, _ items: [QueueItem] = []) {
        talk.wait(.milliseconds(500))
        talk.tell(
            .polled(JenkinsSnapshot(startedAt: talk.now.instant, session: "s1", items: items, computers: nil)))
    }

    @Test func `the end of an announced quiet period is met, with everything read`() {
        var talk = Talk.subscribed([linux])
        talk.poll()
        let item = waiting(1, talk, endsIn: .milliseconds(2_700), of: .seconds(5))
        talk.poll([item])
        #expect(
            pause(talk) == .milliseconds(2_210), "500 ms have passed, and a moment is left to the controller's timer")
        #expect(plan(talk).isFull && plan(talk).expectsDemand)
    }

    @Test func `a build whose quiet period should be over is looked for in quick succession`() {
        var talk = Talk.subscribed([linux])
        talk.poll()
        talk.poll([waiting(1, talk, endsIn: .milliseconds(400), of: .seconds(5))])
        #expect(pause(talk) == .milliseconds(250))
    }

    @Test
    func
        `a controller that is late with a build it had announced is asked again at once, however long ago the last rush was`()
    {
        var talk = Talk.subscribed([linux])
        talk.poll()
        talk.poll([waiting(1, talk, endsIn: .milliseconds(400), of: .seconds(5))])
        for _ in 1...60 { talk.poll() }
        let late = waiting(2, talk, endsIn: .milliseconds(900), of: .seconds(5))
        talk.poll([late])
        #expect(pause(talk) == .milliseconds(410))
        talk.poll([late])
        #expect(pause(talk) == .milliseconds(250))
    }

    @Test
    func `a poll that meets a rush half begun is followed by the next at once, however long ago the last rush was`() {
        var talk = Talk.subscribed([linux])
        talk.poll()
        talk.poll([waiting(1, talk, endsIn: .milliseconds(400), of: .seconds(5))])
        for _ in 1...60 { talk.poll() }
        let rush = (1...100).map {
            waiting(QueueItemID($0), talk, endsIn: .milliseconds(900) + .microseconds($0 * 600), of: .seconds(5))
        }
        talk.poll(rush)
        #expect(pause(talk) == .milliseconds(410))
        // Asked at the end of the first and answered after that of the last, with what the queue was in between.
        talk.wait(.milliseconds(410))
        let asked = talk.now.instant
        talk.wait(.milliseconds(60))
        let seen = rush.enumerated().map { index, item in index < 7 ? begun(item.id, talk, after: .seconds(5)) : item }
        talk.tell(.polled(JenkinsSnapshot(startedAt: asked, session: "s1", items: seen, computers: [])))
        #expect(talk.planner.agents.count == 7)
        #expect(pause(talk) <= .milliseconds(60), "everything was about to begin when the answer was asked for")
    }

    @Test func `a build that is late does not hide when the next may start`() {
        var talk = Talk.subscribed([linux])
        talk.poll()
        talk.poll([waiting(1, talk, endsIn: .milliseconds(400), of: .seconds(5))])
        for _ in 1...60 { talk.poll() }
        let late = waiting(2, talk, endsIn: .milliseconds(-2_000), of: .seconds(5))
        talk.poll([late, waiting(3, talk, endsIn: .milliseconds(2_500), of: .seconds(5))])
        #expect(pause(talk) == .milliseconds(2_010))
    }

    @Test func `builds that never leave their quiet period are asked for less and less`() {
        var talk = Talk.subscribed([linux])
        talk.poll()
        // As when the controller is about to go down.
        let kept = (1...20).map { waiting(QueueItemID($0), talk, endsIn: .milliseconds(600 + $0), of: .seconds(5)) }
        talk.poll(kept)
        talk.poll(kept)
        #expect(pause(talk) == .milliseconds(250))
        for _ in 1...60 { talk.poll(kept) }
        #expect(pause(talk) == .seconds(4))
    }

    @Test(arguments: [Int64.min, 0, .max])
    func `a time that no clock shows does not end the framework`(milliseconds: Int64) {
        var talk = Talk.subscribed([linux])
        talk.poll()
        var item = waiting(1, talk, endsIn: .seconds(1), of: .seconds(5))
        item.quietUntil = milliseconds
        talk.poll([item])
        #expect(pause(talk) <= .seconds(4))
    }

    @Test func `where builds come without a quiet period the queue is read quickly, and again seldom when they do not`()
    {
        var talk = Talk.subscribed([linux])
        talk.poll()
        for id in 1...6 { talk.poll([begun(QueueItemID(id), talk, after: .zero)]) }
        for _ in 1...60 { talk.poll() }
        #expect(pause(talk) == .milliseconds(375))
        for id in 11...26 { talk.poll([begun(QueueItemID(id), talk, after: .seconds(5))]) }
        for _ in 1...60 { talk.poll() }
        #expect(pause(talk) == .seconds(4))
    }

    @Test func `a pipeline that has begun is followed closely, and less so the longer nothing comes of it`() {
        var talk = Talk.subscribed([linux])
        talk.poll([pipeline(1)])
        talk.poll([])
        #expect(pause(talk) == .milliseconds(250))
        for _ in 1...8 { talk.poll([]) }
        #expect(pause(talk) == .seconds(1))
        for _ in 1...40 { talk.poll([]) }
        #expect(pause(talk) == .seconds(4))
    }

    @Test func `while builds run their computers are looked at every four seconds, and one that goes each second`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        for _ in 1...60 { talk.poll([], [.node(name, ["linux"], busy: 1)]) }
        #expect(pause(talk) == .seconds(4) && plan(talk).isFull)
        // Idle for longer than it may be.
        for _ in 1...400 { talk.poll([], [.node(name, ["linux"])]) }
        #expect(talk.phase(name) == .draining(.asked))
        talk.tell(.nodeDrained(name))
        talk.poll([], [.node(name, ["linux"], drained: true, reason: JenkinsPlanner.drainPrefix + "idle")])
        #expect(pause(talk) <= .seconds(1) && plan(talk).isFull)
    }

    @Test func `an agent that failed is missed at once while its build waits`() {
        var talk = Talk.subscribed([linux])
        for _ in 1...3 { talk.poll([.buildable(1, "linux")]) }
        for _ in 1...60 { talk.poll([.buildable(1, "linux")]) }
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.poll([.buildable(1, "linux")], [.node(name, ["linux"], online: false)])
        #expect(pause(talk) == .seconds(4), "nothing can be done for it before its agent is there")
        talk.wait(.seconds(2))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), state: .failed)))
        talk.tell(.nodeDeleted(name))
        #expect(pause(talk) == .milliseconds(250))
    }

    @Test func `agents that should connect any moment are looked at each second`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        #expect(talk.planner.watchPlan == WatchPlan(nodes: [name], interval: .seconds(1), includesQueue: false))
        talk.tell(.watched(NodeWatch(startedAt: talk.now.instant, computers: [.node(name, ["linux"])])))
        #expect(talk.phase(name) == .online)
        #expect(talk.planner.watchPlan == nil)
    }

    @Test func `a queue read alone changes nothing about agents, whatever was known of executors`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentsIdleMin = 1 }])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        let before = talk.planner.agents
        pollQueue(&talk)
        #expect(talk.planner.agents == before)
    }

    @Test func `a build shown on its executor is not asked for again and again`() {
        var talk = Talk.subscribed([linux])
        let name = talk.bringUp("linux")
        let url = "http://j/job/app/1/"
        talk.poll([], [.node(name, ["linux"], online: true)])
        talk.tell(.itemLookedUp(1, .started(buildURL: url)))
        var lookUps = 0
        for _ in 1...200 {
            for case .lookUpBuild in talk.poll([], [.node(name, ["linux"], busy: 1, url: url)]) { lookUps += 1 }
        }
        #expect(lookUps <= 1)
    }
}
