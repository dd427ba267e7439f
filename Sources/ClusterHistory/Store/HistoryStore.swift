// The history on disk: one SQLite file, bounded in time, in series and in size.
import DatabaseFile
import FoundationEssentials
import GRDB

/// Remembers what roles held, by the minute for a day and by ten minutes for 31 days.
///
/// A slot is one row for all roles together, so that a minute costs one small write. Ten minutes are put together when
/// they are over, from the minutes that are on disk: a program that is killed loses nothing of them. All calls wait for the
/// disk without blocking a thread of the caller's.
public final class HistoryStore: Sendable {
    public struct Limits: Hashable, Sendable {
        /// Roles that are remembered. Those that come when all places are taken count in the sum of the cluster only,
        /// until a place is free: a role nobody has held anything in for 31 days leaves its own.
        public var rolesMax = 200
        /// Bytes of the file. When nine tenths are used the oldest slots go, however young.
        public var bytesMax = 40 << 20

        public init() {}
    }

    static let version = 1
    public static let fileName = "history.sqlite"

    public let path: String
    private let queue: DatabaseQueue
    private let limits: Limits

    private init(path: String, queue: DatabaseQueue, limits: Limits) {
        self.path = path
        self.queue = queue
        self.limits = limits
    }

    // MARK: - Opening

