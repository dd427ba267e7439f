// What the ensemble alone takes for the steps of a change of leader: no master could be faster.
import Foundation
import Mailbox
import ZooKeeper

/// The bare round: a znode goes, a watch tells of it, the list is read, a fenced write is made, a few reads follow.
struct ZooKeeperFloor: CustomStringConvertible {
    /// Seconds, ascending.
    private var notices: [Double] = []
    private var rounds: [Double] = []
    private static let count = 20

    static func measure(_ url: ZooKeeperURL) async throws -> ZooKeeperFloor {
        let actor = try await ZooKeeperSession.open(servers: url.servers, timeout: .seconds(10))
        let watcher = try await ZooKeeperSession.open(servers: url.servers, timeout: .seconds(10))
        let directory = "/bench-floor"
        try await watcher.createMissing("\(directory)/registry")
        let claim = try await watcher.create("\(directory)/claim", mode: .ephemeral)
        var floor = ZooKeeperFloor()
        for number in 0..<count {
            let leader = try await actor.create("\(directory)/leader", mode: .ephemeralSequential)
            let noticed = Mailbox<Double>()
            _ = try await watcher.children(directory) { _ in noticed.send(MonotonicClock.seconds) }
            let start = MonotonicClock.seconds
            try await actor.delete(leader)
            guard let notice = await noticed.next().first else { break }
            _ = try await watcher.children(directory)
            _ = try await watcher.get(claim)
            try await watcher.multi([
                .check(path: claim, version: 0), .create(path: "\(directory)/registry/entry-\(number)", data: [1]),
            ])
            _ = try await watcher.children("\(directory)/registry")
            _ = try await watcher.get("\(directory)/registry/entry-\(number)")
            floor.notices.append(notice - start)
            floor.rounds.append(MonotonicClock.seconds - notice)
        }
        for number in 0..<count { try await watcher.delete("\(directory)/registry/entry-\(number)") }
        await actor.close()
        await watcher.close()
        floor.notices.sort()
        floor.rounds.sort()
        return floor
    }

    var description: String {
        guard !rounds.isEmpty else { return "ZooKeeper floor: not measured" }
        func median(_ times: [Double]) -> Double { times[times.count / 2] * 1_000 }
        return String(
            format:
                "ZooKeeper floor, medians of %d: delete -> watch %.1f ms; then list, read, fenced write, list, read "
                + "%.1f ms", rounds.count, median(notices), median(rounds))
    }
}
