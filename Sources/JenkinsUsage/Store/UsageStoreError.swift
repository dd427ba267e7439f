// Why builds could not be remembered or looked up.
import GRDB

public enum UsageStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file is not there: no framework has kept one yet.
    case missing(path: String)
    case unreadable(path: String, reason: String)
    /// The disk is full, the file may not be written, or it is as large as it may become.
    case unwritable(path: String, reason: String)
    /// What is in the file is no database, or a broken one.
    case corrupt(path: String, reason: String)
    case wrongVersion(path: String, found: Int, supported: Int)

    public var description: String {
        switch self {
        case .missing(let path): "\(path) does not exist: no framework has kept builds there"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .corrupt(let path, let reason): "\(path) is not a usable database: \(reason)"
        case .wrongVersion(let path, let found, let supported):
            "\(path) has version \(found), this program reads version \(supported)"
        }
    }

    init(_ error: any Error, path: String, whileWriting: Bool) {
        if let known = error as? UsageStoreError {
            self = known
            return
        }
        guard let database = error as? DatabaseError else {
            self =
                whileWriting
                ? .unwritable(path: path, reason: "\(error)") : .unreadable(path: path, reason: "\(error)")
            return
        }
        let reason = database.message ?? "SQLite error \(database.resultCode.rawValue)"
        switch database.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, reason: reason)
        default:
            self =
                whileWriting
                ? .unwritable(path: path, reason: reason) : .unreadable(path: path, reason: reason)
        }
    }
}
