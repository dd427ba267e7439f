// An agent that is killed finds its tasks again; the books of a cluster balance to the last thousandth.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Processes
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct RecoveryTests {
    @Test
    func `a killed agent that is started again has the same container and the same process, and both finish once`()
        async throws
    {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=docker") { cluster, document in
            // The tasks end when the test says so, by a file in their sandboxes.
            let wait = "echo $$ > pid; echo begin; until [ -e go ]; do sleep 0.1; done; echo end"
            let tasks: [TaskID] = ["in-container", "as-process"]
            let framework = try SmallFramework(
                master: document.masters[0].address,
                tasks: [
                    WantedTask(
                        id: tasks[0], command: "cd $MESOS_SANDBOX; \(wait)", image: document.sampleImage, cpus: 0.1,
                        memory: 32),
                    WantedTask(id: tasks[1], command: wait, image: nil, cpus: 0.1, memory: 32),
                ])
            try await framework.run {
                try await eventually("both tasks run", within: .seconds(20)) {
                    tasks.allSatisfy { framework.states(of: $0).contains(.taskRunning) }
                }
                let sandboxes = try tasks.map { try #require(sandbox(of: $0, in: document.workDirectory)) }
                let containers = try await cluster.look.containers()
                #expect(containers.map(\.state) == ["running"])
                let pid = try await eventually("the process has written its pid") {
                    pid_t(content(sandboxes[1] + "/pid").trimmingCharacters(in: .newlines))
                }
                let started = try #require(processStartTime(of: pid))

                let agent = document.agents[0]
                let commandLine = HostLook.arguments(of: agent.pid)
                kill(agent.pid, SIGKILL)
                try await eventually("the agent is gone") { !HostLook.isAlive(agent.pid) }
                let second = try await startByHand(commandLine, logPath: "\(document.workDirectory)/second.log")
                try await eventually("the agent answers and is registered", within: .seconds(20)) {
                    guard await get("\(agent.url)/health") != nil else { return false }
                    return try await MasterState.read(document.masters[0].url)?.slaves.map(\.active) == [true]
                }
                #expect(try await cluster.look.containers() == containers)
                #expect(processStartTime(of: pid) == started)
                for task in tasks { #expect(!framework.states(of: task).contains { $0.isTerminal }) }

                for sandbox in sandboxes { _ = FileManager.default.createFile(atPath: sandbox + "/go", contents: nil) }
                try await eventually("both tasks end", within: .seconds(20)) { framework.endedCount == 2 }
                #expect(second.knownEnd == nil)
                for (task, sandbox) in zip(tasks, sandboxes) {
                    #expect(framework.states(of: task).last == .taskFinished, "\(framework.updates(of: task))")
                    #expect(content(sandbox + "/stdout") == "begin\nend\n")
                }
                // Were an update to be repeated, the agent's retry would do it: after 10 s at the earliest.
                let state = try await eventually("the master has forgotten the tasks") {
                    let state = try await MasterState.read(document.masters[0].url)
                    return state?.frameworks.allSatisfy { $0.tasks.isEmpty } == true ? state : nil
                }
                #expect(state.slaves.map(\.used) == [.zero])
            }
            for task in tasks { #expect(framework.states(of: task).count { $0.isTerminal } == 1) }
        }
    }

    @Test func `after three hundred tasks of a thousandth of a CPU everything is unused, exactly`() async throws {
        try await withCluster("--masters=1", "--agents=2", "--containerizer=process") { _, document in
            let url = document.masters[0].url
            let totals = try #require(try await MasterState.read(url)).slaves.map(\.resources)
            let tasks = (1...300).map { number in
                WantedTask(id: TaskID("tiny-\(number)"), command: ":", image: nil, cpus: 0.001, memory: 1)
            }
            let framework = try SmallFramework(master: document.masters[0].address, tasks: tasks, launchesMax: 20)
            try await framework.run {
                try await eventually("all tasks end", within: .seconds(90)) { framework.endedCount == tasks.count }
                for task in tasks {
                    #expect(framework.states(of: task.id).filter(\.isTerminal) == [.taskFinished], "\(task.id)")
                }
                // It holds what came free in pieces, some too small to be offered. Given back together they are whole.
                try await eventually("everything is unused") {
                    try await MasterState.read(url)?.slaves.map(\.used) == [.zero, .zero]
                }
                framework.handBack()
                try await eventually("everything is offered again") {
                    framework.keptScalars["cpus"] == totals.reduce(0) { $0 + $1.cpus }
                        && framework.keptScalars["mem"] == totals.reduce(0) { $0 + $1.mem }
                }
                let agents = try #require(try await MasterState.read(url)).slaves
                #expect(agents.map(\.used) == [.zero, .zero])
                #expect(agents.map(\.offered) == agents.map(\.resources))
                #expect(agents.map(\.resources.cpus).sorted() == totals.map(\.cpus).sorted())
            }
            try await eventually("nothing is offered any more") {
                try await MasterState.read(url)?.slaves.map(\.offered) == [.zero, .zero]
            }
        }
    }

    /// The run's folder, found on disk.
    private func sandbox(of task: TaskID, in directory: String) -> String? {
        let all = FileManager.default.enumerator(atPath: directory + "/agent-1/slaves")
        while let path = all?.nextObject() as? String {
            if path.hasSuffix("/executors/\(task)/runs/latest") { return "\(directory)/agent-1/slaves/\(path)" }
        }
        return nil
    }

    private func content(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
