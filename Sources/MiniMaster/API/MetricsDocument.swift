// The answer of /metrics/snapshot: one flat object of numbers under the names of Apache Mesos, sorted.
import Allocator
import MesosProtocol
import Resources

struct MetricsDocument {
    let snapshot: MasterSnapshot
    let facts: MasterFacts
    let inboxDepth: Int
    var timers: MasterTimers?

    func bytes() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, value) in sorted { json.member(name, value) }
        }
        return json.bytes
    }

    /// Every metric, sorted by name.
    var sorted: [(name: String, value: Double)] {
        var metrics = Self.zeros
        for counter in snapshot.core.counters.all { metrics[counter.name] = Double(counter.value) }
        let uptime = snapshot.core.startedAt.nanoseconds
        metrics["master/uptime_secs"] = Double(snapshot.now.wall.nanoseconds - uptime) / 1e9
        metrics["master/elected"] = snapshot.core.availability == .leading ? 1 : 0
        metrics["master/event_queue_messages"] = Double(inboxDepth)
        if let cluster = snapshot.core.cluster { add(cluster, to: &metrics) }
        timers?.add(to: &metrics)
        addSystem(to: &metrics)
        return metrics.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    private func add(_ cluster: Cluster, to metrics: inout [String: Double]) {
        let figures = ClusterFigures(cluster)
        let agents = cluster.agents.all.filter { !$0.isRecovered }
        let connected = agents.filter(\.isConnected).count
        metrics["master/slaves_connected"] = Double(connected)
        metrics["master/slaves_disconnected"] = Double(agents.count - connected)
        let active = agents.filter { $0.isConnected && !cluster.isDeactivated($0.id) }.count
        metrics["master/slaves_active"] = Double(active)
        metrics["master/slaves_inactive"] = Double(agents.count - active)
        metrics["master/slaves_unreachable"] = Double(cluster.registry.unreachable.count)
        metrics["master/agent_removal_brake_engaged"] = cluster.removals.isBraked ? 1 : 0
        metrics["master/agent_removals_waiting"] = Double(cluster.removals.waitingCount)
        metrics["master/recovery_agent_removal_held"] = cluster.isRecoveryRemovalHeld ? 1 : 0
        let frameworks = cluster.frameworks.all
        let here = frameworks.filter(\.isConnected).count
        metrics["master/frameworks_connected"] = Double(here)
        metrics["master/frameworks_disconnected"] = Double(frameworks.count - here)
        metrics["master/frameworks_active"] = Double(here)
        metrics["master/frameworks_inactive"] = Double(frameworks.count - here)
        metrics["master/outstanding_offers"] = Double(cluster.offers.count)
        for (name, state) in [
            ("staging", V1TaskState.taskStaging), ("starting", .taskStarting), ("running", .taskRunning),
            ("killing", .taskKilling), ("unreachable", .taskUnreachable),
        ] {
            metrics["master/tasks_\(name)"] = Double(figures.counts[state])
        }
        let offered = cluster.offers.all.reduce(into: Resources()) { $0 += $1.resources }
        for name in ["cpus", "gpus", "mem", "disk"] {
            let total = figures.total.nonRevocable[name].doubleValue
            let used = figures.used.nonRevocable[name].doubleValue
            metrics["master/\(name)_total"] = total
            metrics["master/\(name)_used"] = used
            metrics["master/\(name)_percent"] = total > 0 ? used / total : 0
            let revocableTotal = figures.total.revocable[name].doubleValue
            let revocableUsed = figures.used.revocable[name].doubleValue
            metrics["master/\(name)_revocable_total"] = revocableTotal
            metrics["master/\(name)_revocable_used"] = revocableUsed
            metrics["master/\(name)_revocable_percent"] = revocableTotal > 0 ? revocableUsed / revocableTotal : 0
            guard name != "gpus" else { continue }
            metrics["allocator/mesos/resources/\(name)/total"] = total
            metrics["allocator/mesos/resources/\(name)/offered_or_allocated"] = used + offered[name].doubleValue
        }
        metrics["registrar/queued_operations"] = Double(cluster.registryWritesPending)
        metrics["registrar/registry_size_bytes"] = Double(RegistryViews.sizeBytes(of: cluster.registry))
        metrics["registrar/log/recovered"] = 1
        metrics["registrar/log/ensemble_size"] = Double(facts.configuration.quorum ?? 1)
        for row in RoleFigures(cluster, figures).rows {
            let prefix = "allocator/mesos/quota/roles/\(row.role)/resources/"
            let held = row.allocated + row.offered
            for (name, amount) in row.guarantee { metrics[prefix + "\(name)/guarantee"] = amount }
            for (name, amount) in row.limit { metrics[prefix + "\(name)/limit"] = amount }
            for name in Set(row.guarantee.keys).union(row.limit.keys) {
                metrics[prefix + "\(name)/offered_or_allocated"] = held[name].doubleValue
            }
            for (name, amount) in row.consumed.scalars { metrics[prefix + "\(name)/consumed"] = amount.doubleValue }
        }
        addFilters(cluster, to: &metrics)
        addMessages(cluster, to: &metrics)
        if facts.configuration.publishPerFrameworkMetrics { addFrameworks(cluster, figures, to: &metrics) }
        metrics["master/operator_event_stream_subscribers"] = Double(cluster.operatorStreams.count)
    }

    private func addFilters(_ cluster: Cluster, to metrics: inout [String: Double]) {
        for framework in cluster.frameworks.all {
            for role in framework.roles {
                metrics["allocator/mesos/offer_filters/roles/\(role)/active", default: 0] += Double(
                    cluster.allocator.filterCount(of: framework.id, in: role))
            }
        }
    }

    /// Calls of the frameworks of each principal. A call is dealt with in the step in which it comes in.
    private func addMessages(_ cluster: Cluster, to metrics: inout [String: Double]) {
        for framework in cluster.frameworks.all where framework.info.hasPrincipal {
            let count = Double(cluster.frameworkMetrics[framework.id].callCount)
            for name in ["messages_received", "messages_processed"] {
                metrics["frameworks/\(framework.info.principal)/\(name)", default: 0] += count
            }
        }
    }

    /// Metrics under `master/frameworks/<name>/<id>/`.
    private func addFrameworks(_ cluster: Cluster, _ figures: ClusterFigures, to metrics: inout [String: Double]) {
        for framework in cluster.frameworks.all + cluster.frameworks.completed {
            let prefix = "master/frameworks/\(Self.escaped(framework.info.name))/\(framework.id)/"
            metrics[prefix + "subscribed"] = framework.isConnected ? 1 : 0
            for (name, value) in cluster.frameworkMetrics[framework.id].all { metrics[prefix + name] = Double(value) }
            for state in V1TaskState.allCases where !state.isTerminal {
                let count = figures.countsByFramework[framework.id]?[state] ?? 0
                metrics[prefix + "tasks/active/\(state.name.lowercased())"] = Double(count)
            }
            for role in framework.roles {
                metrics[prefix + "roles/\(role)/suppressed"] = framework.suppressed.contains(role) ? 1 : 0
            }
        }
    }

    /// A framework's name with everything but unreserved characters percent-encoded, so that it is one path component.
    static func escaped(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }

    private func addSystem(to metrics: inout [String: Double]) {
        let machine = MachineFigures.now()
        metrics["system/load_1min"] = machine.load1
        metrics["system/load_5min"] = machine.load5
        metrics["system/load_15min"] = machine.load15
        metrics["system/cpus_total"] = Double(machine.cpus)
        metrics["system/mem_total_bytes"] = Double(machine.memoryTotalBytes)
        metrics["system/mem_free_bytes"] = Double(machine.memoryFreeBytes)
    }

    // MARK: Names

    /// Every name that is always there, at zero: exporters look for fixed names, and a standby has them all.
    private static let zeros: [String: Double] = {
        var names = [
            "allocator/event_queue_dispatches", "allocator/mesos/allocation_runs",
            "allocator/mesos/event_queue_dispatches", "master/agent_removal_brake_engaged",
            "master/agent_removals_waiting", "master/recovery_agent_removal_held", "master/dropped_messages",
            "master/event_queue_dispatches", "master/event_queue_http_requests", "master/event_queue_messages",
            "master/frameworks_active", "master/frameworks_connected", "master/frameworks_disconnected",
            "master/frameworks_inactive", "master/http_cache_hits", "master/operator_event_stream_subscribers",
            "master/offers_expired", "master/outstanding_offers", "master/recovery_slave_removals",
            "master/slave_registrations",
            "master/slave_removals", "master/slave_reregistrations", "master/uptime_secs",
            "registrar/log/ensemble_size", "registrar/log/recovered", "registrar/queued_operations",
            "registrar/registry_size_bytes",
        ]
        for resource in ["cpus", "gpus", "mem", "disk"] {
            for kind in ["total", "used", "percent"] {
                names += ["master/\(resource)_\(kind)", "master/\(resource)_revocable_\(kind)"]
            }
            if resource != "gpus" {
                names += ["total", "offered_or_allocated"].map { "allocator/mesos/resources/\(resource)/\($0)" }
            }
        }
        for state in ["connected", "disconnected", "active", "inactive", "unreachable"] {
            names.append("master/slaves_\(state)")
        }
        for cause in ["registered", "unhealthy", "unregistered"] {
            names.append("master/slave_removals/reason_\(cause)")
        }
        for step in ["scheduled", "completed", "canceled"] {
            names += ["master/slave_shutdowns_\(step)", "master/slave_unreachable_\(step)"]
        }
        for state in [
            "staging", "starting", "running", "killing", "unreachable", "finished", "failed", "killed", "lost",
            "error", "dropped", "gone", "gone_by_operator",
        ] {
            names.append("master/tasks_\(state)")
        }
        for message in [
            "authenticate", "deactivate_framework", "decline_offers", "executor_to_framework", "exited_executor",
            "framework_to_executor", "kill_task", "launch_tasks", "operation_status_update",
            "operation_status_update_acknowledgement", "reconcile_operations", "reconcile_tasks",
            "register_framework", "register_slave", "reregister_framework", "reregister_slave", "resource_request",
            "revive_offers", "status_update", "status_update_acknowledgement", "suppress_offers",
            "unregister_framework", "unregister_slave", "update_slave",
        ] {
            names.append("master/messages_\(message)")
        }
        for thing in [
            "executor_to_framework_messages", "framework_to_executor_messages",
            "operation_status_update_acknowledgements", "operation_status_updates",
            "status_update_acknowledgements", "status_updates",
        ] {
            names += ["master/valid_\(thing)", "master/invalid_\(thing)"]
        }
        let states = [
            "dropped", "error", "failed", "finished", "gone_by_operator", "pending", "recovering", "total",
            "unreachable",
        ]
        for state in states { names.append("master/operations/\(state)") }
        for operation in [
            "create", "create_disk", "destroy", "destroy_disk", "grow_volume", "reserve", "shrink_volume",
            "unreserve",
        ] {
            for state in states { names.append("master/operations/\(operation)/\(state)") }
        }
        return Dictionary(uniqueKeysWithValues: names.map { ($0, 0.0) })
    }()
}
