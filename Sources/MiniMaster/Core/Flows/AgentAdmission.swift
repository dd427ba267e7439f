// Which agents a master does not take, and what it tells them.
import MesosProtocol
import Resources
import TextTables

/// The rules an agent must meet before anything is looked up about it. None of them ends the agent's tasks: the agent is
/// told, says so in its own log, and asks again.
enum AgentAdmission {
    /// The oldest agents this master works with.
    static let versionMin = AgentVersion(major: 0, minor: 1, patch: 0)

    /// - Parameter cluster: What the registry calls this cluster; nil while it has no name.
    /// - Returns: Why the agent cannot register; nil if it can.
    static func refusal(
        of message: LinkCall.Register, cluster: String?, _ master: V1MasterInfo, _ settings: MasterSettings
    ) -> String? {
        guard message.linkVersion == Cluster.linkVersion else {
            return "This master speaks version \(Cluster.linkVersion) of the agent link, the agent version "
                + "\(message.linkVersion)"
        }
        guard let version = AgentVersion(message.version) else {
            return "The agent's version '\(message.version)' is not MAJOR.MINOR.PATCH"
        }
        guard version >= versionMin else {
            return "The agent's version \(version) is older than \(versionMin), the oldest this master works with"
        }
        if message.hasCluster, let cluster, message.cluster != cluster {
            return "The agent belongs to cluster \(message.cluster), this master to cluster \(cluster)"
        }
        return domainFault(of: message.agent, master, settings) ?? fault(in: message)
    }

    /// As in Apache Mesos: agents with a domain need a master with one, so that distances mean something.
    private static func domainFault(
        of agent: V1AgentInfo, _ master: V1MasterInfo, _ settings: MasterSettings
    ) -> String? {
        if agent.hasDomain, !master.hasDomain {
            return "The agent has a fault domain and this master has none; start the master with --domain"
        }
        if settings.requiresAgentDomain, !agent.hasDomain {
            return "The agent has no fault domain, and --require_agent_domain is set; start it with --domain"
        }
        return nil
    }

    private static func fault(in message: LinkCall.Register) -> String? {
        if message.agent.hostname.isEmpty { return "The agent has no host name" }
        if message.agent.hasID, let fault = IdentifierRules.fault(in: message.agent.id.value) {
            return "The agent's id is invalid: \(fault)"
        }
        if message.hasAdvertisedIp {
            // It goes into pids, URLs and machine ids as it is.
            guard Cluster.isIPv4(message.advertisedIp), message.advertisedIp != "0.0.0.0" else {
                return
                    "The agent's advertised address '\(DisplayWidth.line(message.advertisedIp, atMost: 60))' is no IPv4 address of a host"
            }
        }
        guard (1...65_535).contains(message.agent.port) else {
            return "The agent's port \(message.agent.port) is not between 1 and 65535"
        }
        do throws(ResourceConversionError) {
            _ = try Resources(message.agent.resources)
            _ = try Resources(message.totalResources)
            return nil
        } catch {
            return "The agent's resources are invalid: \(error)"
        }
    }
}

/// MAJOR.MINOR.PATCH, whatever may follow after a `-` or `+`.
struct AgentVersion: Comparable, CustomStringConvertible {
    let major: Int
    let minor: Int
    let patch: Int

    init(major: Int, minor: Int, patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    init?(_ text: String) {
        let numbers = text.prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, let major = Int(numbers[0]), let minor = Int(numbers[1]), let patch = Int(numbers[2]),
            major >= 0, minor >= 0, patch >= 0
        else { return nil }
        self.init(major: major, minor: minor, patch: patch)
    }

    var description: String { "\(major).\(minor).\(patch)" }

    static func < (left: AgentVersion, right: AgentVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
