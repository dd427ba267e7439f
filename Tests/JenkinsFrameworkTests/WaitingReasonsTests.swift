// Why a build waits, in plain words.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct WaitingReasonsTests {
    /// Agents of four CPUs and 1024 MiB.
    private let big = AgentTemplate.named("linux") {
        $0.agentCPUs = .zero
        $0.executorCPUs = Scalar(units: 4)
        $0.agentMemory = Scalar(units: 1_024)
        $0.executorMemory = .zero
        $0.memoryOverheadMilli = 0
    }

    @Test func `without an offer that is large enough the nearest is named, with what is ahead`() throws {
        var farm = WatchedFarm([big], roles: [try RoleName("ci")])
        let items = [
            farm.item(1, job: "release/app"), farm.item(2, job: "release/lib"), farm.item(3, job: "other"),
        ]
        farm.poll(items)
        farm.wait(.seconds(1))
        farm.poll(items)
        farm.offer(milliCPUs: 3_500, on: "agent-7")
        farm.offer(milliCPUs: 2_000, on: "agent-8")
        #expect(
            farm.explanation(1)?.reason == "no offer with 4 CPUs in role ci: 3.5 free on agent-7"
                || farm.explanation(2)?.reason == "no offer with 4 CPUs in role ci: 3.5 free on agent-7")
        let last = try #require(
            farm.explanations.first { $0.reason.contains("2 builds") })
        #expect(last.reason.hasPrefix("no offer with 4 CPUs in role ci: 3.5 free on agent-7, 2 builds"))
        #expect(last.code == .noOffer)
        #expect(last.phase == .requested)
        #expect(last.template == "linux")
    }

    @Test func `when both are short, both are named`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)])
        farm.poll([farm.item(1)])
        farm.offer(milliCPUs: 1_000, mem: 512)
        #expect(
            farm.explanation(1)?.reason
                == "no offer with 4 CPUs and 1024 MiB of memory: 1 CPU and 512 MiB of memory free on h1")
    }

    @Test func `what other agents took of an offer is not free any more`() {
        var farm = WatchedFarm([big])
        let items = [farm.item(1), farm.item(2)]
        farm.poll(items)
        farm.poll(items)
        farm.offer(milliCPUs: 6_000)
        let left = farm.explanations.filter { $0.code == .noOffer }
        #expect(left.map(\.reason) == ["no offer with 4 CPUs: 2 free on h1"])
    }

    @Test func `without any offer that is said`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)])
        farm.poll([farm.item(1)])
        #expect(
            farm.explanation(1)?.reason
                == "no offer with 4 CPUs and 1024 MiB of memory: nothing was offered in the last minute")
    }

    @Test func `an old offer says nothing about the present`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)])
        farm.offer(milliCPUs: 1_000)
        farm.wait(.seconds(61))
        farm.tell(.ticked)
        farm.poll([farm.item(1)])
        #expect(farm.explanation(1)?.reason.hasSuffix("nothing was offered in the last minute") == true)
    }

    @Test func `from the offer to the connection each step is named`() throws {
        var farm = WatchedFarm([big])
        let item = farm.item(1)
        farm.poll([item])
        let created = farm.offer(on: "agent-2").created
        let node = try #require(created.first)
        farm.poll([item], [])
        #expect(farm.explanation(1)?.phase == .registering)
        farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
        farm.poll([item], [.node(node, ["linux"], online: false)])
        #expect(farm.explanation(1)?.phase == .launching)

        farm.update(node, .staging, "Pulling image jenkins/inbound-agent: 62 % of 120 MB")
        #expect(farm.explanation(1)?.reason == "image pull on agent-2, 62 %")
        #expect(farm.explanation(1)?.code == .pulling)

        farm.update(node, .running)
        farm.wait(.seconds(3))
        farm.poll([item], [.node(node, ["linux"], online: false)])
        let connecting = try #require(farm.explanation(1))
        #expect(connecting.phase == .connecting)
        #expect(connecting.reason == "agent \(node) runs on agent-2 since 3 s and has not connected yet")

        farm.poll([item], [.node(node, ["linux"])])
        #expect(farm.explanation(1)?.phase == .assigning)
    }

    @Test func `a capped template says how many agents it has`() throws {
        var capped = big
        capped.agentsMax = 1
        var farm = WatchedFarm([capped])
        let items = [farm.item(1), farm.item(2)]
        farm.poll(items)
        let waiting = try #require(farm.explanations.first { $0.code == .templateCapped })
        #expect(waiting.reason == "template linux has all of its 1 agents (maxAgents), 0 of them busy")
        #expect(waiting.template == "linux")
    }

    @Test func `a label that nothing serves is reported as such`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1, "windows")])
        #expect(farm.explanation(1)?.code == .unserved)
        #expect(farm.explanation(1)?.reason == "no template serves 'windows'")
    }

    @Test func `a build bound to a node says what the node does`() {
        var farm = WatchedFarm([big])
        let item = QueueItem(
            id: 1, phase: .buildable, taskClass: "x.PlaceholderTask", taskName: "part of app #7",
            why: "\u{2018}old-agent\u{2019} is offline", inQueueSince: 1)
        farm.poll([item], [.node("old-agent", online: false, marker: nil)])
        #expect(farm.explanation(1)?.code == .boundToNode)
        #expect(farm.explanation(1)?.reason == "waits for node old-agent alone, which is offline")
        farm.poll([item], [])
        #expect(farm.explanation(1)?.reason == "waits for node old-agent alone, which does not exist any more")
    }

    @Test func `quiet mode and a restart of the controller hold everything up`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)], quietingDown: true)
        #expect(farm.explanation(1)?.code == .quietDown)
        farm.wait(.seconds(1))
        farm.poll([farm.item(1)], session: "s2")
        #expect(farm.explanation(1)?.code == .restartGrace)
        #expect(
            farm.explanation(1)?.reason == "the controller restarted: its agents have 60 s more to come back")
    }

    @Test func `a controller that does not answer is the reason for all`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)])
        farm.tell(.pollFailed("timed out"))
        #expect(farm.explanation(1)?.code == .controllerDown)
        #expect(farm.explanation(1)?.reason == "the controller does not answer: timed out")
    }

    @Test func `a framework without a master says so`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1)])
        farm.tell(.disconnected)
        farm.poll([farm.item(1)])
        #expect(farm.explanation(1)?.code == .notSubscribed)
    }

    @Test func `an item that waits for something else keeps the controller's words`() {
        var farm = WatchedFarm([big])
        farm.poll([farm.item(1, phase: .waiting, why: "In the quiet period. Expires in 4.9 sec")])
        #expect(farm.explanation(1)?.phase == .blocked)
        #expect(farm.explanation(1)?.reason == "In the quiet period. Expires in 4.9 sec")
    }

    @Test func `too many agents on their way make the others wait`() {
        var farm = WatchedFarm([big]) { $0.agentsPendingMax = 1 }
        let items = [farm.item(1), farm.item(2)]
        farm.poll(items)
        farm.offer()
        farm.poll(items)
        #expect(farm.explanations.map(\.code).contains(.launchLimit))
    }

    @Test func `the oldest item stands first`() {
        var farm = WatchedFarm([big])
        let old = farm.item(9)
        farm.wait(.seconds(5))
        farm.poll([farm.item(3), old])
        #expect(farm.explanations.map(\.item) == [9, 3])
    }
}

@Suite struct BuildsAheadTests {
    private func text(_ jobs: [String]...) -> String {
        var ahead = BuildsAhead()
        for names in jobs { ahead.add(names) }
        return ahead.text
    }

    @Test func `builds that go first are named by what they have in common`() {
        #expect(text() == "")
        #expect(text(["release/app"]) == ", 1 build of release/app ahead")
        #expect(text(["release/app"], ["release/app"]) == ", 2 builds of release/app ahead")
        #expect(text(["release/app"], ["release/lib"]) == ", 2 builds of release/* ahead")
        #expect(text(["a/b/x"], ["a/b/c/y"], ["a/z"]) == ", 3 builds of a/* ahead")
        #expect(text(["a/x"], ["b/x"]) == ", 2 builds ahead")
        #expect(text(["app"], ["lib"]) == ", 2 builds ahead")
        #expect(text([], ["release/app"]) == ", 2 builds ahead")
    }
}
