// What a command prints, as records of the operator API on the connection of somebody who watches.

import HTTPServer
import MesosProtocol
import Resources

/// How a watcher wants the records.
struct StreamFormat: Hashable, Sendable {
    /// Of each record.
    var media: MediaType
    /// Whether the whole is announced as RecordIO; if not, it is framed so all the same, as in Apache Mesos.
    var isRecordIO: Bool

    var contentType: String { isRecordIO ? "application/recordio" : media.rawValue }
    var headers: [(String, String)] { isRecordIO ? [("Message-Content-Type", media.rawValue)] : [] }
}

/// One watcher.
struct ProcessIOWriter: Sendable {
    let format: StreamFormat
    /// Time between signs of life.
    let heartbeatInterval: Duration
    let stream: HTTPStream

    init(_ format: StreamFormat, heartbeatInterval: Duration) {
        self.format = format
        self.heartbeatInterval = heartbeatInterval
        stream = HTTPStream(bufferedBytesMax: 1 << 20)
    }

    var response: HTTPResponse {
        .stream(200, stream, contentType: format.contentType, headers: format.headers)
    }

    /// Waits while the watcher has too much to read.
    ///
    /// - Returns: Whether the watcher is still there.
    func send(_ piece: SessionPipe.Piece) async -> Bool { await stream.send(record(piece)) }

    /// Cuts the watcher off if it has too much to read.
    func write(_ piece: SessionPipe.Piece) { stream.write(record(piece)) }

    func writeHeartbeat() {
        var message = V1AgentAPIProcessIO()
        message.type = .control
        message.control.type = .heartbeat
        message.control.heartbeat.interval.nanoseconds = heartbeatInterval.clampedNanoseconds
        stream.write(RecordIO.encode(format.media.encode(message)))
    }

    private func record(_ piece: SessionPipe.Piece) -> [UInt8] {
        var message = V1AgentAPIProcessIO()
        message.type = .data
        message.data.type = piece.stream == .output ? .stdout : .stderr
        message.data.data.append(contentsOf: piece.bytes)
        return RecordIO.encode(format.media.encode(message))
    }
}
