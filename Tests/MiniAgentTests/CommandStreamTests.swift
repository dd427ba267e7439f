// A master's commands as their bytes come.

import Mailbox
import MesosProtocol
import Testing

@testable import MiniAgent

struct CommandStreamTests {
    private static func ping(_ sequence: UInt64) -> [UInt8] {
        var command = LinkCommand()
        command.type = .ping
        command.ping.sequence = sequence
        command.ping.connected = true
        return RecordIO.encode(MediaType.protobuf.encode(command))
    }

    private static func reply(_ status: Int, _ fields: String, _ body: String = "") -> HTTPCallReply {
        HTTPCallReply(
            status: status, body: Array(body.utf8), head: Array("HTTP/1.1 \(status) X\r\n\(fields)\r\n".utf8))
    }

    private let heard = Locked<[String]>([])

    private func stream() -> CommandStream {
        CommandStream(
            onBegin: { [heard] id, takesCallStream in
                heard.withLock { $0.append("begins \(id)" + (takesCallStream ? ", takes calls in a stream" : "")) }
            },
            onCommand: { [heard] command in heard.withLock { $0.append("ping \(command.ping.sequence)") } })
    }

    @Test func `commands are taken apart wherever the bytes are cut`() async {
        let stream = stream()
        stream.begin(Self.reply(200, "Mini-Link-Stream-Id: 7\r\n"))
        for byte in Self.ping(1) + Self.ping(2) { stream.take([byte]) }
        stream.take(Self.ping(3) + Self.ping(4))
        stream.end(nil)
        #expect(heard.withLock { $0 } == ["begins 7", "ping 1", "ping 2", "ping 3", "ping 4"])
        guard case .over("the master closed the link") = await stream.end.wait() else {
            return _ = Issue.record("another end")
        }
    }

    @Test(arguments: [
        ("application/recordio", true), ("text/plain, Application/RecordIO; x=y", true), ("text/plain", false),
        ("application/recordio2", false), ("", false),
    ]) func `a master that takes calls in a stream says so`(_ types: String, _ says: Bool) {
        let stream = stream()
        stream.begin(Self.reply(200, "Mini-Link-Stream-Id: 7\r\nAccept-Post: \(types)\r\n"))
        #expect(heard.withLock { $0 } == ["begins 7" + (says ? ", takes calls in a stream" : "")])
    }

    @Test func `garbage ends the stream, and what follows is not heard`() async {
        let stream = stream()
        stream.begin(Self.reply(200, "mini-link-stream-id: 7\r\n"))
        stream.take(Array("no length\n".utf8))
        stream.take(Self.ping(1))
        guard case .over(let reason) = await stream.end.wait() else { return _ = Issue.record("another end") }
        #expect(reason.hasPrefix("the master's stream is garbage"))
        #expect(heard.withLock { $0 } == ["begins 7"])
    }

    @Test func `another answer than a stream is a refusal, and one without an id is no stream`() async {
        let refused = stream()
        refused.begin(Self.reply(307, "Location: //10.0.0.1:5050/x\r\n", "elsewhere"))
        refused.end(nil)
        guard case .refused(let reply) = await refused.end.wait() else { return _ = Issue.record("another end") }
        #expect(reply.status == 307)
        #expect(reply.value(of: "location") == "//10.0.0.1:5050/x")
        let nameless = stream()
        nameless.begin(Self.reply(200, ""))
        guard case .over(let reason) = await nameless.end.wait() else { return _ = Issue.record("another end") }
        #expect(reason == "the master's answer lacks a Mini-Link-Stream-Id")
        #expect(heard.withLock { $0 } == [])
    }
}
