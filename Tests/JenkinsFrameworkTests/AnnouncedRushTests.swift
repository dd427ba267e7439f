// How soon builds are seen that a controller has announced: rushes drawn from a seed, in virtual time.
import Resources
import Testing

@testable import JenkinsFramework

/// A controller that announces builds and is a little late with each, polled as the pace says.
private struct AnnouncingController {
    struct Build {
        var id: QueueItemID
        var queuedAt: Int
        var endsAt: Int
        /// When it is really out of its quiet period.
        var startsAt: Int
        var seenAt: Int?
    }

    static let wallStart = 1_700_000_000_000
    var random: FarmRandom
    var builds: [Build] = []
    var polls = 0

    init(seed: UInt64) {
        random = FarmRandom(state: seed)
        var at = 1_000
        var id: QueueItemID = 0
        for _ in 1...8 {
            // Some at once, some over a second.
            let spread = random.chance(50) ? 60 : 1_000
            for _ in 0..<(1 + random.below(40)) {
                id += 1
                let queued = at + random.below(spread)
                let ends = queued + 5_000
                builds.append(.init(id: id, queuedAt: queued, endsAt: ends, startsAt: ends + random.below(25)))
            }
            at += 2_000 + random.below(20_000)
        }
    }

    /// What waits at a moment, of what has not been taken away.
    func items(at now: Int) -> [QueueItem] {
        builds.filter { $0.queuedAt <= now && $0.seenAt == nil }.map { build in
            var item = QueueItem.buildable(build.id, "linux")
            item.inQueueSince = Int64(Self.wallStart + build.queuedAt)
            if build.startsAt > now {
                item.phase = .waiting
                item.quietUntil = Int64(Self.wallStart + build.endsAt)
            } else {
                item.buildableSince = Int64(Self.wallStart + build.startsAt)
            }
            return item
        }
    }

    /// Until all have been seen. A build that was seen has an executor at once.
    mutating func run(_ pace: inout PollPace) {
        var now = 0
        while builds.contains(where: { $0.seenAt == nil }), polls < 100_000 {
            polls += 1
            let startedAt = Instant.zero.advanced(by: .milliseconds(now))
            now += random.below(20)
            let items = items(at: now)
            now += random.below(20)
            for item in items where item.phase == .buildable { builds[Int(item.id) - 1].seenAt = now }
            let moment = Moment(
                instant: .zero.advanced(by: .milliseconds(now)),
                wall: WallTime(nanoseconds: 0).advanced(by: .milliseconds(Self.wallStart + now)))
            pace.observe(JenkinsSnapshot(startedAt: startedAt, items: items, computers: []), [:], at: moment)
            let due = pace.plan(quick: .milliseconds(250), seldom: .seconds(4), computersWithin: .seconds(4)).dueAt
            now = max(now, Int(due.nanoseconds / 1_000_000))
        }
    }
}

@Suite struct AnnouncedRushTests {
    @Test(arguments: 1...60)
    func `whatever comes at once, each build is seen within a third of a second of its announced end`(seed: UInt64) {
        var controller = AnnouncingController(seed: seed)
        var pace = PollPace()
        controller.run(&pace)
        let waits = controller.builds.map { build in build.seenAt.map { $0 - build.endsAt } ?? .max }
        #expect(waits.allSatisfy { $0 <= 333 }, "the longest: \(waits.max() ?? 0) ms")
        let seconds = (controller.builds.map(\.endsAt).max() ?? 0) / 1_000
        #expect(controller.polls <= seconds * 4, "\(controller.polls) polls in \(seconds) s")
    }
}
