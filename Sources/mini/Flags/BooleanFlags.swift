// The flags that take no value, in any command: Mesos lets people write them as --flag=true.

/// Names of our boolean flags.
enum BooleanFlags {
    static let names: Set<String> = [
        "switch_user", "strict", "docker_kill_orphans", "hostname_lookup", "root_submissions", "cgroups_enable_cfs",
        "json", "demo", "exit_when_done", "anonymous_read",
    ]
}
