// The flags that take no value, in commands that the argument parser reads: Mesos lets people write them as --flag=true.

/// Names of our boolean flags.
enum BooleanFlags {
    static let names: Set<String> = [
        "json", "csv", "demo", "exit_when_done", "anonymous_read", "all", "follow", "stderr", "force", "detach",
        "mark_gone",
        "yes",
    ]
}
