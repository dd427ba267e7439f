// Each rule fires once and is over once; a healthy hour is silent.
import Alerts
import Resources
import Testing

@Suite struct AlertBookTests {
    @Test(arguments: AlertRule.standard)
    func `a rule fires once after its time and says once that it is over`(rule: AlertRule) {
        var watch = Watch()
        let holds = Int(rule.holdsFor.components.seconds)
        #expect(watch.see(Samples.sick(of: rule.name), for: holds).isEmpty)
        let told = watch.see(Samples.sick(of: rule.name), for: 7_200)
        // A label that nobody serves makes its build wait, too, after a while; here it does not.
        #expect(told.map(\.kind) == [.firing])
        #expect(told.first?.key.rule == rule.name)
        #expect(told.first?.severity == rule.severity)
        #expect(watch.see(Samples.cluster(), for: 60).isEmpty)
        let over = watch.see(Samples.cluster(), for: 3_600)
        #expect(over.map(\.kind) == [.resolved])
        #expect(over.first?.key == told.first?.key)
        #expect(watch.book.all.isEmpty)
    }

    @Test func `a healthy hour with busy minutes, a restarted agent and master, and short waits is silent`() {
        var watch = Watch()
        let told = watch.healthyHour()
        #expect(told.isEmpty)
        #expect(told.map(\.summary) == [])
    }

    @Test func `a starved role is told with who holds most`() throws {
        var watch = Watch()
        let news = try #require(watch.see(Samples.full, for: 330).first)
        #expect(news.key == AlertKey(rule: "RoleStarved", subject: "ci"))
        #expect(news.summary == "Frameworks of role ci want resources, and hardly any are left.")
        #expect(
            news.description.hasPrefix("Role batch holds 278 CPUs and 1138688 MiB of memory. Role ci holds 40 CPUs"))
        #expect(news.description.hasSuffix("Ask \"mini explain role ci\"."))
    }

    @Test func `a condition that flickers is told once`() {
        var watch = Watch()
        #expect(watch.see(Samples.full, for: 330).count == 1)
        var told: [AlertNews] = []
        for _ in 0..<50 {
            told += watch.see(Samples.cluster(), for: 45)
            told += watch.see(Samples.full, for: 15)
        }
        #expect(told.isEmpty)
        #expect(watch.see(Samples.cluster(), for: 90).map(\.kind) == [.resolved])
    }

    @Test func `a gap before the time is up begins it anew`() {
        var watch = Watch()
        for _ in 0..<20 {
            #expect(watch.see(Samples.full, for: 285).isEmpty)
            #expect(watch.see(Samples.cluster(), for: 15).isEmpty)
        }
    }

    @Test func `with a repeat interval it is told again, and nothing in between`() {
        var watch = Watch(.init(repeatInterval: .seconds(3_600)))
        let told = watch.see(Samples.full, for: 3 * 3_600 + 400)
        #expect(told.map(\.kind) == [.firing, .reminder, .reminder, .reminder])
    }

    @Test func `a new leader begins with an empty book, so that what lasts is told once more and no storm comes`() {
        var watch = Watch()
        #expect(watch.see(Samples.full, for: 330).count == 1)
        #expect(watch.book.step(.steppedDown, at: watch.now).isEmpty)
        #expect(watch.book.all.isEmpty)
        #expect(watch.see(Samples.full, for: 3_600).map(\.kind) == [.firing])
    }

    @Test func `five minutes in which each look finds other things wrong leave a bounded book`() {
        var settings = AlertBook.Settings()
        for index in settings.rules.indices { settings.rules[index].holdsFor = .zero }
        var watch = Watch(settings)
        var most = 0
        for look in 0..<20 {
            let sample = Samples.cluster {
                $0.roles = (0..<120).map { Samples.role("r\(look)-\($0)", wanting: 1, allocated: 1, left: 0) }
                $0.stalledAgents = (0..<120).map { .init(host: "a\(look)-\($0)", reason: "slow") }
                $0.lostAgents = (0..<120).map { "a\(look)-\($0)" }
                $0.masters = 2
                $0.farms[0].waits = (0..<120).map { Samples.wait("unserved", minutes: 90, label: "l\(look)-\($0)") }
            }
            #expect(watch.see(sample, for: 15).count <= 2 * 6 * 100)
            most = max(most, watch.book.all.count)
        }
        // Of each rule a hundred at a time, until they are over: five looks later.
        #expect(most <= 6 * 100 * 6, "\(most)")
    }

    @Test func `everything that changes at one moment is one message, and a rule speaks of a hundred things at most`() {
        var book = AlertBook(.init(rules: [AlertRule("EngineStalled", .engineStalled, holdsFor: .zero)]))
        let sample = Samples.cluster {
            $0.stalledAgents = (0..<5_000).map { .init(host: "a\($0)", reason: "") }
        }
        let effects = book.step(.sampled(sample), at: Moment(instant: .zero, wall: WallTime(nanoseconds: 0)))
        guard case .tell(let news) = effects.first else {
            Issue.record("nothing was told")
            return
        }
        #expect(effects.count == 1)
        #expect(news.count == 100)
        #expect(book.all.count == 100)
    }
}
