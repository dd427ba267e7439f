// What an operator sets: the typed form of the master's flags.
import Alerts
import Allocator
import MesosProtocol
import Resources
import ZooKeeper

/// Configuration of one master. Every value has the default of Apache Mesos where that has one.
public struct MasterConfiguration: Sendable {
    /// The election directory. Nil: this master stands alone and leads at once.
    public var zk: ZooKeeperURL?
    /// How many masters must be members before one leads. Required with `zk`.
    public var quorum: Int?
    /// Holds the registry of a standalone master. Created if missing.
    public var workDir: String
    /// Address to listen on.
    public var ip = "0.0.0.0"
    /// 0: any free port; the one taken is what others are told.
    public var port = 5050
    /// What others are told instead of `ip` and `port`.
    public var advertiseIP: String?
    public var advertisePort: Int?
    /// The name others are told. Nil: looked up from the address, or the address itself.
    public var hostname: String?
    public var hostnameLookup = true
    /// Shown to operators.
    public var cluster: String?
    public var logDirectory: String?
    /// A file that something else writes the log to; shown instead of the one in `logDirectory`.
    public var externalLogFile: String?
    /// Folder of a web page to serve instead of the built-in one.
    public var webUIDirectory: String?
    public var zkSessionTimeout: Duration = .seconds(10)
    public var agentPingTimeout: Duration = .seconds(15)
    public var maxAgentPingTimeouts = 5
    public var agentReregisterTimeout: Duration = .seconds(600)
    /// Between two removals of silent agents. Nil: no limit.
    public var agentRemovalInterval: Duration?
    /// If more than this share of the agents, and at least three, fall silent within one ping window, none is removed.
    /// 1: never.
    public var agentRemovalBrake = 0.4
    /// If more than this share of the registry's agents have not come back to a new leader in time, none is removed.
    public var recoveryAgentRemovalLimit = 1.0
    /// Where this master stands; must be in the same region as the other masters.
    public var domain: V1DomainInfo?
    public var requireAgentDomain = false
    /// What tells this cluster from every other, for a registry that has no such name yet. Nil: made up.
    public var clusterID: String?
    /// Whether to stand for election beside masters of another product.
    public var allowForeignMasters = false
    public var allocationInterval: Duration = .seconds(1)
    /// Nil: offers never expire.
    public var offerTimeout: Duration? = .seconds(300)
    /// Among how many frameworks one agent is divided in one round.
    public var offerSplit = 1
    /// Where to write what the allocator is told and decides. Nil: nowhere.
    public var allocatorRecordPath: String?
    /// Used until the registry holds weights of its own.
    public var weights: [RoleName: Weight] = [:]
    /// The roles frameworks may use. Nil: any.
    public var roles: Set<RoleName>?
    public var registryFetchTimeout: Duration = .seconds(60)
    public var registryStoreTimeout: Duration = .seconds(20)
    public var registryGCInterval: Duration = .seconds(900)
    public var registryMaxAgentAge: Duration = .seconds(14 * 86_400)
    public var registryMaxAgentCount = 102_400
    /// Any one of these is enough to make an offer.
    public var minAllocatableResources = AllocatorSettings.minAllocatableDefault
    public var maxCompletedFrameworks = 50
    public var maxCompletedTasksPerFramework = 1000
    public var maxUnreachableTasksPerFramework = 1000
    /// Whether each framework has metrics of its own.
    public var publishPerFrameworkMetrics = true
    /// Operators that may watch at a time.
    public var maxOperatorEventStreamSubscribers = 1000
    /// With more links than these, agents make a request of each call: one that lasts holds 20 KB more.
    package var callStreamsMax = 1000
    public var rootSubmissions = true
    public var filterGPUResources = true
    /// How roles, and the frameworks of a role, take turns.
    public var roleSorter = Sorter.drf
    public var frameworkSorter = Sorter.drf
    /// A new leader with quotas makes no offers before this share of the agents it should have is back, or so much time
    /// has passed.
    public var allocatorAgentRecoveryFactor = 0.8
    public var allocatorRecoveryTimeout: Duration = .seconds(600)
    /// Resources that do not count towards a role's share.
    public var fairSharingExcludedResourceNames: Set<String> = []
    /// File of the names of the only hosts whose resources are offered. Nil: all are.
    public var whitelistPath: String?
    /// What was given for flags that are not among these values, for `/flags`. No secrets.
    public var reportedFlags: [String: String] = [:]
    /// What operators are told of by themselves. Nil: nobody is.
    public var alerts: AlertsConfiguration?
    /// Who must prove who they are, who may do what, and TLS.
    public var security = MasterSecurity()

