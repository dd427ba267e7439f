// The web page in a real Chromium, on real clusters: each view, each action, and what must never happen.
import Foundation
import Glibc
import IntegrationSupport
import Mailbox
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct WebTests {
    @Test func `every view shows a real cluster, lives through a change of leader and takes no name for markup`()
        async throws
    {
        try await withPrograms { directory, start in
            let cluster = try await start([
                "up", "--demo", "--json", "--masters=3", "--agents=2", "--containerizer=process", "--base_port=0",
                "--work_dir=\(directory)",
            ])
            let document = try await eventually("the cluster is ready: \(cluster.output)", within: .seconds(120)) {
                cluster.output.split(separator: "\n").first { $0.hasPrefix("{\"agents\"") }
            }
            try Data(document.utf8).write(to: URL(filePath: directory + "/cluster.json"))
            let run = try await browse("web_pages.py", ["\(directory)/cluster.json"])
            #expect(run.succeeded, "\(run)")
            #expect(run.output.contains("a change of the leader: as it should be"))
        }
    }

    @Test func `it works with a name and a password, over TLS`() async throws {
        try await withPrograms { directory, start in
            let certificate = try await certificate(in: directory)
            let credentials = directory + "/credentials"
            try Data("ops web-canary\n".utf8).write(to: URL(filePath: credentials))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: credentials)
            let tls = [
                "--tls_cert_file=\(certificate).pem", "--tls_key_file=\(certificate).key",
                "--tls_ca_file=\(certificate).pem", "--ip=127.0.0.1", "--port=0", "--hostname=localhost",
                "--authenticate_http_readonly", "--authenticate_http_readwrite",
            ]
            let master = try await start(
                ["master", "--work_dir=\(directory)/m", "--credentials=\(credentials)"] + tls)
            let port = try await listeningPort(of: master)
            let agent = try await start(
                [
                    "agent", "--master=localhost:\(port)", "--work_dir=\(directory)/a", "--containerizers=process",
                    "--resources=cpus:2;mem:512", "--no-switch_user", "--http_credentials=\(credentials)",
                ] + tls)
            _ = try await listeningPort(of: agent)
            let task = try await runCommand(
                builtProduct("mini"),
                [
                    "run", "--master=https://127.0.0.1:\(port)", "--tls_ca_file=\(certificate).pem", "--name=spoken",
                    "--", "sh", "-c", "echo over TLS; exit 4",
                ], within: .seconds(60))
            #expect(task.end == .exited(4), "\(task)")
            // It ends by itself, whatever becomes of the test.
            _ = try await start([
                "run", "--master=https://127.0.0.1:\(port)", "--tls_ca_file=\(certificate).pem", "--name=patient",
                "--", "sleep", "100",
            ])
            let run = try await browse("web_secured.py", ["https://localhost:\(port)", "ops", "web-canary"])
            #expect(run.succeeded, "\(run)\n\(master.output.suffix(2000))\n\(agent.output.suffix(2000))")
        }
    }

    @Test func `ten thousand agents and a hundred thousand tasks leave it quick`() async throws {
        let run = try await browse("web_large.py", [])
        #expect(run.succeeded, "\(run)")
        let line = try #require(run.output.split(separator: "\n").last { $0.hasPrefix("{") })
        let figures = try JSONDecoder().decode([String: [String: Double]].self, from: Data(line.utf8))
        let milliseconds = try #require(figures["milliseconds"])
        #expect(milliseconds.count == 8)
        // A busy machine may take several times what an idle one does; what is wrong takes seconds.
        for (what, spent) in milliseconds { #expect(spent < 3_000, "\(what): \(spent) ms") }
        print("the page of a large cluster: \(line)")
    }

    // MARK: Programs

    private func browse(_ script: String, _ arguments: [String]) async throws -> CommandRun {
        try await runCommand(
            "python3", ["-B", "-u", script] + arguments, directory: PythonClients.scripts, within: .seconds(200))
    }

    private func listeningPort(of program: RunningCommand) async throws -> Int {
        try await eventually("it listens: \(program.output)", within: .seconds(30)) { () -> Int? in
            program.output.firstMatch(of: /listens on \S*:(\d+)/).flatMap { Int($0.1) }
        }
    }

    /// A certificate that vouches for itself.
    private func certificate(in directory: String) async throws -> String {
        let name = directory + "/own"
        let run = try await runCommand(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                name + ".key", "-out", name + ".pem", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2",
            ], within: .seconds(60))
        #expect(run.succeeded, "\(run)")
        return name
    }

    /// Lends a directory and a way to start `mini`; ends in any case whatever was started.
    private func withPrograms(
        _ body: (String, @Sendable ([String]) async throws -> RunningCommand) async throws -> Void
    ) async throws {
        let directories = TemporaryDirectories()
        let directory = try directories.make(named: "web")
        let started = Locked<[RunningCommand]>([])
        func end() async {
            for program in started.withLock({ $0 }).reversed() {
                program.process.send(signal: SIGTERM)
                _ = await program.finished(within: .seconds(45))
            }
        }
        do {
            try await body(directory) { arguments in
                let program = try await startCommand(builtProduct("mini"), arguments)
                started.withLock { $0.append(program) }
                return program
            }
        } catch {
            await end()
            throw error
        }
        await end()
    }
}
