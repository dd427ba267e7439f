// What a master sends on a link, taken apart where it is read.

import HTTPAccess
import Mailbox
import MesosProtocol

/// The answer to a registration that goes without libcurl.
final class CommandStream: HTTPCallSink {
    enum End: Sendable {
        /// The master has answered something else than a stream.
        case refused(HTTPCallReply)
        /// Why there is no more.
        case over(String)
    }

    private struct State {
        var decoder = RecordIODecoder()
        /// What is known of the end before it comes.
        var end: End?
    }

    let end = Latch<End>()
    private let onBegin: @Sendable (_ streamID: String, _ takesCallStream: Bool) -> Void
    private let onCommand: @Sendable (LinkCommand) -> Void
    private let state = Locked(State())

    init(
        onBegin: @escaping @Sendable (_ streamID: String, _ takesCallStream: Bool) -> Void,
        onCommand: @escaping @Sendable (LinkCommand) -> Void
    ) {
        self.onBegin = onBegin
        self.onCommand = onCommand
    }

    func begin(_ reply: HTTPCallReply) {
        guard reply.status == 200 else { return state.withLock { $0.end = .refused(reply) } }
        guard let id = reply.value(of: "mini-link-stream-id") else {
            return finish(.over("the master's answer lacks a Mini-Link-Stream-Id"))
        }
        // A master of before takes one call in a request.
        onBegin(id, StreamHeaders.names([reply.value(of: "accept-post") ?? ""], StreamHeaders.recordIO))
    }

    func take(_ bytes: [UInt8]) {
        do {
            for command in try commands(bytes) { onCommand(command) }
        } catch {
            finish(.over("the master's stream is garbage: \(error)"))
        }
    }

    private func commands(_ bytes: [UInt8]) throws -> [LinkCommand] {
        try state.withLock { state in
            guard state.end == nil else { return [] }
            state.decoder.append(bytes)
            var commands: [LinkCommand] = []
            while let record = try state.decoder.next() {
                commands.append(try MediaType.protobuf.decode(from: record))
            }
            return commands
        }
    }

    func end(_ error: HTTPCallError?) {
        let known = state.withLock { $0.end }
        end.open(known ?? .over(error.map { "\($0)" } ?? "the master closed the link"))
    }

    /// Whoever waits for the end closes the call.
    private func finish(_ end: End) {
        state.withLock { $0.end = $0.end ?? end }
        self.end.open(end)
    }
}
