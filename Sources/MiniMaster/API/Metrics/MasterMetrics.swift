// The declarations of a master's figures that are always there: of its process, its agents, tasks and resources.
import Metrics
import MesosProtocol
import Resources

/// Names, meaning and origin of all figures of a master.
enum MasterMetrics {
    typealias Figure = Metric<MetricsDocument>

    static let catalog = MetricCatalog(
        prefix: "mini_master_",
        process + agents + tasks + messages + resources + registry + allocator + operations + roles + frameworks
            + absent)

    /// A figure of the cluster: zero unless this master leads.
    static func gauge(
        _ name: String, _ help: String, mesos: String? = nil, scale: Double = 1,
        _ read: @escaping @Sendable (ClusterReading) -> Double
    ) -> Figure {
        Metric(name, .gauge, help, mesos: mesos, scale: scale, scope: .cluster) { $0.cluster.map(read) ?? 0 }
    }

    /// A counter that the core keeps under its name in Mesos.
    private static func counter(_ name: String, _ help: String, mesos: String) -> Figure {
        Metric(name, .counter, help, mesos: mesos) { $0.counter(mesos) }
    }

    /// Counters that differ in one word of their name in Mesos.
    private static func counters(
        _ name: String, _ help: String, mesos: String, label: String, _ words: [String]
    ) -> Figure {
        Metric(name, .counter, help, mesos: mesos, labels: [label]) { source in
            words.map { MetricSample([$0], source.counter(mesos.replacing("{\(label)}", with: $0))) }
        }
    }

    private static let process: [Figure] = [
        Metric("uptime_seconds", .gauge, "Seconds since the process started.", mesos: "master/uptime_secs") {
            Double($0.now.wall.nanoseconds - $0.core.startedAt.nanoseconds) / 1e9
        },
        Metric("elected", .gauge, "Whether this master leads (1) or not (0).", mesos: "master/elected") {
            $0.core.availability == .leading ? 1 : 0
        },
        Metric(
            "election_members", .gauge,
            "Masters that are members of the election, as this one sees it. Leading takes a quorum of them."
        ) { Double($0.core.leadership.group.count) },
        Metric(
            "quorum", .gauge, "Members of the election that one needs to lead.", mesos: "registrar/log/ensemble_size"
        ) { Double($0.facts.configuration.quorum ?? 1) },
        Metric(
            "event_queue_messages", .gauge, "Events that wait for the master's loop.",
            mesos: "master/event_queue_messages"
        ) { Double($0.inboxDepth) },
        Metric("system_load1", .gauge, "Load of the machine over one minute.", mesos: "system/load_1min") {
            $0.machine.load1
        },
        Metric("system_load5", .gauge, "Load of the machine over five minutes.", mesos: "system/load_5min") {
            $0.machine.load5
        },
        Metric("system_load15", .gauge, "Load of the machine over 15 minutes.", mesos: "system/load_15min") {
            $0.machine.load15
        },
        Metric("system_cpus", .gauge, "Processors of the machine.", mesos: "system/cpus_total") {
            Double($0.machine.cpus)
        },
        Metric("system_memory_bytes", .gauge, "Memory of the machine.", mesos: "system/mem_total_bytes") {
            Double($0.machine.memoryTotalBytes)
        },
        Metric("system_memory_free_bytes", .gauge, "Free memory of the machine.", mesos: "system/mem_free_bytes") {
            Double($0.machine.memoryFreeBytes)
        },
    ]

