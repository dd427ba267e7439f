// What an operator decided about one agent: no more offers, or no more tasks either.
import MesosProtocol
import Resources

/// An operator's word on an agent that is not as it would be by itself. Kept in the registry for as long as the agent
/// is admitted or unreachable, so that it holds over an absence of the agent and over a change of leader.
package enum AgentStanding: Hashable, Sendable {
    /// Its resources are not offered; its tasks go on.
    case deactivated
    /// Its resources are not offered and its tasks are ended.
    case draining(Drain)
    /// As above, and nothing is left on it.
    case drained(Drain)

    /// How an agent is drained.
    package struct Drain: Hashable, Sendable {
        /// Cuts the tasks' own grace periods. Nil: each task has its own.
        package var maxGracePeriod: Duration?
        /// The agent is marked gone when nothing is left on it.
        package var marksGone: Bool
        /// When the operator asked.
        package var since: WallTime

        package init(maxGracePeriod: Duration?, marksGone: Bool, since: WallTime) {
            self.maxGracePeriod = maxGracePeriod
            self.marksGone = marksGone
            self.since = since
        }

        /// As agents and operators read it.
        package var config: V1DrainConfig {
            var config = V1DrainConfig()
            if let maxGracePeriod { config.maxGracePeriod.nanoseconds = maxGracePeriod.clampedNanoseconds }
            config.markGone = marksGone
            return config
        }
    }

    package var drain: Drain? {
        switch self {
        case .deactivated: nil
        case .draining(let drain), .drained(let drain): drain
        }
    }

    package var isDraining: Bool {
        if case .draining = self { return true }
        return false
    }

    /// As operators read it; nil unless it is, or was, drained.
    package var drainInfo: V1DrainInfo? {
        guard let drain else { return nil }
        var info = V1DrainInfo()
        info.state = isDraining ? .draining : .drained
        info.config = drain.config
        return info
    }
}
