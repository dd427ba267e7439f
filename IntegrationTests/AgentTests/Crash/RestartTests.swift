// Many running tasks under an agent that is killed and started again and again.

import Foundation
import Glibc
import MesosProtocol
import MiniAgent
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(20)))
struct RestartTests {
    /// `RESTART_TASKS` and `RESTARTS` in the environment make it as large as one likes; half of the tasks are containers.
    private static func number(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? usual
    }

    private struct Plan {
        var name: String
        var status: Int
        var isContainer: Bool

        /// Runs until its gate is opened.
        var task: V1TaskInfo {
            let command = "until [ -e $MESOS_SANDBOX/gate ]; do sleep 1; done; exit \(status)"
            return isContainer
                ? AgentHost.docker(name, command, mem: 32) : AgentHost.task(name, command, cpus: 0.01, mem: 32)
        }

        var message: String { "\(isContainer ? "Container" : "Command") exited with status \(status)" }
    }

    private static func plans(_ count: Int) -> [Plan] {
        (0..<count).map { Plan(name: "t\($0)", status: $0 % 7, isContainer: $0 % 2 == 1) }
    }

    @Test func `no task is lost, doubled or left over, however often the agent is killed`() async throws {
        try await BusyboxImage.provide()
        let plans = Self.plans(Self.number("RESTART_TASKS", 200))
        let restarts = Self.number("RESTARTS", 50)
        try await CrashHost.with(plans.map(\.task)) { host in
            var agent = try await CrashAgentProcess.start(host, step: 0)
            try await wait("all tasks to run", .seconds(180)) {
                plans.allSatisfy { plan in
                    host.master.history(of: plan.name).contains { $0.state == .taskRunning }
                } ? true : nil
            }
            let containers = await host.containers().count
            #expect(containers == plans.count(where: \.isContainer))
            for restart in 1...restarts {
                await agent.kill()
                // While there is no agent some tasks end, and once the files are those of an earlier revision.
                for (index, plan) in plans.enumerated() where index % (restarts + 1) == restart - 1 {
                    try open(plan, on: host)
                }
                if restart == restarts / 2 { try age(host) }
                let registrations = host.master.registrations
                agent = try await CrashAgentProcess.start(host, step: 0)
                // Killed before, at and after the moment when it has found everything again.
                if restart % 3 != 0 {
                    try await wait("agent \(restart) to register: \(agent.output)", .seconds(60)) {
                        host.master.registrations > registrations ? true : nil
                    }
                }
                try await Task.sleep(for: .milliseconds(restart * 37 % 400))
            }
            for plan in plans { try open(plan, on: host) }
            try await wait("the end of all tasks: \(agent.output.suffix(2000))", .seconds(120)) {
                host.master.isOver && host.records.isEmpty ? true : nil
            }
            var wrong: [String] = []
            for plan in plans {
                let told = host.master.history(of: plan.name)
                let ends = told.filter { $0.state.isTerminal }
                if ends.map(\.message) != [plan.message] || told.last?.state.isTerminal != true {
                    wrong.append("\(plan.name): \(told.map { "\($0.state) \($0.message)" })")
                }
            }
            #expect(wrong == [])
            let pid = agent.process.pid
            try await wait("the last process and container", .seconds(60)) {
                let left = await host.containers()
                return left.isEmpty && host.processes().allSatisfy { $0 == pid } ? true : nil
            }
            await agent.kill()
        }
    }

    /// Opens the gate of a task, once it has a sandbox.
    private func open(_ plan: Plan, on host: CrashHost) throws {
        let path = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/\(CrashMaster.framework)/executors"
        let gate = "\(path)/\(plan.name)/runs/latest/gate"
        guard FileManager.default.createFile(atPath: gate, contents: Data()) else {
            throw Timeout(description: "cannot write \(gate)")
        }
    }

    /// Gives the checkpoint the form that version 1 of the format had, as an upgrade of the agent finds it: a folder with
    /// two files for each task. Only tasks in containers: the supervisor of a process goes on in the file that it has.
    private func age(_ host: CrashHost) throws {
        for path in host.files(".info") where path.contains("/meta/") { try ageHeader(of: path) }
        for path in host.files(".task") where path.contains("/meta/") {
            let bytes = FileManager.default.contents(atPath: path) ?? Data()
            guard let description = try Self.description(in: [UInt8](bytes)) else { continue }
            let run = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
            let framework = URL(fileURLWithPath: path).deletingLastPathComponent().deletingLastPathComponent().path
            let folder = "\(framework)/executors/\(description.task)/runs/\(run)/tasks/\(description.task)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try bytes.prefix(description.bytes).write(to: URL(fileURLWithPath: "\(folder)/task.info"))
            try (bytes.prefix(8) + bytes.dropFirst(description.bytes)).write(
                to: URL(fileURLWithPath: "\(folder)/task.updates"))
            try ageHeader(of: "\(folder)/task.info")
            try ageHeader(of: "\(folder)/task.updates")
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private func ageHeader(of path: String) throws {
        guard let file = FileHandle(forUpdatingAtPath: path) else { return }
        try file.seek(toOffset: 4)
        try file.write(contentsOf: Data([1, 0, 0, 0]))
        try file.close()
    }

    /// - Returns: The task in a container that a file describes, and where the description ends; nil for a process.
    private static func description(in bytes: [UInt8]) throws -> (task: String, bytes: Int)? {
        var at = 8
        var task = ""
        while at + 9 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
            let payload = Array(bytes[(at + 9)..<(at + 8 + length)])
            let tag = bytes[at + 8]
            at += 8 + length
            if tag == 3 {
                let info: V1TaskInfo = try MediaType.protobuf.decode(from: payload)
                task = info.taskID.value
            }
            if tag == 4 { return payload == Array("docker".utf8) ? (task, at) : nil }
        }
        return nil
    }
}
