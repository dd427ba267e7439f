// The builds of the last months on disk: one SQLite file, bounded in age, rows and size.
import DatabaseFile
import FoundationEssentials
import GRDB

/// Remembers finished builds.
///
/// Every write is one transaction in SQLite's write-ahead log: a program that is killed loses at most the builds it had not
/// handed over, and never the file. All calls block until the disk has answered; call them from a task of their own.
public final class UsageStore: Sendable {
    public struct Limits: Hashable, Sendable {
        /// Builds older than this are forgotten.
        public var age: Duration = .seconds(90 * 86_400)
        /// The oldest beyond this number are forgotten.
        public var rowsMax = 500_000
        /// Bytes the file may have; the oldest are forgotten when nine tenths are used.
        public var bytesMax = 512 << 20

        public init() {}
    }

    static let version = 1
    public static let fileName = "usage.sqlite"

    public let path: String
    private let queue: DatabaseQueue
    let limits: Limits

    private init(path: String, queue: DatabaseQueue, limits: Limits) {
        self.path = path
        self.queue = queue
        self.limits = limits
    }

    // MARK: - Opening

    /// Opens `usage.sqlite` in a directory that exists, or makes it. A file that is no usable database is set aside under
    /// a new name: the builds in it are lost to the reports, the file is not.
    ///
    /// - Parameter now: Seconds since the Unix epoch; names the file that is set aside.
    /// - Returns: The store, and where a corrupt file was put.
    public static func open(
        directory: String, limits: Limits = Limits(), at now: Double
    ) throws(DatabaseFileError) -> (store: UsageStore, setAside: String?) {
        let path = directory + "/" + fileName
        let file = DatabaseFile(
            label: "usage", version: version, schema: schema, bytesMax: limits.bytesMax,
            pragmas: ["journal_size_limit = 4194304"])
        let aside = "\(path).corrupt-\(Int(now))"
        let (queue, wasSetAside) = try file.open(path, settingAsideTo: aside)
        return (UsageStore(path: path, queue: queue, limits: limits), wasSetAside ? aside : nil)
    }

    /// Opens a file that a framework keeps, for reading alone; the framework may be running.
    public static func openForReading(directory: String) throws(DatabaseFileError) -> UsageStore {
        let path = directory + "/" + fileName
        let queue = try DatabaseFile.openForReading(path, version: version)
        return UsageStore(path: path, queue: queue, limits: Limits())
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS build (
            id INTEGER PRIMARY KEY, url TEXT NOT NULL, node TEXT NOT NULL, job TEXT NOT NULL,
            number INTEGER NOT NULL, label TEXT NOT NULL, template TEXT NOT NULL, host TEXT NOT NULL,
            result TEXT NOT NULL, started_at REAL NOT NULL, duration REAL NOT NULL,
            asked_cpus REAL, asked_memory REAL, shared INTEGER NOT NULL, out_of_memory INTEGER NOT NULL,
            samples INTEGER NOT NULL, sampled_seconds REAL, cpu_peak REAL, cpu_p95 REAL, cpu_mean REAL,
            memory_peak REAL, memory_peak_cache REAL, throttled_seconds REAL,
            queued REAL, offered REAL, pulled REAL, started REAL, connected REAL, assigned REAL, ran REAL,
            UNIQUE (url, node));
        CREATE INDEX IF NOT EXISTS build_by_time ON build (started_at);
        CREATE INDEX IF NOT EXISTS build_by_job ON build (job, started_at);
        CREATE TABLE IF NOT EXISTS mesos_agent (
            id TEXT PRIMARY KEY, url TEXT NOT NULL, seen_at REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS note (
            name TEXT PRIMARY KEY, text TEXT NOT NULL, kept_at REAL NOT NULL) WITHOUT ROWID;
        INSERT OR IGNORE INTO note (name, text, kept_at) VALUES ('identity', lower(hex(randomblob(8))), 0);
        """

    // MARK: - Writing

    /// Remembers builds; one that is known already is replaced. What is too old or too much goes at the same time.
    ///
    /// - Parameter now: Seconds since the Unix epoch.
    public func add(_ rows: [BuildRow], at now: Double) throws(DatabaseFileError) {
        try write { [limits] db in
            for row in rows { try Self.insert(row, or: "REPLACE", db) }
            try Self.prune(db, limits, at: now)
        }
        // Gives pages that were freed back to the disk; a reader in the way only postpones it.
        try? queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA incremental_vacuum(256)") }
    }

    static func insert(_ row: BuildRow, or otherwise: String, _ db: Database) throws {
        let used = row.used
        let times = row.phases.values
        let arguments: StatementArguments = [
            row.url, row.node, row.job, row.number, row.label, row.template, row.host, row.result, row.startedAt,
            row.duration, row.asked?.cpus, row.asked?.memory, row.isShared, row.wasOutOfMemory, used?.samples ?? 0,
            used?.sampledSeconds, used?.cpuPeak, used?.cpuP95, used?.cpuMean, used?.memoryPeak,
            used?.memoryPeakWithCache, used?.throttledSeconds,
        ]
        try db.execute(
            sql: """
                INSERT OR \(otherwise) INTO build (
                    url, node, job, number, label, template, host, result, started_at, duration, asked_cpus,
                    asked_memory, shared, out_of_memory, samples, sampled_seconds, cpu_peak, cpu_p95, cpu_mean,
                    memory_peak, memory_peak_cache, throttled_seconds,
                    queued, offered, pulled, started, connected, assigned, ran)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, arguments: arguments + StatementArguments(times))
    }

