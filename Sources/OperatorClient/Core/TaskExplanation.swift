// `mini task explain`: what became of a task, why, and what to do about it.

import MesosProtocol
import TextTables

public struct TaskExplanation: Report {
    /// One status with its words.
    public struct Step: Encodable, Hashable, Sendable {
        public var status: ClusterTask.Status
        /// What the reason means; nil if there is none, or it is not known.
        public var meaning: String?
    }

    public var task: ClusterTask
    /// What the state means.
    public var meaning: String
    public var steps: [Step]
    /// The last lines of its standard error; nil if they could not be read.
    public var stderr: [String]?
    /// Why they could not.
    public var stderrProblem: String?
    public var advice: [String]

    /// - Parameter stderr: The end of its standard error.
    public init(_ task: ClusterTask, agent: ClusterAgent?, stderr: [String]?, stderrProblem: String? = nil) {
        self.task = task
        self.stderr = stderr
        self.stderrProblem = stderrProblem
        let state = V1TaskState.allCases.first { $0.name == task.state } ?? .taskUnknown
        meaning = TaskWords.about(state)
        steps = task.statuses.map { Step(status: $0, meaning: $0.reason.flatMap(TaskWords.words(forReason:))) }
        advice = Self.advice(task, state, agent)
    }

    private static func advice(_ task: ClusterTask, _ state: V1TaskState, _ agent: ClusterAgent?) -> [String] {
        let id = task.id
        let reason = task.statuses.last?.reason ?? ""
        switch reason {
        case "REASON_CONTAINER_LIMITATION_MEMORY":
            return ["Ask for more than \(Figures.memory(task.resources.mem)) of memory, or use less."]
        case "REASON_CONTAINER_LIMITATION_DISK":
            return ["Ask for more than \(Figures.memory(task.resources.disk)) of disk, or write less."]
        case "REASON_CONTAINER_LAUNCH_FAILED":
            return [
                "Read the message above; then look at the agent: `mini doctor` on \(task.agent) checks its engine and folders."
            ]
        case "REASON_INVALID_OFFERS", "REASON_AGENT_REMOVED", "REASON_AGENT_RESTARTED", "REASON_AGENT_DISCONNECTED":
            return ["Nothing: its framework may launch it again. `mini agents` shows how the agents are."]
        case "REASON_TASK_INVALID", "REASON_TASK_UNAUTHORIZED", "REASON_TASK_GROUP_INVALID",
            "REASON_TASK_GROUP_UNAUTHORIZED":
            return ["Change what its framework asks for, as the message says."]
        default: break
        }
        switch state {
        case .taskStaging:
            return [
                "Wait, or look at the agent's log on \(task.agent) if this lasts longer than an image takes to pull."
            ]
        case .taskStarting, .taskRunning, .taskKilling:
            return [
                "`mini task logs -f \(id)` follows its output.",
                "`mini task exec \(id) -- sh` goes into its container.",
            ]
        case .taskUnreachable:
            let how = agent.map { " (it is \($0.state.rawValue))" } ?? ""
            return [
                "See to the agent \(task.agent)\(how): is the host up, does the agent run, does it reach the masters?",
                "If the host will not come back, its framework is told after the agent was removed.",
            ]
        case .taskFailed:
            return ["`mini task logs \(id)` and `mini task logs --stderr \(id)` show all it printed."]
        case .taskFinished, .taskKilled: return []
        case .taskError, .taskDropped, .taskLost, .taskGone, .taskGoneByOperator, .taskUnknown:
            return ["Read the message; its framework decides whether to launch it again."]
        }
    }

    public func text(_ sheet: Sheet) -> String {
        let safe = DisplayWidth.escaped
        let name = task.name == task.id ? "" : " (\(safe(task.name)))"
        let since = task.since.map { ", for \(Figures.span(sheet.now - $0))" } ?? ""
        var lines = [
            "task \(safe(task.id))\(name)",
            "  of framework \(safe(task.framework)) (\(task.frameworkID)) in role \(safe(task.role))",
            "  on agent \(safe(task.agent)) (\(task.agentID))",
            "  asked for \(task.resources.words)\(task.ports.isEmpty ? "" : ", ports \(task.ports)")",
            "  \(task.state)\(task.isTerminal ? since.replacing(", for ", with: ", ") + (since.isEmpty ? "" : " ago") : since): \(meaning)",
        ]
        lines += ["", "what was reported"]
        for step in steps {
            let status = step.status
            let time = status.time.map(Figures.time) ?? "-"
            let teller = status.source.map { " by \(TaskWords.teller($0))" } ?? ""
            let health = status.healthy.map { $0 ? ", healthy" : ", not healthy" } ?? ""
            lines.append("  \(time)  \(status.state)\(teller)\(health)")
            if let message = status.message { lines.append("    \(safe(message))") }
            if let reason = status.reason { lines.append("    \(reason)\(step.meaning.map { ": \($0)" } ?? "")") }
        }
        if steps.isEmpty { lines.append("  nothing yet") }
        if let stderr {
            lines += ["", stderr.isEmpty ? "nothing on standard error" : "the end of standard error"]
            lines += stderr.map { "  \(safe($0))" }
        } else if let stderrProblem {
            lines += ["", "standard error cannot be read: \(safe(stderrProblem))"]
        }
        if !advice.isEmpty { lines += ["", "what to do"] + advice.map { "  \(safe($0))" } }
        return lines.joined(separator: "\n")
    }
}
