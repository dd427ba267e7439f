// The fetcher's cache: one download for many, room made by the longest unused, and never an obstacle.

import Beneath
import Glibc
import Logging
import Mailbox
import Testing

@testable import MiniAgent

struct FetcherCacheTests {
    private let directory = TemporaryDirectory()

    private func cache(_ bytesMax: Int) async -> FetcherCache {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let cache = FetcherCache(directory: "\(directory.path)/cache", bytesMax: bytesMax, logger: logger)
        await cache.open()
        return cache
    }

    private static func write(_ text: String, _ file: Descriptor) {
        _ = Glibc.write(file.number, text, text.utf8.count)
    }

    private static func filling(
        _ text: String, announced: Int? = nil, _ count: Locked<Int>? = nil
    ) -> FetcherCache.Fill {
        { (file, reserve) async throws(FetchError) in
            count?.withLock { $0 += 1 }
            guard await reserve(announced ?? text.utf8.count) else { throw .download("full") }
            write(text, file)
        }
    }

    private static func text(_ outcome: FetcherCache.Outcome) -> String? {
        guard case .cached(let file) = outcome else { return nil }
        var buffer = [UInt8](repeating: 0, count: 1000)
        let count = pread(file.number, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }

    private func key(_ url: String, _ user: String = "u") -> FetcherCache.Key { .init(user: user, url: url) }

    @Test func `the second asks no server, and another user's file is another file`() async {
        let cache = await cache(1000)
        let count = Locked(0)
        #expect(Self.text(await cache.file(key("a"), fill: Self.filling("hello", count))) == "hello")
        #expect(Self.text(await cache.file(key("a"), fill: Self.filling("other", count))) == "hello")
        #expect(Self.text(await cache.file(key("a", "v"), fill: Self.filling("theirs", count))) == "theirs")
        #expect(count.withLock { $0 } == 2)
        #expect(cache.statistics == .init(bytesMax: 1000, bytesUsed: 11, hits: 1, downloads: 2))
    }

    @Test func `those who ask meanwhile share one download`() async {
        let cache = await cache(1000)
        let count = Locked(0)
        let gate = Latch<Void>()
        let slow: FetcherCache.Fill = { (file, reserve) async throws(FetchError) in
            count.withLock { $0 += 1 }
            _ = await gate.wait()
            _ = await reserve(4)
            Self.write("slow", file)
        }
        let key = key("a")
        let all = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<10 { group.addTask { Self.text(await cache.file(key, fill: slow)) } }
            group.addTask {
                gate.open(())
                return "slow"
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(all == [String?](repeating: "slow", count: 11))
        #expect(count.withLock { $0 } == 1)
    }

    @Test func `the longest unused makes room`() async {
        let cache = await cache(10)
        for name in ["a", "b"] { _ = await cache.file(key(name), fill: Self.filling("12345")) }
        _ = await cache.file(key("a"), fill: Self.filling("12345"))
        #expect(Self.text(await cache.file(key("c"), fill: Self.filling("67890"))) == "67890")
        let count = Locked(0)
        _ = await cache.file(key("a"), fill: Self.filling("12345", count))
        #expect(count.withLock { $0 } == 0)
        _ = await cache.file(key("b"), fill: Self.filling("12345", count))
        #expect(count.withLock { $0 } == 1)
        #expect(cache.statistics.bytesUsed == 10)
    }

    @Test func `whatever goes wrong, the caller is told to fetch for itself`() async {
        let cache = await cache(10)
        func isDirect(_ fill: @escaping FetcherCache.Fill) async -> Bool {
            if case .direct = await cache.file(key("x"), fill: fill) { return true }
            return false
        }
        #expect(await isDirect(Self.filling("more than ten bytes")))
        #expect(await isDirect(Self.filling("short", announced: 7)))
        #expect(await isDirect { (_, _) async throws(FetchError) in throw .download("status 500") })
        #expect(
            await isDirect { (_, reserve) async throws(FetchError) in
                guard await reserve(nil) else { throw .download("no length") }
            })
        #expect(cache.statistics.bytesUsed == 0)
        #expect(Self.text(await cache.file(key("x"), fill: Self.filling("good"))) == "good")
        #expect(DurableFile.names(in: "\(directory.path)/cache").count == 2)  // The file and the lock.
    }

    @Test func `a caller that is cancelled leaves at once, and the last one ends the download`() async {
        let cache = await cache(100)
        let started = Latch<Void>()
        let ended = Latch<Void>()
        let key = key("a")
        let asking = Task {
            await cache.file(key) { (_, _) async throws(FetchError) in
                started.open(())
                let never = Latch<Void>()
                _ = await never.wait()
                ended.open(())
                throw .cancelled
            }
        }
        _ = await started.wait()
        asking.cancel()
        if case .cancelled = await asking.value {} else { Issue.record("not cancelled") }
        _ = await ended.wait()
    }

    @Test func `it is emptied at start, and a second agent does without`() async throws {
        let first = await cache(100)
        _ = await first.file(key("a"), fill: Self.filling("old"))
        let second = await cache(100)
        if case .direct = await second.file(key("a"), fill: Self.filling("new")) {} else { Issue.record("not direct") }
        #expect(Self.text(await first.file(key("a"), fill: Self.filling("new"))) == "old")
    }
}
