// What the supervisor leaves on disk, and what it leaves running: nothing.
import Glibc
import Processes
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SupervisorTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func supervise(_ options: [String] = [], _ command: [String]) async throws -> ChildProcess {
        let files = ["--status", scratch.file("status"), "--pid", scratch.file("pid")]
        var request = SpawnRequest(
            program: try builtProgram("mini-supervisor"), arguments: files + options + ["--"] + command)
        let output = scratch.output("out")
        defer { close(output) }
        request.standardOutput = output
        request.standardError = output
        return try await ChildProcess.spawn(request)
    }

    /// What the status file says: `<status>\n` as waitpid(2) gives it, or `failed <stage> <errno> <text>\n`.
    private var report: String? { scratch.text("status") }

    @Test(arguments: [
        ("exit 0", "0\n"), ("exit 3", "768\n"), ("exit 255", "65280\n"), ("kill -KILL $$", "9\n"),
    ])
    func `the task's end is on disk when the supervisor is gone`(script: String, status: String) async throws {
        let supervisor = try await supervise(["--cwd", "/usr"], ["sh", "-c", "pwd; echo problem >&2; \(script)"])
        #expect(await supervisor.end() == .exited(0))
        #expect(report == status)
        #expect(scratch.text("out") == "/usr\nproblem\n")
        #expect((try pidFile(scratch)).pid > 0)
        #expect(scratch.text("status.tmp") == nil)
    }

    @Test func `a command that cannot be run is reported, not lost`() async throws {
        let missing = try await supervise([], ["/no/such/program"])
        #expect(await missing.end() == .exited(0))
        #expect(report == "failed 8 2 No such file or directory\n")
        let homeless = try await supervise(["--cwd", "/no/such"], ["true"])
        #expect(await homeless.end() == .exited(0))
        #expect(report == "failed 5 2 No such file or directory\n")
    }

    @Test(arguments: [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("exec /no/such/program", 127)])
    func `without files the end of the command is the supervisor's own`(script: String, status: Int32) async throws {
        let supervisor = try await ChildProcess.spawn(
            SpawnRequest(program: try builtProgram("mini-supervisor"), arguments: ["--", "sh", "-c", script]))
        #expect(await supervisor.end() == .exited(status))
        #expect(report == nil)
    }

    @Test func `without files a signal takes the whole tree along, daemons included`() async throws {
        let script =
            "(setsid sleep 1000 & echo $! > \(scratch.file("hidden"))); echo $$ > \(scratch.file("main")); sleep 1000"
        let supervisor = try await ChildProcess.spawn(
            SpawnRequest(program: try builtProgram("mini-supervisor"), arguments: ["--", "sh", "-c", script]))
        var pids: [pid_t] = []
        for file in ["hidden", "main"] {
            try await eventually("the pid in \(file)") { scratch.text(file)?.hasSuffix("\n") == true }
            pids.append(pid_t(scratch.text(file)?.dropLast() ?? "") ?? 0)
        }
        supervisor.send(signal: SIGUSR1)
        #expect(await supervisor.end() == .exited(137))
        for pid in pids { #expect(pid > 0 && kill(pid, 0) != 0) }
    }

    @Test(arguments: [(SIGTERM, "got TERM\n", "1792\n"), (SIGINT, "got INT\n", "2048\n")])
    func `a signal goes on to the task, and the supervisor stays`(
        signal: Int32, output: String, status: String
    ) async throws {
        let script = """
            trap 'echo got TERM; exit 7' TERM; trap 'echo got INT; exit 8' INT
            echo ready; while true; do sleep 0.05; done
            """
        let supervisor = try await supervise([], ["sh", "-c", script])
        try await eventually("the task runs") { scratch.text("out") == "ready\n" }
        #expect(supervisor.send(signal: signal) == 0)
        #expect(await supervisor.end() == .exited(0))
        #expect(scratch.text("out")?.hasSuffix(output) == true)
        #expect(report == status)
    }

    @Test func `a task that does not listen is killed by SIGUSR1`() async throws {
        let supervisor = try await supervise(
            [], ["sh", "-c", "trap '' TERM INT; echo ready; while true; do sleep 0.05; done"])
        try await eventually("the task runs") { scratch.text("out") == "ready\n" }
        supervisor.send(signal: SIGTERM)
        supervisor.send(signal: SIGHUP)
        supervisor.send(signal: SIGUSR1)
        #expect(await supervisor.end() == .exited(0))
        #expect(report == "9\n")
    }

    @Test func `nothing the task started outlives it, daemons included`() async throws {
        let script = """
            sleep 300 & echo $!
            setsid sh -c 'echo $$; sleep 300 & echo $!; wait' &
            (setsid sh -c 'trap "" TERM; echo $$; while true; do sleep 300; done' &)
            while [ "$(wc -l < "$1")" -lt 4 ]; do sleep 0.02; done
            exit 5
            """
        let supervisor = try await supervise([], ["sh", "-c", script, "sh", scratch.file("out")])
        #expect(await supervisor.end() == .exited(0))
        #expect(report == "1280\n")
        let started = (scratch.text("out") ?? "").split(separator: "\n").compactMap { pid_t($0) }
        #expect(started.count == 4)
        for pid in started { #expect(processStartTime(of: pid) == nil, "\(pid) is still there") }
    }

    @Test(.enabled(if: getuid() == 0, "needs root to become somebody else"))
    func `the task runs as another user, and its status is still written`() async throws {
        let supervisor = try await supervise(["--user", "65534:65534:1,2"], ["sh", "-c", "id -u; id -g; id -G"])
        #expect(await supervisor.end() == .exited(0))
        #expect(scratch.text("out") == "65534\n65534\n65534 1 2\n")
        #expect(report == "0\n")
    }

    @Test(arguments: [
        [], ["--bogus", "x"], ["--status"], ["--user", "root"], ["--user", "1"], ["--user", "1:2:"],
        ["--user", "-1:2"],
        ["--user", "4294967295:1"],
    ])
    func `wrong arguments end with 2 and start nothing`(options: [String]) async throws {
        let supervisor = try await supervise(options, options.isEmpty ? [] : ["touch", scratch.file("touched")])
        #expect(await supervisor.end() == .exited(2))
        #expect(scratch.text("out")?.hasPrefix("mini-supervisor: ") == true)
        #expect(scratch.text("touched") == nil)
        #expect(scratch.text("status") == nil)
    }

    @Test(.disabled(if: isUnderThreadSanitizer, "the sanitizer itself takes much"))
    func `the supervisor takes little memory`() async throws {
        let supervisor = try await supervise([], ["sleep", "60"])
        try await eventually("the task runs") { scratch.text("pid") != nil }
        let status = try #require(fileText("/proc/\(supervisor.pid)/status"))
        let anonymous = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        let kibibytes = anonymous.flatMap { Int($0.split(whereSeparator: \.isWhitespace)[1]) }
        #expect(try #require(kibibytes) < 1024)
        supervisor.send(signal: SIGUSR1)
        _ = await supervisor.end()
    }
}

private let isUnderThreadSanitizer = dlsym(nil, "__tsan_init") != nil
