// Brings what a command's URIs name into its sandbox before it starts.

import Beneath
import Glibc
import HTTPClient
import Logging
import Mailbox
import MesosProtocol
import Resources

/// Fetches the URIs of a command, one after another, as the Apache Mesos fetcher does: downloads and copies belong to
/// the task's user; archives are unpacked beside themselves; what happens is told in the sandbox's `stderr`.
package final class Fetcher: Sendable {
    package struct Settings: Sendable {
        package var frameworksHome: String?
        package var cacheDirectory: String
        /// 0: nothing is cached.
        package var cacheBytesMax = 2 << 30
        package var stallTimeout: Duration = .seconds(60)
        /// Larger files are not fetched.
        package var fileBytesMax = 256 << 30
        package var freeBytesMin = 256 << 20

        package init(cacheDirectory: String) { self.cacheDirectory = cacheDirectory }
    }

    /// Since the agent started.
    package struct Statistics: Hashable, Sendable {
        package var succeeded = 0
        package var failed = 0
        package var cacheBytesMax = 0
        package var cacheBytesUsed = 0
        /// Files that were there already, and files that were downloaded into the cache.
        package var cacheHits = 0
        package var cacheDownloads = 0
    }

    package let cache: FetcherCache
    private let settings: Settings
    private let helper: FetcherHelper
    private let downloader: Downloader
    private let counts = Locked(Statistics())

    package init(_ settings: Settings, helper: FetcherHelper, client: HTTPClient, logger: Logger) {
        self.settings = settings
        self.helper = helper
        cache = FetcherCache(directory: settings.cacheDirectory, bytesMax: settings.cacheBytesMax, logger: logger)
        downloader = Downloader(
            client: client, stallTimeout: settings.stallTimeout, bytesMax: settings.fileBytesMax,
            freeBytesMin: settings.freeBytesMin)
    }

    package var statistics: Statistics {
        let cached = cache.statistics
        var all = counts.withLock { $0 }
        all.cacheBytesMax = cached.bytesMax
        all.cacheBytesUsed = cached.bytesUsed
        all.cacheHits = cached.hits
        all.cacheDownloads = cached.downloads
        return all
    }

    /// Everything one launch's fetch needs.
    private struct Place: Sendable {
        var directory: DirectoryHandle
        var sandbox: String
        var user: String
        var owner: HostUser?
        var log: SandboxLog

        var fileOwner: FileOwner? { owner.map { FileOwner(user: $0.user, group: $0.group) } }
        func say(_ line: String) { log.append(Array("\(line)\n".utf8)) }
    }

    /// Fetches all, or nothing that counts: the first failure ends it.
    ///
    /// - Throws: ``LaunchFailure/preparation(_:)`` with the URI and the reason. Cancelling ends it soon.
    func fetch(_ uris: [V1CommandInfo.URI], for launch: Launch, owner: HostUser?) async throws(LaunchFailure) {
        if uris.isEmpty { return }
        let failed = "Failed to fetch all URIs for container '\(launch.record.container)'"
        let place: Place
        do throws(BeneathError) {
            guard
                let log = SandboxLog(
                    launch.run, .standardError, limit: nil, owner: owner.map { ($0.user, $0.group) })
            else { throw BeneathError("write to", Array(launch.run.standardError.utf8)) }
            place = Place(
                directory: try DirectoryHandle(path: launch.run.sandbox), sandbox: launch.run.sandbox,
                user: launch.command.hasUser ? launch.command.user : launch.framework.user, owner: owner, log: log)
        } catch {
            throw .preparation("\(failed): \(error)")
        }
        defer { place.log.beginStream() }
        for uri in uris {
            do throws(FetchError) {
                let item = try FetchItem(uri, frameworksHome: settings.frameworksHome)
                place.say("Fetching '\(item.shown)'")
                try await fetch(item, into: place)
                if Task.isCancelled { throw .cancelled }
            } catch {
                let shown = (try? FetchItem(uri, frameworksHome: "/"))?.shown ?? String(uri.value.prefix(100))
                place.say("Failed to fetch '\(shown)': \(error)")
                counts.withLock { $0.failed += 1 }
                throw .preparation("\(failed): '\(shown)': \(error)")
            }
        }
        counts.withLock { $0.succeeded += 1 }
    }

    private func fetch(_ item: FetchItem, into place: Place) async throws(FetchError) {
        switch item.source {
        case .file(let path):
            // As the user: a task must not get to read what its user may not.
            try await run(["copy", path, item.name, item.isExecutable ? "755" : "644"], nil, place)
            place.say("Copied '\(path)' to '\(item.name)'")
            try await finish(item, try Self.reopen(item.name, place), place)
        case .download(let url):
            if item.isCached, let file = try await cached(item, url, place) {
                try await check(item, file, place)
                if item.packing == nil { try await copy(file, item, place) }
                // Of a cached archive only the content appears.
                try await unpack(item, file, place)
                return
            }
            let file = try Self.create(item, place)
            try await downloader.download(url, to: file) { _ in }
            fchmod(file.number, item.isExecutable ? 0o755 : 0o644)
            place.say("Downloaded '\(item.shown)' to '\(item.name)', \(file.size) bytes")
            try await finish(item, try Self.reopen(item.name, place), place)
        }
    }

    private func finish(_ item: FetchItem, _ file: Descriptor, _ place: Place) async throws(FetchError) {
        try await check(item, file, place)
        try await unpack(item, file, place)
    }

    // MARK: Steps

    /// - Returns: `nil` if it must be fetched without the cache.
    private func cached(_ item: FetchItem, _ url: String, _ place: Place) async throws(FetchError) -> Descriptor? {
        let outcome = await cache.file(.init(user: place.user, url: url)) {
            [downloader] (file, reserve) async throws(FetchError) in
            try await downloader.download(url, to: file) { length async throws(FetchError) in
                guard await reserve(length) else {
                    throw .download(length == nil ? "the server does not say how large it is" : "the cache is full")
                }
            }
        }
        switch outcome {
        case .cached(let file):
            place.say("Took '\(item.shown)' from the cache, \(file.size) bytes")
            return file
        case .direct(let reason):
            place.say("Fetching '\(item.shown)' without the cache: \(reason)")
            return nil
        case .cancelled: throw .cancelled
        }
    }

    private func check(_ item: FetchItem, _ file: Descriptor, _ place: Place) async throws(FetchError) {
        guard let sum = item.sha256 else { return }
        lseek(file.number, 0, SEEK_SET)
        try await run(["check", sum], file, place)
        lseek(file.number, 0, SEEK_SET)
        place.say("The checksum of '\(item.shown)' is as expected")
    }

    private func unpack(_ item: FetchItem, _ file: Descriptor, _ place: Place) async throws(FetchError) {
        switch item.packing {
        case nil: return
        case .tar: try await run(["unpack", "tar"], file, place)
        case .zip: try await run(["unpack", "zip"], file, place)
        case .gzip: try await run(["expand", String(item.name.dropLast(".gz".count))], file, place)
        }
        place.say("Unpacked '\(item.name)'")
    }

    private func copy(_ file: Descriptor, _ item: FetchItem, _ place: Place) async throws(FetchError) {
        let target = try Self.create(item, place)
        let code = await DiskWork.run { copyContent(of: file, to: target) }
        guard code == 0 else { throw .file("cannot copy: \(String(cString: strerror(code)))") }
        fchmod(target.number, item.isExecutable ? 0o755 : 0o644)
    }

    private func run(
        _ arguments: [String], _ input: Descriptor?, _ place: Place
    ) async throws(FetchError) {
        try await helper.run(arguments, input: input, sandbox: place.sandbox, as: place.owner)
    }

    private static func components(_ name: String) -> [[UInt8]] {
        name.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    private static func create(_ item: FetchItem, _ place: Place) throws(FetchError) -> Descriptor {
        do throws(BeneathError) {
            return try place.directory.createFile(components(item.name), mode: 0o600, owner: place.fileOwner)
        } catch { throw .file("\(error)") }
    }

    /// The file just written, for reading: the same name, and not through a link.
    private static func reopen(_ name: String, _ place: Place) throws(FetchError) -> Descriptor {
        do throws(BeneathError) {
            return try place.directory.open(components(name), O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
        } catch { throw .file("\(error)") }
    }
}
