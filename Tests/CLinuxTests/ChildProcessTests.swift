// Starting processes, and what they find when they start.
import Glibc
import Processes
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ChildProcessTests {
    /// Runs a shell script with its output in a file.
    private func run(
        _ script: String, in scratch: Scratch, _ adjust: (inout SpawnRequest) -> Void = { _ in }
    ) async throws -> (end: ProcessEnd, output: String) {
        var request = SpawnRequest(program: "/bin/sh", arguments: ["-c", script])
        let output = scratch.output("out")
        defer { close(output) }
        request.standardOutput = output
        request.standardError = output
        adjust(&request)
        let end = try await ChildProcess.spawn(request).end()
        return (end, scratch.text("out") ?? "")
    }

    @Test(arguments: [
        ("exit 0", ProcessEnd.exited(0)), ("exit 3", .exited(3)), ("kill -KILL $$", .signaled(9)),
        ("kill -TERM $$", .signaled(15)),
    ])
    func `the end of a process is told as it was`(script: String, end: ProcessEnd) async throws {
        let process = try await ChildProcess.spawn(SpawnRequest(program: "/bin/sh", arguments: ["-c", script]))
        #expect(await process.end() == end)
        #expect(await process.end() == end)
        #expect(process.knownEnd == end)
        #expect(process.send(signal: SIGTERM) == ESRCH)
        #expect(process.sendToGroup(signal: SIGTERM) == ESRCH)
    }

    @Test func `arguments, environment, directory and streams arrive`() async throws {
        let scratch = try Scratch()
        let (end, output) = try await run(#"echo "$1|$2|$A"; pwd; cat; echo oops >&2; env | wc -l"#, in: scratch) {
            $0.arguments += ["zero", "one", "two words"]
            $0.environment = ["A=b c", "PATH=/usr/bin:/bin"]
            $0.directory = "/usr"
        }
        #expect(end == .exited(0))
        #expect(output == "one|two words|b c\n/usr\noops\n3\n")  // The shell adds PWD.
    }

    @Test func `no descriptor and no signal setting of ours leaks into the process`() async throws {
        let scratch = try Scratch()
        let leak = open("/dev/null", O_RDONLY)  // Without O_CLOEXEC.
        defer { close(leak) }
        let (_, output) = try await run(
            "ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2", in: scratch)
        let lines = output.split(separator: "\n")
        try #require(lines.count == 3)
        #expect(lines[0] == "4")  // 0, 1, 2 and the descriptor of the listing itself.
        #expect(UInt64(lines[1], radix: 16) == 0)
        // 32 and 33 are the C library's own and stay as they are.
        #expect(UInt64(lines[2], radix: 16).map { $0 & ~0x1_8000_0000 } == 0)
    }

    @Test(arguments: [SpawnRequest.Grouping.inherited, .newProcessGroup, .newSession])
    func `the process gets the group and session asked for`(grouping: SpawnRequest.Grouping) async throws {
        let scratch = try Scratch()
        let (_, output) = try await run("cut -d' ' -f1,5,6 /proc/$$/stat", in: scratch) { $0.grouping = grouping }
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        try #require(numbers.count == 3)
        #expect((numbers[1] == numbers[0]) == (grouping != .inherited))
        #expect((numbers[2] == numbers[0]) == (grouping == .newSession))
    }

    @Test func `limits hold`() async throws {
        let scratch = try Scratch()
        let (_, output) = try await run("ulimit -n; ulimit -c", in: scratch) {
            $0.limits = [
                .init(resource: Int32(RLIMIT_NOFILE.rawValue), soft: 33, hard: 34),
                .init(resource: Int32(RLIMIT_CORE.rawValue), soft: 0, hard: 0),
            ]
        }
        #expect(output == "33\n0\n")
    }

    @Test(.enabled(if: getuid() == 0, "needs root to become somebody else"))
    func `the process becomes another user with exactly its groups`() async throws {
        let scratch = try Scratch()
        let (_, output) = try await run("id -u; id -g; id -G; cat /etc/shadow", in: scratch) {
            $0.identity = .init(user: 65534, group: 65534, groups: [1, 2])
        }
        #expect(output.hasPrefix("65534\n65534\n65534 1 2\n"))
        #expect(output.contains("Permission denied"))
    }

    @Test func `a bare name is found in the PATH of the process`() async throws {
        var request = SpawnRequest(program: "true", environment: ["PATH=/nonexistent::/usr/bin:/bin"])
        #expect(try await ChildProcess.spawn(request).end() == .exited(0))
        request.environment = ["PATH=/nonexistent"]
        await #expect(throws: SpawnError(program: "true", stage: .execute, code: ENOENT)) {
            try await ChildProcess.spawn(request)
        }
    }

    @Test func `a failure names the step and the reason`() async throws {
        let missing = await #expect(throws: SpawnError.self) {
            try await ChildProcess.spawn(SpawnRequest(program: "/no/such/program"))
        }
        #expect(missing?.description == "cannot execute /no/such/program: No such file or directory")
        var request = SpawnRequest(program: "/bin/true")
        request.directory = "/no/such/directory"
        await #expect(throws: SpawnError(program: "/bin/true", stage: .directory, code: ENOENT)) {
            try await ChildProcess.spawn(request)
        }
        request.directory = nil
        request.cgroupProcsPaths = ["/no/such/cgroup.procs"]
        await #expect(throws: SpawnError(program: "/bin/true", stage: .cgroup, code: ENOENT)) {
            try await ChildProcess.spawn(request)
        }
    }

    @Test func `a file that stands in for cgroup procs is told of the process`() async throws {
        let scratch = try Scratch()
        close(scratch.output("procs"))
        let (end, _) = try await run("exit 0", in: scratch) { $0.cgroupProcsPaths = [scratch.file("procs")] }
        #expect(end == .exited(0))
        #expect(scratch.text("procs") == "0")
    }

    @Test func `a signal reaches the process, and its group`() async throws {
        let process = try await ChildProcess.spawn(SpawnRequest(program: "sleep", arguments: ["60"]))
        #expect(process.knownEnd == nil)
        #expect(process.send(signal: SIGINT) == 0)
        #expect(await process.end() == .signaled(SIGINT))

        let scratch = try Scratch()
        var request = SpawnRequest(program: "/bin/sh", arguments: ["-c", "sleep 60 & echo $!; wait"])
        let output = scratch.output("out")
        defer { close(output) }
        request.standardOutput = output
        let group = try await ChildProcess.spawn(request)
        try await eventually("the child has a child") { scratch.text("out")?.hasSuffix("\n") == true }
        let grandchild = try #require(scratch.text("out").flatMap { pid_t($0.dropLast()) })
        #expect(group.sendToGroup(signal: SIGKILL) == 0)
        #expect(await group.end() == .signaled(SIGKILL))
        try await eventually("the grandchild is gone") { processStartTime(of: grandchild) == nil }
    }

    @Test func `a process is found again by pid and start time only`() async throws {
        let process = try await ChildProcess.spawn(SpawnRequest(program: "sleep", arguments: ["60"]))
        #expect(process.startTimeTicks > 0)
        #expect(ChildProcess.attach(pid: process.pid, startTimeTicks: process.startTimeTicks + 1) == nil)
        let again = try #require(ChildProcess.attach(pid: process.pid, startTimeTicks: process.startTimeTicks))
        #expect(again.send(signal: SIGKILL) == 0)
        // Both are ours here, and whoever comes second finds nothing to reap; after a restart of ours it is always so.
        let ends = [await process.end(), await again.end()]
        #expect(ends.contains(.signaled(SIGKILL)))
        #expect(ends.allSatisfy { $0 == .unknown || $0 == .signaled(SIGKILL) }, "\(ends)")
        #expect(ChildProcess.attach(pid: process.pid, startTimeTicks: process.startTimeTicks) == nil)
        #expect(ChildProcess.attach(pid: 0, startTimeTicks: 0) == nil)
    }

    @Test func `many processes at once all end`() async throws {
        try await withThrowingTaskGroup(of: ProcessEnd.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let request = SpawnRequest(program: "/bin/sh", arguments: ["-c", "exit \(number)"])
                    return try await ChildProcess.spawn(request).end()
                }
            }
            var statuses: [Int32] = []
            for try await end in group { if case .exited(let status) = end { statuses.append(status) } }
            #expect(statuses.sorted() == Array(0..<40))
        }
    }

    @Test func `a process tied to its parent dies with it`() async throws {
        let scratch = try Scratch()
        // The supervisor ties its task to itself: killed, it takes the task along.
        let arguments = ["--status", scratch.file("status"), "--pid", scratch.file("pid"), "--", "sleep", "60"]
        let parent = try await ChildProcess.spawn(
            SpawnRequest(program: builtProgram("mini-supervisor"), arguments: arguments))
        try await eventually("the child runs") { scratch.text("pid") != nil }
        let child = try pidFile(scratch)
        #expect(processStartTime(of: child.pid) == child.startTimeTicks)
        parent.send(signal: SIGKILL)
        try await eventually("the child is gone") { processStartTime(of: child.pid) != child.startTimeTicks }
        #expect(scratch.text("status") == nil)
    }
}