    static func prune(_ db: Database, _ limits: Limits, at now: Double) throws {
        let (seconds, _) = limits.age.components
        try db.execute(sql: "DELETE FROM build WHERE started_at < ?", arguments: [now - Double(seconds)])
        let rows = try Int.fetchOne(db, sql: "SELECT count(*) FROM build") ?? 0
        var surplus = max(rows - limits.rowsMax, 0)
        if try DatabaseFile.isNearlyFull(db, bytesMax: limits.bytesMax) { surplus = max(surplus, rows / 10) }
        guard surplus > 0 else { return }
        try db.execute(
            sql: "DELETE FROM build WHERE id IN (SELECT id FROM build ORDER BY started_at, id LIMIT ?)",
            arguments: [surplus])
    }

    func write(_ change: (Database) throws -> Void) throws(DatabaseFileError) {
        do {
            try queue.write(change)
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: true)
        }
    }

    // MARK: - Reading

    /// - Parameters:
    ///   - job: Of this job alone, or of all.
    ///   - limit: The latest so many.
    /// - Returns: The latest first.
    public func builds(job: String? = nil, limit: Int = 500_000) throws(DatabaseFileError) -> [BuildRow] {
        try read { db in
            let condition = job == nil ? "" : "WHERE job = ?"
            let arguments = StatementArguments(job.map { [$0] } ?? []) + [max(limit, 0)]
            return try Row.fetchAll(
                db, sql: "SELECT * FROM build \(condition) ORDER BY started_at DESC, id DESC LIMIT ?",
                arguments: arguments
            ).map(Self.build)
        }
    }

    /// The names of all jobs that have builds, sorted.
    public func jobs() throws(DatabaseFileError) -> [String] {
        try read { try String.fetchAll($0, sql: "SELECT DISTINCT job FROM build ORDER BY job") }
    }

    static func build(_ row: Row) -> BuildRow {
        let askedCPUs: Double? = row["asked_cpus"]
        let askedMemory: Double? = row["asked_memory"]
        let samples: Int = row["samples"]
        var asked: BuildSize?
        if let askedCPUs, let askedMemory { asked = BuildSize(cpus: askedCPUs, memory: askedMemory) }
        let used =
            samples == 0
            ? nil
            : BuildUse(
                cpuPeak: row["cpu_peak"] ?? 0, cpuP95: row["cpu_p95"] ?? 0, cpuMean: row["cpu_mean"] ?? 0,
                memoryPeak: row["memory_peak"] ?? 0, memoryPeakWithCache: row["memory_peak_cache"],
                throttledSeconds: row["throttled_seconds"] ?? 0, samples: samples,
                sampledSeconds: row["sampled_seconds"] ?? 0)
        return BuildRow(
            url: row["url"], node: row["node"], job: row["job"], number: row["number"], label: row["label"],
            template: row["template"], host: row["host"], result: row["result"], startedAt: row["started_at"],
            duration: row["duration"], asked: asked, isShared: row["shared"], used: used,
            wasOutOfMemory: row["out_of_memory"],
            phases: PhaseTimes(
                queued: row["queued"], offered: row["offered"], pulled: row["pulled"], started: row["started"],
                connected: row["connected"], assigned: row["assigned"], ran: row["ran"]))
    }

    func read<Value>(_ look: (Database) throws -> Value) throws(DatabaseFileError) -> Value {
        do {
            return try queue.read(look)
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: false)
        }
    }

    // MARK: - Notes of a run to the next

    /// Keeps a text under a name, instead of what was there.
    public func keep(_ text: String, as name: String, at now: Double) throws(DatabaseFileError) {
        try write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO note (name, text, kept_at) VALUES (?, ?, ?)", arguments: [name, text, now])
        }
    }

    public func kept(as name: String) throws(DatabaseFileError) -> String? {
        try read { try String.fetchOne($0, sql: "SELECT text FROM note WHERE name = ?", arguments: [name]) }
    }

    // MARK: - Where Mesos agents answer

    private static let agentsMax = 10_000

    /// Remembers where Mesos agents answer, so that builds of adopted agents are measured before an offer names them.
    public func remember(agents: [String: String], at now: Double) throws(DatabaseFileError) {
        try write { db in
            for (id, url) in agents.sorted(by: { $0.key < $1.key }) {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO mesos_agent (id, url, seen_at) VALUES (?, ?, ?)",
                    arguments: [id, url, now])
            }
            try db.execute(
                sql: """
                    DELETE FROM mesos_agent WHERE id IN (
                        SELECT id FROM mesos_agent ORDER BY seen_at DESC LIMIT -1 OFFSET ?)
                    """, arguments: [Self.agentsMax])
        }
    }

    public func agents() throws(DatabaseFileError) -> [String: String] {
        try read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT id, url FROM mesos_agent")
            return Dictionary(rows.map { ($0["id"] as String, $0["url"] as String) }) { first, _ in first }
        }
    }
}
