// Where a build's time goes.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct BuildPhasesTests {
    private let linux = AgentTemplate.named("linux")
    private let url = "http://ci/job/team/job/app/7/"

    private func view(_ result: String?, _ duration: Duration, on node: String) -> BuildView {
        BuildView(
            displayName: "app #7", isBuilding: result == nil, result: result, duration: duration, builtOn: node)
    }

    /// Brings an agent up for item 1, a second for each step, and returns its node.
    private func bringUp(_ farm: inout WatchedFarm) throws -> NodeName {
        let item = farm.item(1, job: "app")
        farm.poll([item])
        farm.wait(.seconds(1))
        let node = try #require(farm.offer().created.first)
        farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
        farm.wait(.seconds(2))
        farm.update(node, .starting)
        farm.wait(.seconds(3))
        farm.update(node, .running)
        farm.wait(.seconds(4))
        farm.poll([item], [.node(node, ["linux"])])
        return node
    }

    @Test func `each phase of a build on a new agent is timed`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.wait(.seconds(5))
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        #expect(farm.phases.running.map(\.node) == [node])
        farm.wait(.seconds(60))
        farm.poll([], [.node(node, ["linux"])])
        #expect(farm.phases.running.isEmpty)
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .milliseconds(59_900), on: node.value)))

        let build = try #require(farm.finished.first)
        #expect(farm.finished.count == 1)
        #expect((build.job, build.number) == ("team/app", 7))
        #expect(build.label == "linux")
        #expect(build.template == "linux")
        #expect(build.host == "h1")
        #expect(build.result == "SUCCESS")
        #expect(build.duration == .milliseconds(59_900))
        #expect(build.asked == linux.resources(executors: 1))
        #expect(!build.isShared)
        #expect(
            build.phases
                == PhaseSpans(
                    queued: .zero, offered: .seconds(1), pulled: .seconds(2), started: .seconds(3),
                    connected: .seconds(4), assigned: .seconds(5), ran: .milliseconds(59_900)))
    }

    @Test(arguments: [true, false])
    func `a build that runs through a restart of the framework keeps its label, size and phases`(notesFirst: Bool)
        throws
    {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.wait(.seconds(5))
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        let busy = Computer.node(node, ["linux"], busy: 1, url: url)
        farm.poll([], [busy])
        farm.wait(.seconds(60))
        try farm.restart(notesFirst: notesFirst, computers: [busy])
        farm.wait(.seconds(7))
        farm.poll([], [.node(node, ["linux"])])
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .milliseconds(69_900), on: node.value)))
        let build = try #require(farm.finished.first)
        #expect(build.label == "linux")
        #expect(build.asked == linux.resources(executors: 1))
        #expect(
            build.phases
                == PhaseSpans(
                    queued: .zero, offered: .seconds(1), pulled: .seconds(2), started: .seconds(3),
                    connected: .seconds(4), assigned: .seconds(5), ran: .milliseconds(69_900)))
    }

    @Test func `a build some process of which was killed for want of memory is told as such when it ends`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        #expect(farm.phases.launchedNodes == [node])
        farm.phases.noteMemoryKill(on: node)
        farm.poll([], [.node(node, ["linux"])])
        farm.tell(.buildLookedUp(url: url, view("FAILURE", .seconds(3), on: node.value)))
        #expect(farm.finished.map(\.wasOutOfMemory) == [true])
        try farm.restart(notesFirst: true, computers: [.node(node, ["linux"])])
        #expect(farm.phases.nodes == [node] && farm.phases.launchedNodes.isEmpty)
    }

    @Test(arguments: [true, false])
    func `a build that waits through a restart keeps its time in the queue and its agent's start`(notesFirst: Bool)
        throws
    {
        var farm = WatchedFarm([linux])
        let since = farm.item(1, phase: .waiting)
        farm.poll([since])
        farm.wait(.seconds(5))
        var item = since
        item.phase = .buildable
        farm.poll([item])
        farm.wait(.seconds(1))
        let node = try #require(farm.offer().created.first)
        farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
        try farm.restart(notesFirst: notesFirst, items: [item], computers: [.node(node, ["linux"], online: false)])
        farm.update(node, .running)
        farm.wait(.seconds(2))
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        farm.wait(.seconds(9))
        farm.poll([], [.node(node, ["linux"])])
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .seconds(9), on: node.value)))
        let phases = try #require(farm.finished.first?.phases)
        #expect(phases.queued == .seconds(5))
        #expect(phases.offered == .seconds(1))
    }

    @Test func `what a restart finds gone is forgotten`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        try farm.restart(notesFirst: true, computers: [.node(node, ["linux"])])
        #expect(farm.phases.runs.isEmpty && farm.phases.remembered.isEmpty)
        #expect(farm.phases.running.isEmpty)
    }

    @Test func `a build on an agent that was there has no share in the agent's start`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.poll([], [.node(node, ["linux"])])
        farm.wait(.seconds(30))
        let item = farm.item(2)
        farm.poll([item], [.node(node, ["linux"])])
        farm.wait(.seconds(2))
        farm.tell(.itemLookedUp(2, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        farm.wait(.seconds(10))
        farm.poll([], [.node(node, ["linux"])])
        farm.tell(.buildLookedUp(url: url, view("FAILURE", .seconds(10), on: node.value)))
        #expect(
            farm.finished.map(\.phases) == [
                PhaseSpans(queued: .zero, assigned: .seconds(2), ran: .seconds(10))
            ])
    }

    @Test func `the quiet period is time in the queue`() throws {
        var farm = WatchedFarm([linux])
        let since = farm.item(1, phase: .waiting)
        farm.poll([since])
        farm.wait(.seconds(5))
        var buildable = since
        buildable.phase = .buildable
        farm.poll([buildable])
        farm.wait(.seconds(1))
        let node = try #require(farm.offer().created.first)
        farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
        farm.update(node, .running)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .seconds(1), on: node.value)))
        let phases = try #require(farm.finished.first?.phases)
        #expect(phases.queued == .seconds(5))
        #expect(phases.offered == .seconds(1))
    }

    @Test func `a build too short for any poll is known by its page`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.wait(.milliseconds(200))
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .milliseconds(150), on: node.value)))
        let build = try #require(farm.finished.first)
        #expect(build.duration == .milliseconds(150))
        #expect(build.node == node.value)
        #expect(build.phases.ran == .milliseconds(150))
    }

    @Test func `each part of a pipeline is timed on its own agent`() throws {
        var farm = WatchedFarm([linux])
        let items = [farm.item(1), farm.item(2)]
        farm.poll(items)
        let nodes = farm.offer().created
        try #require(nodes.count == 2)
        for node in nodes {
            farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
            farm.update(node, .running)
        }
        let both = nodes.map { Computer.node($0, ["linux"], busy: 1, url: url) }
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.tell(.itemLookedUp(2, .started(buildURL: url)))
        farm.poll([], both)
        farm.wait(.seconds(10))
        farm.poll([], [.node(nodes[0], ["linux"]), both[1]])
        farm.wait(.seconds(10))
        farm.poll([], nodes.map { .node($0, ["linux"]) })
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .seconds(25), on: "")))
        #expect(farm.finished.count == 2)
        #expect(Set(farm.finished.map(\.duration)) == [.seconds(10), .seconds(20)])
        #expect(farm.finished.allSatisfy { $0.phases.queued != nil })
    }

    @Test func `a container ended for want of memory marks the build in it`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        farm.update(node, .failed, "Memory limit exceeded", outOfMemory: true)
        farm.tell(.buildLookedUp(url: url, view("FAILURE", .seconds(3), on: node.value)))
        #expect(farm.finished.map(\.wasOutOfMemory) == [true])
    }

    @Test func `an agent with several executors is marked as shared`() throws {
        var farm = WatchedFarm([
            .named("linux") {
                $0.executorsMin = 2
                $0.executorsMax = 2
            }
        ])
        let node = try bringUp(&farm)
        farm.tell(.itemLookedUp(1, .started(buildURL: url)))
        farm.poll([], [.node(node, ["linux"], busy: 1, of: 2, url: url)])
        farm.tell(.buildLookedUp(url: url, view("SUCCESS", .seconds(3), on: node.value)))
        #expect(farm.finished.map(\.isShared) == [true])
    }

    @Test func `a cancelled item leaves nothing behind`() {
        var farm = WatchedFarm([linux])
        farm.poll([farm.item(1)])
        farm.poll([])
        farm.tell(.itemLookedUp(1, .cancelled))
        #expect(farm.finished.isEmpty)
        #expect(farm.phases.items.isEmpty)
    }

    @Test func `launches and failures are counted by template`() throws {
        var farm = WatchedFarm([linux])
        farm.poll([farm.item(1)])
        let node = try #require(farm.offer().created.first)
        farm.tell(.nodeCreated(node, AgentSecret("5ec4e7")))
        farm.update(node, .failed, "exited with status 1")
        #expect(farm.phases.launches == ["linux": 1])
        #expect(farm.phases.launchFailures == ["linux": 1])
    }

    @Test func `a build whose end nobody tells is given up after an hour`() throws {
        var farm = WatchedFarm([linux])
        let node = try bringUp(&farm)
        farm.poll([], [.node(node, ["linux"], busy: 1, url: url)])
        farm.wait(.seconds(5))
        farm.poll([], [.node(node, ["linux"])])
        farm.wait(.seconds(3_600))
        farm.poll([], [.node(node, ["linux"])])
        #expect(farm.finished.map(\.result) == ["UNKNOWN"])
        #expect(farm.finished.map(\.duration) == [.seconds(5)])
    }
}
