// The flags of `mesos-execute`, as in Apache Mesos.

extension FlagTable {
    /// Every flag of `mesos-execute`. It reads the command line alone.
    public static let execute = FlagTable(
        daemon: "execute",
        places: Places(
            directories: [], defaultsFiles: [], variables: [:], joinedDirectories: [], zooKeeperFlag: nil),
        sections: [
            Section("Where", ExecuteFlags.place), Section("What", ExecuteFlags.what),
            Section("Framework", ExecuteFlags.framework),
            Section("Known to Apache Mesos, and refused here", ExecuteFlags.refused),
        ])
}

private enum ExecuteFlags {
    static let place: [FlagDefinition] = [
        .init(
            "master", .text, requirement: .always, value: "host:port | zk://host:port,.../path",
            "Where to find the leading master.")
    ]

    static let what: [FlagDefinition] = [
        .init("name", .text, "Name of the task, and its id."),
        .init("command", .text, "What to run."),
        .init(
            "shell", .boolean, default: "true",
            "Whether a shell runs the command; if not, the image's own entry point runs."),
        .init("env", .document, isSecret: true, value: "JSON object", "Variables for the command."),
        .init("resources", .text, default: "cpus:1;mem:128", value: "resources", "What the task needs."),
        .init("docker_image", .text, value: "image", "Image to run in."),
        .init("containerizer", .choice(["mesos", "docker"]), default: "mesos", "What runs the task."),
        .init("volumes", .document, "JSON array of volumes."),
        .init("networks", .list, "Network that the container joins."),
        .init("task", .document, "A whole TaskInfo, instead of the flags above."),
        .init("task_group", .document, "A whole TaskGroupInfo, instead of the flags above."),
        .init("kill_after", .anyDuration, "Time after which a running task is killed."),
    ]

    static let framework: [FlagDefinition] = [
        .init("role", .text, default: "*", "Role under which to ask for resources."),
        .init("principal", .text, "Name to authenticate with."),
        .init("secret", .text, isSecret: true, "Password to authenticate with."),
        .init("framework_capabilities", .list, "Further capabilities of the framework."),
        .init("partition_aware", .boolean, default: "true", "Whether the framework knows unreachable tasks."),
        .init("checkpoint", .boolean, default: "false", "Whether tasks survive a restart of their agent."),
        .init("content_type", .text, default: "protobuf", value: "json|protobuf", "Encoding of calls and events."),
    ]

    private static let no = "mini has no such thing"

    static let refused: [FlagDefinition] = [
        .init(
            "hadoop", .text, default: "hadoop", support: .refused(unless: ["hadoop"], no), value: "path",
            "Hadoop client."),
        .init(
            "hdfs", .text, default: "localhost:9000", support: .refused(unless: ["localhost:9000"], no),
            value: "host:port", "Name node."),
        .init("package", .text, support: .refused(unless: [], no), value: "path", "Package to put into HDFS."),
        .init(
            "overwrite", .boolean, default: "false", support: .refused(unless: ["false"], no),
            "Whether a package in HDFS is replaced."),
        .init("appc_image", .text, support: .refused(unless: [], no), value: "image", "Appc image to run in."),
        .init(
            "effective_capabilities", .document, support: .refused(unless: [], no), "Linux capabilities of the command."
        ),
        .init(
            "bounding_capabilities", .document, support: .refused(unless: [], no),
            "Linux capabilities that the command may take."),
        .init("rlimits", .document, support: .refused(unless: [], no), "Limits of the command."),
        .init("offer_constraints", .document, support: .refused(unless: [], no), "Which offers are wanted."),
        .init("seccomp_profile", .text, support: .refused(unless: [], no), "Seccomp profile of the command."),
        .init(
            "tty", .boolean, default: "false", support: .refused(unless: ["false"], no),
            "Whether the command has a terminal."),
    ]
}
