// The flags of the agent, as in the Apache Mesos configuration document.

extension FlagTable {
    /// Every flag of `mini agent`.
    public static let agent = FlagTable(
        daemon: "agent",
        places: Places(
            directories: ["mesos-slave", "mesos-agent"], defaultsFiles: ["mesos", "mesos-slave", "mesos-agent"],
            variables: ["MASTER": "master", "IP": "ip", "LOGS": "log_dir", "ISOLATION": "isolation"],
            joinedDirectories: ["attributes", "resources"], zooKeeperFlag: "master"),
        sections: [
            Section("General", AgentFlags.general), Section("Network", AgentFlags.network),
            Section("This host", AgentFlags.host), Section("Tasks", AgentFlags.tasks),
            Section("Docker", AgentFlags.docker), Section("Recovery", AgentFlags.recovery),
            Section("Security", AgentFlags.security), Section("Log", CommonFlags.log),
            Section("Accepted from an existing installation", AgentFlags.accepted),
        ])
}

private enum AgentFlags {
    /// What Apache Mesos calls the two.
    private static let sandboxLogger = "org_apache_mesos_SandboxContainerLogger"
    private static let logrotateLogger = "org_apache_mesos_LogrotateContainerLogger"

    static let general: [FlagDefinition] = [
        .init(
            "master", .text, requirement: .always, value: "zk://host:port,.../path | host:port",
            "Where to find the leading master."),
        .init("work_dir", .text, requirement: .always, value: "path", "Folder of checkpoints and sandboxes."),
        .init(
            "runtime_dir", .text, default: "/var/run/mesos", value: "path",
            "Folder of what a start of the host may take away; in --work_dir if not given and the default cannot be written."
        ),
        CommonFlags.directory,
        CommonFlags.sessionTimeout,
        .init(
            "registration_backoff_factor", .anyDuration, default: "1secs",
            "Registration waits a random time up to this, doubled with each failure."),
    ]

    static let network: [FlagDefinition] =
        [
            .init("ip", .text, value: "address", "Address to listen on; all if not given."),
            .init("port", .port, default: "5051", "Port to listen on; 0 for any that is free."),
        ] + CommonFlags.network

    static let host: [FlagDefinition] = [
        .init(
            "resources", .document, value: "cpus:4;mem:2048;ports:[31000-32000]",
            "What to offer; what is left out is detected."),
        .init("default_role", .text, default: "*", value: "role", "Role of resources that name none."),
        .init("attributes", .text, value: "rack:r1;zone:z1", "What frameworks may select this host by."),
        .init(
            "usage_sample_interval", .anyDuration, default: "10secs",
            "Time between two looks at what a running container uses; 0secs looks only when asked."),
        .init(
            "domain", .document, "Fault domain of this host: its region and zone."),
    ]

