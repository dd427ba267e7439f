// The declarations of an agent's figures, under the names that collectors of Apache Mesos know and for Prometheus.

import Glibc
import MesosProtocol
import Metrics
import Resources

/// One look at an agent for all of its figures.
struct AgentMetricsView: Sendable {
    let core: AgentCore
    let metrics: AgentMetrics
    let source: AgentAPI.Source
    let loads: [Double]

    init(_ core: AgentCore, _ metrics: AgentMetrics, _ source: AgentAPI.Source) {
        self.core = core
        self.metrics = metrics
        self.source = source
        var loads = [Double](repeating: 0, count: 3)
        getloadavg(&loads, 3)
        self.loads = loads
    }

    /// `/metrics/snapshot`.
    var json: JSONValue { .members(values.map { ($0.name, .double($0.value)) }) }

    /// Sorted by name.
    var values: [(name: String, value: Double)] { Self.catalog.mesos(self) }

    /// `/metrics`.
    var prometheus: String { Self.catalog.prometheus(self) }

    fileprivate var uptimeSeconds: Double {
        let nanoseconds = source.startedAt.instant.duration(to: HostClock.now.instant).clampedNanoseconds
        return Double(nanoseconds) / 1e9
    }

    fileprivate func count(_ state: V1TaskState) -> Double {
        Double(
            core.tasks.values.count { $0.state == state }
                + core.executors.values.reduce(0) { $0 + $1.tasks.values.count { $0.state == state } })
    }

    fileprivate func ended(_ states: V1TaskState...) -> Double {
        Double(states.reduce(0) { $0 + (metrics.ended[$1] ?? 0) })
    }

    fileprivate static func system(_ name: Int32) -> Double { Double(sysconf(name)) }
}

extension AgentMetricsView {
    typealias Figure = Metric<AgentMetricsView>

    static let catalog = MetricCatalog(
        prefix: "mini_agent_", process + tasks + resources + disk + host + absent)

    private static let process: [Figure] = [
        Figure("uptime_seconds", .gauge, "Seconds since the process started.", mesos: "slave/uptime_secs") {
            $0.uptimeSeconds
        },
        Figure("registered", .gauge, "Whether a master has this agent (1) or not (0).", mesos: "slave/registered") {
            $0.core.link.registeredLink == nil ? 0 : 1
        },
        Figure(
            "recovery_errors_total", .counter, "Bad files found when the agent started.", mesos: "slave/recovery_errors"
        ) { Double($0.source.problems) },
        Figure(
            "recovery_seconds", .gauge, "How long it took at the start to find out what runs here.",
            mesos: "slave/recovery_time_secs"
        ) { Double($0.source.recovery.clampedNanoseconds) / 1e9 },
        Figure(
            "docker_engine_stalled", .gauge, "Whether the container engine does not answer (1).",
            mesos: "slave/docker_engine_stalled"
        ) { $0.core.engineStall == nil ? 0 : 1 },
        Figure("frameworks", .gauge, "Frameworks with tasks here.", mesos: "slave/frameworks_active") {
            Double($0.core.frameworks.count)
        },
    ]

    private static let tasks: [Figure] = [
        Figure("tasks", .gauge, "Tasks by state.", mesos: "slave/tasks_{state}", labels: ["state"]) { view in
            [
                MetricSample(["staging"], view.count(.taskStaging)),
                MetricSample(["starting"], view.count(.taskStarting)),
                MetricSample(["running"], view.count(.taskRunning)),
                MetricSample(["killing"], view.count(.taskKilling)),
            ]
        },
        Figure(
            "tasks_ended_total", .counter, "Tasks that ended, by their last state.", mesos: "slave/tasks_{state}",
            labels: ["state"]
        ) { view in
            [
                MetricSample(["finished"], view.ended(.taskFinished)),
                MetricSample(["failed"], view.ended(.taskFailed, .taskError)),
                MetricSample(["killed"], view.ended(.taskKilled)),
                MetricSample(["lost"], view.ended(.taskLost, .taskDropped)),
                MetricSample(["gone"], view.ended(.taskGone)),
            ]
        },
        Figure(
            "task_ends_by_cause_total", .counter, "Tasks that ended, by state, by who said so, and by reason.",
            mesos: "slave/task_{state}/source_{source}/reason_{reason}", labels: ["state", "source", "reason"]
        ) { view in
            view.metrics.causes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                .map { MetricSample($0.key, Double($0.value)) }
        },
        Figure(
            "container_launch_errors_total", .counter, "Tasks whose container could not be started.",
            mesos: "slave/container_launch_errors"
        ) { Double($0.metrics.launchErrors) },
        Figure(
            "executors", .gauge, "Executors by state; a task without an executor of its own counts as one.",
            mesos: "slave/executors_{state}", labels: ["state"]
        ) { view in
            let (running, killing) = (view.count(.taskRunning), view.count(.taskKilling))
            return [
                MetricSample(["registering"], view.count(.taskStaging) + view.count(.taskStarting)),
                MetricSample(["running"], running + killing), MetricSample(["terminating"], killing),
            ]
        },
        Figure(
            "executors_terminated_total", .counter, "Executors that ended.", mesos: "slave/executors_terminated"
        ) { Double($0.metrics.executorsTerminated) },
        Figure(
            "status_updates_total", .counter, "Status updates of tasks.", mesos: "slave/valid_status_updates"
        ) { Double($0.metrics.validUpdates) },
    ]

