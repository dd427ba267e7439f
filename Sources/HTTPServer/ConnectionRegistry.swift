// All open connections of a server, so that there can be too many of them, and an end to them.
import Mailbox
import NIOCore

final class ConnectionRegistry: Sendable {
    private struct State {
        var open: [ObjectIdentifier: (handle: ConnectionHandle, address: String?)] = [:]
        var counts: ConnectionCounts
        var isStopping = false
        var stopped: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Locked<State>

    init(max: Int, perAddressMax: Int = .max) {
        state = Locked(State(counts: ConnectionCounts(max: max, perAddressMax: perAddressMax)))
    }

    var count: Int { state.withLock { $0.open.count } }

    enum Admission: Hashable {
        case admitted
        case stopping
        case tooMany
        case tooManyFromAddress
    }

    /// - Parameter address: The peer's IP address; nil: it has none.
    func add(_ id: ObjectIdentifier, _ connection: ConnectionHandle, from address: String?) -> Admission {
        state.withLock { state in
            if state.isStopping { return .stopping }
            let admission = state.counts.open(from: address)
            if admission == .admitted { state.open[id] = (connection, address) }
            return admission
        }
    }

    func remove(_ id: ObjectIdentifier) {
        let stopped = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if let removed = state.open.removeValue(forKey: id) { state.counts.close(from: removed.address) }
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

/// How many connections are open, in all and by the peer's address. This host's own are only counted in all: proxies,
/// agents and simulated agents beside a master share one address.
struct ConnectionCounts {
    private let max: Int
    private let perAddressMax: Int
    private(set) var open = 0
    private var byAddress: [String: Int] = [:]

    init(max: Int, perAddressMax: Int) {
        self.max = max
        self.perAddressMax = perAddressMax
    }

    /// - Parameter address: The peer's IP address; nil: it has none.
    mutating func open(from address: String?) -> ConnectionRegistry.Admission {
        if open >= max { return .tooMany }
        if let address = Self.limited(address) {
            let count = byAddress[address] ?? 0
            if count >= perAddressMax { return .tooManyFromAddress }
            byAddress[address] = count + 1
        }
        open += 1
        return .admitted
    }

    /// A connection that was admitted is gone.
    mutating func close(from address: String?) {
        open -= 1
        guard let address = Self.limited(address), let count = byAddress[address] else { return }
        byAddress[address] = count > 1 ? count - 1 : nil
    }

    /// How many addresses have connections that count for them.
    var addresses: Int { byAddress.count }

    private static func limited(_ address: String?) -> String? {
        guard let address else { return nil }
        let plain = address.hasPrefix("::ffff:") ? String(address.dropFirst("::ffff:".count)) : address
        return plain.hasPrefix("127.") || plain == "::1" ? nil : plain
    }
}