    static let tasks: [FlagDefinition] = [
        .init(
            "containerizers", .list, default: "docker,process",
            "How tasks run, the first for tasks that do not say: docker, process; mesos means process."),
        .init(
            "switch_user", .boolean, default: "true",
            "Whether process tasks run as the user that the framework names."),
        .init(
            "executor_environment_variables", .document, isSecret: true, value: "JSON object",
            "Environment of process tasks, instead of the agent's own."),
        .init(
            "executor_shutdown_grace_period", .anyDuration, default: "5secs",
            "Time between a task's stop signal and SIGKILL, and what an executor has to end in."),
        .init(
            "executor_registration_timeout", .anyDuration, default: "1mins",
            "How long an executor may take to register, counted from the start of its launch."),
        .init(
            "executor_reregistration_timeout", .duration(.zero...(.seconds(15))), default: "15secs",
            "How long executors may take to come back to a restarted agent, if their container lives."),
        .init(
            "supervisor", .text, value: "path",
            "The program beside each process task; found beside mini if not given."),
        .init(
            "cgroups_enable_cfs", .boolean, default: "false", "Whether cpus limit a container, not only share."),
        .init(
            "nvidia_gpu_devices", .list, value: "0,1,...",
            "Which NVIDIA GPUs to offer as gpus to containers; all with gpu/nvidia in --isolation if not given."),
        .init(
            "systemd_enable_support", .boolean, default: "true",
            "Whether process tasks run in mesos_executors.slice rather than in the agent's own unit, where systemd runs the host."
        ),
        .init(
            "systemd_runtime_directory", .text, default: "/run/systemd/system", value: "path",
            "Where the unit of that slice is written."),
        .init(
            "isolation", .list, default: "posix/cpu,posix/mem",
            "What holds process tasks to their resources: cgroups/cpu, cgroups/mem, cgroups/pids, where the agent may use them."
        ),
        .init(
            "launcher", .text, default: "posix",
            "How the processes of a task are kept together: posix, or linux for a control group of their own."),
        .init(
            "cgroups_hierarchy", .text, default: "/sys/fs/cgroup", value: "path", "Where control groups are mounted."),
        .init("cgroups_root", .text, default: "mesos", value: "name", "Control group of all process tasks."),
        .init(
            "cgroups_limit_swap", .boolean, default: "false", "Whether memory limits of process tasks count swap."),
        .init(
            "cgroups_pids_max", .count, default: "0",
            "Most processes and threads of a process task with cgroups/pids; 0 for no limit."),
        .init(
            "gc_delay", .anyDuration, default: "1weeks",
            "How long the sandbox of an ended task is kept at most; less when the disk fills."),
        .init("gc_disk_headroom", .number(0...1), default: "0.1", "Share of the disk that is to stay free."),
        .init("disk_watch_interval", .anyDuration, default: "1mins", "How often the disk is looked at."),
        .init(
            "max_completed_executors_per_framework", .count, default: "150",
            "How many ended executors of each framework are remembered."),
        .init("fetcher_cache_size", .bytes, default: "2GB", "Room for fetched files that several tasks use."),
        .init(
            "fetcher_cache_dir", .text, value: "path",
            "Folder of fetched files, emptied at start; fetch in --work_dir if not given."),
        .init("fetcher_stall_timeout", .anyDuration, default: "1mins", "How long a download may stand still."),
        .init("frameworks_home", .text, value: "path", "What URIs with a relative path are relative to."),
        .init(
            "fetcher", .text, value: "path",
            "The program that unpacks what tasks fetch; mini-fetcher beside mini if not given."),
        .init(
            "container_logger", .choice(["sandbox", "logrotate", sandboxLogger, logrotateLogger]), default: "sandbox",
            "Whether a task's output grows in its sandbox (sandbox) or is rotated at a size (logrotate)."),
        .init(
            "max_stdout_size", .bytes, default: "10MB", "With logrotate: the size at which stdout is set aside."),
        .init(
            "max_stderr_size", .bytes, default: "10MB", "With logrotate: the size at which stderr is set aside."),
        .init(
            "logrotate_files", .integer(1...1000), default: "9",
            "With logrotate: how many older pieces of each stay; what goes beyond is lost."),
        .init(
            "http_heartbeat_interval", .duration(.seconds(1)...FlagText.durationMax), default: "30secs",
            "Time between heartbeats of attached streams."),
        .init(
            "default_container_info", .document, isSecret: true, value: "JSON of a ContainerInfo",
            "What tasks and executors run in that bring no container."),
    ]

    static let docker: [FlagDefinition] = [
        .init(
            "docker_socket", .text, default: "/var/run/docker.sock", value: "path", "The engine's socket."),
        .init(
            "docker_remove_delay", .anyDuration, default: "6hrs", "How long an ended container is kept."),
        .init(
            "docker_stop_timeout", .anyDuration,
            "Grace of a Docker task without a kill policy; --executor_shutdown_grace_period if not given."),
        .init(
            "docker_kill_orphans", .boolean, default: "true",
            "Whether containers of this agent that belong to no task are removed at start."),
        .init(
            "sandbox_directory", .text, default: "/mnt/mesos/sandbox", value: "path",
            "Where the sandbox appears inside a container."),
        .init(
            "docker", .text, default: "docker",
            support: .accepted("the engine is spoken to over its socket, without a client program"), value: "path",
            "The client program."),
        .init(
            "docker_config", .document, isSecret: true, value: "JSON of a config.json",
            "Logins of image registries."),
        .init(
            "docker_registry", .text, value: "host:port", "Where images come from whose names say no registry."),
        .init(
            "docker_parameters", .list, value: "user,env,...",
            "The parameters that tasks may pass; all that are supported if not given."),
        .init("docker_pull_timeout", .anyDuration, default: "15mins", "How long a pull may take."),
        .init(
            "docker_call_timeout", .anyDuration, default: "1mins",
            "How long the engine may take to create, start or remove a container."),
        .init(
            "docker_health_interval", .anyDuration, default: "10secs",
            "How often the engine is asked whether it is well."),
        .init(
            "docker_mesos_image", .text, support: .accepted("an agent in a container needs no image of its own"),
            value: "image", "The agent's own image."),
        .init(
            "default_container_dns", .document, value: "JSON object", "Name servers of containers that name none."),
    ]

    static let recovery: [FlagDefinition] = [
        .init(
            "recover", .choice(["reconnect", "cleanup"]), default: "reconnect",
            "What to do with the tasks of an earlier run: reconnect, cleanup."),
        .init(
            "strict", .boolean, default: "true", "Whether a corrupt checkpoint keeps the agent from starting."),
        .init(
            "recovery_timeout", .anyDuration, default: "15mins",
            "How long executors wait for a lost agent before they end themselves."),
        .init(
            "reconfiguration_policy", .choice(["equal", "additive", "any"]), default: "equal",
            "Which changes of resources, attributes and domain are accepted at a restart: none, only more of them, or whatever "
                + "leaves room for the tasks that run."),
    ]

