// What states of tasks and the reasons behind them mean, in words, and what to do about them.

import MesosProtocol

public enum TaskWords {
    static func name(_ source: V1TaskStatus.Source) -> String {
        switch source {
        case .master: "SOURCE_MASTER"
        case .agent: "SOURCE_AGENT"
        case .executor: "SOURCE_EXECUTOR"
        }
    }

    static func teller(_ source: String) -> String {
        switch source {
        case "SOURCE_MASTER": "the master"
        case "SOURCE_AGENT": "the agent"
        case "SOURCE_EXECUTOR": "the task's executor"
        default: source
        }
    }

    static func about(_ state: V1TaskState) -> String {
        switch state {
        case .taskStaging:
            "The master has sent it to its agent, which has not started it yet: it may be pulling an image or "
                + "fetching files."
        case .taskStarting: "Its executor is starting it."
        case .taskRunning: "It runs."
        case .taskKilling: "It was told to end and is in its grace period."
        case .taskFinished: "It ended by itself and reported success."
        case .taskFailed: "It ended and did not succeed."
        case .taskKilled: "It was ended because its framework or an operator asked for it."
        case .taskError: "Its description was refused; it never ran."
        case .taskLost:
            "It ended or never started because something around it failed. Its framework may launch it again."
        case .taskDropped: "It was never started: it did not reach its agent, or its offer was gone."
        case .taskUnreachable: "Its agent does not answer. It may still run there and come back."
        case .taskGone: "It is over for good: its agent or its container no longer exists."
        case .taskGoneByOperator: "An operator declared its agent gone."
        case .taskUnknown: "The master knows nothing of it."
        }
    }

    /// A reason's name on the wire, and what it means.
    static func about(_ reason: V1TaskStatus.Reason) -> (name: String, words: String) {
        let (name, words) = pair(reason)
        return ("REASON_" + name, words)
    }

    /// - Parameter reason: `REASON_…`
    /// - Returns: nil for what is not known.
    static func words(forReason reason: String) -> String? { byName[reason] }

    private static let byName = Dictionary(
        V1TaskStatus.Reason.allCases.map { (about($0).name, about($0).words) }
    ) { first, _ in first }

    private static func pair(_ reason: V1TaskStatus.Reason) -> (String, String) {
        switch reason {
        case .commandExecutorFailed:
            (
                "COMMAND_EXECUTOR_FAILED",
                "The command ended with a failure. Its exit status is in the message; its own words are in stderr."
            )
        case .containerLaunchFailed:
            (
                "CONTAINER_LAUNCH_FAILED",
                "The container could not be started: look for a missing image, program, volume or network in the message."
            )
        case .containerLimitation: ("CONTAINER_LIMITATION", "The container went beyond one of its limits.")
        case .containerLimitationDisk:
            (
                "CONTAINER_LIMITATION_DISK",
                "It wrote more than its disk resource allows. Ask for more disk or write less."
            )
        case .containerLimitationMemory:
            (
                "CONTAINER_LIMITATION_MEMORY",
                "It used more memory than it asked for and was killed. Ask for more memory."
            )
        case .containerPreempted: ("CONTAINER_PREEMPTED", "The container had to make room for another one.")
        case .containerUpdateFailed: ("CONTAINER_UPDATE_FAILED", "The container's limits could not be changed.")
        case .maxCompletionTimeReached:
            ("MAX_COMPLETION_TIME_REACHED", "It ran longer than its description allows.")
        case .executorRegistrationTimeout:
            (
                "EXECUTOR_REGISTRATION_TIMEOUT",
                "The executor did not register with its agent in time: it may have died at its start, or an image took "
                    + "too long to pull."
            )
        case .executorReregistrationTimeout:
            ("EXECUTOR_REREGISTRATION_TIMEOUT", "The executor did not come back to its restarted agent in time.")
        case .executorTerminated: ("EXECUTOR_TERMINATED", "The executor ended before the task was over.")
        case .executorUnregistered: ("EXECUTOR_UNREGISTERED", "The executor is not registered.")
        case .frameworkRemoved:
            (
                "FRAMEWORK_REMOVED",
                "The framework was torn down, or did not come back in time; its tasks ended with it."
            )
        case .gcError: ("GC_ERROR", "The agent could not reuse the sandbox directory.")
        case .invalidFrameworkid: ("INVALID_FRAMEWORKID", "The framework id is not valid.")
        case .invalidOffers: ("INVALID_OFFERS", "The offer was no longer valid when the framework accepted it.")
        case .ioSwitchboardExited:
            ("IO_SWITCHBOARD_EXITED", "What carries the container's output ended unexpectedly.")
        case .masterDisconnected:
            ("MASTER_DISCONNECTED", "The framework was cut off from the master while launching it.")
        case .reconciliation:
            ("RECONCILIATION", "The framework asked where the task stands; this is the answer.")
        case .resourcesUnknown:
            ("RESOURCES_UNKNOWN", "The agent does not have the resources the task is to use.")
        case .agentDisconnected: ("AGENT_DISCONNECTED", "The agent lost its connection to the master.")
        case .agentDraining:
            ("AGENT_DRAINING", "An operator is draining the agent: its tasks are moved away.")
        case .agentRemoved:
            ("AGENT_REMOVED", "The master removed the agent: it stopped answering, or it was shut down.")
        case .agentRemovedByOperator: ("AGENT_REMOVED_BY_OPERATOR", "An operator declared the agent gone.")
        case .agentReregistered:
            ("AGENT_REREGISTERED", "The agent came back after it had been unreachable.")
        case .agentRestarted:
            ("AGENT_RESTARTED", "The agent was restarted and could not find the task again.")
        case .agentUnknown: ("AGENT_UNKNOWN", "The master does not know the agent.")
        case .taskKilledDuringLaunch:
            ("TASK_KILLED_DURING_LAUNCH", "It was killed before it was launched.")
        case .taskCheckStatusUpdated:
            ("TASK_CHECK_STATUS_UPDATED", "The result of the task's check changed.")
        case .taskHealthCheckStatusUpdated:
            ("TASK_HEALTH_CHECK_STATUS_UPDATED", "The result of the task's health check changed.")
        case .taskGroupInvalid:
            ("TASK_GROUP_INVALID", "The description of its task group is not valid.")
        case .taskGroupUnauthorized:
            ("TASK_GROUP_UNAUTHORIZED", "The framework may not launch this task group.")
        case .taskInvalid:
            ("TASK_INVALID", "The task's description is not valid; the message says what is wrong.")
        case .taskUnauthorized:
            ("TASK_UNAUTHORIZED", "The framework's principal may not launch this task.")
        case .taskUnknown: ("TASK_UNKNOWN", "The agent does not know the task.")
        }
    }
}
