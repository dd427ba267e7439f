// The flags of the master, as in the Apache Mesos configuration document.

extension FlagTable {
    /// Every flag of `mini master`.
    public static let master = FlagTable(
        daemon: "master",
        places: Places(
            directories: ["mesos-master"], defaultsFiles: ["mesos", "mesos-master"],
            variables: ["ZK": "zk", "IP": "ip", "PORT": "port", "CLUSTER": "cluster", "LOGS": "log_dir"],
            joinedDirectories: [], zooKeeperFlag: "zk"),
        sections: [
            Section("General", MasterFlags.general), Section("Network", MasterFlags.network),
            Section("Election and registry", MasterFlags.election), Section("Agents", MasterFlags.agents),
            Section("Offers and allocation", MasterFlags.offers), Section("Frameworks", MasterFlags.frameworks),
            Section("Security", MasterFlags.security), Section("Log", CommonFlags.log),
            Section("Accepted from an existing installation", MasterFlags.accepted),
        ])
}

private enum MasterFlags {
    static let general: [FlagDefinition] = [
        .init(
            "work_dir", .text, requirement: .always, value: "path",
            "Folder of this master's files; holds the registry without --zk."),
        .init("cluster", .text, "Name of the cluster, for people."),
        CommonFlags.directory,
        .init(
            "webui_dir", .text, value: "path",
            "Folder of a web page to serve instead of the built-in one; has to hold an index.html."),
    ]

    static let network: [FlagDefinition] =
        [
            .init("ip", .text, value: "address", "Address to listen on; all if not given."),
            .init("port", .port, default: "5050", "Port to listen on; 0 for any that is free."),
        ] + CommonFlags.network

    static let election: [FlagDefinition] = [
        .init(
            "zk", .text, value: "zk://host:port,.../path",
            "Where masters elect their leader; without it this master stands alone."),
        .init(
            "quorum", .integer(1...Int(Int32.max)), requirement: .with("zk"),
            "How many masters must be members of the election before one leads. Required with --zk."),
        CommonFlags.sessionTimeout,
        .init(
            "registry_fetch_timeout", .anyDuration, default: "1mins", "How long reading the registry may take."),
        .init(
            "registry_store_timeout", .anyDuration, default: "20secs", "How long a write to the registry may take."),
        .init(
            "registry_gc_interval", .duration(.milliseconds(1)...FlagText.durationMax), default: "15mins",
            "How often the registry forgets old unreachable and gone agents."),
        .init(
            "registry_max_agent_age", .anyDuration, default: "2weeks",
            "How long the registry remembers an unreachable or gone agent."),
        .init(
            "registry_max_agent_count", .count, default: "102400",
            "How many unreachable and gone agents the registry remembers."),
        .init(
            "cluster_id", .text, value: "id",
            "What agents know the cluster by, for a registry that was lost; made up if not given."),
        .init(
            "allow_foreign_masters", .boolean, default: "false",
            "Whether to stand for election beside masters of another product."),
    ]

    static let agents: [FlagDefinition] = [
        .init(
            "agent_ping_timeout", .duration(.seconds(1)...(.seconds(900))), default: "15secs",
            aliases: ["slave_ping_timeout"], "Time between pings, and for each to be answered."),
        .init(
            "max_agent_ping_timeouts", .integer(1...Int(Int32.max)), default: "5",
            aliases: ["max_slave_ping_timeouts"], "Missed pings after which an agent is unreachable."),
        .init(
            "agent_reregister_timeout", .duration(.seconds(600)...FlagText.durationMax), default: "10mins",
            aliases: ["slave_reregister_timeout"],
            "How long agents may take to come back after a new leader or a broken connection."),
        .init(
            "agent_removal_rate_limit", .text, aliases: ["slave_removal_rate_limit"],
            value: "n/duration",
            "How many agents may be declared unreachable in a time, as in 1/10mins."),
        .init(
            "recovery_agent_removal_limit", .text, default: "100%", aliases: ["recovery_slave_removal_limit"],
            value: "percentage",
            "If more of the known agents than this share do not come back to a new leader, none is removed."),
        .init(
            "agent_removal_brake", .text, default: "40%", value: "percentage",
            "If more agents than this share, and at least 3, fall silent together, none is removed; 100%: never."),
        .init(
            "whitelist", .path, value: "path",
            "File of the names of the only hosts whose resources are offered, one a line; read every five seconds."),
        .init(
            "domain", .document, "Fault domain of this master: its region and zone."),
        .init(
            "require_agent_domain", .boolean, default: "false",
            "Whether agents without a fault domain are refused."),
    ]

