// The configuration in the form in which operators gave it: flag names and texts.

import MesosProtocol

enum AgentFlags {
    /// As in `/flags`; secrets do not occur among them (a password in a `zk://` URL is not printed).
    static func json(_ configuration: AgentConfiguration) -> JSONValue {
        var flags: [(String, String?)] = [
            ("attributes", configuration.attributes),
            ("advertise_ip", configuration.advertiseIP),
            ("advertise_port", configuration.advertisePort.map(String.init)),
            ("cgroups_enable_cfs", String(configuration.cgroupsEnableCFS)),
            ("containerizers", configuration.containerizers.map(\.rawValue).joined(separator: ",")),
            ("default_role", configuration.defaultRole),
            ("docker_kill_orphans", String(configuration.dockerKillOrphans)),
            ("docker_remove_delay", text(configuration.dockerRemoveDelay)),
            ("docker_socket", configuration.dockerSocket),
            ("docker_stop_timeout", configuration.dockerStopTimeout.map(text)),
            ("executor_shutdown_grace_period", text(configuration.executorShutdownGracePeriod)),
            ("hostname", configuration.hostname),
            ("hostname_lookup", String(configuration.hostnameLookup)),
            ("ip", configuration.ip),
            ("master", "\(configuration.master)"),
            ("port", String(configuration.port)),
            ("reconfiguration_policy", configuration.reconfigurationPolicy.rawValue),
            ("recover", configuration.recover.rawValue),
            ("registration_backoff_factor", text(configuration.registrationBackoffFactor)),
            ("resources", configuration.resources),
            ("runtime_dir", configuration.runtimeDirectory ?? RuntimeDirectory.standard ?? configuration.workDirectory),
            ("sandbox_directory", configuration.sandboxDirectory),
            ("strict", String(configuration.strict)),
            ("usage_sample_interval", text(configuration.usageSampleInterval)),
            ("switch_user", String(configuration.switchUser)),
            ("systemd_enable_support", String(configuration.systemdSupport)),
            ("work_dir", configuration.workDirectory),
            ("zk_session_timeout", text(configuration.zkSessionTimeout)),
        ]
        flags += configuration.security.flags.map { ($0.key, $0.value) }
        let known = Set(flags.map(\.0))
        flags += configuration.reportedFlags.filter { !known.contains($0.key) }.map { ($0.key, $0.value) }
        flags.sort { $0.0 < $1.0 }
        return .members(flags.map { name, value in (name, value.map { .string($0) }) })
    }

    /// A duration in Mesos's spelling: the largest unit that keeps it whole.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 { return "\((seconds * 1_000_000_000 + attoseconds / 1_000_000_000))ns" }
        for (unit, size) in [("weeks", 604_800), ("days", 86_400), ("hrs", 3600), ("mins", 60)] as [(String, Int64)]
        where seconds != 0 && seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)secs"
    }
}
