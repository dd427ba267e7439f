// The declarations of figures whose samples have names of their own: roles, frameworks, principals, operations.
import Allocator
import MesosProtocol
import Metrics
import Resources

extension MasterMetrics {
    // MARK: Allocator

    static let allocator: [Figure] =
        [
            Metric(
                "allocation_runs_total", .counter, "Rounds of handing out resources.",
                mesos: "allocator/mesos/allocation_runs"
            ) { $0.counter("allocator/mesos/allocation_runs") },
            timer(
                "allocation_run_seconds", "Durations of such rounds.", "allocator/mesos/allocation_run_ms"
            ) { $0.allocationRun },
            timer(
                "allocation_latency_seconds", "Time from the wish for a round to its start.",
                "allocator/mesos/allocation_run_latency_ms"
            ) { $0.allocationLatency },
        ]
        + ["cpus", "mem", "disk"].flatMap { name -> [Figure] in
            [
                Metric(
                    "", .gauge, "The same as `master/\(name)_total`.", mesos: "allocator/mesos/resources/\(name)/total",
                    scope: .cluster
                ) { $0.cluster?.total(name) ?? 0 },
                Metric(
                    "", .gauge, "What is held or offered, in CPUs or MiB.",
                    mesos: "allocator/mesos/resources/\(name)/offered_or_allocated", scope: .cluster
                ) { source in source.cluster.map { $0.used(name) + $0.offered[name].doubleValue } ?? 0 },
            ]
        }

    // MARK: Roles

    /// One sample for each role.
    private static func byRole(
        _ name: String, _ help: String, scale: Double = 1,
        _ read: @escaping @Sendable (RoleFigures.Row, ClusterReading) -> Double
    ) -> Figure {
        Metric(name, .gauge, help, labels: ["role"], scale: scale, scope: .cluster) { source in
            guard let cluster = source.cluster else { return [] }
            return cluster.roles.map { MetricSample(["\($0.role)"], read($0, cluster)) }
        }
    }

    /// One sample for each role and resource that it has an amount of.
    private static func quota(
        _ kind: String, _ help: String, _ read: @escaping @Sendable (RoleFigures.Row) -> [String: Double]
    ) -> Figure {
        Metric(
            "role_quota_\(kind)", .gauge, help + ", in CPUs, GPUs or MiB by resource.",
            mesos: "allocator/mesos/quota/roles/{role}/resources/{resource}/\(kind)", labels: ["role", "resource"],
            scope: .cluster
        ) { source in
            (source.cluster?.roles ?? []).flatMap { row in
                read(row).sorted { $0.key < $1.key }.map { MetricSample(["\(row.role)", $0.key], $0.value) }
            }
        }
    }

    static let roles: [Figure] =
        MeasuredResource.allCases.flatMap { resource -> [Figure] in
            let (name, words, scale) = (resource.mesosName, resource.words, resource.scale)
            return [
                byRole(
                    "role_\(resource.metricName("allocated"))", "\(words) that tasks of the role hold.", scale: scale
                ) { row, _ in row.allocated[name].doubleValue },
                byRole(
                    "role_\(resource.metricName("offered"))", "\(words) that are offered to the role.", scale: scale
                ) { row, _ in row.offered[name].doubleValue },
                byRole(
                    "role_\(resource.metricName("reserved"))", "\(words) reserved for exactly this role.", scale: scale
                ) { row, _ in row.reserved[name].doubleValue },
                byRole(
                    "role_\(resource.metricName("obtainable"))",
                    "\(words) nobody holds and the role may have: reserved for nobody, for it or for a role above it.",
                    scale: scale
                ) { row, cluster in cluster.obtainable(resource, by: row.role) },
            ]
        } + [
            byRole("role_weight", "Weight of the role; 1 unless set.") { row, _ in row.weight },
            byRole("role_frameworks", "Frameworks subscribed to the role.") { row, _ in Double(row.frameworks.count) },
            byRole(
                "role_frameworks_wanting", "Connected frameworks that want offers for the role: not suppressed."
            ) { row, cluster in Double(cluster.wanting(row.role)) },
            quota("guarantee", "What the role is promised") { $0.guarantee },
            quota("limit", "What the role may have at most") { $0.limit },
            quota("offered_or_allocated", "What of it is held or offered") { row in
                let held = row.allocated + row.offered
                let names = Set(row.guarantee.keys).union(row.limit.keys)
                return Dictionary(uniqueKeysWithValues: names.map { ($0, held[$0].doubleValue) })
            },
            quota("consumed", "What counts against the limit: reservations and what is held beyond them") { row in
                Dictionary(row.consumed.scalars.map { ($0.0, $0.1.doubleValue) }) { first, _ in first }
            },
            Metric(
                "role_offer_filters", .gauge, "Refusals in force, by role.",
                mesos: "allocator/mesos/offer_filters/roles/{role}/active", labels: ["role"], scope: .cluster
            ) { source in
                guard let cluster = source.cluster?.cluster else { return [] }
                var counts: [RoleName: Int] = [:]
                for framework in cluster.frameworks.all {
                    for role in framework.roles {
                        counts[role, default: 0] += cluster.allocator.filterCount(of: framework.id, in: role)
                    }
                }
                return counts.sorted { $0.key < $1.key }.map { MetricSample(["\($0.key)"], Double($0.value)) }
            },
        ]

