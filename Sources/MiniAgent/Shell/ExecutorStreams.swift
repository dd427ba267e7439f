// The event streams of executors: what the core tells them goes out here, encoded as each asked for it.

import HTTPServer
import Mailbox
import MesosProtocol
import Resources

/// Owned by the agent's shell. Streams end by themselves when their executor goes away or does not read.
final class ExecutorStreams: Sendable {
    private struct Open {
        var key: ExecutorKey
        var stream: HTTPStream
        var media: MediaType
        /// How the agent describes itself to this executor.
        var agent: V1AgentInfo
        var heartbeat: TimerToken?
    }

    private struct State {
        var open: [ExecutorStreamID: Open] = [:]
        var lastNumber: UInt64 = 0
    }

    /// As in Apache Mesos: often enough for what stands between and forgets silent connections.
    static let heartbeatInterval = Duration.seconds(1800)
    /// What may wait for an executor that does not read; then it is cut off, and may subscribe again.
    static let bufferedBytesMax = 16 << 20

    private let state = Locked(State())
    private let report: @Sendable (AgentEvent) -> Void

    init(report: @escaping @Sendable (AgentEvent) -> Void) { self.report = report }

    func open(
        for key: ExecutorKey, _ media: MediaType, agent: V1AgentInfo
    ) -> (id: ExecutorStreamID, stream: HTTPStream) {
        let stream = HTTPStream(bufferedBytesMax: Self.bufferedBytesMax)
        let id = state.withLock { state in
            state.lastNumber += 1
            let id = ExecutorStreamID(state.lastNumber)
            state.open[id] = Open(key: key, stream: stream, media: media, agent: agent)
            return id
        }
        stream.onClose { [weak self] end in self?.ended(id, end) }
        scheduleHeartbeat(id)
        return (id, stream)
    }

    func tell(_ id: ExecutorStreamID, _ event: ExecutorEvent) {
        guard let open = state.withLock({ $0.open[id] }) else { return }
        write(event.message(agent: open.agent), to: open)
    }

    private func write(_ event: V1ExecutorEvent, to open: Open) {
        open.stream.write(RecordIO.encode(open.media.encode(event)))
    }

    func close(_ id: ExecutorStreamID) {
        let open = state.withLock { $0.open.removeValue(forKey: id) }
        open?.heartbeat?.cancel()
        open?.stream.close()
    }

    func closeAll() { for id in state.withLock({ Array($0.open.keys) }) { close(id) } }

    private func ended(_ id: ExecutorStreamID, _ end: HTTPStreamEnd) {
        guard let open = state.withLock({ $0.open.removeValue(forKey: id) }) else { return }
        open.heartbeat?.cancel()
        report(.executorDisconnected(open.key, id, reason: end.reason))
    }

    private func scheduleHeartbeat(_ id: ExecutorStreamID) {
        let token = Timers.shared.scheduleOnce(after: Self.heartbeatInterval) { [weak self] in self?.beat(id) }
        state.withLock { $0.open[id]?.heartbeat = token }
    }

    private func beat(_ id: ExecutorStreamID) {
        guard let open = state.withLock({ $0.open[id] }) else { return }
        var event = V1ExecutorEvent()
        event.type = .heartbeat
        write(event, to: open)
        scheduleHeartbeat(id)
    }
}

extension HTTPStreamEnd {
    fileprivate var reason: String {
        switch self {
        case .peerClosed: "it closed its connection"
        case .closedByUs: "the agent closed its stream"
        case .tooSlow: "it did not read its events: more than \(ExecutorStreams.bufferedBytesMax >> 20) MiB waited"
        case .crowdedOut: "all streams together held too much"
        }
    }
}
