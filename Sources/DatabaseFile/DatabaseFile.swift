// One SQLite file with a version, checked when it is opened, bounded in size, and set aside when it is broken.
import GRDB
import Glibc

/// What is in a file, and how much of it there may be.
public struct DatabaseFile: Sendable {
    /// Of its queue; debuggers show it.
    public var label: String
    public var version: Int
    /// SQL that makes what is not there yet.
    public var schema: String
    /// Bytes the file may have: beyond them writing fails.
    public var bytesMax: Int
    /// Of a new file; nil: as SQLite has it.
    public var pageBytes: Int?
    /// Further settings of each connection, such as `cache_size = -512`.
    public var pragmas: [String]

    private static let busyTimeout = 5.0
    /// Fewer would not hold an empty schema.
    private static let pagesMin = 16

    public init(
        label: String, version: Int, schema: String, bytesMax: Int, pageBytes: Int? = nil, pragmas: [String] = []
    ) {
        self.label = label
        self.version = version
        self.schema = schema
        self.bytesMax = bytesMax
        self.pageBytes = pageBytes
        self.pragmas = pragmas
    }

    /// Opens the file, or makes it. One that is no usable database is set aside: what is in it is lost to its reader, the
    /// file is not.
    ///
    /// - Parameter aside: The name that a broken file gets; one that has it already goes.
    /// - Returns: The database, and whether a broken file was set aside.
    public func open(
        _ path: String, settingAsideTo aside: String
    ) throws(DatabaseFileError) -> (queue: DatabaseQueue, wasSetAside: Bool) {
        do throws(DatabaseFileError) {
            return (try openFile(path), false)
        } catch {
            guard case .corrupt = error else { throw error }
            guard rename(path, aside) == 0 else {
                throw .corrupt(path: path, reason: "it cannot be set aside: \(String(cString: strerror(errno)))")
            }
            // They belong to the file that has gone, and would spoil the next one.
            if rename(path + "-wal", aside + "-wal") != 0 { unlink(path + "-wal") }
            unlink(path + "-shm")
            return (try openFile(path), true)
        }
    }

    private func openFile(_ path: String) throws(DatabaseFileError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = label
        configuration.busyMode = .timeout(Self.busyTimeout)
        // The layout first: it counts only as long as there is no file.
        let layout = pageBytes.map { ["page_size = \($0)"] } ?? []
        let all = layout + ["auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = NORMAL"] + pragmas
        configuration.prepareDatabase { db in for pragma in all { try db.execute(sql: "PRAGMA \(pragma)") } }
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.write { db in
                let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                guard found <= version else {
                    throw DatabaseFileError.wrongVersion(path: path, found: found, supported: version)
                }
                if let complaint = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), complaint != "ok" {
                    throw DatabaseFileError.corrupt(path: path, reason: complaint)
                }
                try db.execute(sql: schema)
                try db.execute(sql: "PRAGMA user_version = \(version)")
                let pages = try max(bytesMax / Self.bytesOfPage(db), Self.pagesMin)
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
            }
            return queue
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: true)
        }
    }

    /// Whether nine tenths of the bytes that a file may have are used: time to forget something.
    public static func isNearlyFull(_ db: Database, bytesMax: Int) throws -> Bool {
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        return try (pages - free) * bytesOfPage(db) > bytesMax / 10 * 9
    }

    private static func bytesOfPage(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4_096
    }

    /// Opens a file that another process keeps, and may be writing, for reading alone.
    public static func openForReading(_ path: String, version: Int) throws(DatabaseFileError) -> DatabaseQueue {
        guard access(path, F_OK) == 0 else { throw .missing(path: path) }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(busyTimeout)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            guard found == version else {
                throw DatabaseFileError.wrongVersion(path: path, found: found, supported: version)
            }
            return queue
        } catch {
            throw DatabaseFileError(error, path: path, whileWriting: false)
        }
    }
}
