// A host that was started anew, as its agent sees it.

import Glibc
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct HostBootTests {
    private let directory = TemporaryDirectory()
    private var paths: AgentPaths { AgentPaths(workDirectory: directory.path) }

    private func boot(_ id: String) throws -> Bool {
        let source = "\(directory.path)/source"
        try DurableFile.replace(source, with: Array("\(id)\n".utf8))
        return try HostBoot.wasRestarted(paths, source: source)
    }

    @Test func `a first start is no restart, and each new boot is told once`() throws {
        #expect(try !boot("one"))
        #expect(try !boot("one"))
        #expect(try boot("two"))
        #expect(try !boot("two"))
    }

    @Test func `a system that does not say is taken for the same`() throws {
        #expect(try !HostBoot.wasRestarted(paths, source: "\(directory.path)/nowhere"))
        #expect(try !boot("one"))
        #expect(try !HostBoot.wasRestarted(paths, source: "\(directory.path)/nowhere"))
    }

    private func task(_ states: [V1TaskState]) -> AgentCheckpoint.Task {
        let key = AgentConversation.key("t1")
        var task = AgentCheckpoint.Task(
            record: TaskRecord(
                key: key, info: AgentConversation.info("t1"), container: ContainerID("c1"), containerizer: .process))
        for (index, state) in states.enumerated() {
            task.add(
                StatusUpdate(
                    id: WireUUID(bytes: [UInt8](repeating: UInt8(index + 1), count: 16)) ?? .random(), key: key,
                    executor: ExecutorID("t1"), container: ContainerID("c1"), state: state, source: .executor,
                    message: "", timestamp: WallTime(nanoseconds: 1)))
        }
        return task
    }

    private func fate(_ task: AgentCheckpoint.Task, found: [ObservedContainer] = []) -> RecoveryPlan.Fate? {
        var checkpoint = AgentCheckpoint()
        checkpoint.agent = AgentConversation.agentID
        checkpoint.tasks[task.record.key] = task
        return planRecovery(
            checkpoint: checkpoint, containers: .found([]), supervisors: .found(found), hostRestarted: true
        ).tasks.first?.fate
    }

    @Test func `what ran has ended with the host, what had ended before keeps its end`() {
        let gone = RecoveryPlan.Fate.vanished("the host was started anew")
        #expect(fate(task([.taskStarting, .taskRunning])) == gone)
        #expect(fate(task([.taskStarting])) == gone)
        let ended = ObservedContainer(id: ContainerID("c1"), condition: .exited)
        #expect(fate(task([.taskStarting, .taskRunning]), found: [ended]) == .reattach)
        #expect(fate(task([.taskStarting, .taskRunning, .taskFailed])) == .ended)
        #expect(fate(task([])) == .relaunch)
    }
}
