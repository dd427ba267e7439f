// Counters and gauges of an agent, under the names that collectors of Apache Mesos know.

import Glibc
import MesosProtocol
import Resources

/// What has happened since the agent started.
struct AgentMetrics: Sendable {
    private(set) var ended: [V1TaskState: Int] = [:]
    private(set) var launchErrors = 0
    private(set) var validUpdates = 0
    private(set) var executorsTerminated = 0
    /// By cause: `task_failed/source_executor/reason_command_executor_failed`.
    private(set) var causes: [String: Int] = [:]

    mutating func count(_ update: StatusUpdate) {
        validUpdates += 1
        guard update.isTerminal else { return }
        executorsTerminated += 1
        if let reason = update.reason {
            let cause = "\(update.state.name.lowercased())/source_\(Self.word("\(update.source)"))"
            causes["\(cause)/reason_\(Self.word("\(reason)"))", default: 0] += 1
        }
        ended[update.state, default: 0] += 1
        if update.reason == .containerLaunchFailed { launchErrors += 1 }
    }
}

extension AgentMetrics {
    /// `commandExecutorFailed` as metrics write it: `command_executor_failed`. A cause that this version does not know is a
    /// number.
    private static func word(_ name: String) -> String {
        let text = name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
        return text.filter { $0.isLetter || $0.isNumber || $0 == "_" }
    }
}

/// `/metrics/snapshot`.
struct AgentMetricsView {
    private let core: AgentCore
    private let metrics: AgentMetrics
    private let source: AgentAPI.Source

    init(_ core: AgentCore, _ metrics: AgentMetrics, _ source: AgentAPI.Source) {
        self.core = core
        self.metrics = metrics
        self.source = source
    }

    var json: JSONValue { .members(values.map { ($0.0, .double($0.1)) }) }

    /// Sorted by name.
    var values: [(String, Double)] {
        var values: [(String, Double)] = [
            ("slave/container_launch_errors", Double(metrics.launchErrors)),
            ("slave/frameworks_active", Double(core.frameworks.count)),
            ("slave/executors_running", Double(count(.taskRunning) + count(.taskKilling))),
            ("slave/recovery_errors", Double(source.problems)),
            ("slave/registered", core.link.registeredLink == nil ? 0 : 1),
            ("slave/uptime_secs", uptimeSeconds),
            ("slave/docker_engine_stalled", core.engineStall == nil ? 0 : 1),
            ("slave/tasks_staging", Double(count(.taskStaging))),
            ("slave/tasks_starting", Double(count(.taskStarting))),
            ("slave/tasks_running", Double(count(.taskRunning))),
            ("slave/tasks_killing", Double(count(.taskKilling))),
            ("slave/tasks_finished", ended(.taskFinished)),
            ("slave/tasks_failed", ended(.taskFailed) + ended(.taskError)),
            ("slave/tasks_killed", ended(.taskKilled)),
            ("slave/tasks_lost", ended(.taskLost) + ended(.taskDropped)),
            ("slave/tasks_gone", ended(.taskGone)),
            ("slave/executors_registering", Double(count(.taskStaging) + count(.taskStarting))),
            ("slave/executors_terminating", Double(count(.taskKilling))),
            ("slave/executors_terminated", Double(metrics.executorsTerminated)),
            ("slave/valid_status_updates", Double(metrics.validUpdates)),
        ]
        values += metrics.causes.map { ("slave/\($0.key)", Double($0.value)) }
        for name in ["cpus", "disk", "gpus", "mem"] {
            let total = core.total[name].doubleValue
            let used = core.used[name].doubleValue
            values.append(("slave/\(name)_total", total))
            values.append(("slave/\(name)_used", used))
            values.append(("slave/\(name)_percent", total > 0 ? used / total : 0))
            // Nothing here is revocable.
            for kind in ["percent", "total", "used"] { values.append(("slave/\(name)_revocable_\(kind)", 0)) }
        }
        values += hostValues + diskValues
        let known = Set(values.map(\.0))
        values += Self.absent.filter { !known.contains($0) }.map { ($0, 0) }
        values.sort { $0.0 < $1.0 }
        return values
    }

    /// What collectors of Apache Mesos ask for and this agent has nothing to count of.
    private static let absent = [
        "containerizer/mesos/container_destroy_errors", "containerizer/mesos/provisioner/remove_container_errors",
        "resource_provider_manager/events/disconnect", "resource_provider_manager/events/subscribe",
        "resource_provider_manager/subscribed", "slave/executors_preempted", "slave/invalid_framework_messages",
        "slave/invalid_status_updates", "slave/valid_framework_messages",
    ]

    private var uptimeSeconds: Double {
        let nanoseconds = source.startedAt.instant.duration(to: HostClock.now.instant).clampedNanoseconds
        return Double(nanoseconds) / 1e9
    }

    private func count(_ state: V1TaskState) -> Int {
        core.tasks.values.count { $0.state == state }
            + core.executors.values.reduce(0) { $0 + $1.tasks.values.count { $0.state == state } }
    }
    private func ended(_ state: V1TaskState) -> Double { Double(metrics.ended[state] ?? 0) }

    private var diskValues: [(String, Double)] {
        let (fetches, garbage) = (source.fetcher.statistics, source.collector.statistics)
        return [
            ("containerizer/fetcher/task_fetches_failed", Double(fetches.failed)),
            ("containerizer/fetcher/task_fetches_succeeded", Double(fetches.succeeded)),
            ("containerizer/fetcher/cache_size_total_bytes", Double(fetches.cacheBytesMax)),
            ("containerizer/fetcher/cache_size_used_bytes", Double(fetches.cacheBytesUsed)),
            ("gc/path_removals_failed", Double(garbage.failed)),
            ("gc/path_removals_pending", Double(garbage.pending)),
            ("gc/path_removals_succeeded", Double(garbage.succeeded)),
        ]
    }

    private var hostValues: [(String, Double)] {
        var loads = [Double](repeating: 0, count: 3)
        getloadavg(&loads, 3)
        let pageSize = Double(sysconf(Int32(_SC_PAGESIZE)))
        return [
            ("system/cpus_total", Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            ("system/load_1min", loads[0]), ("system/load_5min", loads[1]), ("system/load_15min", loads[2]),
            ("system/mem_free_bytes", Double(sysconf(Int32(_SC_AVPHYS_PAGES))) * pageSize),
            ("system/mem_total_bytes", Double(sysconf(Int32(_SC_PHYS_PAGES))) * pageSize),
        ]
    }
}
