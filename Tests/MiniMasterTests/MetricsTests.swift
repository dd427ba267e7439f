// Metrics: names, counters of frameworks, timers.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct MetricsTests {
    private func document(
        _ talk: MasterConversation, perFramework: Bool = true, timers: MasterTimers? = nil
    ) -> MetricsDocument {
        var configuration = MasterConfiguration(workDir: "/var/lib/mini")
        configuration.publishPerFrameworkMetrics = perFramework
        let facts = MasterFacts(
            configuration: configuration, selfInfo: talk.core.selfInfo, build: BuildInfo(), startedAt: talk.now.wall)
        return MetricsDocument(
            snapshot: MasterSnapshot(core: talk.core, now: talk.now), facts: facts, inboxDepth: 0, timers: timers)
    }

    private func metrics(
        _ talk: MasterConversation, perFramework: Bool = true, timers: MasterTimers? = nil
    ) -> [String: Double] {
        let sorted = document(talk, perFramework: perFramework, timers: timers).sorted
        return Dictionary(uniqueKeysWithValues: sorted.map { ($0.name, $0.value) })
    }

    @Test func `a framework's calls, events, offers and tasks are counted under its name and id`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework("ci/main 1"))
        talk.launch([Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)], pair)
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskRunning, uuid: 1)
        talk.update(pair.link, pair.framework, "t2", on: pair.agent, .taskFinished, uuid: 2)
        talk.acknowledge(pair, "t2", uuid: 2)
        let metrics = metrics(talk)
        let prefix = "master/frameworks/ci%2Fmain%201/\(pair.framework)/"
        for (name, value) in [
            ("subscribed", 1.0), ("calls", 3), ("calls/subscribe", 1), ("calls/accept", 1), ("calls/acknowledge", 1),
            ("calls/accept_inverse_offers", 0), ("events/subscribed", 1), ("events/heartbeat", 1),
            ("events/update", 2), ("operations", 1), ("operations/launch", 1), ("operations/launch_group", 0),
            ("offers/accepted", 1), ("offers/declined", 0), ("tasks/active/task_running", 1),
            ("tasks/terminal/task_finished", 1), ("tasks/terminal/task_failed", 0), ("roles/dev/suppressed", 0),
        ] {
            #expect(metrics[prefix + name] == value, "\(name)")
        }
        #expect(metrics[prefix + "offers/sent"] == metrics[prefix + "events/offers"])
        #expect(!self.metrics(talk, perFramework: false).keys.contains { $0.hasPrefix("master/frameworks/") })
    }

    @Test func `refusals in force are counted by role, and calls by principal`() {
        var talk = MasterConversation()
        var info = Samples.framework()
        info.principal = "ci"
        let pair = talk.pair(info)
        let offers = talk.offers(pair.stream).map(\.id)
        talk.call(pair.stream, pair.framework, .decline) { call in
            call.decline.offerIds = offers
            call.decline.filters.refuseSeconds = 60
        }
        let metrics = metrics(talk, perFramework: false)
        #expect(metrics["allocator/mesos/offer_filters/roles/dev/active"] == Double(offers.count))
        #expect(metrics["frameworks/ci/messages_received"] == 2)
        #expect(metrics["frameworks/ci/messages_processed"] == 2)
        #expect(!metrics.keys.contains { $0.hasPrefix("master/frameworks/") })
    }

    @Test func `watchers and the registry's size are told`() {
        var talk = MasterConversation()
        talk.pair()
        talk.watch()
        let metrics = metrics(talk)
        #expect(metrics["master/operator_event_stream_subscribers"] == 1)
        #expect(metrics["registrar/registry_size_bytes"] ?? 0 > 0)
        #expect(metrics["registrar/log/recovered"] == 1)
    }

    @Test func `a timer tells its last sample and how all were spread`() throws {
        let timers = MasterTimers()
        let talk = MasterConversation()
        func values() -> [String: Double] { metrics(talk, timers: timers).filter { $0.key.contains("state_store") } }
        #expect(values().isEmpty)
        for milliseconds in 1...2_000 { timers.stateStore.record(.milliseconds(milliseconds)) }
        let told = values()
        let name = "registrar/state_store_ms"
        for (suffix, expected) in [
            ("", 2_000.0), ("/count", 1_000), ("/min", 1_001), ("/max", 2_000), ("/p50", 1_500.5),
        ] {
            let value = try #require(told[name + suffix])
            #expect(abs(value - expected) < 1e-6, "\(suffix)")
        }
        #expect(told.count == 10)
        let text = document(talk, timers: timers).prometheus()
        #expect(text.contains("mini_master_registry_store_seconds_count 2000\n"))
        #expect(text.contains("mini_master_registry_store_seconds_sum 2001"))
        #expect(text.contains("mini_master_registry_store_seconds{quantile=\"0.5\"} 1.5005"))
    }
}
