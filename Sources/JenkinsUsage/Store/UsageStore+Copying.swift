// Builds on their way from one store to another: from the framework that leads to one that stands by.
import DatabaseFile
import GRDB

/// A part of a store, in the order in which builds came into it.
public struct StorePart: Hashable, Codable, Sendable {
    /// Tells stores apart.
    public var identity: String
    public var builds: [BuildRow]
    /// The place of the last of them; what follows comes after it.
    public var last: Int64
    /// Whether there is nothing more for now.
    public var isEnd: Bool

    enum CodingKeys: String, CodingKey {
        case identity, builds, last
        case isEnd = "end"
    }
}

extension UsageStore {
    private static let identityName = "identity"
    private static let copiedPrefix = "copied from "
    /// Stores of which is remembered how far they were copied.
    private static let sourcesMax = 32

    /// - Parameter place: 0 for the beginning.
    public func part(after place: Int64, limit: Int) throws(DatabaseFileError) -> StorePart {
        try read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM build WHERE id > ? ORDER BY id LIMIT ?", arguments: [place, max(limit, 1)])
            let identity = try String.fetchOne(
                db, sql: "SELECT text FROM note WHERE name = ?", arguments: [Self.identityName])
            return StorePart(
                identity: identity ?? "", builds: rows.map(Self.build), last: rows.last?["id"] ?? place,
                isEnd: rows.count < limit)
        }
    }

    /// How far another store was copied; 0: not at all.
    public func copied(from identity: String) throws(DatabaseFileError) -> Int64 {
        try kept(as: Self.copiedPrefix + identity).flatMap { Int64($0) } ?? 0
    }

    /// Takes up builds that are not known yet, and remembers how far the other store was copied.
    ///
    /// - Parameter now: Seconds since the Unix epoch.
    public func add(_ part: StorePart, at now: Double) throws(DatabaseFileError) {
        try write { [limits] db in
            // What is known stays in its place: whoever copies from here need not read it again.
            for row in part.builds { try Self.insert(row, or: "IGNORE", db) }
            try Self.prune(db, limits, at: now)
            try db.execute(
                sql: "INSERT OR REPLACE INTO note (name, text, kept_at) VALUES (?, ?, ?)",
                arguments: [Self.copiedPrefix + part.identity, "\(part.last)", now])
            try db.execute(
                sql: """
                    DELETE FROM note WHERE name IN (
                        SELECT name FROM note WHERE name LIKE ? ORDER BY kept_at DESC LIMIT -1 OFFSET ?)
                    """, arguments: [Self.copiedPrefix + "%", Self.sourcesMax])
        }
    }
}
