// Why something could not be kept in a file or looked up there.
import GRDB

public enum DatabaseFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file is not there: nobody has kept one yet.
    case missing(path: String)
    case unreadable(path: String, reason: String)
    /// The disk is full, the file may not be written, or it is as large as it may become.
    case unwritable(path: String, reason: String)
    /// What is in the file is no database, or a broken one.
    case corrupt(path: String, reason: String)
    case wrongVersion(path: String, found: Int, supported: Int)

    public var description: String {
        switch self {
        case .missing(let path): "\(path) does not exist: nothing has been kept there yet"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .corrupt(let path, let reason): "\(path) is not a usable database: \(reason)"
        case .wrongVersion(let path, let found, let supported):
            "\(path) has version \(found), this program reads version \(supported)"
        }
    }

    /// - Parameter error: What a call of the library has thrown.
    public init(_ error: any Error, path: String, whileWriting: Bool) {
        if let known = error as? DatabaseFileError {
            self = known
            return
        }
        let database = error as? DatabaseError
        let reason = database.map { $0.message ?? "SQLite error \($0.resultCode.rawValue)" } ?? "\(error)"
        switch database?.resultCode {
        case .SQLITE_CORRUPT?, .SQLITE_NOTADB?: self = .corrupt(path: path, reason: reason)
        default: self = whileWriting ? .unwritable(path: path, reason: reason) : .unreadable(path: path, reason: reason)
        }
    }
}
