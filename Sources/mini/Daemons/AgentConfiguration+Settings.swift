// From the settings of `mini agent` to the agent's configuration.

import Foundation
import MasterDetection
import MesosProtocol
import MiniAgent
import Settings

extension AgentConfiguration {
    /// - Parameter ip: The address to listen on; `nil`: all.
    /// - Throws: ``SettingsProblem`` if a text that is more than a number, a duration or the like makes no sense.
    init(_ settings: ResolvedSettings, ip: String?) throws(SettingsProblem) {
        let location: MasterLocation
        do throws(MasterLocationError) { location = try MasterLocation.parse(settings.text("master") ?? "") } catch {
            throw settings.problem("master", "\(error)")
        }
        self.init(master: location, workDirectory: settings.text("work_dir") ?? "")
        zkSessionTimeout = settings.duration("zk_session_timeout") ?? zkSessionTimeout
        registrationBackoffFactor = settings.duration("registration_backoff_factor") ?? registrationBackoffFactor
        self.ip = ip
        port = settings.integer("port") ?? port
        advertiseIP = settings.text("advertise_ip")
        advertisePort = settings.integer("advertise_port")
        hostname = settings.text("hostname")
        hostnameLookup = settings.boolean("hostname_lookup")
        resources = settings.text("resources")
        nvidiaDevices = settings.list("nvidia_gpu_devices").flatMap { $0.isEmpty ? nil : $0 }
        defaultRole = settings.text("default_role") ?? defaultRole
        attributes = settings.text("attributes")
        domain = try FaultFlags.domain(settings)
        if settings.settings["runtime_dir"]?.origin != .builtIn { runtimeDirectory = settings.text("runtime_dir") }
        try readTasks(settings)
        readDocker(settings)
        readFiles(settings)
        if let text = settings.text("recover"), let value = Recovery(rawValue: text) { recover = value }
        if let text = settings.text("reconfiguration_policy"), let value = ReconfigurationPolicy(rawValue: text) {
            reconfigurationPolicy = value
        }
        strict = settings.boolean("strict")
        security = try AgentSecurity(settings)
        reportedFlags = settings.reported
    }

    private mutating func readTasks(_ settings: ResolvedSettings) throws(SettingsProblem) {
        var names: [ContainerizerName] = []
        for text in settings.list("containerizers") ?? [] {
            // The containerizer of plain processes is called mesos there.
            guard let name = ContainerizerName(rawValue: text == "mesos" ? "process" : text) else {
                throw settings.problem(
                    "containerizers", "expected docker and process (or mesos), separated by commas")
            }
            if !names.contains(name) { names.append(name) }
        }
        containerizers = names
        switchUser = settings.boolean("switch_user")
        executorShutdownGracePeriod = settings.duration("executor_shutdown_grace_period") ?? executorShutdownGracePeriod
        executorRegistrationTimeout = settings.duration("executor_registration_timeout") ?? executorRegistrationTimeout
        executorReregistrationTimeout =
            settings.duration("executor_reregistration_timeout") ?? executorReregistrationTimeout
        recoveryTimeout = settings.duration("recovery_timeout") ?? recoveryTimeout
        httpHeartbeatInterval = settings.duration("http_heartbeat_interval") ?? httpHeartbeatInterval
        maxCompletedExecutorsPerFramework =
            settings.integer("max_completed_executors_per_framework") ?? maxCompletedExecutorsPerFramework
        usageSampleInterval = settings.duration("usage_sample_interval") ?? usageSampleInterval
        supervisorPath = settings.text("supervisor")
        isolation = settings.list("isolation") ?? isolation
        launcher = settings.text("launcher") ?? launcher
        cgroupsHierarchy = settings.text("cgroups_hierarchy") ?? cgroupsHierarchy
        cgroupsRoot = settings.text("cgroups_root") ?? cgroupsRoot
        cgroupsLimitSwap = settings.boolean("cgroups_limit_swap")
        systemdSupport = settings.boolean("systemd_enable_support")
        systemdRuntimeDirectory = settings.text("systemd_runtime_directory") ?? systemdRuntimeDirectory
        if let text = settings.text("default_container_info") {
            do throws(DefaultContainerError) {
                defaultContainer = try V1ContainerInfo(defaultContainer: text)
            } catch { throw settings.problem("default_container_info", "\(error)") }
        }
        cgroupsPidsMax = settings.integer("cgroups_pids_max").flatMap { $0 > 0 ? $0 : nil }
        if let text = settings.text("executor_environment_variables") {
            guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String] else {
                throw settings.problem("executor_environment_variables", "expected a JSON object of strings")
            }
            executorEnvironmentVariables = object
        }
    }

    /// What tasks fetch, write and leave behind.
    private mutating func readFiles(_ settings: ResolvedSettings) {
        fetcherPath = settings.text("fetcher")
        frameworksHome = settings.text("frameworks_home")
        fetcherCacheBytesMax = settings.bytes("fetcher_cache_size").map { Int(clamping: $0) } ?? fetcherCacheBytesMax
        fetcherCacheDirectory = settings.text("fetcher_cache_dir")
        fetcherStallTimeout = settings.duration("fetcher_stall_timeout") ?? fetcherStallTimeout
        if let logger = settings.text("container_logger"), logger.lowercased().contains("logrotate") {
            outputBytesMax = (
                settings.bytes("max_stdout_size").map { Int(clamping: $0) },
                settings.bytes("max_stderr_size").map { Int(clamping: $0) }
            )
            outputPiecesKept = settings.integer("logrotate_files") ?? outputPiecesKept
        }
        gcDelay = settings.duration("gc_delay") ?? gcDelay
        gcDiskHeadroom = settings.number("gc_disk_headroom") ?? gcDiskHeadroom
        diskWatchInterval = settings.duration("disk_watch_interval") ?? diskWatchInterval
        logFile = settings.text("external_log_file") ?? settings.text("log_dir").map { "\($0)/mini-agent.log" }
    }

    private mutating func readDocker(_ settings: ResolvedSettings) {
        dockerSocket = settings.text("docker_socket") ?? dockerSocket
        dockerRegistry = settings.text("docker_registry")
        dockerConfig = settings.text("docker_config")
        dockerParameters = settings.list("docker_parameters")
        dockerPullTimeout = settings.duration("docker_pull_timeout") ?? dockerPullTimeout
        dockerCallTimeout = settings.duration("docker_call_timeout") ?? dockerCallTimeout
        dockerHealthInterval = settings.duration("docker_health_interval") ?? dockerHealthInterval
        defaultContainerDNS = settings.text("default_container_dns")
        dockerRemoveDelay = settings.duration("docker_remove_delay") ?? dockerRemoveDelay
        dockerStopTimeout = settings.duration("docker_stop_timeout")
        dockerKillOrphans = settings.boolean("docker_kill_orphans")
        sandboxDirectory = settings.text("sandbox_directory") ?? sandboxDirectory
        cgroupsEnableCFS = settings.boolean("cgroups_enable_cfs")
    }
}
