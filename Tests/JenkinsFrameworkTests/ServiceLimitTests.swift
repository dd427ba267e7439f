// How much an agent serves before it goes, how many are kept ready, and what a new configuration changes.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct ServiceLimitTests {
    typealias Talk = PlannerConversation

    private func requests(_ talk: Talk) -> Int { talk.planner.agents.values.count { $0.phase == .requested } }

    private func busy(_ name: NodeName, _ build: Int, job: String = "x", label: String = "linux") -> Computer {
        .node(name, [label], busy: 1, url: "http://j/job/\(job)/\(build)/")
    }

    @Test func `an agent goes after its last build and takes none while that runs`() {
        var talk = Talk.subscribed([.named("linux") { $0.buildsMax = 2 }])
        let name = talk.bringUp("linux")
        #expect(talk.poll([], [busy(name, 1)]).drained.isEmpty)
        #expect(talk.poll([], [busy(name, 1)]).drained.isEmpty, "the same build counts once")
        #expect(talk.poll([], [.node(name, ["linux"])]).drained.isEmpty)
        #expect(talk.poll([], [busy(name, 2)]).drained == [name])
        talk.tell(.nodeDrained(name))
        #expect(talk.poll([.buildable(3, "linux")], [.node(name, ["linux"], busy: 1, drained: true)]).deleted.isEmpty)
        #expect(requests(talk) == 1)
    }

    @Test func `builds of jobs the user may not see count too`() {
        var talk = Talk.subscribed([.named("linux") { $0.buildsMax = 2 }])
        let name = talk.bringUp("linux")
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        #expect(talk.poll([], [.node(name, ["linux"])]).drained.isEmpty)
        talk.poll([], [.node(name, ["linux"], busy: 1)])
        #expect(talk.poll([], [.node(name, ["linux"])]).drained == [name])
    }

    @Test func `the count of builds survives a restart`() {
        var talk = Talk.subscribed([.named("linux") { $0.buildsMax = 2 }])
        let name = talk.bringUp("linux")
        let effects = talk.poll([], [busy(name, 1)])
        guard case .persist(_, let record)? = effects.first else {
            Issue.record("not written: \(effects)")
            return
        }
        var again = Talk.subscribed([.named("linux") { $0.buildsMax = 2 }], record: record)
        again.poll([], [.node(name, ["linux"])])
        #expect(again.poll([], [busy(name, 2)]).drained == [name])
    }

    @Test func `an old agent takes no more builds, however busy it is`() {
        var talk = Talk.subscribed([
            .named("linux") {
                $0.lifetimeMax = .seconds(3_600)
                $0.idleTimeout = nil
            }
        ])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name, 1)])
        talk.wait(.seconds(3_590))
        #expect(talk.poll([], [busy(name, 7)]).drained.isEmpty)
        talk.wait(.seconds(10))
        #expect(talk.poll([], [busy(name, 7)]).drained == [name])
    }

    @Test func `age is counted across restarts of the framework`() {
        let template = AgentTemplate.named("linux") { $0.lifetimeMax = .seconds(3_600) }
        var talk = Talk([template])
        let born = talk.now.wall.advanced(by: .seconds(-3_601))
        talk = Talk.subscribed(
            [template],
            record: PlannerRecord(
                frameworkID: "fw-1",
                agents: [
                    .init(
                        name: "mj-linux-1", template: "linux", executors: 1, agentID: "a1", hostname: "h1",
                        sawBuild: true, bornAt: born)
                ]))
        #expect(talk.poll([], [busy("mj-linux-1", 4)]).drained == ["mj-linux-1"])
    }

    @Test func `a build of a named job is the last of its agent, and other jobs are not`() throws {
        let pattern = try #require(JobPattern("release/.*"))
        var talk = Talk.subscribed([.named("linux") { $0.singleUseJobs = [pattern] }])
        let name = talk.bringUp("linux")
        #expect(talk.poll([], [busy(name, 1)]).drained.isEmpty)
        #expect(talk.poll([], [busy(name, 2, job: "release/job/app%20one")]).drained == [name])
    }

    @Test func `a warm pool is asked for without a build and kept beside what waits`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentsIdleMin = 2 }])
        talk.poll([])
        #expect(requests(talk) == 2)
        talk.poll([])
        #expect(requests(talk) == 2, "never more")
        talk.poll([.buildable(1, "linux")])
        #expect(requests(talk) == 3)
        talk.poll([])
        #expect(requests(talk) == 2)
    }

    @Test func `a warm pool is not retired however long it is idle, and what is beyond it is`() {
        var talk = Talk.subscribed([
            .named("linux") {
                $0.agentsIdleMin = 1
                $0.idleTimeout = .seconds(10)
            }
        ])
        talk.poll([.buildable(1, "linux")])
        let names = talk.offer().created.sorted()
        for name in names { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        var drained: [NodeName] = []
        for _ in 1...100 { drained += talk.poll([], names.map { .node($0, ["linux"]) }).drained }
        #expect(names.count == 2 && drained == [names[1]])
    }

    @Test func `a warm pool waits behind builds for offers and keeps to the caps`() {
        var talk = Talk.subscribed([
            .named("pool") {
                $0.agentsIdleMin = 5
                $0.agentsMax = 3
                $0.priority = 9
            }, .named("linux"),
        ])
        talk.poll([.buildable(1, "linux")])
        #expect(talk.planner.agents.values.count { $0.template == "pool" } == 3)
        talk.offer(cpus: 1, mem: 800)
        let chosen = talk.planner.agents.values.filter { $0.phase != .requested }.map(\.template)
        #expect(chosen == ["linux"])
    }

    @Test func `a warm pool gets nothing from a controller that is about to shut down`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentsIdleMin = 2 }])
        talk.poll([], quietingDown: true)
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `an agent drained for idleness is opened again for a build instead of asking for another`() {
        var talk = Talk.subscribed([.named("linux") { $0.idleTimeout = .seconds(5) }])
        let name = talk.bringUp("linux")
        for _ in 1...11 { talk.poll([], [.node(name, ["linux"])]) }
        #expect(talk.phase(name) == .draining(.asked))
        talk.tell(.nodeDrained(name))
        let drained = Computer.node(name, ["linux"], drained: true, reason: "jenkins-framework: idle")
        #expect(talk.poll([.buildable(2, "linux")], [drained]).opened == [name])
        #expect(talk.planner.agents.count == 1)
        talk.tell(.nodeOpenFailed(name, reason: "timed out", mayBeOpen: true))
        talk.wait(.seconds(1))
        #expect(talk.tell(.ticked).opened == [name])
        talk.poll([], [busy(name, 2)])
        #expect(talk.planner.agents[name]?.phaseName == "busy")
    }

    @Test func `an agent drained because it is used up is never opened again`() {
        var talk = Talk.subscribed([.named("linux") { $0.buildsMax = 1 }])
        let name = talk.bringUp("linux")
        talk.poll([], [busy(name, 1)])
        talk.tell(.nodeDrained(name))
        let drained = Computer.node(name, ["linux"], drained: true, reason: "jenkins-framework: it ran 1 builds")
        #expect(talk.poll([.buildable(2, "linux")], [drained]).opened.isEmpty)
        #expect(requests(talk) == 1)
    }

    @Test func `a new configuration counts at once and agents of templates that are gone are retired`() {
        var talk = Talk.subscribed([.named("linux"), .named("old")])
        let name = talk.bringUp("old")
        talk.poll([.buildable(2, "linux")], [busy(name, 1, label: "old")])
        #expect(requests(talk) == 1)
        var effects = talk.tell(.reconfigured(PlannerSettings(templates: [.named("linux") { $0.agentsMax = 1 }])))
        #expect(requests(talk) == 0)
        effects += talk.poll([.buildable(2, "linux"), .buildable(3, "linux")], [busy(name, 1, label: "old")])
        #expect(requests(talk) == 1, "the new cap")
        #expect(effects.drained == [name] && effects.deleted.isEmpty, "its build ends first")
    }

    @Test func `beacons follow the labels of a new configuration`() {
        var talk = Talk.subscribed([.named("linux")]) { $0.beacons = .pair }
        func beacon(_ suffix: String) -> Computer {
            Computer(
                name: "mj-beacon-linux-\(suffix)",
                description: NodeMarker(frameworkID: "fw-1", template: "linux", kind: .beacon).text, isOffline: true,
                isTemporarilyOffline: true, labels: ["linux"], executors: [.init(isIdle: true)], isIdle: true)
        }
        #expect(talk.poll([], [beacon("a"), beacon("b")]) == [])
        talk.tell(.reconfigured(PlannerSettings(templates: [.named("linux") { $0.labels = ["linux", "docker"] }])))
        let effects = talk.poll([], [beacon("a"), beacon("b")])
        #expect(effects.deleted == ["mj-beacon-linux-a", "mj-beacon-linux-b"])
    }
}
