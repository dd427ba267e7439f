// The agent is killed at every step of a task's life, one after the other, and started again.

import MesosProtocol
import MiniAgent
import Testing

@Suite(.serialized, .timeLimit(.minutes(10)))
struct CrashMatrixTests {
    /// So many lives at a time: they mostly wait.
    private static let atOnce = 4

    private static let short = "echo ran >> $MESOS_SANDBOX/ran; exit 3"
    private static let long = "trap '' TERM; echo ran >> $MESOS_SANDBOX/ran; exec sleep 1000"

    private static let scenarios = [
        CrashScenario(
            description: "a process that ends by itself", task: AgentHost.task("t", short), state: .taskFailed,
            message: "Command exited with status 3"),
        CrashScenario(
            description: "a process that is killed", task: AgentHost.task("t", long), isKilled: true,
            state: .taskKilled, message: "Command terminated with signal Killed"),
        CrashScenario(
            description: "a container that ends by itself", task: AgentHost.docker("t", short), state: .taskFailed,
            message: "Container exited with status 3"),
        CrashScenario(
            description: "a container that is killed", task: AgentHost.docker("t", long), isKilled: true,
            state: .taskKilled, message: "Container exited with status 137"),
        CrashScenario(
            description: "an executor's task that ends by itself", task: hosted("ends"), state: .taskFailed,
            message: "it ended by itself"),
        CrashScenario(
            description: "an executor's task that is killed", task: hosted("waits"), isKilled: true,
            state: .taskKilled, message: "it was killed"),
    ]

    /// A task of a custom executor, which is a process.
    private static func hosted(_ behaviour: String) -> V1TaskInfo {
        var task = AgentHost.task("t", "")
        task.clearCommand()
        task.executor.type = .custom
        task.executor.executorID.value = "e"
        task.executor.frameworkID.value = CrashMaster.framework
        task.executor.command.value = "exec '\(CrashHost.product("crash-agent"))' executor \(behaviour)"
        return task
    }

    @Test(arguments: scenarios)
    func `an agent killed at any step leaves one end, the right one, and nothing else`(
        scenario: CrashScenario
    ) async throws {
        try await BusyboxImage.provide()
        let steps = try await scenario.steps()
        #expect(steps.count > 20, "\(steps)")
        let failures = try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            var failures: [(Int, [String])] = []
            for step in 1...steps.count {
                if step > Self.atOnce, let done = try await group.next() { failures.append(done) }
                group.addTask { (step, try await scenario.crash(at: step)) }
            }
            for try await done in group { failures.append(done) }
            return failures.filter { !$0.1.isEmpty }
        }
        for (step, problems) in failures.sorted(by: { $0.0 < $1.0 }) {
            Issue.record(
                "\(scenario), killed at step \(step), '\(steps[step - 1])': \(problems.joined(separator: "; "))")
        }
    }
}
