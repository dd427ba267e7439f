// What is remembered of the cluster, how finely, for how long, and in how much room.
import ClusterHistory
import DatabaseFile
import Foundation
import Testing

@Suite struct `The history` {
    /// A Thursday at midnight.
    private static let start: Int64 = 1_790_812_800

    private static func inDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "history-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(directory)
    }

    private static func bytes(in directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + name)
            return sum + ((attributes[.size] as? NSNumber)?.intValue ?? 0)
        }
    }

    private static func sample(_ minute: Int64, _ roles: [String: HistoryAmounts]) -> HistorySample {
        var amounts = Dictionary(roles.map { (HistorySeries.role($0.key), $0.value) }) { $1 }
        amounts[.cluster] = roles.values.reduce(HistoryAmounts(), +)
        return HistorySample(time: start + minute * 60, amounts: amounts)
    }

    @Test func `a minute is as it was sampled, ten minutes are their mean and their most`() async throws {
        try await Self.inDirectory { directory in
            let store = try HistoryStore.open(directory: directory).store
            for minute in 0..<10 {
                let held = HistoryAmounts(
                    centiCPUs: Int64(minute) * 100, memory: 512, tasks: Int64(minute), builds: minute == 9 ? 1 : 0)
                try await store.add([Self.sample(Int64(minute), ["eng": held])], at: Self.start + Int64(minute) * 60)
            }
            #expect(try await store.rows(.tenMinutes, from: 0).isEmpty, "they are not over")
            try await store.add([Self.sample(10, [:])], at: Self.start + 600)
            let minutes = try await store.rows(.minute, from: 0, of: [.role("eng")])
            #expect(minutes.map(\.time) == (0...10).map { Self.start + $0 * 60 })
            #expect(
                minutes[3].points == [.role("eng"): HistoryPoint(HistoryAmounts(centiCPUs: 300, memory: 512, tasks: 3))]
            )
            #expect(minutes[10].points.isEmpty)
            let ten = try await store.rows(.tenMinutes, from: 0, of: [.role("eng")])
            #expect(ten.map(\.time) == [Self.start])
            let point = try #require(ten.first?.points[.role("eng")])
            #expect(point.mean == HistoryAmounts(centiCPUs: 450, memory: 512, tasks: 5, builds: 0))
            #expect(point.most == HistoryAmounts(centiCPUs: 900, memory: 512, tasks: 9, builds: 1))
        }
    }

    @Test func `a stretch nobody recorded is a gap, not an empty cluster`() async throws {
        try await Self.inDirectory { directory in
            let store = try HistoryStore.open(directory: directory).store
            let held = ["eng": HistoryAmounts(centiCPUs: 200, memory: 64, tasks: 2)]
            try await store.add([Self.sample(0, held), Self.sample(35, held)], at: Self.start + 2_100)
            let now = Self.start + 2_400
            let question = HistoryQuestion(from: Self.start, to: nil, step: 600, at: now)
            let rows = try await store.answer(question, of: [.role("eng")])
            #expect(rows.map(\.time) == [Self.start, Self.start + 1_800])
            #expect(rows.allSatisfy { $0.points[.role("eng")]?.mean.centiCPUs == 200 })
        }
    }

    @Test func `what another master recorded is kept as it is, and what is known is not replaced`() async throws {
        try await Self.inDirectory { directory in
            let store = try HistoryStore.open(directory: directory).store
            let now = Self.start + 3_000
            let mine = Self.sample(40, ["eng": HistoryAmounts(centiCPUs: 100, memory: 1, tasks: 1)])
            try await store.add([mine], at: now)
            let theirs = HistoryRow(
                time: Self.start + 600,
                points: [
                    .role("ops"): HistoryPoint(
                        mean: HistoryAmounts(centiCPUs: 5, memory: 6, tasks: 7, builds: 8),
                        most: HistoryAmounts(centiCPUs: 50, memory: 60, tasks: 70, builds: 80))
                ])
            try await store.add([theirs], .tenMinutes, at: now)
            let other = Self.sample(40, ["ops": HistoryAmounts(centiCPUs: 900, memory: 9, tasks: 9)])
            try await store.add([HistoryRow(other), HistoryRow(Self.sample(41, [:]))], .minute, at: now)
            #expect(try await store.rows(.tenMinutes, from: 0, to: Self.start + 601) == [theirs])
            #expect(try await store.rows(.minute, from: 0, to: Self.start + 2_401) == [HistoryRow(mine)])
            #expect(try await store.newest(.minute) == Self.start + 41 * 60)
        }
    }

    @Test func `31 days of 200 busy roles stay below 50 MB, and every ten minutes of them are there`() async throws {
        try await Self.inDirectory { directory in
            let store = try HistoryStore.open(directory: directory).store
            var state: UInt64 = 7
            func number(_ bound: UInt64) -> Int64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int64((state >> 33) % bound)
            }
            let roles = (0..<200).map { HistorySeries.role("department-\($0)/team") }
            let days: Int64 = 32
            // Ten minutes at a time, as a master copies them; the last day by the minute, as the leader samples.
            var rows: [HistoryRow] = []
            for slot in 0..<(days - 1) * 144 {
                var points: [HistorySeries: HistoryPoint] = [:]
                for role in roles {
                    let mean = HistoryAmounts(
                        centiCPUs: number(60_000), memory: number(1_000_000), tasks: number(2_000), builds: number(500))
                    let more = HistoryAmounts(
                        centiCPUs: number(10_000), memory: number(100_000), tasks: number(200), builds: number(100))
                    points[role] = HistoryPoint(mean: mean, most: mean + more)
                }
                rows.append(HistoryRow(time: Self.start + slot * 600, points: points))
                if rows.count == 144 {
                    try await store.add(rows, .tenMinutes, at: Self.start + (slot + 1) * 600)
                    rows = []
                }
            }
            let lastDay = Self.start + (days - 1) * 86_400
            var samples: [HistorySample] = []
            for minute in 0..<Int64(1_440) {
                var amounts: [HistorySeries: HistoryAmounts] = [:]
                for role in roles {
                    amounts[role] = HistoryAmounts(
                        centiCPUs: number(60_000), memory: number(1_000_000), tasks: number(2_000), builds: number(500))
                }
                samples.append(HistorySample(time: lastDay + minute * 60, amounts: amounts))
                if samples.count == 60 {
                    try await store.add(samples, at: lastDay + (minute + 1) * 60)
                    samples = []
                }
            }
            let now = Self.start + days * 86_400
            #expect(try Self.bytes(in: directory) < 50_000_000)
            let kept = try await store.rows(.tenMinutes, from: 0, of: [roles[7]])
            #expect(kept.count >= 31 * 144 - 1 && kept.count <= 31 * 144 + 1)
            #expect(kept.first.map { $0.time > now - 31 * 86_400 - 600 } == true)
            #expect(zip(kept, kept.dropFirst()).allSatisfy { $1.time - $0.time == 600 })
            #expect(kept.allSatisfy { $0.points.count == 1 })
            let month = HistoryQuestion(from: 0, to: nil, step: nil, at: now)
            let answer = try await store.answer(month, of: [roles[7]])
            #expect(answer.count <= HistoryQuestion.pointsMax && answer.count > HistoryQuestion.pointsMax / 2)
            store.close()
            #expect(try Self.bytes(in: directory) < 50_000_000)
        }
    }

    @Test func `a day in which roles come and go by the thousand keeps every minute of the cluster, in bounds`()
        async throws
    {
        try await Self.inDirectory { directory in
            let store = try HistoryStore.open(directory: directory).store
            let held = HistoryAmounts(centiCPUs: 12_345, memory: 678_901, tasks: 234, builds: 56)
            var samples: [HistorySample] = []
            for minute in Int64(0)..<1_440 {
                // Fifty teams with a role for each of today's branches.
                let roles = (0..<50).map { ("team-\($0)/branch-\(minute / 10)", held) }
                samples.append(Self.sample(minute, Dictionary(roles) { $1 }))
                guard samples.count == 60 else { continue }
                try await store.add(samples, at: Self.start + minute * 60)
                samples = []
                #expect(try await store.series().count <= 202)
                #expect(try Self.bytes(in: directory) < 50_000_000)
            }
            let kept = try await store.rows(.minute, from: 0, of: [.cluster])
            #expect(kept.count == 1_440)
            #expect(kept.allSatisfy { $0.points[.cluster]?.mean.tasks == 50 * 234 })
            #expect(try Self.bytes(in: directory) < 5_000_000)
        }
    }

    @Test func `a file that may not grow loses its oldest slots, not its newest`() async throws {
        try await Self.inDirectory { directory in
            var limits = HistoryStore.Limits()
            limits.bytesMax = 1 << 20
            let store = try HistoryStore.open(directory: directory, limits: limits).store
            var rows: [HistoryRow] = []
            for slot in Int64(0)..<1_000 {
                var points: [HistorySeries: HistoryPoint] = [:]
                for role in 0..<150 {
                    points[.role("r\(role)")] = HistoryPoint(
                        mean: HistoryAmounts(centiCPUs: 70_000, memory: 900_000, tasks: 900, builds: 200),
                        most: HistoryAmounts(centiCPUs: 90_000, memory: 990_000, tasks: 990, builds: 300))
                }
                let time = Self.start + slot * 600
                rows.append(HistoryRow(time: time, points: points))
                if rows.count == 20 {
                    try await store.add(rows, .tenMinutes, at: time)
                    rows = []
                }
            }
            let kept = try await store.rows(.tenMinutes, from: 0, of: [])
            #expect(kept.count > 100 && kept.count < 1_000)
            #expect(kept.last?.time == Self.start + 999 * 600)
            #expect(try Self.bytes(in: directory) < 3 << 20)
        }
    }

    @Test func `roles beyond the limit are left out until others have been empty for 31 days`() async throws {
        try await Self.inDirectory { directory in
            var limits = HistoryStore.Limits()
            limits.rolesMax = 3
            let store = try HistoryStore.open(directory: directory, limits: limits).store
            let one = HistoryAmounts(centiCPUs: 100, memory: 1, tasks: 1)
            let roles = Dictionary((0..<5).map { ("r\($0)", one) }) { $1 }
            try await store.add([Self.sample(0, roles)], at: Self.start)
            #expect(try await store.series() == [.cluster, .role("r0"), .role("r1"), .role("r2")])
            let row = try #require(try await store.rows(.minute, from: 0).first)
            #expect(row.points[.cluster]?.mean.tasks == 5, "the sum has them all")
            // A month later only two are left.
            let later = Int64(32 * 1_440)
            for minute in later..<later + 2 {
                let left = ["r1": one, "r4": one]
                try await store.add([Self.sample(minute, left)], at: Self.start + minute * 60)
            }
            #expect(try await store.series() == [.cluster, .role("r1"), .role("r4")])
        }
    }

    @Test func `a damaged file is set aside and another one begun`() async throws {
        try await Self.inDirectory { directory in
            let path = directory + "/" + HistoryStore.fileName
            try Data("no database at all, but long enough to be looked at as one".utf8).write(to: URL(filePath: path))
            let (store, setAside) = try HistoryStore.open(directory: directory)
            #expect(setAside == path + ".corrupt")
            try await store.add([Self.sample(0, ["eng": HistoryAmounts(centiCPUs: 1)])], at: Self.start)
            #expect(try await store.rows(.minute, from: 0).count == 1)
        }
    }

    @Test func `a full disk is an error to be told, and what was kept can still be read`() async throws {
        try await Self.inDirectory { directory in
            var limits = HistoryStore.Limits()
            limits.bytesMax = 0  // The least the file can be.
            let store = try HistoryStore.open(directory: directory, limits: limits).store
            try await store.add([Self.sample(0, ["eng": HistoryAmounts(centiCPUs: 1)])], at: Self.start)
            let many = Dictionary((0..<190).map { ("role-with-a-long-name-\($0)", HistoryAmounts(centiCPUs: 1)) }) {
                $1
            }
            let rows = (1..<600).map { HistoryRow(Self.sample(Int64($0), many)) }
            await #expect(throws: DatabaseFileError.self) {
                try await store.add(rows, .minute, at: Self.start + 600 * 60)
            }
            #expect(try await store.rows(.minute, from: 0).count == 1)
        }
    }
}

