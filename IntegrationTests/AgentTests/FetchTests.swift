// Tasks that bring files with them: over HTTP, from the host, packed in every way, from the cache, and harmful ones.

import Foundation
import Glibc
import HTTPClient
import HTTPServer
import Mailbox
import MesosProtocol
import MiniAgent
import Resources
import Testing

/// A web server with a few files.
private final class FileServer: Sendable {
    private let state = Locked((files: [String: [UInt8]](), requests: [String](), running: nil as HTTPServer?))

    static func with(_ files: [String: [UInt8]], _ body: (FileServer) async throws -> Void) async throws {
        let server = FileServer()
        server.state.withLock { $0.files = files }
        let running = try await HTTPServer.start(host: "127.0.0.1", port: 0) { [server] in server.answer($0) }
        server.state.withLock { $0.running = running }
        do { try await body(server) } catch {
            await running.stop(within: .milliseconds(100))
            throw error
        }
        await running.stop(within: .milliseconds(100))
    }

    var url: String { "http://127.0.0.1:\(state.withLock { $0.running?.port ?? 0 })" }
    func requests(of path: String) -> Int { state.withLock { $0.requests.count { $0 == path } } }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let file = state.withLock { state -> [UInt8]? in
            state.requests.append(request.path)
            return state.files[request.path]
        }
        switch request.path {
        case "/moved": return .empty(302, headers: [("Location", "/plain.txt")])
        case "/hang":
            let stream = HTTPStream(bufferedBytesMax: 1000)
            stream.write(Array("a".utf8))
            return .stream(200, stream, contentType: "text/plain")
        default: break
        }
        return file.map { .bytes(200, $0, contentType: "application/octet-stream") } ?? .empty(404)
    }
}

@Suite(.serialized, .timeLimit(.minutes(3)))
struct FetchTests {
    private static func task(_ name: String, _ command: String, _ uris: [V1CommandInfo.URI]) -> V1TaskInfo {
        var task = AgentHost.task(name, command)
        task.command.uris = uris
        return task
    }

    private static func uri(_ value: String, _ change: (inout V1CommandInfo.URI) -> Void = { _ in })
        -> V1CommandInfo.URI
    {
        var uri = V1CommandInfo.URI()
        uri.value = value
        change(&uri)
        return uri
    }

