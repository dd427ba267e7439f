// What one road carries just now: its connections and the bytes on their way.

import Glibc

/// The state of one road's thread.
struct RoadTraffic {
    /// Bytes that one side sent and the other has not received yet.
    private struct Lane {
        var chunks: [(due: UInt64, bytes: [UInt8])] = []
        var waiting = 0
        var hasEnded = false

        static let waitingMax = 1 << 20
        var hasRoom: Bool { waiting < Self.waitingMax && !hasEnded }
    }

    private struct Pair {
        var caller: Int32
        var callee: Int32
        var toCallee = Lane()
        var toCaller = Lane()
    }

    private let listener: Int32
    private let hearing: Int32
    private let target: Int
    private var pairs: [Pair] = []

    init(listener: Int32, hearing: Int32, target: Int) {
        self.listener = listener
        self.hearing = hearing
        self.target = target
    }

    /// Waits for something to happen, and deals with it under the given condition.
    mutating func pass(_ condition: RoadCondition) {
        if condition == .cut {
            for pair in pairs { Self.close(pair) }
            pairs = []
        }
        let moves = condition != .stalled
        var polls = [
            pollfd(fd: hearing, events: Int16(POLLIN), revents: 0),
            pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        ]
        let now = Self.now()
        var nextDue: UInt64?
        for pair in pairs {
            polls.append(
                pollfd(fd: pair.caller, events: Self.events(pair.toCallee, pair.toCaller, moves, now), revents: 0))
            polls.append(
                pollfd(fd: pair.callee, events: Self.events(pair.toCaller, pair.toCallee, moves, now), revents: 0))
            if moves {
                for lane in [pair.toCallee, pair.toCaller] {
                    if let due = lane.chunks.first?.due, due > now { nextDue = min(nextDue ?? due, due) }
                }
            }
        }
        let timeout = nextDue.map { Int32(min(1000, ($0 - now) / 1_000_000 + 1)) } ?? 1000
        // A stalled road hears nothing of its connections, not even that they were closed.
        for index in polls.indices where index >= 2 && !moves { polls[index].fd = -1 }
        guard poll(&polls, nfds_t(polls.count), timeout) >= 0 else { return }
        if polls[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            _ = Glibc.read(hearing, &bytes, bytes.count)
        }
        if moves { move(polls, condition) }
        if polls[1].revents != 0 { accept(condition) }
    }

    mutating func close() {
        for pair in pairs { Self.close(pair) }
        pairs = []
        _ = Glibc.close(listener)
        _ = Glibc.close(hearing)
    }

    private static func events(_ from: Lane, _ to: Lane, _ moves: Bool, _ now: UInt64) -> Int16 {
        guard moves else { return 0 }
        let canWrite = to.chunks.first.map { $0.due <= now } ?? false
        return (from.hasRoom ? Int16(POLLIN) : 0) | (canWrite ? Int16(POLLOUT) : 0)
    }

    private mutating func move(_ polls: [pollfd], _ condition: RoadCondition) {
        var delay: UInt64 = 0
        if case .slow(let milliseconds) = condition { delay = UInt64(milliseconds) * 1_000_000 }
        let now = Self.now()
        var kept: [Pair] = []
        for (index, old) in pairs.enumerated() {
            var pair = old
            let (caller, callee) = (polls[2 + 2 * index].revents, polls[3 + 2 * index].revents)
            var isAlive = true
            if caller & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                isAlive = Self.read(pair.caller, into: &pair.toCallee, due: now + delay)
            }
            if isAlive, callee & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                isAlive = Self.read(pair.callee, into: &pair.toCaller, due: now + delay)
            }
            isAlive = isAlive && Self.write(&pair.toCallee, to: pair.callee, now: now)
            isAlive = isAlive && Self.write(&pair.toCaller, to: pair.caller, now: now)
            if isAlive { kept.append(pair) } else { Self.close(pair) }
        }
        pairs = kept
    }

    /// - Returns: Whether the connection can go on. The end of either side ends both when nothing is on its way.
    private static func read(_ descriptor: Int32, into lane: inout Lane, due: UInt64) -> Bool {
        guard lane.hasRoom else { return true }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count > 0 {
            lane.chunks.append((due, Array(bytes[0..<count])))
            lane.waiting += count
            return true
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return true }
        lane.hasEnded = true
        return count == 0 && !lane.chunks.isEmpty
    }

    private static func write(_ lane: inout Lane, to descriptor: Int32, now: UInt64) -> Bool {
        while let chunk = lane.chunks.first, chunk.due <= now {
            let count = send(descriptor, chunk.bytes, chunk.bytes.count, Int32(MSG_NOSIGNAL))
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            lane.waiting -= count
            if count < chunk.bytes.count {
                lane.chunks[0].bytes.removeFirst(count)
            } else {
                lane.chunks.removeFirst()
            }
        }
        return !(lane.hasEnded && lane.chunks.isEmpty)
    }

    private mutating func accept(_ condition: RoadCondition) {
        let caller = Glibc.accept(listener, nil, nil)
        guard caller >= 0 else { return }
        _ = fcntl(caller, F_SETFD, FD_CLOEXEC)
        _ = fcntl(caller, F_SETFL, O_NONBLOCK)
        let callee = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(target)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                connect(callee, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard condition != .cut, callee >= 0, isConnected, fcntl(callee, F_SETFL, O_NONBLOCK) == 0 else {
            _ = Glibc.close(caller)
            if callee >= 0 { _ = Glibc.close(callee) }
            return
        }
        pairs.append(Pair(caller: caller, callee: callee))
    }

    private static func close(_ pair: Pair) {
        _ = Glibc.close(pair.caller)
        _ = Glibc.close(pair.callee)
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
