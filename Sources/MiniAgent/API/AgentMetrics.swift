// What an agent counts.

import MesosProtocol

/// What has happened since the agent started.
struct AgentMetrics: Sendable {
    private(set) var ended: [V1TaskState: Int] = [:]
    private(set) var launchErrors = 0
    private(set) var validUpdates = 0
    private(set) var executorsTerminated = 0
    /// By state, source and reason: `failed`, `executor`, `command_executor_failed`.
    private(set) var causes: [[String]: Int] = [:]

    mutating func count(_ update: StatusUpdate) {
        validUpdates += 1
        guard update.isTerminal else { return }
        executorsTerminated += 1
        if let reason = update.reason {
            let state = String(update.state.name.lowercased().dropFirst("task_".count))
            causes[[state, Self.word("\(update.source)"), Self.word("\(reason)")], default: 0] += 1
        }
        ended[update.state, default: 0] += 1
        if update.reason == .containerLaunchFailed { launchErrors += 1 }
    }
}

extension AgentMetrics {
    /// `commandExecutorFailed` as metrics write it: `command_executor_failed`. A cause that this version does not know is a
    /// number.
    private static func word(_ name: String) -> String {
        let text = name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
        return text.filter { $0.isLetter || $0.isNumber || $0 == "_" }
    }
}
