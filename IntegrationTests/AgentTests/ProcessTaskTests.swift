// Tasks as plain processes under their supervisors.

import Foundation
import HTTPClient
import Glibc
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct ProcessTaskTests {
    @Test func `a command runs in its sandbox with its output in files`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("ok", "echo out; echo err >&2; pwd > where; echo $MESOS_TASK_ID > id"))
            let end = try await host.master.end(of: "ok")
            #expect(end.state == .taskFinished)
            #expect(end.message == "Command exited with status 0")
            #expect(host.master.states(of: "ok") == [.taskStarting, .taskRunning, .taskFinished])
            #expect(try await host.read("stdout", of: "ok") == "out\n")
            #expect(try await host.read("stderr", of: "ok") == "err\n")
            #expect(try await host.read("id", of: "ok") == "ok\n")
            let sandbox = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors/ok/runs/"
            #expect(try await host.read("where", of: "ok").hasPrefix(sandbox))
            #expect(end.containerStatus.networkInfos.first?.ipAddresses.first?.ipAddress == "127.0.0.1")
        }
    }

    @Test func `exit codes, signals and missing programs are told apart`() async throws {
        try await AgentHost.with { host in
            host.master.run(AgentHost.task("three", "exit 3"))
            host.master.run(AgentHost.task("signal", "kill -SEGV $$"))
            var missing = AgentHost.task("missing", "/no/such/program")
            missing.command.shell = false
            host.master.run(missing)
            #expect(try await host.master.end(of: "three").message == "Command exited with status 3")
            #expect(
                try await host.master.end(of: "signal").message.hasPrefix(
                    "Command terminated with signal Segmentation fault"))
            let end = try await host.master.end(of: "missing")
            #expect(end.state == .taskFailed)
            #expect(
                end.message == "Failed to launch container: cannot execute /no/such/program: No such file or directory")
        }
    }

    @Test func `a task is held to its resource limits, and half a limit is refused`() async throws {
        try await AgentHost.with { host in
            var limit = V1RLimitInfo.RLimit()
            limit.type = .rlmtNofile
            limit.soft = 77
            limit.hard = 88
            var limited = AgentHost.task("limited", "ulimit -Sn; ulimit -Hn")
            limited.container.type = .mesos
            limited.container.rlimitInfo.rlimits = [limit]
            host.master.run(limited)
            var half = AgentHost.task("half", "true")
            half.container.type = .mesos
            limit.clearHard()
            half.container.rlimitInfo.rlimits = [limit]
            host.master.run(half)
            #expect(try await host.master.end(of: "limited").state == .taskFinished)
            #expect(try await host.read("stdout", of: "limited") == "77\n88\n")
            let end = try await host.master.end(of: "half")
            #expect(end.state == .taskFailed)
            #expect(end.message.hasSuffix("Resource limit 'nofile' needs both 'soft' and 'hard', or neither"))
        }
    }

    @Test func `without a shell the arguments arrive as they are`() async throws {
        try await AgentHost.with { host in
            var task = AgentHost.task("argv", "/bin/busybox")
            task.command.shell = false
            task.command.arguments = ["busybox", "echo", "a b", "$HOME"]
            host.master.run(task)
            let end = try await host.master.end(of: "argv")
            #expect(end.state == .taskFinished)
            #expect(try await host.read("stdout", of: "argv") == "a b $HOME\n")
        }
    }

    @Test func `a kill ends the whole tree, however it hides`() async throws {
        try await AgentHost.with { host in
            let script = """
                trap '' TERM
                setsid sh -c 'trap "" TERM; echo $$ > deep; while true; do sleep 0.05; done' &
                (sleep 1000 & echo $! > orphan)
                while true; do sleep 0.05; done
                """
            host.master.run(AgentHost.task("tree", script))
            _ = try await host.master.update("tree", .taskRunning)
            var pids: [pid_t] = []
            for file in ["deep", "orphan"] {
                pids.append(
                    try await wait("the pid in \(file)") {
                        pid_t(
                            (try? await host.read(file, of: "tree"))?.trimmingCharacters(in: .whitespacesAndNewlines)
                                ?? "")
                    })
            }
            host.master.kill("tree", grace: .milliseconds(300))
            let end = try await host.master.end(of: "tree")
            #expect(end.state == .taskKilled)
            #expect(end.message == "Command terminated with signal Killed")
            for pid in pids {
                try await wait("the end of process \(pid)", .seconds(5)) { kill(pid, 0) != 0 ? true : nil }
            }
        }
    }

    @Test func `a process outlives its agent and is found again`() async throws {
        try await AgentHost.with { host in
            host.master.run(
                AgentHost.task("long", "echo $$ > pid; for i in $(seq 1 30); do echo line $i; sleep 0.1; done; exit 6"))
            let running = try await host.master.update("long", .taskRunning)
            let pid = try await wait("the task's pid") {
                pid_t((try? await host.read("pid", of: "long"))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "")
            }
            await host.stop()
            #expect(kill(pid, 0) == 0)
            try await host.start()
            #expect(kill(pid, 0) == 0)
            #expect(host.master.registrations.last?.tasks.map(\.state) == [.taskRunning])
            let end = try await host.master.end(of: "long")
            #expect(end.message == "Command exited with status 6")
            #expect(end.containerStatus.containerID == running.containerStatus.containerID)
            #expect(host.master.states(of: "long") == [.taskStarting, .taskRunning, .taskFailed])
            #expect(try await host.read("stdout", of: "long") == (1...30).map { "line \($0)\n" }.joined())
        }
    }

    @Test func `an end that nobody acknowledged is reported again by the next agent with the same id`() async throws {
        try await AgentHost.with { host in
            host.master.acknowledge(false)
            host.master.run(AgentHost.task("quiet", "exit 2"))
            _ = try await host.master.update("quiet", .taskStarting)
            await host.stop()
            host.master.acknowledge(true)
            try await host.start()
            let end = try await host.master.end(of: "quiet")
            #expect(end.state == .taskFailed)
            #expect(Array(host.master.states(of: "quiet").suffix(2)).last == .taskFailed)
            #expect(host.master.states(of: "quiet").count { $0.isTerminal } == 1)
        }
    }

    @Test func `a task runs as its user, with that user's groups and no others`() async throws {
        try #require(geteuid() == 0, "needs root")
        try await AgentHost.with { host in
            var task = AgentHost.task("user", "id -u; id -G; touch mine; stat -c %U . mine")
            task.command.user = "daemon"
            host.master.run(task)
            #expect(try await host.master.end(of: "user").state == .taskFinished)
            #expect(try await host.read("stdout", of: "user") == "1\n1\ndaemon\ndaemon\n")
            var stranger = AgentHost.task("stranger", "true")
            stranger.command.user = "no-such-user"
            host.master.run(stranger)
            let end = try await host.master.end(of: "stranger")
            #expect(end.state == .taskFailed)
            #expect(end.message.contains("Failed to get user information for 'no-such-user'"))
        }
    }

    @Test func `a hundred short commands all end well`() async throws {
        try await AgentHost.with { host in
            for number in 0..<100 { host.master.run(AgentHost.task("t\(number)", "true", cpus: 0.01, mem: 1)) }
            for number in 0..<100 {
                let end = try await host.master.end(of: "t\(number)", within: .seconds(60))
                #expect(end.state == .taskFinished)
            }
        }
    }
}
