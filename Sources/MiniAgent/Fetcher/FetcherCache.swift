// Files that several tasks fetch, kept on the agent's disk up to a size.

import Beneath
import Glibc
import Logging
import Mailbox

/// Holds downloads by user and URI. Whoever asks for one that is on its way waits for it; one that nobody uses makes
/// room for another, the longest unused first. Whatever goes wrong here, the caller can still fetch for itself.
package actor FetcherCache {
    package struct Key: Hashable, Sendable {
        package var user: String
        package var url: String

        package init(user: String, url: String) {
            self.user = user
            self.url = url
        }
    }

    package enum Outcome: Sendable {
        case cached(Descriptor)
        /// The cache cannot help; the text says why.
        case direct(String)
        case cancelled
    }

    /// Downloads into a file. Asks for room first, as soon as it knows how much it needs.
    package typealias Fill =
        @Sendable (_ file: Descriptor, _ reserve: @escaping @Sendable (Int?) async -> Bool) async throws(FetchError) ->
        Void

    private final class Entry {
        let path: String
        let end = Latch<Bool>()
        var waiters = 0
        var task: Task<Void, Never>?
        var isReady = false
        var bytes = 0
        var lastUse = 0
        var problem = ""

        init(path: String) { self.path = path }
    }

    package struct Statistics: Hashable, Sendable {
        package var bytesMax = 0
        package var bytesUsed = 0
        package var hits = 0
        package var downloads = 0
    }

    private let directory: String
    private let bytesMax: Int
    private let logger: Logger
    private var entries: [Key: Entry] = [:]
    private var bytesUsed = 0
    private var uses = 0
    private var names = 0
    private var hits = 0
    private var isUsable = false
    private var lock: Descriptor?

    package init(directory: String, bytesMax: Int, logger: Logger) {
        self.directory = directory
        self.bytesMax = bytesMax
        self.logger = logger
    }

    /// For metrics, which do not wait.
    package nonisolated var statistics: Statistics { published.withLock { $0 } }
    private nonisolated let published = Locked(Statistics())

    private func publish() {
        let current = Statistics(bytesMax: bytesMax, bytesUsed: bytesUsed, hits: hits, downloads: names)
        published.withLock { $0 = current }
    }

    /// Takes the directory and empties it. Once, before anything is asked for.
    package func open() {
        guard bytesMax > 0 else { return }
        do throws(FileError) {
            try DurableFile.createDirectories(directory, mode: 0o700)
            let descriptor = Glibc.open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw FileError("open", "\(directory)/lock") }
            let held = Descriptor(descriptor)
            // Two agents must not empty each other's cache.
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw FileError("take, because another agent holds it,", directory)
            }
            for name in DurableFile.names(in: directory) where name.hasPrefix(Self.prefix) {
                DurableFile.remove("\(directory)/\(name)")
            }
            lock = held
            isUsable = true
            publish()
        } catch {
            logger.warning("URIs are not cached: \(error)")
        }
    }

    private static let prefix = "fetched-"

    /// Gets a file from the cache, or has `fill` put it there.
    package func file(_ key: Key, fill: @escaping Fill) async -> Outcome {
        guard isUsable else { return .direct("there is no cache") }
        let entry: Entry
        if let known = entries[key] {
            entry = known
            if known.isReady { hits += 1 }
            publish()
        } else {
            entry = begin(key, fill)
        }
        entry.waiters += 1
        let end = await entry.end.wait()
        entry.waiters -= 1
        guard let isFilled = end else {
            if entry.waiters == 0, !entry.isReady { entry.task?.cancel() }
            return .cancelled
        }
        guard isFilled else { return .direct(entry.problem) }
        uses += 1
        entry.lastUse = uses
        let descriptor = Glibc.open(entry.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            forget(key, entry)
            return .direct("\(FileError("open", entry.path))")
        }
        return .cached(Descriptor(descriptor))
    }

    private func begin(_ key: Key, _ fill: @escaping Fill) -> Entry {
        names += 1
        let entry = Entry(path: "\(directory)/\(Self.prefix)\(names)")
        entries[key] = entry
        entry.task = Task { await self.run(key, fill) }
        return entry
    }

    private func run(_ key: Key, _ fill: @escaping Fill) async {
        guard let entry = entries[key] else { return }
        let descriptor = Glibc.open(entry.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return fail(key, "\(FileError("create", entry.path))") }
        let file = Descriptor(descriptor)
        do throws(FetchError) {
            try await fill(file) { bytes in await self.reserve(bytes, for: key) }
        } catch {
            return fail(key, "\(error)")
        }
        guard file.size == entry.bytes else { return fail(key, "it came with another size than announced") }
        entry.isReady = true
        entry.task = nil
        entry.end.open(true)
    }

    /// - Returns: Whether there is room for so many bytes; `nil`, an unknown number, never fits.
    private func reserve(_ bytes: Int?, for key: Key) -> Bool {
        guard let entry = entries[key], let bytes, bytes <= bytesMax else { return false }
        while bytesUsed + bytes > bytesMax {
            let unused = entries.filter { $0.value.isReady && $0.value.waiters == 0 }
            guard let oldest = unused.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return false }
            forget(oldest.key, oldest.value)
        }
        entry.bytes = bytes
        bytesUsed += bytes
        publish()
        return true
    }

    private func fail(_ key: Key, _ problem: String) {
        guard let entry = entries[key] else { return }
        entry.problem = problem
        forget(key, entry)
        entry.task = nil
        entry.end.open(false)
    }

    /// Whoever has the file open keeps it until it is closed.
    private func forget(_ key: Key, _ entry: Entry) {
        if entries[key] === entry { entries[key] = nil }
        bytesUsed -= entry.bytes
        entry.bytes = 0
        publish()
        unlink(entry.path)
    }
}