    static let offers: [FlagDefinition] = [
        .init(
            "allocation_interval", .anyDuration, default: "1secs",
            "Longest time until freed resources are offered, and least lifetime of a decline's filter."),
        .init(
            "offer_timeout", .anyDuration, default: "5mins",
            "How long an offer may stay unanswered before it is taken back; 0secs: for ever."),
        .init(
            "offer_split", .integer(1...64), default: "1",
            "Among how many frameworks the free resources of one host are divided in one round; 1: the first gets all."),
        .init(
            "min_allocatable_resources", .text, default: "cpus:0.01|mem:32", value: "resources|...",
            "What is worth an offer: alternatives separated by |."),
        .init(
            "allocator_record", .path, value: "path",
            "File for everything the allocator is told and decides, at most 256 MiB, for `mini allocator replay`."),
        .init("weights", .text, value: "role=weight,...", "Weights of roles, until others are set."),
        .init("roles", .list, value: "role,...", "Roles that frameworks may use; any if not given."),
        .init(
            "role_sorter", .choice(["drf", "random"]), default: "drf", aliases: ["user_sorter"],
            "How roles take turns."),
        .init(
            "framework_sorter", .choice(["drf", "random"]), default: "drf",
            "How the frameworks of a role take turns."),
        .init(
            "fair_sharing_excluded_resource_names", .list, value: "name,...",
            "Resources that do not count towards a role's share."),
        .init(
            "filter_gpu_resources", .boolean, default: "true",
            "Whether hosts with GPUs are kept from frameworks that did not ask for them."),
        .init(
            "allocator_agent_recovery_factor", .number(0...1), default: "0.8",
            "Share of the known agents that must be back before a new leader with quotas makes offers."),
        .init(
            "allocator_recovery_timeout", .anyDuration, default: "10mins",
            "How long that share is waited for."),
    ]

    static let frameworks: [FlagDefinition] = [
        .init(
            "root_submissions", .boolean, default: "true", "Whether frameworks may run tasks as root."),
        .init(
            "max_completed_frameworks", .count, default: "50", "How many ended frameworks are remembered."),
        .init(
            "max_completed_tasks_per_framework", .count, default: "1000",
            "How many ended tasks of each framework are remembered."),
        .init(
            "max_unreachable_tasks_per_framework", .count, default: "1000",
            "How many unreachable tasks of each framework are remembered."),
        .init(
            "max_operator_event_stream_subscribers", .integer(1...Int(Int32.max)), default: "1000",
            "How many operators may follow the event stream at once."),
        .init(
            "publish_per_framework_metrics", .boolean, default: "true",
            "Whether /metrics/snapshot has figures for each framework."),
        .init(
            "alerts_config", .path, value: "path",
            "File (YAML) that says whom the leading master tells of alerts, by mail or webhook; Docs/alerts.md."),
    ]

    static let security: [FlagDefinition] = [
        .init(
            "credentials", .document, isSecret: true,
            "Principals and their secrets."),
        .init(
            "authenticate_agents", .boolean, default: "false", aliases: ["authenticate_slaves"],
            "Whether only authenticated agents may register."),
        .init(
            "authenticate_frameworks", .boolean, default: "false", aliases: ["authenticate"],
            "Whether only authenticated frameworks may register."),
        .init(
            "authenticate_http_frameworks", .boolean, default: "false",
            "Whether only authenticated frameworks may subscribe."),
        .init(
            "authenticate_http_readonly", .boolean, default: "false",
            "Whether reading needs a password."),
        .init(
            "authenticate_http_readwrite", .boolean, default: "false", aliases: ["authenticate_http"],
            "Whether changes need a password."),
        .init("acls", .document, "Who may do what."),
        .init(
            "rate_limits", .document,
            "How many calls a second each principal may make."),
        .init(
            "firewall_rules", .document, "Endpoints that are switched off."),
        .init(
            "authenticators", .list, default: "crammd5",
            support: .refused(unless: ["crammd5"], CommonFlags.noModules), "How agents and frameworks authenticate."),
        .init(
            "http_authenticators", .list, default: "basic",
            support: .refused(unless: ["basic"], CommonFlags.noModules), "How HTTP requests authenticate."),
        .init(
            "http_framework_authenticators", .list, support: .refused(unless: ["basic"], CommonFlags.noModules),
            "How frameworks authenticate over HTTP."),
        .init(
            "authorizers", .list, default: "local",
            support: .refused(unless: ["local"], CommonFlags.noModules), "Who decides what is allowed."),
        .init(
            "tls_cert_file", .text, requirement: .with("tls_key_file"), value: "PEM file",
            "Serve TLS with this certificate, followed by those it was signed with."),
        .init(
            "tls_key_file", .text, requirement: .with("tls_cert_file"), value: "PEM file", "The certificate's key."),
        .init(
            "tls_ca_file", .text, value: "PEM file", "The authorities whose certificates are trusted."),
        .init(
            "tls_require_client_cert", .boolean, default: "false",
            "Whether clients need a certificate of those authorities."),
    ]

