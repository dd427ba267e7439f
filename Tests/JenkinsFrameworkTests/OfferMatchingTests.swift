// Which offer an agent gets: what must be in it, and which of several that fit is taken.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct OfferMatchingTests {
    typealias Talk = PlannerConversation

    private func ask(_ node: NodeName, cpus: Int = 1, mem: Int = 100, ports: [PortWish] = []) -> AgentAsk {
        AgentAsk(
            node: node, wanted: Resources(cpus: Scalar(units: cpus), mem: Scalar(units: mem)), ports: ports,
            attributes: [:])
    }

    private func ports(_ ranges: ClosedRange<UInt64>...) -> Resources {
        Resources(entries: [ResourceEntry(name: "ports", value: .ranges(Ranges(ranges)))])
    }

    private func reserved(_ name: String, _ amount: Int, for role: RoleName) -> ResourceEntry {
        ResourceEntry(
            name: name, value: .scalar(Scalar(units: amount)),
            reservations: [Reservation(kind: .static, role: role)])
    }

    @Test func `ports come from the offer and fixed ones must be in it`() {
        var offer = Talk.offer("o1")
        offer.resources += ports(31_000...31_001, 8_080...8_080)
        let wishes = [
            PortWish(container: 1), PortWish(container: 2, host: 31_000, transport: .udp), PortWish(container: 3),
        ]
        let picks = OfferMatching.match(asks: [ask("n1", ports: wishes)], offers: [offer])
        #expect(
            picks["o1"]?.first?.ports == [
                PortMapping(container: 1, host: 8_080), PortMapping(container: 2, host: 31_000, transport: .udp),
                PortMapping(container: 3, host: 31_001),
            ])
        #expect(picks["o1"]?.first?.resources.ports == Ranges([8_080...8_080, 31_000...31_001]))
        let elsewhere = [PortWish(container: 1, host: 9_000)]
        #expect(OfferMatching.match(asks: [ask("n1", ports: elsewhere)], offers: [offer]).isEmpty)
        let tooMany = (1...4).map { PortWish(container: $0) }
        #expect(OfferMatching.match(asks: [ask("n1", ports: tooMany)], offers: [offer]).isEmpty)
    }

    @Test func `two agents on one offer never get the same port`() {
        var offer = Talk.offer("o1")
        offer.resources += ports(31_000...31_001)
        let wish = [PortWish(container: 80)]
        let asks = ["n1", "n2", "n3"].map { ask($0, ports: wish) }
        let picks = OfferMatching.match(asks: asks, offers: [offer])["o1"] ?? []
        #expect(picks.map(\.node) == ["n1", "n2"])
        #expect(picks.flatMap(\.ports).map(\.host) == [31_000, 31_001])
    }

    @Test func `what is reserved for the role and what is not are summed, and reserved parts go first`() throws {
        let ci = try RoleName("ci")
        let other = try RoleName("other")
        var offer = AgentOffer(
            id: "o1", agentID: "a1", hostname: "h1", role: ci,
            resources: Resources(cpus: Scalar(units: 1), mem: Scalar(units: 100)))
        offer.resources += Resources(entries: [
            reserved("cpus", 1, for: ci), reserved("mem", 100, for: ci),
        ])
        let picks = OfferMatching.match(asks: [ask("n1", cpus: 2, mem: 150)], offers: [offer])
        #expect(picks["o1"]?.first?.resources["cpus"] == Scalar(units: 2))
        #expect(picks["o1"]?.first?.resources.reserved(for: ci)["mem"] == Scalar(units: 100))
        // Reserved for others: not ours to use.
        offer.resources = Resources(entries: [
            reserved("cpus", 9, for: other), reserved("mem", 900, for: other),
        ])
        #expect(OfferMatching.match(asks: [ask("n1")], offers: [offer]).isEmpty)
    }

    @Test func `a template with a role uses offers for that role alone`() throws {
        var asked = ask("n1")
        asked.role = try RoleName("ci")
        var offer = Talk.offer("o1")
        #expect(OfferMatching.match(asks: [asked], offers: [offer]).isEmpty)
        offer.role = try RoleName("ci")
        #expect(OfferMatching.match(asks: [asked], offers: [offer]).count == 1)
    }

    @Test(arguments: [
        ("rack", "r2", true), ("rack", "r3", false), ("cores", "8.0", true), ("cores", "8", true),
        ("cores", "9", false), ("disks", "ssd", true), ("disks", "tape", false), ("slots", "12", true),
        ("slots", "21", false), ("missing", "x", false), ("version", "8", false),
    ])
    func `text is compared as text, scalars as numbers, sets and ranges by membership`(
        name: String, wanted: String, fits: Bool
    ) {
        var offer = Talk.offer("o1")
        offer.attributes = [
            "rack": ["r1", "r2"], "cores": [.scalar(Scalar(units: 8))], "disks": [.set(["hdd", "ssd"])],
            "slots": [.ranges(Ranges([10...20]))], "version": ["8.0"],
        ]
        var asked = ask("n1")
        asked.attributes = [name: wanted]
        #expect(OfferMatching.match(asks: [asked], offers: [offer]).isEmpty != fits)
    }

    @Test func `region and zone must be those of the template`() {
        var offer = Talk.offer("o1")
        offer.domain = DomainWish(region: "eu", zone: "eu-1")
        func fits(_ wish: DomainWish) -> Bool {
            var asked = ask("n1")
            asked.domain = wish
            return !OfferMatching.match(asks: [asked], offers: [offer]).isEmpty
        }
        #expect(fits(DomainWish(region: "eu")) && fits(DomainWish(region: "eu", zone: "eu-1")))
        #expect(!fits(DomainWish(region: "us")) && !fits(DomainWish(zone: "eu-2")))
        offer.domain = nil
        #expect(!fits(DomainWish(region: "eu")))
    }

    @Test func `disk is asked for and must be there`() {
        var asked = ask("n1")
        asked.wanted = Resources(cpus: Scalar(units: 1), mem: Scalar(units: 1), disk: Scalar(units: 500))
        var offer = Talk.offer("o1")
        #expect(OfferMatching.match(asks: [asked], offers: [offer]).isEmpty)
        offer.resources += Resources(disk: Scalar(units: 500))
        #expect(OfferMatching.match(asks: [asked], offers: [offer]).count == 1)
    }

    @Test func `of equal fits the machine used last is taken`() {
        var asked = ask("n1")
        asked.recentHosts = ["h3", "h2"]
        let offers = ["h1", "h2", "h3"].map { Talk.offer(OfferID("o-\($0)"), on: $0) }
        #expect(OfferMatching.match(asks: [asked], offers: offers).keys.map(\.value) == ["o-h3"])
        asked.recentHosts = []
        #expect(OfferMatching.match(asks: [asked], offers: offers).keys.map(\.value) == ["o-h1"])
    }

    @Test func `agents of several templates share one offer, the more urgent first`() {
        var talk = Talk.subscribed([
            .named("small"),
            .named("large") {
                $0.agentCPUs = Scalar(units: 6)
                $0.priority = 1
            },
        ])
        talk.poll([.buildable(1, "small"), .buildable(2, "large"), .buildable(3, "small")])
        talk.offer(cpus: 7)
        let chosen = talk.planner.agents.values.filter { $0.phase != .requested }.map(\.template.value).sorted()
        #expect(chosen == ["large", "small", "small"])
    }

    @Test func `maintenance that is over no longer matters`() {
        var offer = Talk.offer("o1")
        let now = WallTime(nanoseconds: 1_000_000_000_000)
        offer.unavailableFrom = now.advanced(by: .seconds(-100))
        #expect(!offer.isAvailable(from: now, until: now.advanced(by: .seconds(60))))
        offer.unavailableUntil = now.advanced(by: .seconds(-1))
        #expect(offer.isAvailable(from: now, until: now.advanced(by: .seconds(60))))
        offer.unavailableFrom = now.advanced(by: .seconds(61))
        offer.unavailableUntil = nil
        #expect(offer.isAvailable(from: now, until: now.advanced(by: .seconds(60))))
    }

    @Test func `a machine on which a launch hangs is refused for a minute and its offers declined for as long`() {
        var talk = Talk.subscribed([.named("linux") { $0.connectTimeout = .seconds(20) }])
        let name = talk.bringUp("linux")
        let node = Computer.node(name, online: false)
        for _ in 1...40 { talk.poll([.buildable(1, "linux")], [node]) }
        talk.poll([.buildable(1, "linux")], [node])
        #expect(talk.planner.agents.values.contains { $0.phase == .requested })
        #expect(talk.offer(on: "h1").contains(.decline(["o2"], refuse: .milliseconds(59_500))))
        #expect(talk.offer(on: "h2").created.count == 1, "other machines are taken")
        talk.wait(.seconds(60))
        talk.poll([.buildable(1, "linux"), .buildable(2, "linux")], [node])
        #expect(talk.offer(on: "h1").created.count == 1)
    }

    @Test func `an agent that connects clears its machine`() {
        var hosts = HostMemory()
        let later = Instant.zero.advanced(by: .seconds(10))
        hosts.timedOut("h1", because: "hangs", begunAt: .zero, at: later)
        #expect(hosts.refusal(of: "h1", at: later) == .seconds(60))
        #expect(hosts.refused(at: later).map(\.host) == ["h1"])
        hosts.connected("h1", "linux")
        #expect(hosts.refusal(of: "h1", at: later) == nil)
        #expect(hosts.recentHosts(of: "linux") == ["h1"])
    }
}
