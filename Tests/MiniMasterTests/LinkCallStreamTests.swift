// An agent's calls in the body of one request, sent to a real master.
import HTTPClient
import MesosProtocol
import Testing

@testable import MiniMaster

@Suite(.timeLimit(.minutes(1))) struct LinkCallStreamTests {
    /// An agent's link, by hand.
    private struct Link {
        let id: String
        /// What the master says of the ways to call it.
        let acceptPost: String?
        var commands: RecordReader

        mutating func next(_ type: LinkCommand.TypeEnum) async throws -> LinkCommand {
            while true {
                let record = try #require(try await commands.next())
                let command = try MediaType.protobuf.decode(LinkCommand.self, from: record)
                if command.type == type { return command }
            }
        }
    }

    private static let protobuf = "application/x-protobuf"

    private func register(_ master: RunningMaster, _ hostname: String = "a1.example.org") async throws -> Link {
        var call = LinkCall()
        call.type = .register
        call.register = Samples.agent(hostname)
        let response = try await master.stream(
            "/api/v1/agent-link", MediaType.protobuf.encode(call), headers: [("Content-Type", Self.protobuf)])
        var link = Link(
            id: try #require(response.header("Mini-Link-Stream-Id")), acceptPost: response.header("Accept-Post"),
            commands: RecordReader(response))
        _ = try await link.next(.registered)
        return link
    }

    /// Begins a request whose body is written later.
    private func calls(
        _ master: RunningMaster, _ headers: [(String, String)]
    ) -> (HTTPClientUpload, Task<HTTPClientReply, any Error>) {
        var request = master.request(
            "POST", "/api/v1/agent-link", [("Content-Type", "application/recordio")] + headers)
        let upload = HTTPClientUpload()
        request.upload = upload
        return (upload, Task { [request] in try await HTTPClient.shared.fetch(request) })
    }

    private func calls(
        _ master: RunningMaster, on link: String
    ) -> (HTTPClientUpload, Task<HTTPClientReply, any Error>) {
        calls(master, [("Message-Content-Type", Self.protobuf), ("Mini-Link-Stream-Id", link)])
    }

    private static func record(_ call: LinkCall) -> [UInt8] { RecordIO.encode(MediaType.protobuf.encode(call)) }

    private static func pong(_ sequence: UInt64, stalledBecause reason: String? = nil) -> LinkCall {
        var call = LinkCall()
        call.type = .pong
        call.pong.sequence = sequence
        if let reason { call.pong.stalledBecause = reason }
        return call
    }

    private func stall(_ master: RunningMaster) async -> String? {
        await master.server.shell.snapshot()?.core.cluster?.agents.all.first?.stall
    }

    @Test func `calls take effect as they come, and the end is answered once all have`() async throws {
        try await RunningMaster.with { master in
            var link = try await register(master)
            #expect(link.acceptPost == "application/recordio")
            let ping = try await link.next(.ping)
            let (upload, reply) = calls(master, on: link.id)
            // Cut where it hurts.
            for byte in Self.record(Self.pong(ping.ping.sequence, stalledBecause: "engine stalled")) {
                upload.write([byte])
            }
            while await stall(master) != "engine stalled" { await Task.yield() }
            upload.write(
                Self.record(Self.pong(ping.ping.sequence)) + Self.record(Self.pong(99, stalledBecause: "last")))
            upload.finish()
            #expect(try await reply.value.status == 202)
            #expect(await stall(master) == "last")
        }
    }

    @Test func `what cannot be taken is refused, whether the body has ended or not`() async throws {
        try await RunningMaster.with { master in
            let link = try await register(master)
            func answer(_ headers: [(String, String)], _ bytes: [UInt8], ends: Bool = false) async throws -> String {
                let (upload, reply) = calls(master, headers)
                upload.write(bytes)
                if ends { upload.finish() }
                let answer = try await reply.value
                return "\(answer.status) \(answer.text)"
            }
            let type = [("Message-Content-Type", Self.protobuf)]
            let onLink = type + [("Mini-Link-Stream-Id", link.id)]
            #expect(
                try await answer(type, []) == "400 Streamed calls should include the 'Mini-Link-Stream-Id' header")
            #expect(
                try await answer([("Mini-Link-Stream-Id", link.id)], [])
                    == "415 Expecting 'Message-Content-Type' of application/json or application/x-protobuf")
            #expect(
                try await answer(type + [("Mini-Link-Stream-Id", "L9")], [])
                    == "403 No agent is registered on the link L9")
            #expect(try await answer(onLink, Array("x\n".utf8)) == "400 record length is not a decimal number")
            #expect(
                try await answer(onLink, Array("99999999999\n".utf8))
                    == "400 record of 99999999999 bytes, at most 67108864 are accepted")
            #expect(try await answer(onLink, RecordIO.encode([0xff])).hasPrefix("400 "))
            #expect(
                try await answer(onLink, Array("5\nab".utf8), ends: true)
                    == "400 stream ended 3 bytes before the end of a record")
            #expect(
                try await answer(onLink, Self.record(LinkCall())) == "400 Expecting 'type' to be present")
            var registration = LinkCall()
            registration.type = .register
            registration.register = Samples.agent()
            #expect(
                try await answer(onLink, Self.record(registration))
                    == "400 Register calls should not include the 'Mini-Link-Stream-Id' header")
            // None of that has harmed the link.
            #expect(try await answer(onLink, Self.record(Self.pong(1)), ends: true) == "202 ")
        }
    }

    @Test func `the request ends with its link`() async throws {
        try await RunningMaster.with { master in
            var link = try await register(master)
            let (upload, reply) = calls(master, on: link.id)
            upload.write(Self.record(Self.pong(1, stalledBecause: "here")))
            while await stall(master) != "here" { await Task.yield() }
            var unregister = LinkCall()
            unregister.type = .unregister
            unregister.unregister.reason = "bye"
            // On a request of its own: who ends the link need not be who streams.
            let gone = try await master.stream(
                "/api/v1/agent-link", MediaType.protobuf.encode(unregister),
                headers: [("Content-Type", Self.protobuf), ("Mini-Link-Stream-Id", link.id)])
            #expect(gone.status == 202)
            while try await link.commands.next() != nil {}
            #expect(try await reply.value.text == "The link is closed")
        }
    }

    @Test func `a master with very many agents takes a request for each call from those that come last`() async throws {
        try await RunningMaster.with({ $0.callStreamsMax = 1 }) { master in
            let first = try await register(master)
            let second = try await register(master, "a2.example.org")
            #expect(first.acceptPost == "application/recordio")
            #expect(second.acceptPost == nil)
        }
    }

    @Test func `of two such requests on a link the later one counts`() async throws {
        try await RunningMaster.with { master in
            let link = try await register(master)
            let (first, firstReply) = calls(master, on: link.id)
            first.write(Self.record(Self.pong(1, stalledBecause: "first")))
            while await stall(master) != "first" { await Task.yield() }
            let (second, secondReply) = calls(master, on: link.id)
            second.write(Self.record(Self.pong(1, stalledBecause: "second")))
            #expect(try await firstReply.value.status == 503)
            while await stall(master) != "second" { await Task.yield() }
            second.finish()
            #expect(try await secondReply.value.status == 202)
        }
    }

    @Test func `a master that stops does not wait for it`() async throws {
        var reply: Task<HTTPClientReply, any Error>?
        try await RunningMaster.with { master in
            let link = try await register(master)
            let (upload, sent) = calls(master, on: link.id)
            upload.write(Self.record(Self.pong(1, stalledBecause: "here")))
            while await stall(master) != "here" { await Task.yield() }
            reply = sent
        }
        #expect(try await reply?.value.status == 503)
    }
}