    private static let agents: [Figure] = [
        Metric(
            "agents", .gauge,
            "Agents by state. Connected and disconnected ones are counted again as active, which get offers, or inactive.",
            mesos: "master/slaves_{state}", labels: ["state"], scope: .cluster
        ) { source in
            let agents = source.cluster?.agents ?? .init()
            return [
                MetricSample(["connected"], Double(agents.connected)),
                MetricSample(["disconnected"], Double(agents.disconnected)),
                MetricSample(["active"], Double(agents.active)),
                MetricSample(["inactive"], Double(agents.inactive)),
                MetricSample(["unreachable"], Double(agents.unreachable)),
            ]
        },
        gauge("agents_stalled", "Agents whose container engine does not answer; they get no offers.") {
            Double($0.agents.stalled)
        },
        gauge(
            "agent_removal_brake_engaged",
            "Whether agents that are silent are kept (1), because too many fell silent at once.",
            mesos: "master/agent_removal_brake_engaged"
        ) { $0.cluster.removals.isBraked ? 1 : 0 },
        gauge(
            "agent_removals_waiting", "Silent agents that wait to be declared unreachable.",
            mesos: "master/agent_removals_waiting"
        ) { Double($0.cluster.removals.waitingCount) },
        gauge(
            "recovery_agent_removal_held",
            "Whether agents that have not come back after a change of leader are kept (1), as too many are missing.",
            mesos: "master/recovery_agent_removal_held"
        ) { $0.cluster.isRecoveryRemovalHeld ? 1 : 0 },
        counter("agent_registrations_total", "New agents.", mesos: "master/slave_registrations"),
        counter("agent_reregistrations_total", "Agents that came back.", mesos: "master/slave_reregistrations"),
        counter("agent_removals_total", "Agents removed, for whatever reason.", mesos: "master/slave_removals"),
        counters(
            "agent_removals_by_reason_total", "Agents removed, by reason.",
            mesos: "master/slave_removals/reason_{reason}", label: "reason",
            ["registered", "unhealthy", "unregistered"]),
        counter(
            "recovery_agent_removals_total", "Agents that did not come back after a change of leader.",
            mesos: "master/recovery_slave_removals"),
        counters(
            "agent_unreachable_steps_total", "Steps of declaring silent agents unreachable.",
            mesos: "master/slave_unreachable_{step}", label: "step", ["scheduled", "completed", "canceled"]),
        counters(
            "agent_shutdown_steps_total", "Steps of shutting agents down.", mesos: "master/slave_shutdowns_{step}",
            label: "step", ["scheduled", "completed", "canceled"]),
        gauge("frameworks", "Frameworks that are connected.", mesos: "master/frameworks_connected") {
            Double($0.cluster.frameworks.all.count(where: \.isConnected))
        },
        gauge(
            "frameworks_disconnected", "Frameworks that are away and may come back.",
            mesos: "master/frameworks_disconnected"
        ) { reading in Double(reading.cluster.frameworks.all.count { !$0.isConnected }) },
        Metric("", .gauge, "The same as `frameworks`.", mesos: "master/frameworks_active", scope: .cluster) {
            Double($0.cluster?.cluster.frameworks.all.count(where: \.isConnected) ?? 0)
        },
        Metric(
            "", .gauge, "The same as `frameworks_disconnected`.", mesos: "master/frameworks_inactive", scope: .cluster
        ) { source in Double(source.cluster?.cluster.frameworks.all.count { !$0.isConnected } ?? 0) },
        gauge("offers_outstanding", "Offers that are not answered yet.", mesos: "master/outstanding_offers") {
            Double($0.cluster.offers.count)
        },
        counter("offers_expired_total", "Offers rescinded after the offer timeout.", mesos: "master/offers_expired"),
        gauge(
            "operator_streams", "Open event streams of operators.", mesos: "master/operator_event_stream_subscribers"
        ) { Double($0.cluster.operatorStreams.count) },
    ]

    private static let endStates = [
        "finished", "failed", "killed", "lost", "error", "dropped", "gone", "gone_by_operator",
    ]
    private static let causePrefix = "master/task_"

    private static let tasks: [Figure] = [
        Metric(
            "tasks", .gauge, "Tasks by state.", mesos: "master/tasks_{state}", labels: ["state"], scope: .cluster
        ) { source in
            let states: [(String, V1TaskState)] = [
                ("staging", .taskStaging), ("starting", .taskStarting), ("running", .taskRunning),
                ("killing", .taskKilling), ("unreachable", .taskUnreachable),
            ]
            return states.map { MetricSample([$0.0], Double(source.cluster?.figures.counts[$0.1] ?? 0)) }
        },
        counters(
            "tasks_ended_total", "Tasks that ended, by their last state.", mesos: "master/tasks_{state}",
            label: "state", endStates),
        Metric(
            "task_ends_by_cause_total", .counter, "Tasks that ended, by state, by who said so, and by reason.",
            mesos: "master/task_{state}/source_{source}/reason_{reason}", labels: ["state", "source", "reason"]
        ) { source in
            source.core.counters.all.compactMap { counter in
                guard counter.name.hasPrefix(causePrefix) else { return nil }
                let parts = counter.name.dropFirst(causePrefix.count).split(separator: "/")
                guard parts.count == 3 else { return nil }
                let cause = [
                    String(parts[0]), String(parts[1].dropFirst("source_".count)),
                    String(parts[2].dropFirst("reason_".count)),
                ]
                return MetricSample(cause, Double(counter.value))
            }
        },
    ]

