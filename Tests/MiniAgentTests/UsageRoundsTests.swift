// When containers are looked at: the schedule alone, and the sampler that keeps to it.

import Mailbox
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite struct UsageRoundsTests {
    private let old = ContainerID("old")
    private let new = ContainerID("new")

    private static func seconds(_ count: Double) -> Instant { Instant.zero + .seconds(count) }

    /// The times of the rounds until then, each of which looks at whom it should.
    private static func run(_ rounds: inout UsageRounds, until end: Instant) -> [Double] {
        var times: [Double] = []
        while let next = rounds.next, next <= end {
            times.append(Double(next.nanoseconds) / 1e9)
            for container in rounds.begin(at: next).containers { rounds.looked(at: container, at: next) }
        }
        return times
    }

    @Test func `a container is looked at after pauses as long as its age, then once in an interval`() {
        var rounds = UsageRounds(interval: .seconds(10))
        #expect(rounds.next == nil)
        rounds.began(old, at: .zero)
        #expect(Self.run(&rounds, until: Self.seconds(45)) == [1, 2, 4, 8, 16, 20, 30, 40])
        rounds.ended(old)
        #expect(rounds.next == nil)
    }

    @Test func `a new container is looked at soon, however long the old ones can wait`() {
        var rounds = UsageRounds(interval: .seconds(10))
        rounds.began(old, at: .zero)
        _ = Self.run(&rounds, until: Self.seconds(41))
        #expect(rounds.next == Self.seconds(50))
        rounds.began(new, at: Self.seconds(42))
        #expect(rounds.next == Self.seconds(43))
        let round = rounds.begin(at: Self.seconds(43))
        #expect(round.containers == [new])
        #expect(!round.isQuiet)
    }

    @Test func `containers that start one after another share rounds`() {
        var rounds = UsageRounds(interval: .seconds(10))
        for number in 0..<20 { rounds.began(ContainerID("\(number)"), at: Self.seconds(Double(number) / 10)) }
        // All have started by second 1.9, and each is looked at two times.
        #expect(Self.run(&rounds, until: Self.seconds(4)) == [1, 2, 3, 4])
    }

    @Test func `a round is quiet when no container is new, and without containers there is none`() {
        var rounds = UsageRounds(interval: .seconds(10))
        rounds.began(old, at: .zero)
        #expect(!rounds.begin(at: Self.seconds(8)).isQuiet)
        #expect(rounds.begin(at: Self.seconds(10)).isQuiet)
        rounds.began(new, at: Self.seconds(19))
        #expect(!rounds.begin(at: Self.seconds(20)).isQuiet)
        #expect(rounds.begin(at: Self.seconds(30)).isQuiet)
        rounds.ended(old)
        rounds.ended(new)
        #expect(!rounds.begin(at: Self.seconds(40)).isQuiet)
    }

    @Test func `without an interval there are no rounds`() {
        var rounds = UsageRounds(interval: .zero)
        rounds.began(old, at: .zero)
        #expect(rounds.next == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a short container beside old ones has final figures`() async throws {
        let naps = Naps()
        let files = ChangingFiles(KernelSnapshot.version2.files)
        let quietRounds = Locked(0)
        var settings = UsageSampler.Settings()
        settings.onQuietRound = { quietRounds.withLock { $0 += 1 } }
        let sampler = UsageSampler(
            settings: settings, file: { files.read($0) }, table: { ProcessTable([]) }, now: { naps.now },
            sleep: { try await naps.sleep($0) })
        let source = UsageTarget.Source.docker(pid: 4711, id: UsageTests.engineID)
        await sampler.began(UsageTarget(container: old, source: source))
        for pause in [1, 1, 2, 4, 8, 4] {
            let nap = try await naps.next()
            #expect(nap.pause == .seconds(pause))
            naps.end(nap)
        }
        #expect(try await naps.next().pause == .seconds(10))
        #expect(quietRounds.withLock { $0 } == 2)

        await sampler.began(UsageTarget(container: new, source: source))
        let nap = try await naps.next()
        #expect(nap.pause == .seconds(1))
        naps.end(nap)
        #expect(try await naps.next().pause == .seconds(1))
        files.removeAll(below: KernelSnapshot.unifiedFolder)
        await sampler.ended(new)
        #expect(await sampler.figures().ended[new]?.cpu?.userSeconds == 2.5)
        #expect(quietRounds.withLock { $0 } == 2)
        await sampler.stop()
    }
}

/// A clock that moves only when somebody has slept.
private final class Naps: Sendable {
    struct Nap: Sendable {
        var pause: Duration
        fileprivate var end: AsyncStream<Void>.Continuation
    }

    private let clock = Locked(Instant.zero)
    private let (naps, begun) = AsyncStream.makeStream(of: Nap.self)

    var now: Moment { Moment(instant: clock.withLock { $0 }, wall: WallTime(nanoseconds: 0)) }

    func sleep(_ pause: Duration) async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        begun.yield(Nap(pause: pause, end: end))
        for await _ in ends { return }
        throw CancellationError()
    }

    /// The nap that began next. The wait for it can be cancelled, so that a sampler nobody woke fails its test.
    func next() async throws -> Nap {
        for await nap in naps { return nap }
        throw CancellationError()
    }

    func end(_ nap: Nap) {
        clock.withLock { $0 = $0 + nap.pause }
        nap.end.yield()
    }
}
