// The life of an agent: offer, node, launch, connection, build, retirement; one conversation a test.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct AgentLifeTests {
    typealias Talk = PlannerConversation

    @Test func `a queued build becomes an agent in the right order`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        #expect(talk.onlyAgent?.phase == .requested)

        // The name is on disk before the node is created.
        let offer = Talk.offer("o1")
        let written = talk.planner.step(.offersArrived([offer]), at: talk.now)
        guard case .persist(let revision, let record)? = written.first, let name = talk.onlyAgent?.name else {
            Issue.record("nothing was written: \(written)")
            return
        }
        #expect(record.agents.map(\.name) == [name])
        #expect(written.created.isEmpty)
        #expect(talk.tell(.persisted(revision: revision - 1)).created.isEmpty, "an older record says nothing of it")
        let creating = talk.tell(.persisted(revision: revision))
        #expect(creating.created == [name])
        #expect(creating.launched.isEmpty)

        // The node and its secret come before the accept.
        let launching = talk.tell(.nodeCreated(name, AgentSecret("5ec4e7")))
        #expect(launching.launched == [name])
        #expect(talk.phase(name) == .launching)

        talk.tell(.taskUpdated(.init(task: TaskID(name.value), agent: "agent-h1", state: .running, uuid: [1])))
        #expect(talk.phase(name) == .connecting)
        talk.poll([.buildable(1, "linux")], [.node(name, ["linux"])])
        #expect(talk.phase(name) == .online)
    }

    @Test func `every update with a uuid is acknowledged and no other`() {
        var talk = Talk.subscribed([.named("linux")])
        let known = TaskUpdate(task: "who", agent: "a1", state: .finished, uuid: [7])
        #expect(talk.tell(.taskUpdated(known)) == [.acknowledge("who", "a1", uuid: [7])])
        #expect(talk.tell(.taskUpdated(.init(task: "who", agent: "a1", state: .finished))) == [])
    }

    @Test func `several agents share one offer and one accept`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentCPUs = Scalar(units: 1) }])
        talk.poll((1...3).map { .buildable($0, "linux") })
        let created = talk.offer(cpus: 3).created
        #expect(created.count == 2)  // 1 + 0.1 CPUs each.
        #expect(talk.tell(.nodeCreated(created[0], AgentSecret("a"))).launched.isEmpty)
        #expect(talk.tell(.nodeCreated(created[1], AgentSecret("b"))).launched == created.sorted())
    }

    @Test func `an offer is declined if its only node cannot be created`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        let effects = talk.tell(.nodeCreationFailed(name, reason: "status 400, in use", mayExist: false))
        #expect(effects.declined == ["o1"])
        #expect(effects.deleted.isEmpty, "a node that another made must not be deleted")
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a node that may have been created all the same is deleted`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        #expect(talk.tell(.nodeCreationFailed(name, reason: "timed out", mayExist: true)).deleted == [name])
        #expect(talk.tell(.nodeDeleted(name)).killed.isEmpty)
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `after a failed creation the controller is left alone for a while`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        talk.tell(.nodeCreationFailed(talk.offer().created[0], reason: "status 500", mayExist: false))
        talk.poll([.buildable(1, "linux")])
        #expect(talk.offer().created.isEmpty)
        talk.wait(.seconds(2))
        talk.poll([.buildable(1, "linux")])
        #expect(talk.offer().created.count == 1)
    }

    @Test func `a rescinded offer takes its half-made node with it`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        #expect(talk.tell(.offerRescinded("o1")).deleted.isEmpty, "its creation has not been answered")
        #expect(talk.tell(.nodeCreated(name, AgentSecret("x"))).withoutReports == [.deleteNode(name)])
        talk.tell(.nodeDeleted(name))
        #expect(talk.planner.agents.isEmpty)
    }

    @Test func `a half-made node of a lost offer is deleted even if its creation was not confirmed`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        let name = talk.offer().created[0]
        talk.tell(.offerRescinded("o1"))
        #expect(talk.tell(.nodeCreationFailed(name, reason: "timed out", mayExist: true)).deleted == [name])
    }

    @Test func `a dropped launch costs no reputation and is asked for again`() {
        var talk = Talk.subscribed([.named("linux")])
        for _ in 1...5 {
            talk.poll([.buildable(1, "linux")])
            let name = talk.offer().created[0]
            talk.tell(.nodeCreated(name, AgentSecret("x")))
            let update = TaskUpdate(task: TaskID(name.value), state: .dropped, cause: .infrastructure)
            #expect(talk.tell(.taskUpdated(update)).deleted == [name])
            talk.tell(.nodeDeleted(name))
        }
        talk.poll([.buildable(1, "linux")])
        #expect(talk.planner.agents.count == 1)
    }

    @Test func `offers are suppressed while nothing waits and revived when something does`() {
        var talk = Talk.subscribed([.named("linux")])
        #expect(!talk.poll([]).contains(.suppress), "every subscription starts suppressed")
        #expect(talk.poll([.buildable(1, "linux")]).contains(.revive))
        #expect(!talk.poll([.buildable(1, "linux")]).contains(.revive))
        let effects = talk.offer()
        #expect(effects.contains(.suppress))
        #expect(talk.offer().contains(.decline(["o2"], refuse: .seconds(600))))
    }

    @Test func `an offer that is too small is declined for a short time`() {
        var talk = Talk.subscribed([.named("linux") { $0.agentCPUs = Scalar(units: 64) }])
        talk.poll([.buildable(1, "linux")])
        #expect(talk.offer().contains(.decline(["o1"], refuse: .seconds(5))))
    }

    @Test func `a revive is repeated while requests wait and no offer comes`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        talk.wait(.seconds(29))
        #expect(!talk.poll([.buildable(1, "linux")]).contains(.revive))
        talk.wait(.seconds(1))
        #expect(talk.poll([.buildable(1, "linux")]).contains(.revive))
    }

    @Test func `offers of a machine that goes into maintenance are refused`() {
        var talk = Talk.subscribed([.named("linux")])
        talk.poll([.buildable(1, "linux")])
        var offer = Talk.offer("o1")
        offer.unavailableFrom = talk.now.wall.advanced(by: .seconds(600))
        #expect(talk.tell(.offersArrived([offer])).declined == ["o1"])
    }

    @Test func `attributes must match and the tightest fit is taken`() {
        var talk = Talk.subscribed([.named("linux") { $0.attributes = ["rack": "r2"] }])
        talk.poll([.buildable(1, "linux")])
        var offers = [
            Talk.offer("o1", cpus: 2, on: "h1"), Talk.offer("o2", on: "h2"), Talk.offer("o3", cpus: 4, on: "h3"),
        ]
        offers[1].attributes = ["rack": ["r2"]]
        offers[2].attributes = ["rack": ["r1", "r2"]]
        let effects = talk.tell(.offersArrived(offers))
        #expect(talk.onlyAgent?.hostname == "h3")
        #expect(effects.declined == ["o1", "o2"])
    }

    @Test func `higher priority gets the offer first`() {
        var talk = Talk.subscribed([.named("slow"), .named("urgent") { $0.priority = 5 }])
        talk.poll([.buildable(1, "slow"), .buildable(2, "urgent")])
        talk.offer(cpus: 1, mem: 800)
        let chosen = talk.planner.agents.values.first { $0.phase != .requested }
        #expect(chosen?.template == "urgent")
    }

    @Test func `launches keep to the limits of pending agents and of a minute`() {
        var talk = Talk.subscribed([.named("linux")]) {
            $0.agentsPendingMax = 2
            $0.launchesPerMinuteMax = 3
        }
        let items = (1...5).map { QueueItem.buildable($0, "linux") }
        talk.poll(items)
        let first = talk.offer().created
        #expect(first.count == 2)
        for name in first { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        #expect(talk.offer().created.isEmpty)
        talk.poll(items, first.map { .node($0, ["linux"], busy: 1) })
        let second = talk.offer().created
        #expect(second.count == 1, "three in a minute")
        for name in second { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        talk.wait(.seconds(60))
        #expect(talk.poll(items, first.map { .node($0, ["linux"], busy: 1) }).contains(.revive))
        #expect(talk.offer().created.count == 1)
    }

    @Test func `no machine is given more agents within a minute than it may have, and the others take the rest`() {
        var talk = Talk.subscribed([.named("linux")]) { $0.hostLaunchesPerMinuteMax = 2 }
        let items = (1...5).map { QueueItem.buildable($0, "linux") }
        talk.poll(items)
        let first = talk.offer(on: "h1").created
        #expect(first.count == 2)
        #expect(talk.offer(on: "h1").created.isEmpty, "those being registered count")
        for name in first { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        let nodes = first.map { Computer.node($0, ["linux"], busy: 1) }
        talk.poll(items, nodes)
        #expect(talk.offer(on: "h1").created.isEmpty)
        #expect(talk.offer(on: "h2").created.count == 2)
        talk.wait(.seconds(60))
        talk.poll(items, nodes)
        #expect(talk.offer(on: "h1").created.count == 2)
    }

    @Test func `names are never reused and fit a host name`() {
        var talk = Talk.subscribed([.named("Build_Farm--of the very long name")])
        var seen: Set<NodeName> = []
        for round in 1...50 {
            talk.poll([.buildable(QueueItemID(round), "Build_Farm--of the very long name")])
            talk.poll([])
            talk.poll([
                QueueItem(
                    id: 999, phase: .buildable, taskName: "j", labelParameter: "\"Build_Farm--of the very long name\"")
            ])
            for name in talk.planner.agents.keys {
                #expect(seen.insert(name).inserted)
                #expect(name.value.hasPrefix("mj-build-farm--of-the-v") && name.value.utf8.count <= 63)
                #expect(name.value.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
            }
            talk.poll([])
        }
        #expect(!seen.isEmpty)
    }
}
