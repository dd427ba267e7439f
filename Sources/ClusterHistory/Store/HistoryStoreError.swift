// Why the history could not be kept or looked up.
import GRDB

public enum HistoryStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    /// The disk is full, the file may not be written, or it is as large as it may become.
    case unwritable(path: String, reason: String)
    /// What is in the file is no database, or a broken one.
    case corrupt(path: String, reason: String)
    case wrongVersion(path: String, found: Int, supported: Int)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .corrupt(let path, let reason): "\(path) is not a usable database: \(reason)"
        case .wrongVersion(let path, let found, let supported):
            "\(path) has version \(found), this program reads version \(supported)"
        }
    }

    init(_ error: any Error, path: String, isWrite: Bool) {
        if let known = error as? HistoryStoreError {
            self = known
            return
        }
        let database = error as? DatabaseError
        let reason = database?.message ?? "\(error)"
        switch database?.resultCode {
        case .SQLITE_CORRUPT?, .SQLITE_NOTADB?: self = .corrupt(path: path, reason: reason)
        default: self = isWrite ? .unwritable(path: path, reason: reason) : .unreadable(path: path, reason: reason)
        }
    }
}
