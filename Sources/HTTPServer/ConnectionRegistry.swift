// All open connections of a server, so that there can be too many of them, and an end to them.
import Mailbox
import NIOCore

final class ConnectionRegistry: Sendable {
    private struct State {
        var open: [ObjectIdentifier: (handle: ConnectionHandle, address: String?)] = [:]
        var countByAddress: [String: Int] = [:]
        var isStopping = false
        var stopped: [CheckedContinuation<Void, Never>] = []
    }
    private let max: Int
    private let perAddressMax: Int
    private let state = Locked(State())

    init(max: Int, perAddressMax: Int = .max) {
        self.max = max
        self.perAddressMax = perAddressMax
    }

    var count: Int { state.withLock { $0.open.count } }

    enum Admission: Hashable {
        case admitted
        case stopping
        case tooMany
        case tooManyFromAddress
    }

    /// - Parameter address: Whom the connection counts for; nil: nobody.
    func add(_ id: ObjectIdentifier, _ connection: ConnectionHandle, from address: String?) -> Admission {
        state.withLock { state in
            if state.isStopping { return .stopping }
            if state.open.count >= max { return .tooMany }
            if let address {
                let count = state.countByAddress[address] ?? 0
                if count >= perAddressMax { return .tooManyFromAddress }
                state.countByAddress[address] = count + 1
            }
            state.open[id] = (connection, address)
            return .admitted
        }
    }

    func remove(_ id: ObjectIdentifier) {
        let stopped = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if let removed = state.open.removeValue(forKey: id), let address = removed.address {
                let count = (state.countByAddress[address] ?? 1) - 1
                state.countByAddress[address] = count > 0 ? count : nil
            }
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
            return state.open.values.map(\.handle)
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
