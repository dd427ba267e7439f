// The history of a running master: sampled, answered, hidden from who may not see it, and copied by another master.
import ClusterHistory
import Foundation
import HTTPClient
import Logging
import MasterDetection
import MesosProtocol
import Resources
import Security
import Testing

@testable import MiniMaster

@Suite(.serialized, .timeLimit(.minutes(2)))
struct HistoryTests {
    private static func numbers(_ value: JSONValue?) -> [Double] {
        guard case .array(let items)? = value else { return [] }
        return items.compactMap { if case .number(let number) = $0 { number.doubleValue } else { nil } }
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard case .array(let items)? = value else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    /// Slots of some roles in the last hours, put into a master's own store.
    private static func fill(_ master: RunningMaster, roles: [String], slots: Int64 = 12) async throws -> Int64 {
        #expect(await master.server.history.beat())
        let store = try #require(master.server.history.store)
        let now = Int64(Date().timeIntervalSince1970)
        let last = HistoryResolution.tenMinutes.slot(of: now) - 600
        let rows = (0..<slots).map { index in
            var points: [HistorySeries: HistoryPoint] = [
                .cluster: HistoryPoint(HistoryAmounts(centiCPUs: 900, tasks: 9))
            ]
            for (place, role) in roles.enumerated() {
                points[.role(role)] = HistoryPoint(
                    mean: HistoryAmounts(centiCPUs: Int64(100 * (place + 1)), memory: 64, tasks: 2, builds: 1),
                    most: HistoryAmounts(centiCPUs: 500, memory: 128, tasks: 4, builds: 2))
            }
            return HistoryRow(time: last - index * 600, points: points)
        }
        try await store.add(rows, .tenMinutes, at: now)
        return last
    }

    @Test func `a master that has stopped has let go of its history`() async throws {
        for _ in 0..<20 {
            var history: HistoryKeeper?
            try await RunningMaster.with { master in
                history = master.server.history
                while master.server.history.store == nil { await Task.yield() }
            }
            #expect(history?.store == nil)
        }
    }

    @Test func `the leader samples itself, and says what was held when`() async throws {
        try await RunningMaster.with { master in
            let last = try await Self.fill(master, roles: ["eng", "eng/ci", "ops"])
            let reply = try await master.get("/history?from=\(last - 3_600)&step=600")
            #expect(reply.status == 200)
            let answer = try JSONValue(parsing: reply.body)
            #expect(Self.texts(answer["roles"]) == ["eng", "eng/ci", "ops"])
            let times = Self.numbers(answer["time"])
            let expected: [Double] = (0...6).map { step in Double(last - 3_600 + Int64(step) * 600) }
            #expect(Array(times.prefix(7)) == expected)
            guard case .array(let series)? = answer["series"] else { throw Missing() }
            // The larger of two roles comes first; roles below are left to who asks about the one above.
            #expect(series.map { $0["role"] } == [nil, .string("ops"), .string("eng")])
            #expect(Array(Self.numbers(series[0]["cpus"]).prefix(7)) == [Double](repeating: 9, count: 7))
            #expect(Self.numbers(series[1]["cpus"]).first == 3)
            #expect(Self.numbers(series[1]["cpus_max"]).first == 5)
            #expect(Self.numbers(series[2]["builds_max"]).first == 2)
            #expect(series.allSatisfy { Self.numbers($0["mem"]).count == times.count })
            #expect(Self.numbers(answer["capacity"]?["agents"]).count == times.count)
            let eng = try JSONValue(parsing: try await master.get("/master/history?role=eng&step=600").body)
            guard case .array(let below)? = eng["series"] else { throw Missing() }
            #expect(below.map { $0["role"] } == [.string("eng"), .string("eng/ci")])
        }
    }

    @Test(arguments: [
        ("/history?from=x", "from: expected seconds, found 'x'"), ("/history?step=-1", "step: expected seconds"),
        ("/history?role=-x", "role: "), ("/history/slots", "step: expected 60 or 600"),
        ("/history/slots?step=61&after=0", "step: expected 60 or 600"),
        ("/history/slots?step=60", "after: expected seconds"),
    ])
    func `a question that makes no sense is refused with what is wrong`(path: String, text: String) async throws {
        try await RunningMaster.with { master in
            #expect(await master.server.history.beat())
            let reply = try await master.get(path)
            #expect(reply.status == 400)
            #expect(reply.text.contains(text), "\(reply.text)")
        }
    }

    @Test func `who may not view a role learns nothing about its past, and cannot copy`() async throws {
        try await RunningMaster.with { configuration in
            configuration.security.acls = AccessControlList(rules: [
                .viewRoles: [
                    .init(subjects: .any, objects: .some(["dev"])), .init(subjects: .any, objects: .none),
                ]
            ])
        } _: { master in
            _ = try await Self.fill(master, roles: ["dev", "secret"])
            let all = try await master.get("/history?step=600")
            #expect(all.status == 200 && all.text.contains("\"dev\"") && !all.text.contains("secret"))
            #expect(try await master.get("/history?role=secret").status == 403)
            #expect(try await master.get("/history/slots?step=600&after=0").status == 403)
        }
    }

    @Test func `another master copies what it lacks, and proves who it is`() async throws {
        let credential = Credential(principal: Principal("ops"), secret: Secret("word"))
        let secure: (inout MasterConfiguration) -> Void = { configuration in
            configuration.security.credentials = Credentials([credential])
            configuration.security.authenticatesReadOnly = true
        }
        try await RunningMaster.with(secure) { leader in
            let last = try await Self.fillSecured(leader)
            try await RunningMaster.with(secure) { other in
                #expect(await other.server.history.beat())
                let store = try #require(other.server.history.store)
                let leaderInfo = V1MasterInfo(
                    id: "leader", ip: "127.0.0.1", port: Int32(clamping: leader.server.port))
                try await other.server.history.copy(from: leaderInfo, to: store)
                let copied = try await store.rows(.tenMinutes, from: 0)
                #expect(copied == (try await leader.server.history.store?.rows(.tenMinutes, from: 0)))
                #expect(copied.count == 450 && copied.last?.time == last)
            }
        }
    }

    private static func fillSecured(_ master: RunningMaster) async throws -> Int64 {
        // More than one answer holds.
        try await fill(master, roles: ["eng"], slots: 450)
    }

    private struct Missing: Error {}

    @Test func `slots survive being told to another master`() throws {
        let rows = [
            HistoryRow(
                time: 1_790_812_800,
                points: [
                    .cluster: HistoryPoint(HistoryAmounts(centiCPUs: 1, memory: 2, tasks: 3, builds: 4)),
                    .role("a\"b/c"): HistoryPoint(
                        mean: HistoryAmounts(centiCPUs: 1 << 40), most: HistoryAmounts(centiCPUs: 1 << 41)),
                ]), HistoryRow(time: 0, points: [:]),
        ]
        #expect(HistoryDocuments.rows(in: HistoryDocuments.slots(rows)) == rows)
        for text in ["", "{}", "[]", #"{"slots":[{}]}"#, #"{"slots":[{"time":1,"points":{"a":[1,2,3]}}]}"#] {
            #expect(HistoryDocuments.rows(in: Array(text.utf8)) == nil, "\(text)")
        }
    }
}