    /// Packs files by the tools that people use.
    private static func packed() throws -> (directory: String, files: [String: [UInt8]]) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("mini-pack-\(UUID().uuidString)")
            .path
        let script = """
            mkdir -p \(directory)/in/sub && cd \(directory)/in
            for kind in tar tgz tar.gz tbz2 tar.bz2 txz tar.xz; do
                echo "from $kind" > sub/$kind.txt
                case $kind in tar) f=;; tgz|tar.gz) f=-z;; tbz2|tar.bz2) f=-j;; *) f=-J;; esac
                tar $f -cf ../p.$kind sub/$kind.txt
            done
            mkdir -p zipped/sub && echo "from zip" > zipped/sub/zip.txt
            (cd zipped && python3 -m zipfile -c ../../p.zip sub)
            echo "from gz" | gzip > ../p.txt.gz
            printf '#!/bin/sh\\necho ran\\n' > ../tool
            echo plain > ../plain.txt
            echo no archive > ../broken.tar
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-e", "-c", script]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Timeout(description: "the files could not be packed") }
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name != "in" {
            files["/\(name)"] = Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
        }
        return (directory, files)
    }

    private static func with(
        _ body: (AgentHost, FileServer, _ directory: String) async throws -> Void
    ) async throws {
        let (directory, files) = try packed()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await FileServer.with(files) { server in
            try await AgentHost.with { host in try await body(host, server, directory) }
        }
    }

    @Test func `archives of every kind are unpacked beside themselves before the command starts`() async throws {
        try await Self.with { host, server, _ in
            let kinds = ["tar", "tgz", "tar.gz", "tbz2", "tar.bz2", "txz", "tar.xz", "zip"]
            let uris = (kinds.map { "p.\($0)" } + ["p.txt.gz"]).map { Self.uri("\(server.url)/\($0)") }
            host.master.run(Self.task("all", "cat sub/*.txt p.txt | sort; ls p.*", uris))
            let end = try await host.master.end(of: "all")
            #expect(end.state == .taskFinished, "\(end.message)")
            let output = try await host.read("stdout", of: "all")
            for kind in kinds + ["gz"] { #expect(output.contains("from \(kind)\n")) }
            for kind in kinds { #expect(output.contains("p.\(kind)\n")) }
            #expect(try await host.read("stderr", of: "all").contains("Unpacked 'p.tar.xz'"))
        }
    }

    @Test func `files come from the host, through a redirect, under another name, and can be run`() async throws {
        try await Self.with { host, server, directory in
            let uris = [
                Self.uri("file://\(directory)/plain.txt"),
                Self.uri("\(directory)/plain.txt") { $0.outputFile = "a/b/c" },
                Self.uri("\(server.url)/moved") { $0.outputFile = "moved.txt" },
                Self.uri("\(server.url)/tool") { $0.executable = true },
                Self.uri("\(server.url)/p.tar") { $0.extract = false },
            ]
            host.master.run(Self.task("many", "cat plain.txt a/b/c moved.txt; ./tool; ls; ls sub 2>&1 | wc -l", uris))
            let end = try await host.master.end(of: "many")
            #expect(end.state == .taskFinished, "\(end.message)")
            let output = try await host.read("stdout", of: "many")
            #expect(output.hasPrefix("plain\nplain\nplain\nran\n"))
            #expect(output.contains("p.tar\n"))
            #expect(!output.contains("\nsub\n"))
        }
    }

    @Test func `what cannot be fetched fails the task with the reason, in its status and its stderr`() async throws {
        try await Self.with { host, server, _ in
            let sum = String(repeating: "0", count: 64)
            for (name, uri, reason) in [
                ("absent", "\(server.url)/absent", "status 404"), ("scheme", "hdfs://host/x", "does not fetch 'hdfs'"),
                ("broken", "\(server.url)/broken.tar", "the archive is refused"),
                ("missing", "/no/such/file", "No such file"), ("directory", "/etc", "directory"),
                ("sum", "\(server.url)/plain.txt#sha256=\(sum)", "the checksum is wrong"),
                ("closed", "http://127.0.0.1:1/x", "could not connect"),
            ] {
                host.master.run(Self.task(name, "true", [Self.uri(uri)]))
                let end = try await host.master.end(of: name)
                #expect(end.state == .taskFailed)
                #expect(end.reason == .containerLaunchFailed)
                #expect(end.message.hasPrefix("Failed to launch container: Failed to fetch all URIs for container '"))
                #expect(end.message.contains(reason), "\(end.message)")
                #expect(try await host.read("stderr", of: name).contains(reason))
            }
        }
    }

    @Test func `a checksum that is right lets the task start`() async throws {
        try await Self.with { host, server, _ in
            let sum = "1a2dbde7ab96b9d3ddc4d7a3ed6c76bd8cba1e9b8d1a2e3a5b5a7d0b8e7e2c11"
            host.master.run(Self.task("wrong", "true", [Self.uri("\(server.url)/plain.txt#sha256=\(sum)")]))
            let message = try await host.master.end(of: "wrong").message
            let found = try #require(message.split(separator: "found ").last.map { String($0.prefix(64)) })
            host.master.run(Self.task("right", "cat plain.txt", [Self.uri("\(server.url)/plain.txt#sha256=\(found)")]))
            #expect(try await host.master.end(of: "right").state == .taskFinished)
        }
    }

    @Test func `a cached file is downloaded once for tasks at the same time and later`() async throws {
        try await Self.with { host, server, _ in
            let uris = [
                Self.uri("\(server.url)/plain.txt") { $0.cache = true },
                Self.uri("\(server.url)/p.tgz") { $0.cache = true },
            ]
            for number in 0..<4 {
                host.master.run(Self.task("c\(number)", "cat plain.txt sub/tgz.txt; ls p.tgz", uris))
            }
            for number in 0..<4 { _ = try await host.master.end(of: "c\(number)") }
            host.master.run(Self.task("late", "cat plain.txt sub/tgz.txt; ls", uris))
            #expect(try await host.master.end(of: "late").state == .taskFinished)
            // Of a cached archive only the content appears.
            #expect(try await host.read("stdout", of: "late") == "plain\nfrom tgz\nplain.txt\nstderr\nstdout\nsub\n")
            #expect(server.requests(of: "/plain.txt") == 1)
            #expect(server.requests(of: "/p.tgz") == 1)
            let metrics = try await host.get("/metrics/snapshot").text
            #expect(metrics.contains(#""containerizer/fetcher/task_fetches_succeeded":5"#))
        }
    }

    @Test func `a task that is killed while it fetches ends at once`() async throws {
        try await Self.with { host, server, _ in
            host.master.run(Self.task("stuck", "true", [Self.uri("\(server.url)/hang")]))
            try await wait("the download") { server.requests(of: "/hang") == 1 ? true : nil }
            host.master.kill("stuck")
            let end = try await host.master.end(of: "stuck", within: .seconds(5))
            #expect(end.state == .taskKilled)
            #expect(end.reason == .taskKilledDuringLaunch)
        }
    }

    @Test func `a download that stands still is given up`() async throws {
        try await Self.with { host, server, _ in
            await host.stop()
            var configuration = host.configuration
            configuration.fetcherStallTimeout = .milliseconds(300)
            try await host.start(configuration)
            host.master.run(Self.task("still", "true", [Self.uri("\(server.url)/hang")]))
            let end = try await host.master.end(of: "still")
            #expect(end.message.contains("no byte came for"), "\(end.message)")
        }
    }

    @Test func `files belong to the task's user, who cannot be made to read what is not theirs`() async throws {
        guard getuid() == 0 else { return }
        try await Self.with { host, server, directory in
            let secret = "\(directory)/secret"
            try Data("secret".utf8).write(to: URL(fileURLWithPath: secret))
            chmod(secret, 0o600)
            var mine = Self.task(
                "mine", "stat -c %U plain.txt sub sub/tar.txt stderr",
                [Self.uri("\(server.url)/plain.txt"), Self.uri("\(server.url)/p.tar")])
            mine.command.user = "nobody"
            host.master.run(mine)
            #expect(try await host.master.end(of: "mine").state == .taskFinished)
            #expect(try await host.read("stdout", of: "mine") == "nobody\nnobody\nnobody\nnobody\n")
            var theirs = Self.task("theirs", "true", [Self.uri(secret)])
            theirs.command.user = "nobody"
            host.master.run(theirs)
            #expect(try await host.master.end(of: "theirs").message.contains("Permission denied"))
        }
    }
}
