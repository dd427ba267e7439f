// How the end of a container reads in a status update: state, reason and words.

import MesosProtocol
import Resources

/// A terminal state in the words of Apache Mesos, before it gets an id and a time.
package struct ExitReport: Hashable, Sendable {
    package var state: V1TaskState
    package var source: V1TaskStatus.Source
    package var reason: V1TaskStatus.Reason?
    package var message: String
    package var limitation: Resources?

    /// - Parameter wasKilled: After a kill the task is killed, whatever its exit status.
    init(_ exit: ContainerExit, of record: TaskRecord, memory: Scalar, wasKilled: Bool) {
        source = .executor
        switch exit {
        case .exited(let status):
            state = status == 0 ? .taskFinished : .taskFailed
            message = "\(record.subject) exited with status \(status)"
        case .signaled(let signal, let coreDumped):
            state = .taskFailed
            message = "\(record.subject) terminated with signal \(signalName(signal))"
            if coreDumped { message += " (core dumped)" }
        case .memoryLimitExceeded(let text):
            state = .taskFailed
            source = .agent
            reason = .containerLimitationMemory
            message = text
            limitation = Resources(mem: memory)
        case .notStarted(let why):
            state = .taskFailed
            source = .agent
            reason = .containerLaunchFailed
            message = "Failed to launch container: \(why)"
        case .unknown(let why):
            state = .taskFailed
            source = .agent
            reason = .executorTerminated
            message = "Failed to get exit status: \(why)"
        }
        if wasKilled {
            state = .taskKilled
            source = .executor
            reason = nil
            limitation = nil
        }
    }

    init(_ failure: LaunchFailure, wasKilled: Bool) {
        state = .taskFailed
        switch failure {
        case .preparation(let cause):
            source = .agent
            reason = .containerLaunchFailed
            message = "Failed to launch container: \(cause)"
        case .options(let cause):
            source = .executor
            message = "Failed to create docker run options: \(cause)"
        case .start(let cause):
            source = .executor
            message = "Failed to run container: \(cause)"
        }
        if wasKilled {
            state = .taskKilled
            source = .agent
            reason = .taskKilledDuringLaunch
        }
    }

    init(
        state: V1TaskState, source: V1TaskStatus.Source = .agent, reason: V1TaskStatus.Reason?, message: String
    ) {
        self.state = state
        self.source = source
        self.reason = reason
        self.message = message
    }

    static func killedBeforeStart(_ record: TaskRecord) -> ExitReport {
        ExitReport(
            state: .taskKilled, reason: .taskKilledDuringLaunch,
            message: record.group == nil
                ? "Killed before delivery to the executor"
                : "A task within the task group was killed before delivery to the executor")
    }
}

extension TaskRecord {
    /// What Apache Mesos calls a task's process in its messages. In a container of type MESOS it is a command, image or
    /// not.
    var subject: String { containerizer == .docker && info.container.type != .mesos ? "Container" : "Command" }
}

extension V1FrameworkInfo {
    func has(_ capability: V1FrameworkInfo.Capability.TypeEnum) -> Bool {
        capabilities.contains { $0.type == capability }
    }

    /// The state of a task that never started: what partition-aware frameworks get, and what others get.
    var droppedState: V1TaskState { has(.partitionAware) ? .taskDropped : .taskLost }
}

/// The C library's name of a signal on Linux.
func signalName(_ signal: Int) -> String {
    let names = [
        1: "Hangup", 2: "Interrupt", 3: "Quit", 4: "Illegal instruction", 5: "Trace/breakpoint trap", 6: "Aborted",
        7: "Bus error", 8: "Floating point exception", 9: "Killed", 10: "User defined signal 1",
        11: "Segmentation fault", 12: "User defined signal 2", 13: "Broken pipe", 14: "Alarm clock", 15: "Terminated",
        16: "Stack fault", 17: "Child exited", 18: "Continued", 19: "Stopped (signal)", 20: "Stopped",
        21: "Stopped (tty input)", 22: "Stopped (tty output)", 23: "Urgent I/O condition",
        24: "CPU time limit exceeded", 25: "File size limit exceeded", 26: "Virtual timer expired",
        27: "Profiling timer expired", 28: "Window changed", 29: "I/O possible", 30: "Power failure",
        31: "Bad system call",
    ]
    return names[signal] ?? "Unknown signal \(signal)"
}
