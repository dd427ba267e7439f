// What the agent's core needs to know of its configuration.

import MesosProtocol
import Resources

/// Settings that decisions depend on. Everything else stays in the shell.
package struct AgentSettings: Hashable, Sendable {
    /// Capacity of this host as offered.
    package var resources: Resources
    /// Tried in this order for a task that names none.
    package var containerizers: [ContainerizerKind]
    /// Registration attempts start at a random moment within this time, doubled with every failure.
    package var registrationBackoffFactor: Duration
    /// Upper bound of the doubled time.
    package var registrationBackoffMax: Duration
    /// How long a master may take to answer a registration.
    package var registrationTimeout: Duration
    /// Grace before SIGKILL when neither the kill nor the task says otherwise.
    package var killGraceProcess: Duration
    package var killGraceDocker: Duration
    /// How long after the grace period a container may live on before the kill is repeated.
    package var killRepeatAfter: Duration
    /// End recovered tasks instead of keeping them, then stop.
    package var cleansUp: Bool
    /// How long an executor may take to subscribe, from the start of its launch.
    package var executorRegistrationTimeout: Duration = .seconds(60)
    /// How long an executor may take to come back to an agent that has restarted.
    package var executorReregistrationTimeout: Duration = .seconds(15)
    /// How long an executor may take to end once it is told to.
    package var executorShutdownGracePeriod: Duration = .seconds(5)
    /// Executors of one framework that ended, kept in memory for operators to read. A command task counts as one.
    package var completedExecutorsMax: Int = 150
    /// Tasks of all frameworks that ended, kept in memory for operators to read; more if one framework may have more.
    package var completedTasksMax: Int
    /// What a task or executor runs in that brings no container of its own.
    package var defaultContainer: V1ContainerInfo?

    package init(
        resources: Resources, containerizers: [ContainerizerKind],
        registrationBackoffFactor: Duration = .seconds(1), registrationBackoffMax: Duration = .seconds(60),
        registrationTimeout: Duration = .seconds(15), killGraceProcess: Duration = .seconds(3),
        killGraceDocker: Duration = .seconds(5), killRepeatAfter: Duration = .seconds(5), cleansUp: Bool = false,
        completedTasksMax: Int = 200
    ) {
        self.resources = resources
        self.containerizers = containerizers
        self.registrationBackoffFactor = registrationBackoffFactor
        self.registrationBackoffMax = registrationBackoffMax
        self.registrationTimeout = registrationTimeout
        self.killGraceProcess = killGraceProcess
        self.killGraceDocker = killGraceDocker
        self.killRepeatAfter = killRepeatAfter
        self.cleansUp = cleansUp
        self.completedTasksMax = completedTasksMax
    }
}