    static let security: [FlagDefinition] = [
        .init(
            "credential", .document,
            isSecret: true, "Principal and secret of this agent."),
        .init(
            "http_credentials", .document, isSecret: true,
            "Principals and their secrets."),
        .init(
            "authenticate_http_readonly", .boolean, default: "false",
            "Whether reading needs a password."),
        .init(
            "authenticate_http_readwrite", .boolean, default: "false", aliases: ["authenticate_http"],
            "Whether changes need a password."),
        .init(
            "authenticate_http_executors", .boolean, default: "false",
            "Whether executors must prove themselves with the token that they are started with."),
        .init("acls", .document, "Who may do what."),
        .init("firewall_rules", .document, "Endpoints that are switched off."),
        .init(
            "jwt_secret_key", .document, isSecret: true,
            "Key that executors' tokens are signed with."),
        .init(
            "authorizer", .text, default: "local", support: .refused(unless: ["local"], CommonFlags.noModules),
            "Who decides what is allowed."),
        .init(
            "authenticatee", .text, default: "crammd5", support: .refused(unless: ["crammd5"], CommonFlags.noModules),
            "How this agent authenticates."),
        .init(
            "http_authenticators", .list, default: "basic",
            support: .refused(unless: ["basic"], CommonFlags.noModules), "How HTTP requests authenticate."),
        .init(
            "http_executor_authenticators", .list, support: .refused(unless: [], CommonFlags.noModules),
            "How executors authenticate."),
        .init(
            "secret_resolver", .text, support: .refused(unless: [], CommonFlags.noModules),
            "Module that looks up secrets."),
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
        named(
            "hadoop_home launcher_dir http_command_executor http_executor_domain_sockets "
                + "domain_socket_location authentication_backoff_factor authentication_timeout_min "
                + "authentication_timeout_max",
            because: "this agent works without it")
        + named(
            "image_providers image_provisioner_backend image_gc_config appc_simple_discovery_uri_prefix appc_store_dir "
                + "docker_store_dir docker_ignore_runtime docker_volume_checkpoint_dir "
                + "docker_volume_chown docker_dns container_disk_watch_interval enforce_container_disk_quota",
            because: "images are left to the Docker engine")
        + named(
            "cgroups_cpu_enable_pids_and_tids_count cgroups_destroy_timeout cgroups_net_cls_primary_handle "
                + "cgroups_net_cls_secondary_handles revocable_cpu_low_priority "
                + "disallow_sharing_agent_pid_namespace disallow_sharing_agent_ipc_namespace default_container_shm_size "
                + "perf_events perf_duration perf_interval "
                + "host_path_volume_force_creation volume_gid_range csi_plugin_config_dir resource_provider_config_dir "
                + "disk_profile_adaptor",
            because: "process tasks are not isolated that way here")
        + named(
            "network_cni_plugins_dir network_cni_config_dir network_cni_metrics network_cni_root_dir_persist "
                + "network_enable_socket_statistics_summary network_enable_socket_statistics_details "
                + "network_enable_snmp_statistics ephemeral_ports_per_container eth0_name lo_name "
                + "egress_rate_limit_per_container egress_unique_flow_per_container egress_flow_classifier_parent "
                + "ingress_rate_limit_per_container ingress_isolate_existing_containers "
                + "network_link_speed xfs_project_range xfs_kill_containers seccomp_config_dir "
                + "seccomp_profile_name minimum_egress_rate_limit maximum_egress_rate_limit "
                + "egress_rate_per_cpu minimum_ingress_rate_limit maximum_ingress_rate_limit ingress_rate_per_cpu",
            because: "networks and quotas of process tasks are left to the host")
        + named(
            "oversubscribed_resources_interval qos_correction_interval_min",
            because: "nothing is oversubscribed")
        + [
            .init(
                "agent_subsystems", .text, aliases: ["slave_subsystems"],
                support: .accepted("the agent does not confine itself"), "Control groups of the agent itself."),
            .init(
                "gc_non_executor_container_sandboxes", .boolean, default: "false",
                support: .accepted("sandboxes of nested containers go with the sandbox they lie in"),
                "Whether sandboxes of nested containers are removed by themselves."),
            .init(
                "effective_capabilities", .document, aliases: ["allowed_capabilities"],
                support: .accepted("process tasks are not isolated that way here"), "Capabilities of process tasks."),
            .init(
                "bounding_capabilities", .document,
                support: .accepted("process tasks are not isolated that way here"),
                "Capabilities that process tasks may take."),
            .init(
                "resource_estimator", .text, support: .refused(unless: [], CommonFlags.noModules),
                "Module that estimates unused resources."),
            .init(
                "qos_controller", .text, support: .refused(unless: [], CommonFlags.noModules),
                "Module that corrects oversubscription."),
        ] + CommonFlags.accepted

    /// Flags that may be given with any text, or with none.
    private static func named(_ names: String, because reason: String) -> [FlagDefinition] {
        names.split(separator: " ").map { name in
            FlagDefinition(String(name), .anything, support: .accepted(reason), "Accepted: \(reason).")
        }
    }
}
