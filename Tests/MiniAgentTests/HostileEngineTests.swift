// An engine that answers anything at all: every call ends in a value or a typed error, in time.

import CLinux
import Foundation
import Glibc
import HTTPClient
import Mailbox
import Resources
import SimKit
import Testing

@testable import MiniAgent

/// A unix socket that gives each connection the answer it is told to give.
private final class HostileEngine: Sendable {
    private let listener: UnixListener
    var path: String { listener.path }
    private let answer = Locked<[UInt8]>([])

    init?() {
        guard let listener = UnixListener(backlog: 64) else { return nil }
        self.listener = listener
        listener.onThread("hostile") { [answer] next in
            while true {
                let connection = next()
                guard connection >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 8192)
                _ = read(connection, &buffer, buffer.count)
                var rest = answer.withLock { $0 }[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
                close(connection)
            }
        }
    }

    func give(_ bytes: [UInt8]) { answer.withLock { $0 = bytes } }
}

struct HostileEngineTests {
    private static let bodies = [
        #"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Components":[{"Name":"Engine"}]}"#,
        #"{"State":{"Status":"running","ExitCode":0},"NetworkSettings":{"Networks":{"b":{"IPAddress":"1.2.3.4"}}}}"#,
        #"[{"Labels":{"org.mini-mesos.container_id":"c"},"State":"running"}]"#,
        #"{"message":"no"}"#, #"{"Id":"abc"}"#, #"{"Running":false,"ExitCode":3,"Pid":0}"#,
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"a\"}\n",
        "\u{1}\0\0\0\0\0\0\u{5}hello",
    ]

    private static func answer(_ random: inout SeededRandom) -> [UInt8] {
        var body = Array(bodies[Int.random(in: 0..<bodies.count, using: &random)].utf8)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: body = Array(String(repeating: "[", count: Int.random(in: 1..<200_000, using: &random)).utf8)
        case 1: body = [UInt8](repeating: UInt8(ascii: "9"), count: Int.random(in: 1..<300_000, using: &random))
        case 2: body = Array(body.prefix(Int.random(in: 0...body.count, using: &random)))
        case 3: body = Array(#"{"a":"#.utf8) + Array(String(repeating: #"{"b":"#, count: 3000).utf8)
        default: mutate(&body, &random)
        }
        let status =
            [200, 200, 200, 201, 204, 101, 304, 400, 404, 409, 500, 0, 99_999].randomElement(using: &random) ?? 200
        var head = "HTTP/1.1 \(status) X\r\nApi-Version: 1.41\r\n"
        switch Int.random(in: 0..<6, using: &random) {
        case 0: head += "Transfer-Encoding: chunked\r\n\r\n\(String(body.count, radix: 16))\r\n"
        case 1: head += "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
        case 2: head += "Content-Length: 99999999999\r\n\r\n"
        case 3: head += "\r\n"
        case 4: head += "X: \(String(repeating: "y", count: 100_000))\r\n\r\n"
        default: head += "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        }
        var bytes = Array(head.utf8) + body
        if Int.random(in: 0..<4, using: &random) == 0 { mutate(&bytes, &random) }
        return bytes
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        for _ in 0..<Int.random(in: 0..<6, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: index)
            default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `three thousand answers of any kind`() async throws {
        let hostile = try #require(HostileEngine())
        defer { withExtendedLifetime(hostile) {} }
        var deadlines = DockerDeadlines()
        deadlines.quick = .milliseconds(500)
        deadlines.work = .milliseconds(500)
        let client = HTTPClient()
        let streams = EngineStreams()
        var random = SeededRandom(seed: 41)
        var failures = 0
        for number in 0..<3000 {
            hostile.give(Self.answer(&random))
            let engine = DockerEngine(socketPath: hostile.path, deadlines: deadlines, client: client)
            do throws(DockerError) {
                switch number % 10 {
                case 0: try await engine.ping()
                case 1: try await engine.negotiate()
                case 2: _ = try await engine.inspect("c")
                case 3: _ = try await engine.containers(label: "a", value: "b")
                case 4: try await engine.pull("image", timeout: .milliseconds(500))
                case 5: try await outlast(try await engine.logs("c", into: Ignored(), streams))
                case 6: try await outlast(try await engine.attachOutput("c", into: Ignored(), streams))
                case 7: _ = try await engine.createExec(in: "c", DockerExecRequest(["true"]))
                case 8:
                    let attachment = try await DockerAttachment.open(
                        socketPath: hostile.path, request: Array("GET / HTTP/1.1\r\n\r\n".utf8),
                        timeout: .milliseconds(500))
                    let pipe = SessionPipe(
                        sources: [SessionPipe.Source(descriptor: attachment.descriptor, kind: .framed)],
                        sink: attachment.descriptor, inputEnd: .shutdown, received: attachment.received)
                    pipe.endInput()
                    while await pipe.next() != nil {}
                    pipe.close()
                default: _ = try await engine.inspectExec("e")
                }
            } catch {
                failures += 1
                #expect(error.description.utf8.count < 2000)
            }
        }
        #expect(failures > 500)
    }

    private struct Ignored: EngineStreamSink {
        private let decoder = Locked(DockerLogDecoder())
        func take(_ bytes: [UInt8]) { _ = decoder.withLock { $0.decode(bytes) } }
        func finish() { _ = decoder.withLock { $0.finish() } }
    }

    private func outlast(_ stream: EngineStream) async throws(DockerError) { try await stream.end() }

    @Test func `the versions that both sides speak`() throws {
        let ours = DockerEngine.versions
        func version(_ text: String) throws(DockerError) -> DockerEngineInfo {
            try DockerAnswers.version(Array(text.utf8), ours: ours)
        }
        #expect("\(try version(#"{"ApiVersion":"1.41"}"#).version)" == "1.41")
        #expect("\(try version(#"{"ApiVersion":"1.47","MinAPIVersion":"1.24"}"#).version)" == "1.47")
        #expect("\(try version(#"{"ApiVersion":"1.52","MinAPIVersion":"1.44"}"#).version)" == "1.51")
        #expect(
            try version(#"{"ApiVersion":"1.41","Components":[{"Name":"Podman Engine"}]}"#).isPodman)
        #expect(
            throws: DockerError.malformed(
                "version 18.09 speaks API 1.39 at most, and at least 1.41 is needed (Docker 20.10)")
        ) { try version(#"{"Version":"18.09","ApiVersion":"1.39"}"#) }
        #expect(
            throws: DockerError.malformed("version 40 speaks API 1.60 at least, and 1.51 is the newest known here")
        ) { try version(#"{"Version":"40","ApiVersion":"1.70","MinAPIVersion":"1.60"}"#) }
        #expect(throws: DockerError.malformed("no ApiVersion")) { try version("{}") }
    }
}
