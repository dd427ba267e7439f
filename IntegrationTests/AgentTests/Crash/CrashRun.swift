// One agent's life that is ended at a chosen step, and the life after it.

import Foundation
import Glibc
import HTTPClient
import Mailbox
import MesosProtocol
import MiniAgent
import Processes

/// What a task does, and how its end must read if it came to run.
struct CrashScenario: Sendable, CustomStringConvertible {
    var description: String
    var task: V1TaskInfo
    var isKilled = false
    /// What the framework is told of a task that ran.
    var state: V1TaskState
    var message: String
    /// The last durable step of a life.
    var lastStep: String { task.hasExecutor ? "durable executorRetirement" : "durable retirement" }
}

/// The process `crash-agent` on a work directory.
struct CrashAgentProcess: Sendable {
    let process: ChildProcess
    private let outputPath: String

    /// - Parameter prefix: A program that is to run the agent, with its arguments.
    static func start(
        _ host: CrashHost, step: Int, _ options: [String] = [], within prefix: [String] = []
    ) async throws -> CrashAgentProcess {
        let path = "\(host.directory)/agent-\(UUID().uuidString.prefix(8)).out"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Timeout(description: "cannot write \(path)") }
        defer { close(descriptor) }
        let line =
            prefix + [
                CrashHost.product("crash-agent"), "\(host.master.port)", host.workDirectory,
                CrashHost.product("mini-supervisor"), "\(step)", "port=\(host.agentPort)",
            ] + options
        var request = SpawnRequest(program: line[0], arguments: Array(line.dropFirst()))
        request.standardOutput = descriptor
        request.standardError = descriptor
        request.deathSignal = SIGKILL
        return CrashAgentProcess(process: try await ChildProcess.spawn(request), outputPath: path)
    }

    var output: String { String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self) }

    /// The steps so far, in order.
    var steps: [String] {
        output.split(separator: "\n").compactMap { line in
            guard let space = line.firstIndex(of: " "), Int(line[..<space]) != nil else { return nil }
            return String(line[line.index(after: space)...])
        }
    }

    func kill() async {
        process.send(signal: SIGKILL)
        _ = await process.end()
    }
}

/// A work directory and the master that its agents report to.
final class CrashHost: Sendable {
    let directory: String
    let master: CrashMaster
    /// Of every agent on this host: executors come back to where they were started from.
    let agentPort: Int
    var workDirectory: String { "\(directory)/work" }

    static func product(_ name: String) -> String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent(name).path
    }

    private init(_ directory: String, _ master: CrashMaster) throws {
        agentPort = try Self.freePort()
        self.directory = directory
        self.master = master
    }

    static func with<Value: Sendable>(
        _ tasks: [V1TaskInfo], killsRunning: Bool = false, _ body: (CrashHost) async throws -> Value
    ) async throws -> Value {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("mini-crash-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // As the agent will see it.
        let directory = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let host = try CrashHost(directory, try await CrashMaster.start(tasks, killsRunning: killsRunning))
        let result: Result<Value, any Error>
        do { result = .success(try await body(host)) } catch { result = .failure(error) }
        await host.clean()
        return try result.get()
    }

    /// Below those that systems give to connections: while an agent is dead nobody must get its port by chance.
    private static func freePort() throws -> Int {
        for port in (20_000..<32_000).shuffled().prefix(100) {
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            address.sin_port = UInt16(port).bigEndian
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code == 0 { return port }
        }
        throw Timeout(description: "no free port: \(String(cString: strerror(errno)))")
    }

    private func clean() async {
        await master.stop()
        for pid in processes() { kill(pid, SIGKILL) }
        for id in await containers() { _ = try? await BusyboxImage.call("DELETE", "/containers/\(id)?force=1") }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Starts an agent that lives on, and ends it when `body` is done.
    func withAgent<Value: Sendable>(
        _ options: [String] = [], _ body: (CrashAgentProcess) async throws -> Value
    ) async throws -> Value {
        let agent = try await CrashAgentProcess.start(self, step: 0, options)
        let result: Result<Value, any Error>
        do { result = .success(try await body(agent)) } catch { result = .failure(error) }
        await agent.kill()
        return try result.get()
    }

    // MARK: What is left

    /// Processes of tasks and their supervisors: those that name the work directory, or stand in it.
    func processes() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard pid != getpid() else { return false }
            let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            if String(decoding: line, as: UTF8.self).contains(workDirectory) { return true }
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return place?.hasPrefix(workDirectory) ?? false
        }
    }

    /// Containers that bear this work directory's label.
    func containers() async -> [String] {
        let filter = #"{"label":["org.mini-mesos.work_dir=\#(workDirectory)"]}"#
        let escaped = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        guard let reply = try? await BusyboxImage.call("GET", "/containers/json?all=1&filters=\(escaped)"),
            let list = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]]
        else { return [] }
        return list.compactMap { $0["Id"] as? String }
    }

    /// Files below the work directory whose path ends so.
    func files(_ suffix: String) -> [String] {
        let root = workDirectory
        guard let walk = FileManager.default.enumerator(atPath: root) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }.map { "\(root)/\($0)" }.sorted()
    }

    /// How often a task's command was run.
    var runs: Int {
        files("/ran").reduce(0) { sum, path in
            sum + (FileManager.default.contents(atPath: path) ?? Data()).count { $0 == UInt8(ascii: "\n") }
        }
    }

    /// Tasks whose records are still kept.
    var records: [String] {
        (files(".task") + files("/task.info") + files("/executor.info")).filter {
            $0.contains("/meta/") && !$0.contains(".retired/")
        }
    }
}

