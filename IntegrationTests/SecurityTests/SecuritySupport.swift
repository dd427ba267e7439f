// What the security tests share: a private authority, and programs of the cluster with their logs.

import Foundation
import Glibc
import HTTPClient
import HTTPServer
import IntegrationSupport
import Mailbox
import Processes

/// A private certificate authority in a directory, run by the `openssl` program.
struct TestAuthority: Sendable {
    /// Where certificate and key of one holder are.
    struct Pair: Sendable {
        var certificate: String
        var key: String
    }

    let directory: String
    var certificate: String { directory + "/ca.pem" }

    /// - Parameter directory: Made by the caller, who also removes it.
    static func make(in directory: String, named name: String = "test authority") async throws -> TestAuthority {
        let authority = TestAuthority(directory: directory)
        try await authority.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            directory + "/ca.key", "-out", authority.certificate, "-subj", "/CN=\(name)", "-days", "2")
        return authority
    }

    /// Signs a certificate.
    ///
    /// - Parameter days: Negative: it has expired.
    func issue(_ name: String, names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 2) async throws -> Pair {
        let pair = Pair(certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
        let (request, extensions) = ("\(directory)/\(name).csr", "\(directory)/\(name).ext")
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", pair.key, "-out",
            request, "-subj", "/CN=\(name)")
        try Data("subjectAltName=\(names)\n".utf8).write(to: URL(filePath: extensions))
        try await openssl(
            "x509", "-req", "-in", request, "-CA", certificate, "-CAkey", directory + "/ca.key", "-CAcreateserial",
            "-out", pair.certificate, "-days", "\(days)", "-extfile", extensions)
        return pair
    }

    private func openssl(_ arguments: String...) async throws {
        let run = try await runCommand("openssl", arguments, within: .seconds(60))
        guard run.succeeded else { throw OpenSSLFailure(arguments: arguments, output: run.output) }
    }
}

struct OpenSSLFailure: Error {
    var arguments: [String]
    var output: String
}

/// A program of the cluster with a log.
struct Node: Sendable {
    let command: RunningCommand
    let port: Int

    var log: String { command.output }
    /// Lines of the log that contain all of `parts`.
    func lines(with parts: String...) -> [String] {
        log.split(separator: "\n").map(String.init).filter { line in parts.allSatisfy { line.contains($0) } }
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) async throws -> Node {
        let command = try await startCommand(builtProduct("mini"), arguments, environment: environment)
        let port = try await eventually("it listens: \(arguments)", within: .seconds(20)) { () -> Int? in
            let log = command.output
            guard let match = log.firstMatch(of: /listens on \S*:(\d+)/) else { return nil }
            return Int(match.1)
        }
        return Node(command: command, port: port)
    }

    func stop() async {
        command.process.send(signal: SIGTERM)
        _ = await command.finished(within: .seconds(10))
    }
}

/// Nodes that are stopped in any case, and a directory for their files.
func withNodes<Result>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: (_ directory: String, _ start: @Sendable ([String], [String: String]) async throws -> Node) async throws ->
        Result
) async throws -> Result {
    let directories = TemporaryDirectories()
    let directory = try directories.make(named: "security")
    let nodes = Locked<[Node]>([])
    let start: @Sendable ([String], [String: String]) async throws -> Node = { arguments, environment in
        let node = try await Node.start(arguments, environment: environment)
        nodes.withLock { $0.append(node) }
        return node
    }
    do {
        let result = try await body(directory, start)
        for node in nodes.withLock({ $0 }).reversed() { await node.stop() }
        return result
    } catch {
        for node in nodes.withLock({ $0 }).reversed() {
            print(node.log.suffix(3000))
            await node.stop()
        }
        throw error
    }
}

/// Writes a file that only its owner may read.
func write(_ text: String, to path: String) throws -> String {
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    return path
}

func basic(_ principal: String, _ secret: String) -> (String, String) {
    ("Authorization", "Basic " + Data("\(principal):\(secret)".utf8).base64EncodedString())
}

/// A server with TLS in this process, and what it reported.
final class TLSListener: Sendable {
    let server: HTTPServer
    private let log: Locked<[ConnectionFault]>

    private init(_ server: HTTPServer, _ log: Locked<[ConnectionFault]>) {
        self.server = server
        self.log = log
    }

    var faults: [String] { log.withLock { $0.map(\.description) } }
    var url: String { "https://127.0.0.1:\(server.port)/" }

    static func start(_ tls: ServerTLS, limits: HTTPServerLimits = HTTPServerLimits()) async throws -> TLSListener {
        let log = Locked<[ConnectionFault]>([])
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, limits: limits, tls: tls, report: { fault in log.withLock { $0.append(fault) } }
        ) { request in .text(200, "\(request.method) \(request.body.count)") }
        return TLSListener(server, log)
    }

    /// The one fault there is to be.
    func onlyFault() async throws -> String {
        try await eventually("a fault is reported") { () -> Bool in !self.faults.isEmpty }
        return faults.joined(separator: "\n")
    }
}
