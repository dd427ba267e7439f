// The registry of a standalone master: one file, replaced as a whole.
import Glibc
import MesosProtocol
import Resources

/// Keeps all entries in memory and in a file that is written beside the old one, flushed, and renamed over it.
///
/// The file is text around bytes: a head line, then for each entry its key, the number of its bytes, the bytes, and a
/// last line that counts the entries, so that a file that was cut off is recognised.
actor FileRegistry: RegistryStore {
    private static let head = "mini-mesos registry 1"

    private let path: String
    private var entries: [String: [UInt8]] = [:]

    /// - Parameter directory: Exists and can be written to.
    init(directory: String) { path = directory + "/registry" }

    func recover(_ term: Term, claim: V1MasterInfo) async throws(RegistryStoreError) -> RegistryContents {
        var contents = RegistryContents()
        if let bytes = try PlainFile.read(path) {
            if let read = Self.decode(bytes) {
                entries = read
            } else {
                let aside = try PlainFile.setAside(path)
                contents.unreadable.append("\(path) is damaged; it is kept as \(aside), and the registry starts empty")
            }
        }
        for (key, bytes) in entries.sorted(by: { $0.key < $1.key }) where key != "leader" {
            if !RegistryCodec.decode(key, bytes, into: &contents.state) { contents.unreadable.append(key) }
        }
        entries["leader"] = MesosJSON.encode(claim)
        try PlainFile.replace(path, with: Self.encode(entries))
        return contents
    }

    func write(_ term: Term, _ write: RegistryWrite) async throws(RegistryStoreError) {
        var changed = entries
        for change in RegistryCodec.changes(for: write.operations) {
            switch change {
            case .put(let key, let bytes): changed[key] = bytes
            case .delete(let key): changed[key] = nil
            }
        }
        try PlainFile.replace(path, with: Self.encode(changed))
        entries = changed
    }

    static func encode(_ entries: [String: [UInt8]]) -> [UInt8] {
        var bytes = Array("\(head)\n".utf8)
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            bytes += Array("\(key)\n\(value.count)\n".utf8)
            bytes += value
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes += Array("end \(entries.count)\n".utf8)
        return bytes
    }

    /// - Returns: Nil unless the file is whole.
    static func decode(_ bytes: [UInt8]) -> [String: [UInt8]]? {
        var rest = bytes[...]
        func line() -> String? {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return String(decoding: rest[..<end], as: UTF8.self)
        }
        guard line() == head else { return nil }
        var entries: [String: [UInt8]] = [:]
        while let key = line() {
            if key == "end \(entries.count)", rest.isEmpty { return entries }
            guard let text = line(), let count = Int(text), count >= 0, count < rest.count else { return nil }
            entries[key] = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            guard rest.popFirst() == UInt8(ascii: "\n") else { return nil }
        }
        return nil
    }
}

/// The few file operations a registry needs, with errors that name the file.
enum PlainFile {
    /// - Returns: Nil if there is no such file.
    static func read(_ path: String) throws(RegistryStoreError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// Replaces the file with one that has these bytes; after a crash it is the old one or the new one.
    static func replace(_ path: String, with bytes: [UInt8]) throws(RegistryStoreError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("write", temporary)
                close(descriptor)
                throw error
            }
            written += count
        }
        guard fsync(descriptor) == 0 else {
            let error = failure("flush", temporary)
            close(descriptor)
            throw error
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw failure("rename", temporary) }
        try flushDirectory(of: path)
    }

    /// Gives a damaged file another name.
    static func setAside(_ path: String) throws(RegistryStoreError) -> String {
        var number = 1
        while access("\(path).damaged-\(number)", F_OK) == 0 { number += 1 }
        let aside = "\(path).damaged-\(number)"
        guard rename(path, aside) == 0 else { throw failure("rename", path) }
        return aside
    }

    /// The new name is durable only once the directory is.
    private static func flushDirectory(of path: String) throws(RegistryStoreError) {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", directory) }
    }

    private static func failure(_ verb: String, _ path: String) -> RegistryStoreError {
        .unavailable("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
