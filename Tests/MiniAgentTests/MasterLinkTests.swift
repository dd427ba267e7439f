// An agent's link with a master that takes its calls in one request, and with one of before.

import HTTPClient
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Testing

@testable import MiniAgent

/// The master's side: it takes the agent in and notes what it is told.
private final class PlayedMaster: Sendable {
    /// One call in each request, whatever the agent sends it.
    let isOld: Bool
    /// Opened when it may read what it is told in a stream.
    let mayRead = Latch<Void>()
    /// The pongs it was told, each with how many requests had come by then.
    let pongs = Locked<[(sequence: UInt64, request: Int)]>([])
    /// Answered to this pong.
    let refused: UInt64?
    private let requests = Locked(0)
    private let link = HTTPStream(bufferedBytesMax: 1 << 20)
    private let server = Locked<HTTPServer?>(nil)

    init(isOld: Bool = false, refusing refused: UInt64? = nil) {
        self.isOld = isOld
        self.refused = refused
    }

    /// - Returns: Its URL.
    func start() async throws -> String {
        var limits = HTTPServerLimits()
        limits.streamsBody = { $0.header("Content-Type") == "application/recordio" }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, limits: limits) { await self.answer($0) }
        self.server.withLock { $0 = server }
        return "http://127.0.0.1:\(server.port)"
    }

    func stop() async {
        mayRead.open(())
        await server.withLock { $0 }?.stop(within: .milliseconds(100))
    }

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        let number = requests.withLock { requests in
            requests += 1
            return requests
        }
        if let body = request.bodyStream { return await take(body, number, request) }
        guard let call: LinkCall = try? MediaType.protobuf.decode(from: request.body) else { return .text(400, "?") }
        if call.type == .register {
            let streams = isOld ? [] : [("Accept-Post", "application/recordio")]
            return .stream(
                200, link, contentType: MediaType.protobuf.rawValue, headers: [("Mini-Link-Stream-Id", "L1")] + streams)
        }
        return note(call, number) ?? .empty(202)
    }

    private func take(_ body: HTTPBodyStream, _ number: Int, _ request: HTTPRequest) async -> HTTPResponse {
        guard request.header("Mini-Link-Stream-Id") == "L1", request.header("Authorization") == "secret",
            request.header("Message-Content-Type") == MediaType.protobuf.rawValue
        else { return .text(400, "the head is not as it should be") }
        _ = await mayRead.wait()
        var decoder = RecordIODecoder()
        do {
            while let piece = try await body.next() {
                decoder.append(piece)
                while let record = try decoder.next() {
                    if let answer = note(try MediaType.protobuf.decode(from: record), number) { return answer }
                }
            }
            try decoder.finish()
            return .empty(202)
        } catch { return .text(400, "\(error)") }
    }

    private func note(_ call: LinkCall, _ number: Int) -> HTTPResponse? {
        if call.pong.sequence == refused { return .text(403, "No agent is registered on the link L1") }
        pongs.withLock { $0.append((call.pong.sequence, number)) }
        return nil
    }
}

@Suite(.timeLimit(.minutes(1))) struct MasterLinkTests {
    private let lost = Mailbox<String>()

    private static func pong(_ sequence: UInt64, bytes: Int = 0) -> LinkCall {
        var call = LinkCall()
        call.type = .pong
        call.pong.sequence = sequence
        if bytes > 0 { call.pong.stalledBecause = String(repeating: "x", count: bytes) }
        return call
    }

    private func withLink(
        _ master: PlayedMaster, _ body: (MasterLink) async throws -> Void
    ) async throws {
        let url = try await master.start()
        let link = MasterLink(
            LinkID(1), to: MasterAddress(id: "m1", url: url), client: .shared, calls: .shared, authorization: "secret",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { [lost] event in
            if case .linkLost(_, let reason) = event { lost.send(reason) }
        }
        var registration = LinkCall()
        registration.type = .register
        link.open(registration)
        do { try await body(link) } catch {
            link.close()
            await master.stop()
            throw error
        }
        link.close()
        await master.stop()
    }

    /// Says something until the master has heard it: then the link is open.
    private func talk(_ link: MasterLink, _ master: PlayedMaster) async {
        while master.pongs.withLock({ $0.isEmpty }) {
            link.send(Self.pong(1))
            await Task.yield()
        }
    }

    @Test(arguments: [false, true]) func `a master of before gets a request for each call, others one for all`(
        _ isOld: Bool
    ) async throws {
        let master = PlayedMaster(isOld: isOld)
        master.mayRead.open(())
        try await withLink(master) { link in
            // The first may come before the master has answered, and waits then.
            var sequence: UInt64 = 0
            while master.pongs.withLock({ $0.isEmpty }) {
                sequence += 1
                link.send(Self.pong(sequence))
                await Task.yield()
            }
            for _ in 0..<50 {
                sequence += 1
                link.send(Self.pong(sequence))
            }
            await link.drain(within: .seconds(20))
            let pongs = master.pongs.withLock { $0 }
            #expect(pongs.map(\.sequence) == Array(1...sequence))
            #expect(Set(pongs.map(\.request)).count == (isOld ? pongs.count : 1))
        }
    }

    @Test func `a master that reads late gets everything in its order`() async throws {
        let master = PlayedMaster()
        try await withLink(master) { link in
            // More than sockets and servers hold for somebody who does not read.
            for sequence in 1...300 { link.send(Self.pong(UInt64(sequence), bytes: 50_000)) }
            master.mayRead.open(())
            await link.drain(within: .seconds(20))
            #expect(master.pongs.withLock { $0.map(\.sequence) } == Array(1...300))
        }
    }

    @Test(arguments: [false, true]) func `a call that is refused ends the link with what the master says`(
        _ isOld: Bool
    ) async throws {
        let master = PlayedMaster(isOld: isOld, refusing: 3)
        master.mayRead.open(())
        try await withLink(master) { link in
            await talk(link, master)
            link.send(Self.pong(3))
            let reason = await lost.next().first
            #expect(reason?.hasSuffix(": No agent is registered on the link L1") == true, "\(reason ?? "")")
            #expect(reason?.hasPrefix("the master answered 403 to") == true)
        }
    }

    @Test func `a master that takes nothing is given up, and what waits for it is bounded`() async throws {
        let master = PlayedMaster()
        try await withLink(master) { link in
            while !lost.hasAny {
                link.send(Self.pong(0, bytes: 1_000_000))
                await Task.yield()
            }
            #expect(await lost.next() == ["what is told the master does not reach it: it takes nothing more"])
        }
    }

    @Test func `a link that is closed is not lost`() async throws {
        let master = PlayedMaster()
        master.mayRead.open(())
        try await withLink(master) { link in
            await talk(link, master)
            link.close()
            link.send(Self.pong(2))
        }
        #expect(!lost.hasAny)
        #expect(!master.pongs.withLock { $0.contains { $0.sequence == 2 } })
    }

    @Test func `a master that goes away is lost once`() async throws {
        let master = PlayedMaster()
        master.mayRead.open(())
        try await withLink(master) { link in
            await talk(link, master)
            await master.stop()
            #expect(await lost.next().count == 1)
            link.send(Self.pong(2))
            #expect(!lost.hasAny)
        }
    }
}

extension Mailbox {
    fileprivate var hasAny: Bool { depth > 0 }
}