@Suite struct `A question about the history` {
    private let now: Int64 = 1_790_812_800 + 31 * 86_400

    @Test func `about today is answered by the minute, about longer by ten minutes`() {
        #expect(HistoryQuestion(from: nil, to: nil, step: nil, at: now).resolution == .minute)
        #expect(HistoryQuestion(from: now - 3_600, to: nil, step: nil, at: now).step == 60)
        #expect(HistoryQuestion(from: now - 3_600, to: nil, step: 600, at: now).resolution == .tenMinutes)
        #expect(HistoryQuestion(from: now - 2 * 86_400, to: nil, step: 1, at: now).resolution == .tenMinutes)
    }

    @Test(
        arguments: [nil, 1, 61, 599, 3_601, 86_400, 1 << 39] as [Int64?],
        [0, 1, 86_399, 90_000, 31 * 86_400] as [Int64])
    func `never has more points than are sent`(step: Int64?, back: Int64) {
        let question = HistoryQuestion(from: now - back, to: now, step: step, at: now)
        #expect((question.to - question.from + question.step - 1) / question.step <= Int64(HistoryQuestion.pointsMax))
        #expect(question.step % question.resolution.step == 0)
        #expect(question.from <= now - back && question.to > question.from)
    }

    @Test(arguments: [(5, 3), (1 << 40, 1 << 41), (0, 0)] as [(Int64, Int64)])
    func `with senseless times is about something all the same`(from: Int64, to: Int64) {
        let question = HistoryQuestion(from: from, to: to, step: 0, at: now)
        #expect(question.from <= question.to && question.step >= 60)
    }
}
