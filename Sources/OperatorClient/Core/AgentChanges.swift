// `mini drain`, `deactivate`, `reactivate`: agents that are to get no more tasks; and how far a drain is.

import MesosProtocol
import TextTables

public enum AgentChange {
    /// - Parameter grace: The most that tasks may take to end; nil: as long as their own policies say.
    public static func drain(_ id: String, grace: Duration?, marksGone: Bool) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .drainAgent
        call.drainAgent.agentID.value = id
        if let grace { call.drainAgent.setMaxGrace(seconds: grace.components.seconds) }
        if marksGone { call.drainAgent.markGone = true }
        return call
    }

    public static func deactivate(_ id: String) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .deactivateAgent
        call.deactivateAgent.agentID.value = id
        return call
    }

    public static func reactivate(_ id: String) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .reactivateAgent
        call.reactivateAgent.agentID.value = id
        return call
    }

    public static func teardown(_ framework: String) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .teardown
        call.teardown.frameworkID.value = framework
        return call
    }
}

/// How far a drain is.
public struct DrainProgress: Hashable, Sendable {
    /// Tasks on the agent that are not over, by id.
    public var tasks: [String]
    /// Nil: the master no longer lists it.
    public var state: ClusterAgent.State?

    public init(agent id: String, agents: [ClusterAgent], tasks: [ClusterTask]) {
        self.tasks = tasks.filter { $0.agentID == id && !$0.isTerminal }.map(\.id).sorted()
        state = agents.first { $0.id == id }?.state
    }

    public var isOver: Bool { state == .drained || state == nil }

    /// `3 tasks left: a, b, c`
    public var line: String {
        guard !isOver else { return state == nil ? "gone" : "drained" }
        let shown = tasks.prefix(3).map(DisplayWidth.escaped).joined(separator: ", ")
        let more = tasks.count > 3 ? ", …" : ""
        return tasks.isEmpty
            ? "no task left; waiting for acknowledgements"
            : "\(tasks.count) \(tasks.count == 1 ? "task" : "tasks") left: \(shown)\(more)"
    }
}