    /// Opens `history.sqlite` in a directory that exists, or makes it. A file that is no usable database is set aside under
    /// a new name.
    ///
    /// - Returns: The store, and where a corrupt file was put.
    public static func open(
        directory: String, limits: Limits = Limits()
    ) throws(DatabaseFileError) -> (store: HistoryStore, setAside: String?) {
        let path = directory + "/" + fileName
        let file = DatabaseFile(
            label: "history", version: version, schema: schema, bytesMax: limits.bytesMax, pageBytes: 16_384,
            // In KiB: a leading master has better uses for its memory.
            pragmas: ["wal_autocheckpoint = 64", "journal_size_limit = 1048576", "cache_size = -512"])
        // One is kept: the directory is bounded, too.
        let aside = "\(path).corrupt"
        let (queue, wasSetAside) = try file.open(path, settingAsideTo: aside)
        return (HistoryStore(path: path, queue: queue, limits: limits), wasSetAside ? aside : nil)
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS series (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen_at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS slot_60 (time INTEGER PRIMARY KEY, points BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS slot_600 (time INTEGER PRIMARY KEY, points BLOB NOT NULL);
        """

    /// The file's own queue is closed; later calls fail.
    public func close() { try? queue.close() }

    // MARK: - Writing

    /// Remembers minutes. A slot that is known already stays as it is.
    ///
    /// - Parameter now: Seconds since the Unix epoch: what is too old by then goes.
    public func add(_ samples: [HistorySample], at now: Int64) async throws(DatabaseFileError) {
        try await add(samples.map { HistoryRow($0) }, .minute, at: now)
    }

    /// Remembers slots, such as those another master has recorded.
    public func add(
        _ rows: [HistoryRow], _ resolution: HistoryResolution, at now: Int64
    ) async throws(DatabaseFileError) {
        do {
            try await queue.write { [limits] db in
                var numbers = try Self.numbers(db)
                for row in rows.sorted(by: { $0.time < $1.time }) {
                    try Self.insert(row, resolution, &numbers, db, limits, at: now)
                }
                try Self.condense(db, at: now)
                try Self.prune(db, limits, at: now)
            }
            // Gives pages that were freed back to the disk.
            try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA incremental_vacuum(64)") }
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: true)
        }
    }

    private static func numbers(_ db: Database) throws -> [HistorySeries: Int64] {
        let rows = try Row.fetchAll(db, sql: "SELECT id, name FROM series")
        return Dictionary(rows.map { (HistorySeries(key: $0["name"]), $0["id"] as Int64) }) { first, _ in first }
    }

    private static func insert(
        _ row: HistoryRow, _ resolution: HistoryResolution, _ numbers: inout [HistorySeries: Int64], _ db: Database,
        _ limits: Limits, at now: Int64
    ) throws {
        let time = resolution.slot(of: row.time)
        guard time > now - resolution.span, time <= now + resolution.step else { return }
        let isKnown = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM slot_\(resolution.step) WHERE time = ?)", arguments: [time])
        if isKnown == true { return }
        var points: [(series: Int64, point: HistoryPoint)] = []
        // The cluster and its capacity have places of their own.
        var roles = numbers.keys.count(where: \.isRole)
        for (series, point) in row.points.sorted(by: { $0.key < $1.key }) {
            if numbers[series] == nil {
                guard roles < limits.rolesMax || !series.isRole else { continue }
                if series.isRole { roles += 1 }
                try db.execute(
                    sql: "INSERT INTO series (name, seen_at) VALUES (?, ?)", arguments: [series.key, time])
                numbers[series] = db.lastInsertedRowID
            }
            if let number = numbers[series] { points.append((number, point)) }
        }
        try db.execute(
            sql: "INSERT INTO slot_\(resolution.step) (time, points) VALUES (?, ?)",
            arguments: [time, Data(HistoryRowCoding.encode(points, isCondensed: resolution == .tenMinutes))])
        // Ten minutes are near enough.
        if resolution == .tenMinutes || time % HistoryResolution.tenMinutes.step == 0 {
            let seen = points.map { "\($0.series)" }.joined(separator: ",")
            try db.execute(sql: "UPDATE series SET seen_at = \(time) WHERE seen_at < \(time) AND id IN (\(seen))")
        }
    }

    /// Puts together all ten minutes that are over, of which there are minutes, and that have not been yet.
    private static func condense(_ db: Database, at now: Int64) throws {
        let step = HistoryResolution.tenMinutes.step
        let last = try Int64.fetchOne(db, sql: "SELECT max(time) FROM slot_600") ?? .min
        let times = try Int64.fetchAll(
            db,
            sql: """
                SELECT DISTINCT time / \(step) * \(step) FROM slot_60
                WHERE time >= ? AND time < ? ORDER BY 1
                """,
            arguments: [last == .min ? 0 : last + step, HistoryResolution.tenMinutes.slot(of: now)])
        for time in times {
            let minutes = try rows(db, .minute, from: time, to: time + step)
            let slots = minutes.map { Dictionary($0.points.map { ($0.series, $0.point) }) { first, _ in first } }
            let points = HistoryPoint.condensed(slots).map { (series: $0.key, point: $0.value) }
            try db.execute(
                sql: "INSERT OR IGNORE INTO slot_600 (time, points) VALUES (?, ?)",
                arguments: [time, Data(HistoryRowCoding.encode(points, isCondensed: true))])
        }
    }

    private static func prune(_ db: Database, _ limits: Limits, at now: Int64) throws {
        for resolution in HistoryResolution.allCases {
            try db.execute(
                sql: "DELETE FROM slot_\(resolution.step) WHERE time <= ?", arguments: [now - resolution.span])
        }
        try db.execute(
            sql: "DELETE FROM series WHERE seen_at < ? AND name NOT IN ('', '/')",
            arguments: [now - HistoryResolution.tenMinutes.span - HistoryResolution.tenMinutes.step])
        guard try DatabaseFile.isNearlyFull(db, bytesMax: limits.bytesMax) else { return }
        try db.execute(
            sql: """
                DELETE FROM slot_600 WHERE time IN (
                    SELECT time FROM slot_600 ORDER BY time LIMIT (SELECT count(*) / 10 + 1 FROM slot_600));
                DELETE FROM slot_60 WHERE time IN (
                    SELECT time FROM slot_60 ORDER BY time LIMIT (SELECT count(*) / 10 FROM slot_60));
                """)
    }

    // MARK: - Reading

    private static func rows(
        _ db: Database, _ resolution: HistoryResolution, from: Int64, to: Int64, wanted: Set<Int64>? = nil,
        limit: Int = .max
    ) throws -> [(time: Int64, points: [(series: Int64, point: HistoryPoint)])] {
        let found = try Row.fetchCursor(
            db,
            sql: "SELECT time, points FROM slot_\(resolution.step) WHERE time >= ? AND time < ? ORDER BY time LIMIT ?",
            arguments: [from, to, limit])
        var rows: [(time: Int64, points: [(series: Int64, point: HistoryPoint)])] = []
        while let row = try found.next() {
            let bytes = [UInt8](row["points"] as Data)
            // A row that makes no sense is as good as none.
            guard
                let points = HistoryRowCoding.decode(
                    bytes, isCondensed: resolution == .tenMinutes, wanted: wanted)
            else { continue }
            rows.append((row["time"], points))
        }
        return rows
    }

    /// Every series that is remembered, sorted.
    public func series() async throws(DatabaseFileError) -> [HistorySeries] {
        try await read { db in
            try String.fetchAll(db, sql: "SELECT name FROM series").map { HistorySeries(key: $0) }.sorted()
        }
    }

    /// Slots as they are kept, the oldest first.
    ///
    /// - Parameters:
    ///   - wanted: Only the points of these; nil for all. A slot in which they hold nothing has no points.
    ///   - limit: So many slots at most.
    public func rows(
        _ resolution: HistoryResolution, from: Int64, to: Int64 = .max, of wanted: Set<HistorySeries>? = nil,
        limit: Int = .max
    ) async throws(DatabaseFileError) -> [HistoryRow] {
        try await read { db in
            let numbers = try Self.numbers(db)
            let names = Dictionary(numbers.map { ($0.value, $0.key) }) { first, _ in first }
            let chosen = wanted.map { wanted in Set(wanted.compactMap { numbers[$0] }) }
            return try Self.rows(db, resolution, from: from, to: to, wanted: chosen, limit: limit).map { row in
                var points: [HistorySeries: HistoryPoint] = [:]
                for (number, point) in row.points { if let series = names[number] { points[series] = point } }
                return HistoryRow(time: row.time, points: points)
            }
        }
    }

    /// What a question asks for. The ten minutes that are not over yet are put together from their minutes.
    public func answer(
        _ question: HistoryQuestion, of wanted: Set<HistorySeries>?
    ) async throws(DatabaseFileError) -> [HistoryRow] {
        var found = try await rows(question.resolution, from: question.from, to: question.to, of: wanted)
        if question.resolution == .tenMinutes {
            let step = HistoryResolution.tenMinutes.step
            let rest = try await rows(
                .minute, from: max(question.from, (found.last?.time ?? 0) + step), to: question.to, of: wanted)
            found += rest
        }
        return question.condense(found)
    }

    /// The start of the newest slot; nil if there is none.
    public func newest(_ resolution: HistoryResolution) async throws(DatabaseFileError) -> Int64? {
        try await read { try Int64.fetchOne($0, sql: "SELECT max(time) FROM slot_\(resolution.step)") }
    }

    private func read<Value: Sendable>(
        _ look: @escaping @Sendable (Database) throws -> Value
    ) async throws(DatabaseFileError) -> Value {
        do {
            return try await queue.read(look)
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: false)
        }
    }
}

extension HistorySeries {
    var isRole: Bool {
        if case .role = self { true } else { false }
    }
}