    public init(workDir: String) { self.workDir = workDir }

    /// The core's share.
    var settings: MasterSettings {
        var settings = MasterSettings()
        settings.quorum = zk == nil ? nil : max(1, quorum ?? 1)
        settings.sessionTimeout = zkSessionTimeout
        settings.agentPingInterval = agentPingTimeout
        settings.agentPingMissesMax = maxAgentPingTimeouts
        settings.agentReregisterTimeout = agentReregisterTimeout
        settings.agentRemovalInterval = agentRemovalInterval
        settings.agentRemovalBrake = agentRemovalBrake
        settings.recoveryAgentRemovalLimit = recoveryAgentRemovalLimit
        settings.requiresAgentDomain = requireAgentDomain
        settings.clusterID = clusterID
        settings.offerTimeout = offerTimeout
        settings.roles = roles
        settings.weights = weights
        settings.rootSubmissions = rootSubmissions
        settings.acls = security.acls
        if security.tls != nil { settings.urlScheme = "https" }
        settings.waitsForWhitelist = whitelistPath != nil
        settings.allocator = AllocatorSettings(
            minAllocatable: minAllocatableResources, allocationInterval: allocationInterval,
            filtersGPUs: filterGPUResources, fairSharingExcluded: fairSharingExcludedResourceNames,
            region: domain.flatMap { $0.hasFaultDomain ? $0.faultDomain.region.name : nil }, roleSorter: roleSorter,
            frameworkSorter: frameworkSorter, offerSplit: offerSplit)
        settings.recordsAllocator = allocatorRecordPath != nil
        settings.allocatorRecoveryFactor = allocatorAgentRecoveryFactor
        settings.allocatorRecoveryTimeout = allocatorRecoveryTimeout
        settings.completedFrameworksMax = maxCompletedFrameworks
        settings.completedTasksPerFrameworkMax = maxCompletedTasksPerFramework
        settings.unreachableTasksPerFrameworkMax = maxUnreachableTasksPerFramework
        settings.operatorStreamsMax = maxOperatorEventStreamSubscribers
        settings.registryStoreTimeout = registryStoreTimeout
        settings.registryFetchTimeout = registryFetchTimeout
        settings.registryCollectionInterval = registryGCInterval
        settings.registryAgentAgeMax = registryMaxAgentAge
        settings.registryAgentCountMax = registryMaxAgentCount
        return settings
    }

    /// The file the log can be read from, if there is one.
    var logFile: String? { externalLogFile ?? logDirectory.map { "\($0)/mini-master.log" } }

