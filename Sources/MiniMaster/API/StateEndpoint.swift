// /state, the largest document of all: a large cluster's is written while it is being read, for it would not fit twice.
import HTTPServer
import Mailbox
import MesosProtocol
import Resources
import Security

extension MasterAPI {
    /// From so many agents and tasks on, the document is not rendered as a whole.
    static let streamedStateMin = 2_000
    /// What may wait for one reader.
    private static let streamBytesMax = 2 << 20

    func state(_ request: RoutedRequest) async -> HTTPResponse {
        guard request.http.query("jsonp") == nil, let turn = stateStreams.begin() else {
            return await wholeState(request)
        }
        guard let version = await shell.stateVersion() else { return Self.stopping }
        let known = EntityTag(master: facts.selfInfo.id, version: version, principal: request.principal?.value)
        if known.isMatched(by: request.http.headers(named: "If-None-Match")) {
            return .empty(304, headers: [("ETag", known.text)])
        }
        guard let snapshot = await shell.snapshot(), let cluster = snapshot.core.cluster,
            cluster.agents.count + cluster.tasks.count >= Self.streamedStateMin
        else { return await wholeState(request) }
        let tag = EntityTag(
            master: facts.selfInfo.id, version: snapshot.core.stateVersion, principal: request.principal?.value)
        let stream = HTTPStream(bufferedBytesMax: Self.streamBytesMax)
        let isPacked = GzipEncoder.isWelcome(to: request.http)
        let viewer = viewer(of: request)
        Task { [facts] in
            let documents = StateDocuments(cluster, facts, for: viewer)
            await Self.write(documents.statePieces(), to: stream, isPacked: isPacked)
            turn.end()
        }
        var headers = [("ETag", tag.text), ("Vary", "Accept-Encoding")]
        if isPacked { headers.append(("Content-Encoding", "gzip")) }
        return .stream(200, stream, contentType: "application/json", headers: headers)
    }

    private func wholeState(_ request: RoutedRequest) async -> HTTPResponse { await document(request) { $0.state() } }

    /// A reader that stops reading is cut off by the stream, and the snapshot let go.
    private static func write(_ pieces: StatePieces, to stream: HTTPStream, isPacked: Bool) async {
        var pieces = pieces
        guard isPacked else {
            while let piece = pieces.next() {
                guard await stream.send(piece) else { return }
            }
            return stream.close()
        }
        // Without memory for it the body ends before it is complete, which the reader sees.
        guard let encoder = GzipEncoder() else { return stream.abort() }
        while let piece = pieces.next() {
            guard let packed = encoder.encode(piece) else { return stream.abort() }
            if packed.isEmpty { continue }
            guard await stream.send(packed) else { return }
        }
        guard let rest = encoder.encode([], isLast: true) else { return stream.abort() }
        guard await stream.send(rest) else { return }
        stream.close()
    }
}

/// How many readers get a document of their own, written as they read: each holds a snapshot of the cluster meanwhile.
/// Whoever comes when there are too many shares a whole document with the others.
final class StreamCount: Sendable {
    private static let streamsMax = 8
    private let count = Locked(0)

    /// One of the places; given back when it is let go of, at the latest.
    final class Turn: Sendable {
        private let giveBack: Locked<(@Sendable () -> Void)?>

        init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = Locked(giveBack) }

        deinit { end() }

        func end() {
            let action = giveBack.withLock { action in
                defer { action = nil }
                return action
            }
            action?()
        }
    }

    func begin() -> Turn? {
        let isFree = count.withLock { count in
            if count >= Self.streamsMax { return false }
            count += 1
            return true
        }
        guard isFree else { return nil }
        return Turn { [count] in count.withLock { $0 -= 1 } }
    }
}
