// Silent agents: how fast they are removed, who is kept at the last moment, and when none is removed at all.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct RemovalTests {
    /// Registers agents on hosts of their own.
    private func agents(_ count: Int, _ talk: inout MasterConversation) -> [(id: AgentID, link: LinkID)] {
        (0..<count).map { index in
            let link = talk.register(Samples.agent("a\(index).example.org"), from: "10.0.1.\(index)")
            return (talk.core.cluster?.agents.agent(on: link)?.id ?? "none", link)
        }
    }

    private func count(_ name: String, _ talk: MasterConversation) -> UInt64 { talk.core.counters["master/\(name)"] }

    private func state(_ talk: MasterConversation) -> [UInt8] {
        guard let cluster = talk.core.cluster else { return [] }
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
            build: BuildInfo(), startedAt: talk.now.wall)
        return StateDocuments(cluster, facts).state()
    }

    private func rateLimited(_ interval: Duration) -> MasterSettings {
        var settings = MasterSettings()
        settings.agentRemovalInterval = interval
        settings.agentRemovalBrake = 1
        return settings
    }

    // MARK: Rate limit

    @Test func `a rate limit lets silent agents go one by one`() {
        var talk = MasterConversation(settings: rateLimited(.seconds(600)))
        _ = agents(3, &talk)
        talk.pass(.seconds(91))
        #expect(talk.stored.unreachable.count == 1)
        #expect(count("slave_unreachable_scheduled", talk) == 3)
        talk.pass(.seconds(580))
        #expect(talk.stored.unreachable.count == 1)
        talk.pass(.seconds(30))
        #expect(talk.stored.unreachable.count == 2)
        talk.pass(.seconds(600))
        #expect(talk.stored.unreachable.count == 3)
        #expect(count("slave_unreachable_completed", talk) == 3)
        #expect(count("slave_unreachable_canceled", talk) == 0)
    }

    @Test func `a late answer takes an agent out of the queue`() {
        var talk = MasterConversation(settings: rateLimited(.seconds(600)))
        let all = agents(2, &talk)
        talk.pass(.seconds(91))
        let late = all.first { talk.core.cluster?.agents[$0.id] != nil }
        guard let late else {
            Issue.record("both agents are gone")
            return
        }
        talk.agentCall(late.link, .pong) { $0.pong.sequence = 2 }
        #expect(count("slave_unreachable_canceled", talk) == 1)
        talk.pass(.seconds(1200), answeringOn: [late.link])
        #expect(talk.stored.unreachable.count == 1)
        #expect(talk.core.cluster?.agents[late.id]?.isConnected == true)
    }

    @Test func `an agent that registers again while it waits for its removal stays`() {
        var talk = MasterConversation(settings: rateLimited(.seconds(600)))
        let all = agents(2, &talk)
        talk.pass(.seconds(91))
        guard let index = all.firstIndex(where: { talk.core.cluster?.agents[$0.id] != nil }) else {
            Issue.record("both agents are gone")
            return
        }
        let back = talk.register(
            Samples.agent("a\(index).example.org", id: all[index].id.value), from: "10.0.1.\(index)")
        talk.pass(.seconds(1200), answeringOn: [back])
        #expect(talk.core.cluster?.agents[all[index].id]?.link == back)
        #expect(count("slave_unreachable_canceled", talk) == 1)
    }

    @Test func `agents that stay away after a change of leader go at the limited rate, too`() {
        var stored = RegistryState()
        for index in 0..<3 {
            var info = Samples.agent("a\(index).example.org").agent
            info.id.value = "old-S\(index)"
            stored.agents[AgentID("old-S\(index)")] = info
        }
        var talk = MasterConversation(settings: rateLimited(.seconds(60)), stored: stored)
        talk.pass(.seconds(601))
        #expect(talk.stored.unreachable.count == 1)
        talk.pass(.seconds(121))
        #expect(talk.stored.unreachable.count == 3)
        #expect(count("recovery_slave_removals", talk) == 3)
    }

    // MARK: The brake

    @Test func `when half of the agents vanish together none of them is removed, and the log says so loudly`() {
        var talk = MasterConversation()
        let all = agents(10, &talk)
        let alive = all.prefix(5).map(\.link)
        talk.drain()
        talk.pass(.seconds(130), answeringOn: alive)
        #expect(talk.stored.unreachable.isEmpty)
        #expect(talk.core.cluster?.removals.isBraked == true)
        let alarms = talk.notes.filter { $0.level == .error }
        #expect(alarms.count == 1)
        #expect(alarms.first?.text.hasPrefix("AGENT REMOVAL STOPPED: 5 of 10 agents fell silent together") == true)
        let state = String(decoding: state(talk), as: UTF8.self)
        #expect(
            state.contains(
                #""agent_removal":{"brake_engaged":true,"recovery_held":false,"silent":5,"waiting":5}"#), "\(state)")
        talk.drain()
        talk.pass(.seconds(300), answeringOn: alive)
        #expect(talk.stored.unreachable.isEmpty)
        #expect((4...5).contains(talk.notes.filter { $0.level == .error }.count), "it is repeated every minute")
    }

    @Test func `the brake holds although the agents' pings come due one after the other`() {
        var talk = MasterConversation()
        var all: [(id: AgentID, link: LinkID)] = []
        for index in 0..<10 {
            let link = talk.register(Samples.agent("a\(index).example.org"), from: "10.0.1.\(index)")
            all.append((talk.core.cluster?.agents.agent(on: link)?.id ?? "none", link))
            talk.pass(.milliseconds(1400), answeringOn: all.map(\.link))
        }
        talk.pass(.seconds(60), answeringOn: all.map(\.link))
        talk.pass(.seconds(200), answeringOn: Array(all.prefix(5).map(\.link)))
        #expect(talk.stored.unreachable.isEmpty)
        #expect(talk.core.cluster?.removals.isBraked == true)
    }

    @Test func `when enough of the vanished are back the rest is removed, after another window`() {
        var talk = MasterConversation()
        let all = agents(10, &talk)
        talk.pass(.seconds(130), answeringOn: all.prefix(5).map(\.link))
        let back = all[5..<8].map { agent in
            let index = all.firstIndex { $0.id == agent.id } ?? 0
            return talk.register(
                Samples.agent("a\(index).example.org", id: agent.id.value), from: "10.0.1.\(index)")
        }
        let alive = all.prefix(5).map(\.link) + back
        talk.pass(.seconds(60), answeringOn: alive)
        #expect(talk.stored.unreachable.isEmpty, "two of ten are few, but others may be on their way back")
        talk.pass(.seconds(60), answeringOn: alive)
        #expect(Set(talk.stored.unreachable.keys) == Set(all.suffix(2).map(\.id)))
        #expect(talk.core.cluster?.removals.isBraked == false)
        #expect(count("slave_unreachable_canceled", talk) == 3)
    }

    @Test func `a few agents are removed without ado, and two of two as well`() {
        var few = MasterConversation()
        let ten = agents(10, &few)
        few.pass(.seconds(130), answeringOn: ten.prefix(6).map(\.link))
        #expect(few.stored.unreachable.count == 4)
        var small = MasterConversation()
        _ = agents(2, &small)
        small.pass(.seconds(91))
        #expect(small.stored.unreachable.count == 2)
    }

    @Test func `agents that vanish in batches add up`() {
        var talk = MasterConversation()
        let all = agents(10, &talk)
        talk.pass(.seconds(45), answeringOn: all.prefix(7).map(\.link))
        talk.pass(.seconds(150), answeringOn: all.prefix(4).map(\.link))
        #expect(talk.stored.unreachable.count == 3)
        #expect(talk.core.cluster?.removals.isBraked == true)
    }

    @Test func `another leader releases the brake`() {
        var talk = MasterConversation()
        _ = agents(5, &talk)
        talk.pass(.seconds(130))
        #expect(talk.core.cluster?.removals.isBraked == true)
        var next = MasterConversation(stored: talk.stored, masterID: "99999999-2222-4333-8444-555555555555")
        #expect(next.core.cluster?.removals.isBraked == false)
        next.pass(.seconds(601))
        #expect(next.stored.unreachable.count == 5)
    }

    // MARK: After a change of leader

    @Test func `too many agents missing after a change of leader are waited for, and that is said every minute`() {
        var stored = RegistryState()
        for index in 0..<4 {
            var info = Samples.agent("a\(index).example.org").agent
            info.id.value = "old-S\(index)"
            stored.agents[AgentID("old-S\(index)")] = info
        }
        var settings = MasterSettings()
        settings.recoveryAgentRemovalLimit = 0.5
        var talk = MasterConversation(settings: settings, stored: stored)
        let first = talk.register(Samples.agent("a0.example.org", id: "old-S0"), from: "10.0.1.0")
        talk.pass(.seconds(800), answeringOn: [first])
        #expect(talk.stored.unreachable.isEmpty)
        #expect(talk.core.cluster?.isRecoveryRemovalHeld == true)
        let alarms = talk.notes.filter { $0.level == .error }
        #expect((3...4).contains(alarms.count))
        #expect(alarms.first?.text.hasPrefix("AGENTS NOT REMOVED: 3 of the 4 agents") == true)
        let second = talk.register(Samples.agent("a1.example.org", id: "old-S1"), from: "10.0.1.1")
        talk.pass(.seconds(61), answeringOn: [first, second])
        #expect(talk.stored.unreachable.count == 2, "half of them may go")
        #expect(talk.core.cluster?.isRecoveryRemovalHeld == false)
    }
}
