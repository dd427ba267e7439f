// The registry's bytes and batches: nothing is lost on the way, damage is noticed.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct RegistryTests {
    private static func operations() throws -> [RegistryOperation] {
        var agent = Samples.agent(id: "m-S0").agent
        agent.id.value = "m-S0"
        let info = Samples.framework(id: "jenkins / 7 \u{e9}")
        return [
            .admitAgent("m-S0", agent), .markUnreachable("m-S1", at: WallTime(nanoseconds: 5)),
            .markGone("m-S2", at: WallTime(nanoseconds: 6)),
            .putFramework("f1", FrameworkRecord(info: info, phase: .connected)),
            .putFramework("f2", FrameworkRecord(info: info, phase: .disconnected(since: WallTime(nanoseconds: 7)))),
            .putFramework("..", FrameworkRecord(info: info, phase: .removed(at: WallTime(nanoseconds: 8)))),
            .setWeight(try RoleName("eng/ci"), Weight(2.5)),
            .setQuota(
                try RoleName("eng"),
                Quota(
                    guarantees: ["cpus": Scalar(milli: 1_500)],
                    limits: ["cpus": .zero + Scalar(units: 2), "mem": Scalar(milli: 1_099_511_627_776_000)])),
            .setStanding("m-S0", .deactivated),
            .setStanding("m-S1", .draining(drain)), .setStanding("m-S3", .drained(drain)),
            .setSchedule((0..<12).map(window), replacing: 0),
            .setMachineDown(Machine(hostname: "H3", ip: "10.0.0.3"), true),
            .setMachineDown(Machine(hostname: "", ip: "10.0.0.4"), true), .nameCluster("c"),
            .setMinimumCapabilities(["QUOTA_V2", "AGENT_DRAINING"]),
        ]
    }

    private static let drain = AgentStanding.Drain(
        maxGracePeriod: .seconds(3), marksGone: true, since: WallTime(nanoseconds: 9))

    private static func window(_ number: Int) -> V1MaintenanceWindow {
        var window = V1MaintenanceWindow()
        window.machineIds = [MasterConversation.machine("H\(number)", "10.0.0.\(number)")]
        window.unavailability.start.nanoseconds = Int64(number)
        return window
    }

    @Test func `a registry says what its reader must understand, and a master that does not understand it leaves`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Samples.drainable())
        #expect(talk.stored.minimumCapabilities.isEmpty)
        talk.operate(.deactivateAgent) { $0.deactivateAgent.agentID = V1AgentID(pair.agent) }
        #expect(talk.stored.minimumCapabilities == ["AGENT_DRAINING"])
        talk.operate(.reactivateAgent) { $0.reactivateAgent.agentID = V1AgentID(pair.agent) }
        #expect(talk.stored.minimumCapabilities.isEmpty)
        var newer = talk.stored
        newer.minimumCapabilities = ["QUOTA_V2", "WARP_DRIVE"]
        let next = MasterConversation(stored: newer)
        #expect(next.core.cluster == nil)
        let reasons = next.effects.compactMap { if case .exit(let reason) = $0 { reason } else { nil } }
        #expect(reasons.count == 1)
        #expect(reasons.first?.contains("the capability WARP_DRIVE") == true)
    }

    @Test func `a shorter schedule leaves nothing of the longer one`() {
        var entries: Set<String> = []
        let operations: [RegistryOperation] = [
            .setSchedule((0..<12).map(Self.window), replacing: 0),
            .setSchedule((0..<2).map(Self.window), replacing: 12),
        ]
        for operation in operations {
            for change in RegistryCodec.changes(for: [operation]) {
                switch change {
                case .put(let key, _): entries.insert(key)
                case .delete(let key): entries.remove(key)
                }
            }
        }
        #expect(entries == ["windows/0", "windows/1"])
    }

    @Test func `what an operator decided about an agent goes with its last trace`() {
        var state = RegistryState()
        for operation in [
            RegistryOperation.setStanding("a", .deactivated), .markUnreachable("a", at: WallTime(nanoseconds: 1)),
        ] { state.apply(operation) }
        #expect(state.standings.count == 1)
        for end in [
            RegistryOperation.forgetUnreachable("a"), .removeAgent("a"), .markGone("a", at: WallTime(nanoseconds: 2)),
        ] {
            var ended = state
            ended.apply(end)
            #expect(ended.standings.isEmpty)
            #expect(RegistryCodec.changes(for: [end]).contains(.delete(key: "standings/a")))
        }
    }

    @Test func `every kind of entry survives being written and read`() throws {
        var expected = RegistryState()
        var entries: [String: [UInt8]] = [:]
        for operation in try Self.operations() { expected.apply(operation) }
        for change in RegistryCodec.changes(for: try Self.operations()) {
            if case .put(let key, let bytes) = change { entries[key] = bytes }
        }
        var read = RegistryState()
        for (key, bytes) in entries { #expect(RegistryCodec.decode(key, bytes, into: &read), "\(key)") }
        #expect(read == expected)
        #expect(entries.keys.allSatisfy { $0.split(separator: "/").count == 2 })
        #expect(entries.keys.contains("frameworks/%2E."))
    }

    @Test func `garbage in an entry is noticed, not believed`() {
        var state = RegistryState()
        #expect(!RegistryCodec.decode("agents/x", [0xFF, 0x01], into: &state))
        #expect(!RegistryCodec.decode("unreachable/x", Array("soon".utf8), into: &state))
        #expect(!RegistryCodec.decode("frameworks/x", Array("connected".utf8), into: &state))
        #expect(!RegistryCodec.decode("weights/-bad", Array("1".utf8), into: &state))
        #expect(!RegistryCodec.decode("nonsense", [], into: &state))
        #expect(!RegistryCodec.decode("quotas/dev", [0xFF], into: &state))
        #expect(!RegistryCodec.decode("quotas/a%2Fb", [0x0A, 3, 0x61, 0x2F, 0x62], into: &state))
        #expect(!RegistryCodec.decode("standings/x", Array("sleeping 5\n".utf8), into: &state))
        #expect(!RegistryCodec.decode("standings/x", Array("deactivated".utf8), into: &state))
        #expect(!RegistryCodec.decode("windows/first", [], into: &state))
        #expect(!RegistryCodec.decode("windows/0", [], into: &state))
        #expect(!RegistryCodec.decode("down/x%2C", [], into: &state))
        #expect(!RegistryCodec.decode("of-a-newer-version/x", [1], into: &state))
        #expect(state == RegistryState())
    }

    @Test func `two changes of one entry in a batch become one`() {
        let changes = RegistryCodec.changes(for: [
            .markUnreachable("a", at: WallTime(nanoseconds: 1)), .forgetUnreachable("a"),
        ])
        #expect(
            changes == [
                .delete(key: "agents/a"), .delete(key: "unreachable/a"), .delete(key: "standings/a"),
            ])
    }

    @Test func `one write is in flight at a time and the rest goes in one batch`() {
        var registrar = Registrar(recovered: RegistryState())
        var number: UInt64 = 0
        func next() -> UInt64 {
            number += 1
            return number
        }
        registrar.submit([.removeAgent("a")], then: .acknowledgeAgent("a"))
        let first = registrar.nextWrite(number: next)
        registrar.submit([.removeAgent("b")], then: .acknowledgeAgent("b"))
        registrar.submit([.removeAgent("c")], then: .acknowledgeAgent("c"))
        #expect(registrar.nextWrite(number: next) == nil)
        #expect(first?.number == 1)
        #expect(registrar.written(1) == [.acknowledgeAgent("a")])
        let again = registrar.written(1)
        #expect(again.isEmpty)
        let second = registrar.nextWrite(number: next)
        #expect(second?.operations == [.removeAgent("b"), .removeAgent("c")])
        #expect(registrar.written(2) == [.acknowledgeAgent("b"), .acknowledgeAgent("c")])
    }

    @Test func `a write never grows beyond its bound`() {
        var registrar = Registrar(recovered: RegistryState())
        for index in 0..<1_000 { registrar.submit([.removeAgent(AgentID("a\(index)"))], then: .nothing) }
        #expect(registrar.nextWrite(number: { 1 })?.operations.count == Registrar.operationsPerWriteMax)
    }

    @Test func `the file is read back whole or not at all`() {
        let entries: [String: [UInt8]] = ["agents/a": [1, 10, 2], "leader": Array("{}".utf8), "weights/x": []]
        let bytes = FileRegistry.encode(entries)
        #expect(FileRegistry.decode(bytes) == entries)
        for length in 0..<bytes.count { #expect(FileRegistry.decode(Array(bytes[..<length])) == nil) }
        #expect(FileRegistry.decode(Array("something else\n".utf8)) == nil)
    }

    @Test func `old unreachable and gone marks are collected`() {
        var stored = RegistryState()
        let now = MasterConversation(starts: false).now.wall
        stored.unreachable["old"] = now.advanced(by: .seconds(-15 * 86_400))
        stored.unreachable["new"] = now.advanced(by: .seconds(-86_400))
        stored.gone["old"] = now.advanced(by: .seconds(-15 * 86_400))
        stored.standings = ["new": .deactivated, "removed by an older version": .deactivated]
        var talk = MasterConversation(stored: stored)
        talk.pass(.seconds(901))
        #expect(talk.stored.unreachable.keys.sorted() == ["new"])
        #expect(talk.stored.gone.isEmpty)
        #expect(talk.stored.standings.keys.sorted() == ["new"])
    }
}
