// What an operator can set that changes a decision of the master's core.
import Allocator
import Resources
import Security

/// The core's share of the master's configuration. Plain values, fixed for the life of the process.
package struct MasterSettings: Sendable {
    /// How many masters must be members of the election group before the first of them leads. Nil: standalone, without
    /// ZooKeeper.
    package var quorum: Int?
    /// What the ZooKeeper session asks for; the server may grant another value, which is the one that counts.
    package var sessionTimeout: Duration = .seconds(10)

    package var agentPingInterval: Duration = .seconds(15)
    /// So many unanswered pings in a row make an agent unreachable: 5 × 15 s = 75 s, as in Apache Mesos.
    package var agentPingMissesMax = 5
    /// How long agents may take to come back after a broken link or a change of leader.
    package var agentReregisterTimeout: Duration = .seconds(600)

    /// Between two removals of silent agents. Nil: no limit.
    package var agentRemovalInterval: Duration?
    /// If more than this share of the agents vanish within one ping window, none of them is removed. 1: never.
    package var agentRemovalBrake = 0.4
    /// If more than this share of the registry's agents are missing when their time to come back is over, none of them
    /// is removed. 1: all may go, as by default in Apache Mesos.
    package var recoveryAgentRemovalLimit = 1.0
    /// Whether agents must say in which fault domain they are.
    package var requiresAgentDomain = false
    /// What tells this cluster from every other, for a registry that has no such name yet. Nil: the first leader's id.
    package var clusterID: String?

    package var heartbeatInterval: Duration = .seconds(15)
    /// Nil: offers never expire.
    package var offerTimeout: Duration?
    /// Roles a framework may name. Nil: any valid name.
    package var roles: Set<RoleName>?
    /// Used only while the registry holds none.
    package var weights: [RoleName: Weight] = [:]
    package var rootSubmissions = true
    /// What agents are assumed to serve in the URLs of offers: `https` when this master does, as in Apache Mesos.
    package var urlScheme = "http"
    /// Who may do what. Nil: everybody everything.
    package var acls: AccessControlList?
    package var allocator = AllocatorSettings()
    /// Whether everything the allocator is told and decides is written down.
    package var recordsAllocator = false
    /// Whether nothing is offered until `.whitelistRead` has said which hosts may be.
    package var waitsForWhitelist = false

    package var completedFrameworksMax = 50
    package var completedTasksPerFrameworkMax = 1000
    package var unreachableTasksPerFrameworkMax = 1000
    /// Operators that watch at a time; the oldest goes for a new one.
    package var operatorStreamsMax = 1000

    /// A registry write that takes longer ends the term.
    package var registryStoreTimeout: Duration = .seconds(20)
    package var registryFetchTimeout: Duration = .seconds(60)
    package var registryCollectionInterval: Duration = .seconds(900)
    /// Unreachable and gone agents are forgotten after so long.
    package var registryAgentAgeMax: Duration = .seconds(14 * 86_400)
    package var registryAgentCountMax = 102_400

    /// A new leader with quotas makes no offers before this share of the registry's agents is back...
    package var allocatorRecoveryFactor = 0.8
    /// ...or so much time has passed.
    package var allocatorRecoveryTimeout: Duration = .seconds(600)

    package init() {}
}
