// Request bodies that their handler reads while they come in.
import Glibc
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(1)))
struct BodyStreamTests {
    /// Streams the bodies of `/stream`, and answers when they have ended, with what came.
    private func withStreamingServer(_ body: (HTTPServer) async throws -> Void) async throws {
        var limits = HTTPServerLimits(bodyBytesMax: { _ in 1024 }, requestTimeout: .seconds(1))
        limits.streamsBody = { $0.path.hasPrefix("/stream") }
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, limits: limits,
            admission: { $0.path == "/stream/no" ? .refused(.text(401, "no")) : .admitted(identity: nil) },
            handler: { request in
                guard let stream = request.bodyStream else { return .text(200, "whole: \(request.body.count)") }
                if request.path == "/stream/refused" { return .text(404, "nothing here") }
                var count = 0
                do throws(HTTPBodyStream.Failure) {
                    while let piece = try await stream.next() { count += piece.count }
                } catch {
                    return .text(400, "\(error) after \(count)")
                }
                return .text(200, "streamed: \(count)")
            })
        do { try await body(server) } catch {
            await server.stop(within: .milliseconds(100))
            throw error
        }
        await server.stop(within: .milliseconds(100))
    }

    private func converse(_ port: Int, _ body: @escaping @Sendable (RawClient) throws -> String) async throws -> String
    {
        try await offPool { try body(try RawClient(port: port)) }
    }

    @Test func `a body of any size passes through, slower than any deadline`() async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<3 {
                    usleep(500_000)  // Three of them are longer than a whole request may take.
                    client.send("100000\r\n" + String(repeating: "x", count: 0x100000) + "\r\n")
                }
                client.send("0\r\n\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("Connection: close"))
            #expect(answer.hasSuffix("streamed: \(3 << 20)"))
        }
    }

    @Test func `other bodies come whole, as before`() async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /other HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
                return try client.readToEnd()
            }
            #expect(answer.hasSuffix("whole: 3"))
        }
    }

    @Test func `an answer before the body's end ends the connection`() async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /stream/refused HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
        }
    }

    @Test func `who is not admitted is told so before the body's end`() async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /stream/no HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"))
        }
    }

    @Test(arguments: ["3\r\nab", "3\r\nabc\r\nzz\r\n"])
    func `a body that breaks off or makes no sense is told apart from a whole one`(part: String) async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(part)")
                client.closeSendingSide()
                return try client.readToEnd()
            }
            #expect(answer.contains("truncated after"), "\(answer)")
        }
    }

    @Test func `a client that waits to be told to go on is told so`() async throws {
        try await withStreamingServer { server in
            let answer = try await converse(server.port) { client in
                client.send("POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
                _ = try client.read(through: "HTTP/1.1 100 Continue\r\n\r\n")
                client.send("3\r\nabc\r\n0\r\n\r\n")
                return try client.readToEnd()
            }
            #expect(answer.hasSuffix("streamed: 3"))
        }
    }
}
