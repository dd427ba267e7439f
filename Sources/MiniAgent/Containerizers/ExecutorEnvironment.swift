// What an executor is told by its environment, under the names that the public executor libraries read.

import MesosProtocol
import Resources

/// One environment variable.
package struct ExecutorVariable: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The part that is the same for all executors of an agent.
package struct ExecutorEnvironment: Sendable {
    /// `ip:port` under which executors reach the agent.
    package var endpoint: String
    /// For how long an executor waits for a lost agent.
    package var recoveryTimeout: Duration
    /// Within what time an executor comes back to an agent that is there again.
    package var subscriptionBackoffMax: Duration
    package var shutdownGracePeriod: Duration
    /// Set if the agent was bound to one address.
    package var ip: String?
    /// Makes the token that an executor proves itself with; nil: it needs none.
    package var tokens: ExecutorTokens?

    package init(
        endpoint: String, recoveryTimeout: Duration = .seconds(900), subscriptionBackoffMax: Duration = .seconds(2),
        shutdownGracePeriod: Duration = .seconds(5), ip: String? = nil, tokens: ExecutorTokens? = nil
    ) {
        self.tokens = tokens
        self.endpoint = endpoint
        self.recoveryTimeout = recoveryTimeout
        self.subscriptionBackoffMax = subscriptionBackoffMax
        self.shutdownGracePeriod = shutdownGracePeriod
        self.ip = ip
    }

    /// - Parameter sandbox: On this host. Containers see it elsewhere, and are told so by their containerizer.
    package func variables(
        of executor: V1ExecutorInfo, framework: V1FrameworkInfo, agent: AgentID, container: ContainerID,
        sandbox: String
    ) -> [ExecutorVariable] {
        let grace =
            executor.hasShutdownGracePeriod
            ? Duration.nanoseconds(executor.shutdownGracePeriod.nanoseconds) : shutdownGracePeriod
        var variables = [
            ExecutorVariable("MESOS_FRAMEWORK_ID", framework.id.value),
            ExecutorVariable("MESOS_EXECUTOR_ID", executor.executorID.value),
            ExecutorVariable("MESOS_AGENT_ENDPOINT", endpoint),
            ExecutorVariable("MESOS_SLAVE_ID", agent.value),
            ExecutorVariable("MESOS_SLAVE_PID", "slave(1)@\(endpoint)"),
            ExecutorVariable("MESOS_DIRECTORY", sandbox),
            ExecutorVariable("MESOS_CHECKPOINT", framework.checkpoint ? "1" : "0"),
            ExecutorVariable("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", DurationText.mesos(grace)),
            ExecutorVariable("MESOS_HTTP_COMMAND_EXECUTOR", "0"),
            ExecutorVariable("LIBPROCESS_PORT", "0"),
        ]
        if framework.checkpoint {
            variables += [
                ExecutorVariable("MESOS_RECOVERY_TIMEOUT", DurationText.mesos(recoveryTimeout)),
                ExecutorVariable("MESOS_SUBSCRIPTION_BACKOFF_MAX", DurationText.mesos(subscriptionBackoffMax)),
            ]
        }
        if let ip { variables.append(ExecutorVariable("LIBPROCESS_IP", ip)) }
        if let tokens {
            let key = ExecutorKey(
                framework: FrameworkID(framework.id.value), executor: ExecutorID(executor.executorID.value))
            let token = tokens.token(for: ExecutorTokens.Claims(key, container))
            variables.append(ExecutorVariable("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", token))
        }
        return variables
    }
}

/// Durations as Mesos and its clients write them: a number and the largest unit that leaves none of it over.
package enum DurationText {
    private static let units: [(nanoseconds: Int64, name: String)] = [
        (7 * 86400 * 1_000_000_000, "weeks"), (86400 * 1_000_000_000, "days"), (3600 * 1_000_000_000, "hrs"),
        (60 * 1_000_000_000, "mins"), (1_000_000_000, "secs"), (1_000_000, "ms"), (1000, "us"),
    ]

    package static func mesos(_ duration: Duration) -> String {
        let nanoseconds = duration.clampedNanoseconds
        guard nanoseconds != 0, let unit = units.first(where: { nanoseconds % $0.nanoseconds == 0 }) else {
            return nanoseconds == 0 ? "0ns" : "\(nanoseconds)ns"
        }
        return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
}