// MARK: The matrix

extension CrashScenario {
    /// Follows one undisturbed life and names its steps.
    func steps() async throws -> [String] {
        try await CrashHost.with([task], killsRunning: isKilled) { host in
            try await host.withAgent { agent in
                try await wait("the end of an undisturbed task; steps: \(agent.steps)", .seconds(60)) {
                    host.master.isOver && agent.steps.contains(lastStep) ? true : nil
                }
                return agent.steps
            }
        }
    }

    /// Ends an agent at a step, starts the next one, and looks at what the framework was told and what is left.
    ///
    /// - Returns: What is wrong; empty if nothing is.
    func crash(at step: Int) async throws -> [String] {
        try await CrashHost.with([task], killsRunning: isKilled) { host in
            let first = try await CrashAgentProcess.start(host, step: step)
            // An agent that passes by the step, because this life went another way, is killed when the task is over.
            let over = Task {
                try await wait("the first life's end", .seconds(30)) {
                    host.master.isOver && first.steps.contains(lastStep) ? true : nil
                }
                await first.kill()
            }
            _ = await first.process.end()
            over.cancel()
            return try await host.withAgent { agent in
                do {
                    try await wait("the end of the task", .seconds(30)) {
                        host.master.isOver && host.records.isEmpty
                            && host.processes().filter {
                                $0 != agent.process.pid
                            }.isEmpty ? true : nil
                    }
                    try await wait("the end of the container", .seconds(30)) {
                        await host.containers().isEmpty ? true : nil
                    }
                } catch {
                    return [
                        "\(error); told: \(host.master.history(of: name).map(\.state)), records: \(host.records), "
                            + "processes: \(host.processes()), agent: \(agent.output.suffix(1500))"
                    ]
                }
                return problems(host) + dropped(host, first.steps)
            }
        }
    }

    private var name: String { task.taskID.value }

    /// Whether it is how a task may end that never ran. Of an executor that may have been started the agent says that its
    /// container is not there.
    private func isRight(_ end: V1TaskStatus) -> Bool {
        if task.hasExecutor, end.state == .taskFailed, end.reason == .executorTerminated { return true }
        return end.state == .taskLost || (isKilled && end.state == .taskKilled)
    }

    /// A task that was never on its way to its executor is given to it when the executor is back.
    private func dropped(_ host: CrashHost, _ steps: [String]) -> [String] {
        let isDropped = host.master.history(of: name).contains { $0.message == "Task launched during agent restart" }
        guard isDropped, !steps.contains("write delivery") else { return [] }
        return ["it is dropped, and was not given to its executor"]
    }

    private func problems(_ host: CrashHost) -> [String] {
        var problems: [String] = []
        let history = host.master.history(of: name)
        let told = history.map(\.state)
        let ends = history.filter { $0.state.isTerminal }
        if ends.count != 1 { problems.append("\(ends.count) ends instead of one: \(told)") }
        if told.last?.isTerminal != true { problems.append("something was told after the end: \(told)") }
        for state in [V1TaskState.taskStarting, .taskRunning] where told.count(where: { $0 == state }) > 1 {
            problems.append("\(state) was told more than once: \(told)")
        }
        let runs = host.runs
        if runs > 1 { problems.append("the command ran \(runs) times") }
        guard let end = ends.first else { return problems }
        if runs == 1 {
            if end.state != state || end.message != message {
                problems.append("the command ran, and its end reads \(end.state) '\(end.message)'")
            }
        } else if !isRight(end) {
            problems.append("the command never ran, and its end reads \(end.state) '\(end.message)'")
        }
        return problems
    }
}
