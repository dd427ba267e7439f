// The folder where a controller keeps itself: one journal, rewritten when it has doubled.
import Glibc

/// Keeps what must outlive the process.
///
/// A record is one line, appended by one write before the request that caused it is answered. The kernel has it then: the
/// end of this process, however it comes, loses nothing. The end of the host may: nothing is synced, this is a stand-in.
/// Its files stay open until `close`.
struct StateStore: Sendable {
    private static let growthMin = 4 << 20

    private let directory: String
    private var journal: Int32
    private let lock: Int32
    private var bytes: Int
    private var bytesAtRewrite: Int

    /// Opens the folder and reads what is there.
    ///
    /// - Throws: ``PracticeJenkinsError/stateUnusable(path:reason:)``, also if another process uses it.
    static func open(_ directory: String) throws(PracticeJenkinsError) -> (StateStore, KeptRecords) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST { throw unusable(directory) }
        let lock = Glibc.open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw unusable(directory + "/lock") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            throw .stateUnusable(path: directory, reason: "another process uses it")
        }
        do throws(PracticeJenkinsError) {
            let path = directory + "/journal"
            let (records, length) = try read(path)
            let journal = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            // A line that the last process did not finish was never told to anybody.
            guard journal >= 0, ftruncate(journal, off_t(length)) == 0 else { throw unusable(path) }
            return (StateStore(directory: directory, journal: journal, lock: lock, bytes: length), records)
        } catch {
            Glibc.close(lock)
            throw error
        }
    }

    private init(directory: String, journal: Int32, lock: Int32, bytes: Int) {
        (self.directory, self.journal, self.lock, self.bytes) = (directory, journal, lock, bytes)
        bytesAtRewrite = bytes
    }

    func close() {
        Glibc.close(journal)
        Glibc.close(lock)
    }

    /// Whether the journal has grown so much that it should be written anew.
    var isOvergrown: Bool { bytes > 2 * bytesAtRewrite + Self.growthMin }

    mutating func append(_ lines: [UInt8]) throws(PracticeJenkinsError) {
        if lines.isEmpty { return }
        try Self.write(lines, to: journal, path: directory + "/journal")
        bytes += lines.count
    }

    /// Puts a journal that holds just this in the place of the old one.
    mutating func rewrite(_ lines: [UInt8]) throws(PracticeJenkinsError) {
        let path = directory + "/journal"
        let next = Glibc.open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard next >= 0 else { throw Self.unusable(path + ".new") }
        do throws(PracticeJenkinsError) {
            try Self.write(lines, to: next, path: path + ".new")
            guard rename(path + ".new", path) == 0 else { throw Self.unusable(path) }
        } catch {
            Glibc.close(next)
            throw error
        }
        Glibc.close(journal)
        (journal, bytes, bytesAtRewrite) = (next, lines.count, lines.count)
    }

    // MARK: Files

    private static func write(_ bytes: [UInt8], to file: Int32, path: String) throws(PracticeJenkinsError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unusable(path) }
            rest = rest.dropFirst(count)
        }
    }

    /// - Returns: The records, and the length of the file up to the end of its last whole line.
    private static func read(_ path: String) throws(PracticeJenkinsError) -> (KeptRecords, Int) {
        var records = KeptRecords()
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 {
            if errno == ENOENT { return (records, 0) }
            throw unusable(path)
        }
        defer { Glibc.close(file) }
        var (line, length, number): ([UInt8], Int, Int) = ([], 0, 0)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 { throw unusable(path) }
            if count == 0 { return (records, length) }
            var rest = chunk[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[..<end]
                number += 1
                guard records.read(line) else {
                    throw .stateUnusable(path: path, reason: "line \(number) is not a record of a practice controller")
                }
                length += line.count + 1
                line = []
                rest = rest[(end + 1)...]
            }
            line += rest
        }
    }

    private static func unusable(_ path: String) -> PracticeJenkinsError {
        .stateUnusable(path: path, reason: String(cString: strerror(errno)))
    }
}
