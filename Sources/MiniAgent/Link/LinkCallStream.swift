// The calls of a link, one record after another in the body of one request.

import HTTPAccess
import Mailbox
import MesosProtocol

/// What the agent says on one link, to a master that takes it in one request. A request for each call, and its answer, cost
/// both sides more than what is said.
///
/// The master answers only once: when it refuses a call, and at the end. Until then nobody knows which calls have arrived; as
/// with any call that fails, the link is given up then.
final class LinkCallStream: HTTPCallSink {
    private static let answerBytesMax = 64 << 10

    private let calls: HTTPCalls
    private let onEnd: @Sendable (_ reason: String) -> Void
    private let answer = Locked<HTTPCallReply?>(nil)
    private let request = Locked<UInt64?>(nil)

    /// - Parameters:
    ///   - head: Request line and fields, without those that say what the body is.
    ///   - onEnd: Told once why there is no more, unless the stream was closed before. Must not wait, nor hold what
    ///     ``send(_:)`` needs.
    static func open(
        _ calls: HTTPCalls, _ endpoint: CallEndpoint, head: String,
        onEnd: @escaping @Sendable (_ reason: String) -> Void
    ) -> LinkCallStream {
        let stream = LinkCallStream(calls, onEnd)
        let fields =
            "Content-Type: \(StreamHeaders.recordIO)\r\nMessage-Content-Type: \(MediaType.protobuf.rawValue)\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n"
        let id = calls.openRequest(
            endpoint, Array((head + fields).utf8), bodyMax: Self.answerBytesMax, into: stream)
        stream.request.withLock { $0 = id }
        return stream
    }

    private init(_ calls: HTTPCalls, _ onEnd: @escaping @Sendable (_ reason: String) -> Void) {
        self.calls = calls
        self.onEnd = onEnd
    }

    func send(_ call: LinkCall) {
        let record = RecordIO.encode(MediaType.protobuf.encode(call))
        send(Array("\(String(record.count, radix: 16))\r\n".utf8) + record + Array("\r\n".utf8))
    }

    /// Ends the request. Its answer says that the master has taken all of it.
    func finish() { send(Array("0\r\n\r\n".utf8), isLast: true) }

    func close() {
        if let id = request.withLock({ $0 }) { calls.close(call: id) }
    }

    private func send(_ bytes: [UInt8], isLast: Bool = false) {
        if let id = request.withLock({ $0 }) { calls.send(bytes, on: id, isLast: isLast) }
    }

    // MARK: The answer

    func begin(_ reply: HTTPCallReply) { answer.withLock { $0 = reply } }

    func take(_ bytes: [UInt8]) {}

    func end(_ error: HTTPCallError?) {
        if error == .cancelled { return }
        guard let answer = answer.withLock({ $0 }) else {
            return onEnd("what is told the master does not reach it: \(error.map { "\($0)" } ?? "no answer")")
        }
        let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
        onEnd("the master answered \(answer.status) to the agent's calls: \(text)")
    }
}