    // MARK: Operations

    private static let operationTypes = [
        "create", "create_disk", "destroy", "destroy_disk", "grow_volume", "reserve", "shrink_volume", "unreserve",
    ]
    private static let openStates = ["pending", "recovering", "unreachable"]
    private static let endStates = ["dropped", "error", "failed", "finished", "gone_by_operator"]

    /// Operations that have not ended, by type and state.
    private static func open(_ source: MetricsDocument) -> [[String]: Int] {
        (source.cluster?.cluster.operations.all ?? []).reduce(into: [:]) { counts, record in
            if let state = OperationWords.state(record.latest.state), openStates.contains(state) {
                counts[[OperationWords.type(record.info.type), state], default: 0] += 1
            }
        }
    }

    static let operations: [Figure] = [
        Metric(
            "operations", .gauge, "Operations on resources that have not ended, by type and state.",
            mesos: "master/operations/{type}/{state}", labels: ["type", "state"], scope: .cluster
        ) { source in
            let counts = open(source)
            return operationTypes.flatMap { type in
                openStates.map { MetricSample([type, $0], Double(counts[[type, $0]] ?? 0)) }
            }
        },
        Metric(
            "operations_ended_total", .counter, "Operations on resources that ended, by type and state.",
            mesos: "master/operations/{type}/{state}", labels: ["type", "state"]
        ) { source in
            operationTypes.flatMap { type in
                endStates.map { MetricSample([type, $0], source.counter("master/operations/\(type)/\($0)")) }
            }
        },
        Metric(
            "", .gauge, "Operations on resources by type: those that ended and those that have not.",
            mesos: "master/operations/{type}/total", labels: ["type"]
        ) { source in
            let counts = open(source)
            return operationTypes.map { type in
                let ended = endStates.reduce(0) { $0 + source.counter("master/operations/\(type)/\($1)") }
                let open = openStates.reduce(0) { $0 + (counts[[type, $1]] ?? 0) }
                return MetricSample([type], ended + Double(open))
            }
        },
        Metric(
            "", .gauge, "Operations on resources by state, of all types.", mesos: "master/operations/{state}",
            labels: ["state"]
        ) { source in
            let counts = open(source)
            let open = openStates.map { state in
                MetricSample([state], operationTypes.reduce(0) { $0 + Double(counts[[$1, state]] ?? 0) })
            }
            let ended = endStates.map { state in
                MetricSample(
                    [state], operationTypes.reduce(0) { $0 + source.counter("master/operations/\($1)/\(state)") })
            }
            let total = (open + ended).reduce(0) { sum, sample in
                if case .number(let value) = sample.value { sum + value } else { sum }
            }
            return open + ended + [MetricSample(["total"], total)]
        },
    ]

    // MARK: Frameworks

