// All open connections of a server, so that there can be too many of them, and an end to them.
import Mailbox
import NIOCore

final class ConnectionRegistry: Sendable {
    private struct State {
        var open: [ObjectIdentifier: ConnectionHandle] = [:]
        var isStopping = false
        var stopped: [CheckedContinuation<Void, Never>] = []
    }
    private let max: Int
    private let state = Locked(State())

    init(max: Int) { self.max = max }

    var count: Int { state.withLock { $0.open.count } }

    /// - Returns: `false` if there are too many already, or the server is stopping.
    func add(_ id: ObjectIdentifier, _ connection: ConnectionHandle) -> Bool {
        state.withLock { state in
            if state.isStopping || state.open.count >= max { return false }
            state.open[id] = connection
            return true
        }
    }

    func remove(_ id: ObjectIdentifier) {
        let stopped = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.open[id] = nil
            guard state.open.isEmpty else { return [] }
            defer { state.stopped = [] }
            return state.stopped
        }
        for continuation in stopped { continuation.resume() }
    }

    /// Has every connection finish and close; after `limit`, closes them as they are. Returns when none is left.
    func stop(within limit: Duration) async {
        let open = state.withLock { state in
            state.isStopping = true
            return Array(state.open.values)
        }
        for connection in open { connection.run { $0.stop() } }
        let cutOff = Timers.shared.scheduleOnce(after: limit) {
            for connection in open { connection.run { $0.closeNow() } }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.open.isEmpty { state.stopped.append(continuation) }
                return state.open.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        cutOff.cancel()
    }
}