    /// Every flag and its value as `/flags` and `/state` show them, sorted by name. No password is among them.
    var flags: [(name: String, value: String)] {
        var flags: [String: String] = [
            "agent_ping_timeout": Self.text(agentPingTimeout),
            "agent_reregister_timeout": Self.text(agentReregisterTimeout),
            "agent_removal_brake": Self.percent(agentRemovalBrake),
            "allocation_interval": Self.text(allocationInterval),
            "allocator": "hierarchical",
            "allocator_agent_recovery_factor": "\(allocatorAgentRecoveryFactor)",
            "allocator_recovery_timeout": Self.text(allocatorRecoveryTimeout),
            "filter_gpu_resources": "\(filterGPUResources)",
            "framework_sorter": frameworkSorter.rawValue,
            "hostname_lookup": "\(hostnameLookup)",
            "ip": ip,
            "logging_level": "INFO",
            "max_agent_ping_timeouts": "\(maxAgentPingTimeouts)",
            "max_completed_frameworks": "\(maxCompletedFrameworks)",
            "max_completed_tasks_per_framework": "\(maxCompletedTasksPerFramework)",
            "max_operator_event_stream_subscribers": "\(maxOperatorEventStreamSubscribers)",
            "max_unreachable_tasks_per_framework": "\(maxUnreachableTasksPerFramework)",
            "min_allocatable_resources": minAllocatableResources.map(\.description).joined(separator: "|"),
            "port": "\(port)",
            "recovery_agent_removal_limit": Self.percent(recoveryAgentRemovalLimit),
            "publish_per_framework_metrics": "\(publishPerFrameworkMetrics)",
            "registry": zk == nil ? "file" : "zookeeper",
            "registry_fetch_timeout": Self.text(registryFetchTimeout),
            "registry_gc_interval": Self.text(registryGCInterval),
            "registry_max_agent_age": Self.text(registryMaxAgentAge),
            "registry_max_agent_count": "\(registryMaxAgentCount)",
            "registry_store_timeout": Self.text(registryStoreTimeout),
            "require_agent_domain": "\(requireAgentDomain)",
            "role_sorter": roleSorter.rawValue,
            "root_submissions": "\(rootSubmissions)",
            "work_dir": workDir,
            "zk_session_timeout": Self.text(zkSessionTimeout),
        ]
        flags.merge(security.flags) { _, new in new }
        if let zk { flags["zk"] = zk.description }
        if let quorum { flags["quorum"] = "\(quorum)" }
        if let advertiseIP { flags["advertise_ip"] = advertiseIP }
        if let advertisePort { flags["advertise_port"] = "\(advertisePort)" }
        if let hostname { flags["hostname"] = hostname }
        if let cluster { flags["cluster"] = cluster }
        if let clusterID { flags["cluster_id"] = clusterID }
        if let domain { flags["domain"] = String(decoding: MesosJSON.encode(domain), as: UTF8.self) }
        if let agentRemovalInterval { flags["agent_removal_rate_limit"] = "1/\(Self.text(agentRemovalInterval))" }
        if let logDirectory { flags["log_dir"] = logDirectory }
        if let webUIDirectory { flags["webui_dir"] = webUIDirectory }
        if let externalLogFile { flags["external_log_file"] = externalLogFile }
        if let allocatorRecordPath { flags["allocator_record"] = allocatorRecordPath }
        if let whitelistPath { flags["whitelist"] = whitelistPath }
        flags["offer_timeout"] = Self.text(offerTimeout ?? .zero)
        flags["offer_split"] = "\(offerSplit)"
        if let roles { flags["roles"] = roles.sorted().map(\.value).joined(separator: ",") }
        if !weights.isEmpty {
            flags["weights"] = weights.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: ",")
        }
        flags.merge(reportedFlags) { known, _ in known }
        return flags.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// A share as Mesos writes it.
    private static func percent(_ share: Double) -> String {
        let text = share * 100 == (share * 100).rounded() ? "\(Int(share * 100))" : "\(share * 100)"
        return text + "%"
    }

    /// A duration as Mesos writes it: the largest unit that divides it.
    static func text(_ duration: Duration) -> String {
        let nanoseconds = duration.clampedNanoseconds
        let units: [(Int64, String)] = [
            (604_800_000_000_000, "weeks"), (86_400_000_000_000, "days"), (3_600_000_000_000, "hrs"),
            (60_000_000_000, "mins"), (1_000_000_000, "secs"), (1_000_000, "ms"), (1_000, "us"),
        ]
        for (size, name) in units where nanoseconds >= size && nanoseconds % size == 0 {
            return "\(nanoseconds / size)\(name)"
        }
        return "\(nanoseconds)ns"
    }
}

/// Why a master could not start. The description is one line an operator can act on.
public enum MasterStartError: Error, Hashable, Sendable, CustomStringConvertible {
    case quorumMissing
    case quorumOutOfRange(Int)
    case workDirectoryUnusable(path: String, reason: String)
    case webDirectoryUnusable(path: String)
    case addressUnknown(String)
    case cannotListen(String)
    /// - Parameter flag: What needs them, without dashes.
    case credentialsMissing(flag: String)

    public var description: String {
        switch self {
        case .quorumMissing: "--quorum is required when --zk is given"
        case .quorumOutOfRange(let quorum): "--quorum must be at least 1, not \(quorum)"
        case .workDirectoryUnusable(let path, let reason): "--work_dir '\(path)' cannot be used: \(reason)"
        case .webDirectoryUnusable(let path): "--webui_dir '\(path)' holds no readable index.html"
        case .addressUnknown(let reason): "no address to tell others: \(reason); give --ip or --advertise_ip"
        case .cannotListen(let reason): reason
        case .credentialsMissing(let flag): "--\(flag) needs --credentials: nobody could prove who they are"
        }
    }
}
