// From the settings of `mini master` to the master's configuration.

import Alerts
import Allocator
import MiniMaster
import Resources
import Settings
import ZooKeeper

extension MasterConfiguration {
    /// - Parameter ip: The address to listen on; `nil`: all.
    /// - Throws: ``SettingsProblem`` if a text that is more than a number, a duration or the like makes no sense.
    init(_ settings: ResolvedSettings, ip: String?) throws(SettingsProblem) {
        self.init(workDir: settings.text("work_dir") ?? "")
        try readElection(settings)
        readNetwork(settings, ip: ip)
        try readAgents(settings)
        try readOffers(settings)
        cluster = settings.text("cluster")
        logDirectory = settings.text("log_dir")
        rootSubmissions = settings.boolean("root_submissions")
        maxCompletedFrameworks = settings.integer("max_completed_frameworks") ?? maxCompletedFrameworks
        maxCompletedTasksPerFramework =
            settings.integer("max_completed_tasks_per_framework") ?? maxCompletedTasksPerFramework
        maxUnreachableTasksPerFramework =
            settings.integer("max_unreachable_tasks_per_framework") ?? maxUnreachableTasksPerFramework
        maxOperatorEventStreamSubscribers =
            settings.integer("max_operator_event_stream_subscribers") ?? maxOperatorEventStreamSubscribers
        publishPerFrameworkMetrics = settings.boolean("publish_per_framework_metrics")
        externalLogFile = settings.text("external_log_file")
        webUIDirectory = settings.text("webui_dir")
        if let path = settings.text("alerts_config") {
            do throws(AlertsConfigurationError) { alerts = try AlertsConfiguration.load(path) } catch {
                throw settings.problem("alerts_config", error.problems.joined(separator: "; "))
            }
        }
        security = try MasterSecurity(settings)
        reportedFlags = settings.reported
    }

    private mutating func readElection(_ settings: ResolvedSettings) throws(SettingsProblem) {
        if let text = settings.text("zk") {
            do throws(ZooKeeperURLError) { zk = try ZooKeeperURL.parse(text) } catch {
                throw settings.problem("zk", "\(error)")
            }
        }
        quorum = settings.integer("quorum")
        zkSessionTimeout = settings.duration("zk_session_timeout") ?? zkSessionTimeout
        registryFetchTimeout = settings.duration("registry_fetch_timeout") ?? registryFetchTimeout
        registryStoreTimeout = settings.duration("registry_store_timeout") ?? registryStoreTimeout
        registryGCInterval = settings.duration("registry_gc_interval") ?? registryGCInterval
        registryMaxAgentAge = settings.duration("registry_max_agent_age") ?? registryMaxAgentAge
        registryMaxAgentCount = settings.integer("registry_max_agent_count") ?? registryMaxAgentCount
        clusterID = settings.text("cluster_id")
        allowForeignMasters = settings.boolean("allow_foreign_masters")
    }

    private mutating func readNetwork(_ settings: ResolvedSettings, ip: String?) {
        self.ip = ip ?? self.ip
        port = settings.integer("port") ?? port
        advertiseIP = settings.text("advertise_ip")
        advertisePort = settings.integer("advertise_port")
        hostname = settings.text("hostname")
        hostnameLookup = settings.boolean("hostname_lookup")
    }

    private mutating func readAgents(_ settings: ResolvedSettings) throws(SettingsProblem) {
        if let path = settings.text("whitelist"), path != "*" { whitelistPath = path }
        agentPingTimeout = settings.duration("agent_ping_timeout") ?? agentPingTimeout
        maxAgentPingTimeouts = settings.integer("max_agent_ping_timeouts") ?? maxAgentPingTimeouts
        agentReregisterTimeout = settings.duration("agent_reregister_timeout") ?? agentReregisterTimeout
        agentRemovalInterval = try FaultFlags.interval(settings, "agent_removal_rate_limit")
        agentRemovalBrake = try FaultFlags.share(settings, "agent_removal_brake") ?? agentRemovalBrake
        recoveryAgentRemovalLimit =
            try FaultFlags.share(settings, "recovery_agent_removal_limit") ?? recoveryAgentRemovalLimit
        domain = try FaultFlags.domain(settings)
        requireAgentDomain = settings.boolean("require_agent_domain")
    }

    private mutating func readOffers(_ settings: ResolvedSettings) throws(SettingsProblem) {
        allocationInterval = settings.duration("allocation_interval") ?? allocationInterval
        offerTimeout = settings.duration("offer_timeout").flatMap { $0 > .zero ? $0 : nil }
        allocatorRecordPath = settings.text("allocator_record")
        offerSplit = settings.integer("offer_split") ?? offerSplit
        roleSorter = settings.text("role_sorter").flatMap(Sorter.init) ?? roleSorter
        frameworkSorter = settings.text("framework_sorter").flatMap(Sorter.init) ?? frameworkSorter
        allocatorAgentRecoveryFactor =
            settings.number("allocator_agent_recovery_factor") ?? allocatorAgentRecoveryFactor
        allocatorRecoveryTimeout = settings.duration("allocator_recovery_timeout") ?? allocatorRecoveryTimeout
        filterGPUResources = settings.boolean("filter_gpu_resources")
        fairSharingExcludedResourceNames = Set(settings.list("fair_sharing_excluded_resource_names") ?? [])
        if let text = settings.text("min_allocatable_resources") {
            do throws(ResourceParseError) {
                minAllocatableResources = try AllocatorSettings.parseMinAllocatable(text)
            } catch {
                throw settings.problem("min_allocatable_resources", "\(error)")
            }
        }
        if let names = settings.list("roles") {
            var roles: Set<RoleName> = []
            for name in names { roles.insert(try Self.role(name, settings, "roles")) }
            self.roles = roles
        }
        for pair in settings.list("weights") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]), let weight = Weight(value) else {
                throw settings.problem("weights", "expected role=weight with a weight above 0 in each item")
            }
            weights[try Self.role(String(parts[0]), settings, "weights")] = weight
        }
    }

    private static func role(
        _ text: String, _ settings: ResolvedSettings, _ flag: String
    ) throws(SettingsProblem) -> RoleName {
        do throws(RoleNameError) { return try RoleName(text) } catch { throw settings.problem(flag, "\(error)") }
    }
}
