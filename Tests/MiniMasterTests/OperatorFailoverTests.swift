// Operators and crashes: whatever was asked for, and wherever the leader died, the next one reads what was stored.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OperatorFailoverTests {
    /// One leader after the other, over one registry that is kept as bytes.
    private struct Reign {
        var talk: MasterConversation
        var entries: [String: [UInt8]]
        var random: SplitMix64
        var links: [LinkID] = []

        /// Writes are held here for as long as it takes.
        static var settings: MasterSettings {
            var settings = MasterSettings()
            settings.registryStoreTimeout = .seconds(1_000_000)
            return settings
        }

        init(seed: UInt64) {
            random = SplitMix64(seed: seed)
            talk = MasterConversation(settings: Self.settings)
            talk.writesAtOnce = false
            entries = [:]
            // The first leader has named the cluster by now.
            for change in RegistryCodec.changes(for: [.nameCluster(talk.stored.cluster ?? "")]) {
                if case .put(let key, let bytes) = change { entries[key] = bytes }
            }
        }

        mutating func chance(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

        /// Lets the oldest write reach the disk, and perhaps dies before its answer.
        mutating func store(thenDie dies: Bool) {
            guard let write = talk.heldWrites.first?.1 else { return }
            for change in RegistryCodec.changes(for: write.operations) {
                switch change {
                case .put(let key, let bytes): entries[key] = bytes
                case .delete(let key): entries[key] = nil
                }
            }
            talk.releaseWrite()
            if dies { die() }
        }

        mutating func die() {
            var read = RegistryState()
            // In any order.
            for (key, bytes) in entries { #expect(RegistryCodec.decode(key, bytes, into: &read), "\(key)") }
            #expect(read == talk.stored)
            talk.writesAtOnce = true
            let before = talk.stored
            talk = talk.successor(settings: Self.settings)
            #expect(talk.stored == before, "a new leader changes nothing by reading")
            #expect(talk.core.cluster?.registry == before)
            talk.writesAtOnce = false
            links = []
        }

        mutating func register() {
            let number = chance(4)
            let known = talk.stored.agents.values.first { $0.hostname == "a\(number)" }?.id.value
            links.append(
                talk.register(Samples.drainable("a\(number)", id: known), from: "10.0.0.\(number)"))
        }

        mutating func anyAgent() -> AgentID {
            let known = Set(talk.stored.agents.keys).union(talk.stored.unreachable.keys)
                .union(talk.stored.gone.keys).sorted()
            return known.isEmpty ? "nobody" : known[chance(known.count)]
        }

        mutating func anyMachines() -> [V1MachineID] {
            (0..<4).filter { _ in chance(2) == 0 }.map { MasterConversation.machine("A\($0)", "10.0.0.\($0)") }
        }

        mutating func act() {
            switch chance(16) {
            case 0: talk.setWeights([("w\(chance(3))", Double(chance(4)))])
            case 1: talk.setQuota("q\(chance(3))", limits: ["cpus": Double(chance(9))])
            case 2: talk.setQuota("q\(chance(3))", guarantees: ["cpus": Double(chance(3))], force: chance(2) == 0)
            case 3: talk.setQuota("q\(chance(3))")
            case 4: talk.schedule([anyMachines(), anyMachines()].filter { !$0.isEmpty })
            case 5: talk.machinesDown(anyMachines())
            case 6: talk.machinesUp(anyMachines())
            case 7: talk.deactivate(anyAgent())
            case 8: talk.reactivate(anyAgent())
            case 9: talk.drainAgent(anyAgent(), graceSeconds: Int64(chance(5)), marksGone: chance(4) == 0)
            case 10 where chance(4) == 0: talk.markGone(anyAgent())
            case 11, 12: register()
            case 13 where !links.isEmpty: talk.send(.linkClosed(links[chance(links.count)]))
            case 14: talk.pass(.seconds(chance(40)))
            default: break
            }
            while chance(3) > 0, !talk.heldWrites.isEmpty { store(thenDie: chance(12) == 0) }
            // Whatever a leader believes durable is what is durable.
            #expect(talk.core.cluster?.registry == talk.stored)
        }
    }

    @Test(arguments: UInt64(1)...40)
    func `the next leader reads exactly what was stored, whatever was asked and wherever the last one died`(
        seed: UInt64
    ) {
        var reign = Reign(seed: seed)
        for _ in 0..<150 { reign.act() }
        reign.die()
    }

    @Test func `a call is answered once, and not before its write`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Samples.drainable())
        talk.writesAtOnce = false
        talk.drain()
        #expect(talk.setWeights([("a", 2)]) == nil)
        #expect(talk.setQuota("a", limits: ["cpus": 1]) == nil)
        #expect(talk.schedule([[MasterConversation.machine("elsewhere")]]) == nil)
        #expect(talk.deactivate(pair.agent) == nil)
        #expect(talk.machinesDown([MasterConversation.machine("elsewhere")]) == nil)
        var answers = 0
        while !talk.heldWrites.isEmpty {
            for effect in talk.releaseWrite() {
                if case .answer(_, let answer) = effect {
                    #expect(answer == .done)
                    answers += 1
                }
            }
        }
        #expect(answers == 5)
    }

    @Test func `calls that wait when the registry fails are not carried out`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Samples.drainable())
        talk.writesAtOnce = false
        talk.markGone(pair.agent)
        guard let term = talk.core.leadership.term else { return }
        talk.drain()
        let effects = talk.send(.registryFailed(term, .unavailable("the disk is full")))
        #expect(effects.contains { if case .closeEverything = $0 { true } else { false } })
        #expect(talk.statuses(pair.stream).isEmpty)
        #expect(!talk.commands(pair.link).contains { $0.type == .shutdown })
    }
}
