// The framework's memory across restarts: one small JSON file, replaced as a whole.
import FoundationEssentials
import Glibc
import Resources

/// Why the state could not be kept or read.
package enum StateFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)
    case wrongVersion(path: String, found: Int, supported: Int)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .wrongVersion(let path, let found, let supported):
            "\(path) has version \(found), this program reads version \(supported)"
        }
    }
}

/// `state.json` in the state directory. Secrets are not in it.
package struct StateFile: Sendable {
    package let path: String
    private let directory: String

    package init(directory: String) {
        self.directory = directory
        path = directory + "/state.json"
    }

    /// Creates the directory if need be and makes sure that it can be written.
    package func prepare() throws(StateFileError) {
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw .unwritable(path: directory, reason: "\(error.localizedText)")
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw .unwritable(path: directory, reason: String(cString: strerror(errno)))
        }
    }

    /// A missing file is an empty record: the first start. A file that is no state is set aside under a new name, because
    /// the master and the controller still know everything that is ours.
    ///
    /// - Returns: The record, and where a corrupt file was put.
    package func load() throws(StateFileError) -> (record: PlannerRecord, setAside: String?) {
        guard FileManager.default.fileExists(atPath: path) else { return (PlannerRecord(), nil) }
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .unreadable(path: path, reason: error.localizedText)
        }
        do throws(StateFileError) {
            return (try RecordDocument.decode(Array(bytes), path: path), nil)
        } catch {
            if case .wrongVersion = error { throw error }
            let aside = "\(path).corrupt-\(Int(Date().timeIntervalSince1970))"
            guard rename(path, aside) == 0 else {
                throw .unreadable(path: path, reason: "not a state file, and it cannot be set aside")
            }
            return (PlannerRecord(), aside)
        }
    }

    /// Durable when it returns: written beside the old file, synced, renamed over it, and the directory synced.
    package func save(_ record: PlannerRecord) throws(StateFileError) {
        let bytes = try RecordDocument.encode(record, path: path, isPretty: true)
        let temporary = path + ".new"
        try write(bytes, to: temporary)
        guard rename(temporary, path) == 0 else { throw failure(path) }
        let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure(directory) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure(directory) }
    }

    private func write(_ bytes: [UInt8], to file: String) throws(StateFileError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(file) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure(file) }
    }

    private func failure(_ path: String) -> StateFileError {
        .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
}

extension Error {
    fileprivate var localizedText: String { (self as? CocoaError).map { "code \($0.code.rawValue)" } ?? "\(self)" }
}