    /// Samples of all frameworks that are known or completed, none if they are switched off.
    private static func perFramework(
        _ name: String, _ kind: MetricKind, _ help: String, _ mesos: String, labels: [String] = [],
        _ read: @escaping @Sendable (Framework, ClusterReading) -> [(labels: [String], value: Double)]
    ) -> Figure {
        Metric(
            "framework_\(name)", kind, help, mesos: "master/frameworks/{framework%}/{framework_id}/\(mesos)",
            labels: ["framework", "framework_id"] + labels, scope: .cluster
        ) { source in
            guard source.facts.configuration.publishPerFrameworkMetrics, let cluster = source.cluster else { return [] }
            return (cluster.cluster.frameworks.all + cluster.cluster.frameworks.completed).flatMap { framework in
                read(framework, cluster).map {
                    MetricSample([framework.info.name, framework.id.value] + $0.labels, $0.value)
                }
            }
        }
    }

    /// Counters that the books keep under `path` or, if it ends with a slash, under every name below it.
    private static func counted(_ name: String, _ help: String, _ path: String, label: String? = nil) -> Figure {
        perFramework(
            name, .counter, help, label.map { path + "{\($0)}" } ?? path, labels: label.map { [$0] } ?? []
        ) { framework, cluster in
            cluster.cluster.frameworkMetrics[framework.id].all.compactMap { counter in
                if label == nil { return counter.name == path ? ([], Double(counter.value)) : nil }
                guard counter.name.hasPrefix(path) else { return nil }
                return ([String(counter.name.dropFirst(path.count))], Double(counter.value))
            }
        }
    }

    static let frameworks: [Figure] = [
        Metric(
            "principal_calls_total", .counter, "Calls of the connected frameworks of a principal.",
            mesos: "frameworks/{principal}/messages_received", labels: ["principal"], scope: .cluster,
            samples: callsByPrincipal),
        // A call is dealt with in the step in which it comes in.
        Metric(
            "", .counter, "The same: a call is dealt with in the step in which it comes in.",
            mesos: "frameworks/{principal}/messages_processed", labels: ["principal"], scope: .cluster,
            samples: callsByPrincipal),
        perFramework("subscribed", .gauge, "Whether the framework is connected (1) or not (0).", "subscribed") {
            framework, _ in [([], framework.isConnected ? 1 : 0)]
        },
        counted("calls_total", "Calls of the framework.", "calls"),
        counted("calls_by_type_total", "Calls of the framework, by type.", "calls/", label: "call"),
        counted("events_total", "Events sent to the framework.", "events"),
        counted("events_by_type_total", "Events sent to the framework, by type.", "events/", label: "event"),
        counted("operations_total", "Operations in the framework's accepts.", "operations"),
        counted(
            "operations_by_type_total", "Operations in the framework's accepts, by type.", "operations/",
            label: "operation"),
        counted("offers_total", "The framework's offers, by what became of them.", "offers/", label: "outcome"),
        counted("tasks_ended_total", "Tasks of the framework that ended, by state.", "tasks/terminal/", label: "state"),
        perFramework(
            "tasks", .gauge, "Tasks of the framework that have not ended, by state.", "tasks/active/{state}",
            labels: ["state"]
        ) { framework, cluster in
            V1TaskState.allCases.filter { !$0.isTerminal }.map { state in
                ([state.name.lowercased()], Double(cluster.figures.countsByFramework[framework.id]?[state] ?? 0))
            }
        },
        perFramework(
            "role_suppressed", .gauge, "Whether the framework wants no offers for the role (1).",
            "roles/{role}/suppressed", labels: ["role"]
        ) { framework, _ in
            framework.roles.map { (["\($0)"], framework.suppressed.contains($0) ? 1 : 0) }
        },
    ]

    @Sendable private static func callsByPrincipal(_ source: MetricsDocument) -> [MetricSample] {
        guard let cluster = source.cluster?.cluster else { return [] }
        var counts: [String: Double] = [:]
        for framework in cluster.frameworks.all where framework.info.hasPrincipal {
            counts[framework.info.principal, default: 0] += Double(cluster.frameworkMetrics[framework.id].callCount)
        }
        return counts.sorted { $0.key < $1.key }.map { MetricSample([$0.key], $0.value) }
    }
}
