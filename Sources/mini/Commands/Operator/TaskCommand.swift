// `mini task`: one task, its output, its files, its story.

import ArgumentParser
import Foundation
import MasterDetection
import OperatorClient
import TaskRun
import TextTables

struct TaskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Read a task's output and files, go into its container, end it, explain it.",
        discussion: """
            A task is named by its id, by the beginning of it if no other begins so, or by its name if no other has it. One \
            that lives is meant before one that is over.
            """,
        subcommands: [
            TaskLogsCommand.self, TaskListCommand.self, TaskCatCommand.self, TaskExecCommand.self,
            TaskKillCommand.self, TaskExplainCommand.self,
        ])
}

/// Which task.
struct TaskName: ParsableArguments {
    @Option(help: ArgumentHelp("Whose task, if several frameworks have one of that name.", valueName: "id or name"))
    var framework: String?
    @Argument(help: "The task's id, the beginning of it, or its name.", completion: .ids(.tasks)) var task: String
}

extension ClusterFlags {
    /// A task's files.
    func sandbox(_ command: String, _ name: TaskName) async throws -> (TaskSandbox, LeaderSession) {
        try await ask(command) { leader in
            let (task, agents) = try await leader.find(name.task, framework: name.framework)
            return (try TaskSandbox(task, agents: agents, leader.connection), leader)
        }
    }
}

struct TaskLogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a task prints, also after it has ended.",
        discussion: "With --follow, until the task has ended and everything was read.")

    @Flag(name: [.customShort("f"), .long], help: "Go on with what comes.") var follow = false
    @Flag(help: "Its standard error, instead of its standard output.") var stderr = false
    @Option(name: [.customShort("n"), .long], help: "Only the last so many lines.") var lines: Int?
    @OptionGroup var name: TaskName
    @OptionGroup var cluster: ClusterFlags

    private static let documentMax: UInt64 = 16 << 20

    func run() async throws {
        if let lines, lines < 0 {
            throw CommandFailure(description: "task logs: --lines: expected a number from 0 on, found \(lines)")
        }
        guard !(follow && cluster.json) else {
            throw CommandFailure(description: "task logs: give --follow or --json, not both")
        }
        let (sandbox, leader) = try await cluster.sandbox("task logs", name)
        let file = stderr ? "stderr" : "stdout"
        do {
            let size = try await size(of: file, in: sandbox)
            let start = try await lines.asyncMap { try await sandbox.start(ofLast: $0, file, size: size) } ?? 0
            if cluster.json { return try await printDocument(sandbox, file, from: start, size: size) }
            var follower = FileFollower(sandbox, file, from: start)
            let session = leader
            try await follower.run {
                guard follow else { return true }
                var session = session
                // A cluster without a leader is no reason to stop reading from an agent that is there.
                return (try? await session.hasEnded(sandbox.task)) ?? false
            } write: { bytes in
                try FileHandle.standardOutput.write(contentsOf: Data(bytes))
            }
        } catch { throw ClusterFlags.failure(error, "task logs") }
    }

    /// A task that does not run yet has no files: whoever follows it waits for them.
    private func size(of file: String, in sandbox: TaskSandbox) async throws -> UInt64 {
        do throws(OperatorFailure) { return try await sandbox.size(file) } catch {
            guard follow, error.kind == .notFound, !sandbox.task.isTerminal else { throw error }
            return 0
        }
    }

    private func printDocument(_ sandbox: TaskSandbox, _ file: String, from start: UInt64, size: UInt64) async throws {
        let from = size - start > Self.documentMax ? size - Self.documentMax : start
        var bytes: [UInt8] = []
        while bytes.count < size - from {
            let piece = try await sandbox.read(file, from: from + UInt64(bytes.count), to: size)
            if piece.isEmpty { break }
            bytes += piece
        }
        print(
            ReportJSON.text(
                of: FilePiece(
                    taskID: sandbox.task.id, file: file, offset: from, size: size,
                    data: String(decoding: bytes, as: UTF8.self))))
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}

struct TaskListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the files of a task.")

    @OptionGroup var name: TaskName
    @Argument(help: "A folder in the task's sandbox.") var path = ""
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let (sandbox, _) = try await cluster.sandbox("task ls", name)
        do {
            let files = try await sandbox.list(path)
            cluster.show(SandboxListing(taskID: sandbox.task.id, path: path, files: files))
        } catch { throw ClusterFlags.failure(error, "task ls") }
    }
}