    static let accepted: [FlagDefinition] =
        [
            .init(
                "registry", .text, default: "replicated_log",
                support: .accepted("the registry is in ZooKeeper, or in work_dir without --zk"),
                "How the registry is kept."),
            .init(
                "log_auto_initialize", .boolean, default: "true", support: .accepted("there is no replicated log"),
                "Whether the replicated log is initialized."),
            .init(
                "registry_strict", .boolean, default: "false",
                support: .accepted("the registry is always obeyed"), "Whether the registry is obeyed."),
            .init(
                "allocator", .text, default: "hierarchical",
                support: .refused(
                    unless: ["hierarchical", "HierarchicalDRF"], CommonFlags.noModules), "The allocator."),
            .init(
                "max_executors_per_agent", .count, aliases: ["max_executors_per_slave"],
                support: .accepted("executors are not counted"), "How many executors an agent may have."),
            .init(
                "authentication_v0_timeout", .anyDuration, default: "15secs",
                support: .accepted("the v0 protocol is not spoken"), "Time for an authentication."),
            .init(
                "master_contender", .text, support: .refused(unless: [], CommonFlags.noModules),
                "Module that takes part in elections."),
            .init(
                "offer_constraints_re2_max_mem", .bytes, default: "4KB",
                support: .accepted("regular expressions have limits of their own here"),
                "Memory of a regular expression in offer constraints."),
            .init(
                "offer_constraints_re2_max_program_size", .count, default: "100",
                support: .accepted("regular expressions have limits of their own here"),
                "Size of a regular expression in offer constraints."),
        ] + CommonFlags.accepted
}

/// What the daemons have in common.
enum CommonFlags {
    static let noModules = "modules of Apache Mesos cannot be loaded, and what this one does would be missing"

    static let directory = FlagDefinition(
        SettingsResolver.directoryFlag, .text, default: "/etc", value: "path",
        "Where the folders and files of a Mesos installation are looked for; nothing is read if empty.")

    static let sessionTimeout = FlagDefinition(
        "zk_session_timeout", .duration(.milliseconds(1)...FlagText.durationMax), default: "10secs",
        "ZooKeeper session timeout.")

    static let network: [FlagDefinition] = [
        .init("advertise_ip", .text, value: "address", "Address that others are told, if not --ip."),
        .init("advertise_port", .port, "Port that others are told, if not --port."),
        .init("hostname", .text, value: "name", "Name that others are told; looked up if not given."),
        .init(
            "hostname_lookup", .boolean, default: "true",
            "Whether the host's name is looked up when --hostname is not given; if not, the address is told."),
        .init(
            "ip_discovery_command", .text, value: "command",
            "Command that prints the address to listen on; not together with --ip."),
    ]

    static let log: [FlagDefinition] = [
        .init(
            "log_dir", .text, value: "path", "Folder for a copy of the log, beside standard error."),
        .init(
            "logging_level", .text, default: "INFO", value: "level",
            "Least level of a line: DEBUG, INFO, WARNING, ERROR."),
        .init("quiet", .boolean, default: "false", "Whether nothing is logged to standard error."),
        .init(
            "log_format", .choice(["text", "json"]), default: "text",
            "How lines are written: for people, or a JSON object each."),
        .init(
            "log_file_size", .bytes, default: "100MB",
            "A file in --log_dir as large as this is full: it is numbered, and a new one begun."),
        .init(
            "log_files_kept", .integer(0...1_000), default: "5",
            "Full files in --log_dir that are kept beside the one that is written."),
        .init(
            "logbufsecs", .count, default: "0", value: "seconds",
            "How long lines may be held back; here none ever is."),
        .init(
            "external_log_file", .text, value: "path",
            "File that something else writes our log to; reported by /flags."),
    ]

    static let accepted: [FlagDefinition] = [
        .init("modules", .document, support: .accepted("modules cannot be loaded"), "Modules to load."),
        .init(
            "modules_dir", .text, support: .accepted("modules cannot be loaded"), value: "path",
            "Folder of modules to load."),
        .init("hooks", .list, support: .refused(unless: [], noModules), "Hooks of modules to call."),
        .init(
            "master_detector", .text, support: .refused(unless: [], noModules),
            "Module that finds the leading master."),
        .init(
            "memory_profiling", .boolean, default: "false", support: .accepted("there is no such profiler"),
            "Whether memory can be profiled."),
        .init(
            "initialize_driver_logging", .boolean, default: "true", support: .accepted("there are no drivers"),
            "Whether drivers log."),
    ]
}
