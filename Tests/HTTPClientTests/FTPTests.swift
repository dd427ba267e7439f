// Files over FTP, which has no head and no fields.

import Glibc
import Mailbox
import Testing

@testable import HTTPClient

/// An FTP server that knows one file and serves one client.
private final class OneFileServer: Sendable {
    let port: UInt16
    private let content: [UInt8]
    private let listener: Int32

    init?(_ content: [UInt8]) {
        guard let (listener, port) = Self.listen() else { return nil }
        self.listener = listener
        self.port = port
        self.content = content
        DedicatedThread.start(named: "ftp") { self.serve() }
    }

    private static func listen() -> (Int32, UInt16)? {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound, Glibc.listen(listener, 1) == 0 else { return nil }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    private func serve() {
        let control = accept(listener, nil, nil)
        defer {
            close(control)
            close(listener)
        }
        var data: Int32 = -1
        func say(_ line: String) { _ = write(control, line + "\r\n", line.utf8.count + 2) }
        say("220 here")
        while let line = Self.line(control) {
            switch line.prefix(4) {
            case "USER": say("331 go on")
            case "PASS": say("230 in")
            case "PWD": say("257 \"/\"")
            case "TYPE": say("200 fine")
            case "SIZE": say(line.hasSuffix("file") ? "213 \(content.count)" : "550 no such file")
            case "EPSV":
                guard let (socket, port) = Self.listen() else { return }
                data = socket
                say("229 Entering Extended Passive Mode (|||\(port)|)")
            case "RETR":
                guard line.hasSuffix("file") else {
                    say("550 no such file")
                    continue
                }
                say("150 coming")
                let out = accept(data, nil, nil)
                _ = write(out, content, content.count)
                close(out)
                close(data)
                say("226 done")
            case "QUIT":
                say("221 bye")
                return
            default: say("500 what")
            }
        }
    }

    private static func line(_ socket: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(socket, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes.filter { $0 != 13 }, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}

@Suite(.timeLimit(.minutes(1)))
struct FTPTests {
    private func fetch(_ content: [UInt8], _ name: String = "file", allowed: Bool = true) async throws
        -> HTTPClientReply
    {
        let server = try #require(OneFileServer(content))
        var request = HTTPClientRequest(url: "ftp://127.0.0.1:\(server.port)/\(name)", totalTimeout: .seconds(20))
        request.allowsFTP = allowed
        return try await HTTPClient().fetch(request)
    }

    @Test(arguments: [0, 5, 300_000]) func `a file comes whole, also an empty one`(count: Int) async throws {
        let content = [UInt8](repeating: 0x61, count: count)
        let reply = try await fetch(content)
        #expect(reply.status == 226)
        #expect(reply.body == content)
    }

    @Test func `a file that is not there is an error`() async throws {
        await #expect(throws: HTTPClientError.self) { try await fetch([1], "missing") }
    }

    @Test func `who does not ask for it does not get it`() async throws {
        var request = HTTPClientRequest(url: "ftp://127.0.0.1:1/file")
        request.allowsFTP = false
        await #expect(throws: HTTPClientError.invalidURL) { try await HTTPClient().fetch(request) }
    }
}