    private static let messages: [Figure] = [
        counters(
            "messages_total", "Calls and messages, by kind.", mesos: "master/messages_{message}", label: "message",
            [
                "authenticate", "deactivate_framework", "decline_offers", "executor_to_framework", "exited_executor",
                "framework_to_executor", "kill_task", "launch_tasks", "operation_status_update",
                "operation_status_update_acknowledgement", "reconcile_operations", "reconcile_tasks",
                "register_framework", "register_slave", "reregister_framework", "reregister_slave",
                "resource_request", "revive_offers", "shutdown_executor", "status_update",
                "status_update_acknowledgement", "suppress_offers", "unregister_framework", "unregister_slave",
                "update_slave",
            ]),
        counters(
            "messages_valid_total", "Messages that could be dealt with, by kind.", mesos: "master/valid_{message}",
            label: "message", judgedMessages),
        counters(
            "messages_invalid_total", "Messages about nothing that is known, by kind.",
            mesos: "master/invalid_{message}", label: "message", judgedMessages),
    ]

    private static let judgedMessages = [
        "executor_to_framework_messages", "framework_to_executor_messages",
        "operation_status_update_acknowledgements", "operation_status_updates", "status_update_acknowledgements",
        "status_updates",
    ]

    private static let resources: [Figure] = MeasuredResource.allCases.flatMap { resource -> [Figure] in
        let (name, words, scale) = (resource.mesosName, resource.words, resource.scale)
        return [
            gauge(
                resource.metricName(""), "\(words) of connected agents.", mesos: "master/\(name)_total", scale: scale
            ) { $0.total(name) },
            gauge(
                resource.metricName("used"), "\(words) that tasks and executors hold.", mesos: "master/\(name)_used",
                scale: scale
            ) { $0.used(name) },
            gauge(
                "\(resource.rawValue)_used_ratio", "What is held of all, from 0 to 1.", mesos: "master/\(name)_percent"
            ) { $0.total(name) > 0 ? $0.used(name) / $0.total(name) : 0 },
            gauge(resource.metricName("offered"), "\(words) that are offered just now.", scale: scale) {
                $0.offered.nonRevocable[name].doubleValue
            },
            gauge(
                resource.metricName("revocable"), "\(words) of connected agents that may be taken back.",
                mesos: "master/\(name)_revocable_total", scale: scale
            ) { $0.figures.total.revocable[name].doubleValue },
            gauge(
                resource.metricName("revocable_used"), "\(words) held that may be taken back.",
                mesos: "master/\(name)_revocable_used", scale: scale
            ) { $0.figures.used.revocable[name].doubleValue },
            gauge(
                "\(resource.rawValue)_revocable_used_ratio", "What is held of all that may be taken back, from 0 to 1.",
                mesos: "master/\(name)_revocable_percent"
            ) {
                let total = $0.figures.total.revocable[name].doubleValue
                return total > 0 ? $0.figures.used.revocable[name].doubleValue / total : 0
            },
        ]
    }

    private static let registry: [Figure] = [
        gauge(
            "registry_writes_queued", "Changes of the registry that are not written yet.",
            mesos: "registrar/queued_operations"
        ) { Double($0.cluster.registryWritesPending) },
        gauge("registry_size_bytes", "Size of the registry.", mesos: "registrar/registry_size_bytes") {
            Double(RegistryViews.sizeBytes(of: $0.cluster.registry))
        },
        Metric(
            "", .gauge, "Whether this master has read the registry (1) or not (0).", mesos: "registrar/log/recovered",
            scope: .cluster
        ) { $0.cluster == nil ? 0 : 1 },
        timer("registry_store_seconds", "Durations of writing the registry.", "registrar/state_store_ms", \.stateStore),
        timer("registry_fetch_seconds", "Durations of reading the registry.", "registrar/state_fetch_ms", \.stateFetch),
    ]

    /// - Parameter help: What is measured; the quantiles are of the last thousand.
    static func timer(
        _ name: String, _ help: String, _ mesos: String,
        _ timer: @escaping @Sendable (MasterTimers) -> TimerMetric
    ) -> Figure {
        Metric(name, .summary, help + " Quantiles of the last thousand; Mesos's are in milliseconds.", mesos: mesos) {
            guard let summary = $0.timers.flatMap({ timer($0).summary }) else { return [] }
            return [MetricSample([], summary)]
        }
    }

    /// Names that collectors of Mesos ask for and for which there is nothing to count here.
    private static let absent: [Figure] = [
        .absent("allocator/event_queue_dispatches", "Always 0: the allocator has no queue."),
        .absent("allocator/mesos/event_queue_dispatches", "Always 0: the allocator has no queue."),
        .absent("master/dropped_messages", "Always 0: what cannot be delivered closes its stream."),
        .absent("master/event_queue_dispatches", "Always 0: there is one queue, of messages."),
        .absent("master/event_queue_http_requests", "Always 0: there is one queue, of messages."),
        .absent("master/http_cache_hits", "Always 0: not counted."),
    ]
}

extension ClusterReading {
    func total(_ name: String) -> Double { figures.total.nonRevocable[name].doubleValue }
    func used(_ name: String) -> Double { figures.used.nonRevocable[name].doubleValue }
}