struct TaskCatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Print a file of a task.",
        discussion: "With --json, a document with up to 16 MiB of it as text.")

    @OptionGroup var name: TaskName
    @Argument(help: "The file, from the task's sandbox on.") var path: String
    @OptionGroup var cluster: ClusterFlags

    private static let documentMax = 16 << 20

    func run() async throws {
        let (sandbox, _) = try await cluster.sandbox("task cat", name)
        do {
            let size = try await sandbox.size(path)
            var document: [UInt8] = []
            var offset: UInt64 = 0
            while offset < size {
                let piece = try await sandbox.read(path, from: offset)
                if piece.isEmpty { break }
                offset += UInt64(piece.count)
                if cluster.json {
                    document += piece
                    if document.count >= Self.documentMax { break }
                } else {
                    // Whoever read our output may have gone: then so do we.
                    do { try FileHandle.standardOutput.write(contentsOf: Data(piece)) } catch { return }
                }
            }
            guard cluster.json else { return }
            print(
                ReportJSON.text(
                    of: FilePiece(
                        taskID: sandbox.task.id, file: path, offset: 0, size: size,
                        data: String(decoding: document, as: UTF8.self))))
        } catch { throw ClusterFlags.failure(error, "task cat") }
    }
}

struct TaskExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command in the container of a task that runs; as `mini exec`, with a part of the task's id.",
        usage: "mini task exec TASK [--tty] -- COMMAND [ARGUMENT ...]")

    @Flag(help: "Give the command a terminal, for shells and editors.") var tty = false
    @Option(help: "Whom the command runs as; the task's user if not given.") var user: String?
    @Option(help: ArgumentHelp("A variable for the command; may be repeated.", valueName: "NAME=VALUE"))
    var env: [String] = []
    @OptionGroup var name: TaskName
    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.") var command: [String] = []
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        guard !command.isEmpty else {
            throw CommandFailure(
                description: "task exec: expected a command after --, as in: mini task exec TASK -- ps")
        }
        guard !cluster.json else {
            throw CommandFailure(description: "task exec: --json: the output is that of the command")
        }
        let (task, url) = try await cluster.ask("task exec") { leader in
            let found = try await leader.find(name.task, framework: name.framework, onlyLiving: true)
            return (found.task, leader.url)
        }
        let masters: MasterLocations
        do { masters = try MasterLocations.parse(url) } catch {
            throw CommandFailure(description: "task exec: \(error)", status: 1)
        }
        var runner = ExecRunner(masters: masters, task: task.id, command: command)
        runner.framework = task.frameworkID
        runner.hasTerminal = tty
        runner.user = user
        runner.environment = try ExecCommand.variables(env, "task exec")
        runner.credentials = try cluster.security.credentials()
        runner.tls = try cluster.security.tls(isSecureURL: url.hasPrefix("https://"))
        let status: Int32
        do { status = try await runner.run() } catch {
            throw CommandFailure(description: "task exec: \(error)", status: 125)
        }
        throw ExitCode(status)
    }
}

struct TaskExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what became of a task, why, and what to do about it.")

    @Option(help: "How many of the last lines of its standard error to show.") var lines = 10
    @OptionGroup var name: TaskName
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        guard (0...1_000).contains(lines) else {
            throw CommandFailure(description: "task explain: --lines: expected 0 to 1000, found \(lines)")
        }
        let report = try await cluster.ask("task explain") { leader in
            let (task, agents) = try await leader.find(name.task, framework: name.framework)
            let agent = agents.first { $0.id == task.agentID }
            do throws(OperatorFailure) {
                let sandbox = try TaskSandbox(task, agents: agents, leader.connection)
                let size = try await sandbox.size("stderr")
                let start = max(
                    try await sandbox.start(ofLast: lines, "stderr", size: size), size > 65_536 ? size - 65_536 : 0)
                let bytes = try await sandbox.read("stderr", from: start, to: size)
                let end = String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(lines)
                return TaskExplanation(task, agent: agent, stderr: end.map(String.init))
            } catch {
                return TaskExplanation(task, agent: agent, stderr: nil, stderrProblem: "\(error)")
            }
        }
        cluster.show(report)
    }
}

struct TaskKillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "End a task that runs, in its grace period.",
        discussion: """
            The agent ends it as if its framework had asked: SIGTERM, then, after the grace period of the task's kill policy, \
            SIGKILL. The framework is told TASK_KILLED and may launch another one.
            """)

    @Flag(help: "Do not wait until it has ended.") var detach = false
    @Flag(help: "SIGKILL at once; the framework is told of a failure.") var force = false
    @OptionGroup var name: TaskName
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let waiting = detach ? nil : "waiting for the end of \(DisplayWidth.line(name.task))"
        let report = try await cluster.ask("task kill", waiting: waiting) { leader in
            let (task, agents) = try await leader.find(name.task, framework: name.framework, onlyLiving: true)
            let sandbox = try TaskSandbox(task, agents: agents, leader.connection)
            try await sandbox.kill(isForced: force)
            guard !detach else { return ChangeReport("task kill", task.id, "task \(task.id) was told to end") }
            while try await !leader.hasEnded(task) { try await Task.sleep(for: .milliseconds(250)) }
            return ChangeReport("task kill", task.id, "task \(task.id) has ended")
        }
        cluster.show(report)
    }
}