    /// Name, name in Mesos, words, and what one of Mesos's is in the unit of the name.
    private static let measured: [(name: String, mesos: String, words: String, scale: Double)] = [
        ("cpus", "cpus", "CPUs", 1), ("gpus", "gpus", "GPUs", 1), ("memory", "mem", "Bytes of memory", 1_048_576),
        ("disk", "disk", "Bytes of disk", 1_048_576),
    ]

    private static let resources: [Figure] = measured.flatMap { resource -> [Figure] in
        let (name, mesos, words, scale) = resource
        let unit = scale == 1 ? "" : "_bytes"
        return [
            Figure("\(name)\(unit)", .gauge, "\(words) of this agent.", mesos: "slave/\(mesos)_total", scale: scale) {
                $0.core.total[mesos].doubleValue
            },
            Figure(
                "\(name)_used\(unit)", .gauge, "\(words) that tasks and executors hold.",
                mesos: "slave/\(mesos)_used", scale: scale
            ) { $0.core.used[mesos].doubleValue },
            Figure(
                "\(name)_used_ratio", .gauge, "What is held of all, from 0 to 1.", mesos: "slave/\(mesos)_percent"
            ) { view in
                let total = view.core.total[mesos].doubleValue
                return total > 0 ? view.core.used[mesos].doubleValue / total : 0
            },
            Figure(
                "", .gauge, "Always 0: nothing here may be taken back.", mesos: "slave/\(mesos)_revocable_{figure}",
                labels: ["figure"]
            ) { _ in ["percent", "total", "used"].map { MetricSample([$0], 0) } },
        ]
    }

    private static let disk: [Figure] = [
        Figure(
            "fetches_total", .counter, "Tasks whose files were fetched, by result.",
            mesos: "containerizer/fetcher/task_fetches_{result}", labels: ["result"]
        ) { view in
            let fetches = view.source.fetcher.statistics
            return [
                MetricSample(["failed"], Double(fetches.failed)),
                MetricSample(["succeeded"], Double(fetches.succeeded)),
            ]
        },
        Figure(
            "fetcher_cache_bytes", .gauge, "What the cache of fetched files may hold.",
            mesos: "containerizer/fetcher/cache_size_total_bytes"
        ) { Double($0.source.fetcher.statistics.cacheBytesMax) },
        Figure(
            "fetcher_cache_used_bytes", .gauge, "What the cache of fetched files holds.",
            mesos: "containerizer/fetcher/cache_size_used_bytes"
        ) { Double($0.source.fetcher.statistics.cacheBytesUsed) },
        Figure(
            "sandbox_age_max_seconds", .gauge,
            "How old the sandbox of an ended task may become, as full as the disk is.",
            mesos: "slave/executor_directory_max_allowed_age_secs"
        ) { Double($0.source.collector.statistics.ageMax.clampedNanoseconds) / 1e9 },
        Figure(
            "sandbox_removals_pending", .gauge, "Sandboxes of ended tasks that are still there.",
            mesos: "gc/path_removals_pending"
        ) { Double($0.source.collector.statistics.pending) },
        Figure(
            "sandbox_removals_total", .counter, "Sandboxes of ended tasks that were removed, by result.",
            mesos: "gc/path_removals_{result}", labels: ["result"]
        ) { view in
            let garbage = view.source.collector.statistics
            return [
                MetricSample(["failed"], Double(garbage.failed)),
                MetricSample(["succeeded"], Double(garbage.succeeded)),
            ]
        },
    ]

    private static let host: [Figure] = [
        Figure("system_load1", .gauge, "Load of the machine over one minute.", mesos: "system/load_1min") {
            $0.loads[0]
        },
        Figure("system_load5", .gauge, "Load of the machine over five minutes.", mesos: "system/load_5min") {
            $0.loads[1]
        },
        Figure("system_load15", .gauge, "Load of the machine over 15 minutes.", mesos: "system/load_15min") {
            $0.loads[2]
        },
        Figure("system_cpus", .gauge, "Processors of the machine.", mesos: "system/cpus_total") { _ in
            system(Int32(_SC_NPROCESSORS_ONLN))
        },
        Figure("system_memory_bytes", .gauge, "Memory of the machine.", mesos: "system/mem_total_bytes") { _ in
            system(Int32(_SC_PHYS_PAGES)) * system(Int32(_SC_PAGESIZE))
        },
        Figure("system_memory_free_bytes", .gauge, "Free memory of the machine.", mesos: "system/mem_free_bytes") { _ in
            system(Int32(_SC_AVPHYS_PAGES)) * system(Int32(_SC_PAGESIZE))
        },
    ]

    /// What collectors of Apache Mesos ask for and this agent has nothing to count of.
    private static let absent: [Figure] = [
        "containerizer/mesos/container_destroy_errors", "containerizer/mesos/provisioner/remove_container_errors",
        "resource_provider_manager/events/disconnect", "resource_provider_manager/events/subscribe",
        "resource_provider_manager/subscribed", "slave/executors_preempted", "slave/invalid_framework_messages",
        "slave/invalid_status_updates", "slave/valid_framework_messages",
    ].map { .absent($0, "Always 0: there is no such thing here.") }
}
