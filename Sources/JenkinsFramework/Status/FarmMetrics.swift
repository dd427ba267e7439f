// What `/metrics` says: the declarations of the framework's figures.
import JenkinsUsage
import MesosProtocol
import Metrics
import Resources
import TextTables

/// Counters of what has happened since the framework started.
struct FarmMetrics: Equatable, Sendable {
    var phases: [String: DurationHistogram] = [:]
    var wait = DurationHistogram()
    var builds: [String: Int] = [:]
    var storeErrors = 0
    var rowsDropped = 0

    mutating func add(_ row: BuildRow) {
        for (name, value) in zip(PhaseTimes.names, row.phases.values) {
            if let value { phases[name, default: DurationHistogram()].add(value) }
        }
        if row.phases.queued != nil { wait.add(row.phases.wait) }
        // Results are words of the controller: a plugin must not make the series endless.
        let known = ["SUCCESS", "FAILURE", "UNSTABLE", "ABORTED", "NOT_BUILT", "UNKNOWN"]
        builds[known.contains(row.result) ? row.result : "OTHER", default: 0] += 1
    }
}

/// One look at the framework for all of its figures.
struct FarmReading: Sendable {
    var status: PlannerStatus
    var waiting: [WaitingExplanation]
    var phases: BuildPhases
    var metrics: FarmMetrics
    var traffic: [String: ControllerTraffic.Count]
    /// Of this machine; a controller whose clock differs shifts the waiting times.
    var now: WallTime

    /// The answer of `/metrics`.
    var prometheus: String { Self.catalog.prometheus(self) }

    fileprivate func waiting(for code: WaitingExplanation.Code) -> [WaitingExplanation] {
        waiting.filter { $0.code == code }
    }

    fileprivate func age(of item: WaitingExplanation) -> Double {
        max(0, now.seconds - Double(item.since) / 1e3)
    }
}

extension FarmReading {
    typealias Figure = Metric<FarmReading>

    static let catalog = MetricCatalog(prefix: "mini_jenkins_", queue + agents + builds + store)

    private static let labelsMax = 100

    private static let queue: [Figure] = [
        Figure("up", .gauge, "Whether the controller and a master answer (1) or not (0).", labels: ["part"]) { farm in
            [
                MetricSample(["controller"], farm.status.isControllerReachable ? 1 : 0),
                MetricSample(["master"], farm.status.isSubscribed ? 1 : 0),
            ]
        },
        Figure("waiting_items", .gauge, "Queued items of ours by what holds them up.", labels: ["reason"]) { farm in
            WaitingExplanation.Code.allCases.map { code in
                MetricSample([code.rawValue], Double(farm.waiting(for: code).count))
            }
        },
        Figure(
            "oldest_waiting_seconds", .gauge,
            "How long the oldest of these items has been in the controller's queue; 0 without any.", labels: ["reason"]
        ) { farm in
            WaitingExplanation.Code.allCases.map { code in
                MetricSample([code.rawValue], farm.waiting(for: code).map(farm.age).max() ?? 0)
            }
        },
        Figure(
            "unserved_items", .gauge,
            "Queued items whose label no template serves, by label: a hundred labels at most.",
            labels: ["label"]
        ) { farm in
            let unserved = Dictionary(grouping: farm.waiting(for: .unserved), by: \.label)
            return unserved.keys.sorted().prefix(labelsMax).map {
                MetricSample([$0], Double(unserved[$0]?.count ?? 0))
            }
        },
    ]

    private static let agents: [Figure] = [
        Figure("agents", .gauge, "Agents of ours by template and state.", labels: ["template", "state"]) { farm in
            let agents = Dictionary(grouping: farm.status.agents) { [$0.template.value, $0.state] }
            return agents.keys.sorted { $0.lexicographicallyPrecedes($1) }.map {
                MetricSample($0, Double(agents[$0]?.count ?? 0))
            }
        },
        Figure(
            "template_backing_off", .gauge, "Whether a template is not tried for now because its agents failed (1).",
            labels: ["template"]
        ) { farm in
            farm.status.templates.map { MetricSample([$0.name.value], $0.backsOffBecause == nil ? 0 : 1) }
        },
        Figure("launches_total", .counter, "Agents launched since the framework started.", labels: ["template"]) {
            farm in
            farm.status.templates.map { MetricSample([$0.name.value], Double(farm.phases.launches[$0.name] ?? 0)) }
        },
        Figure(
            "launch_failures_total", .counter,
            "Agents whose task ended through its own fault before it connected.", labels: ["template"]
        ) { farm in
            farm.status.templates.map {
                MetricSample([$0.name.value], Double(farm.phases.launchFailures[$0.name] ?? 0))
            }
        },
        Figure("single_use_violations_total", .counter, "Second builds on single-use agents.") {
            Double($0.status.singleUseViolations)
        },
    ]

    private static let builds: [Figure] = [
        Figure("builds_total", .counter, "Builds that ended on agents, by result.", labels: ["result"]) { farm in
            farm.metrics.builds.sorted { $0.key < $1.key }.map { MetricSample([$0.key], Double($0.value)) }
        },
        Figure(
            "build_phase_seconds", .histogram, "Seconds that builds spent in each phase.", labels: ["phase"]
        ) { farm in PhaseTimes.names.map { MetricSample([$0], farm.metrics.phases[$0] ?? DurationHistogram()) } },
        Figure(
            "build_wait_seconds", .histogram, "Seconds from the queue to the start of a build.",
            samples: {
                [MetricSample([], $0.metrics.wait)]
            }),
    ]

    private static let store: [Figure] = [
        Figure(
            "controller_requests_total", .counter, "Requests the controller answered, by purpose.", labels: ["purpose"]
        ) { farm in
            farm.traffic.sorted { $0.key < $1.key }.map { MetricSample([$0.key], Double($0.value.requests)) }
        },
        Figure(
            "controller_response_bytes_total", .counter, "Bytes of the bodies of these answers.", labels: ["purpose"]
        ) { farm in farm.traffic.sorted { $0.key < $1.key }.map { MetricSample([$0.key], Double($0.value.bytes)) } },
        Figure("usage_store_errors_total", .counter, "Failed attempts to write finished builds to disk.") {
            Double($0.metrics.storeErrors)
        },
        Figure(
            "usage_builds_dropped_total", .counter, "Finished builds that were not remembered, as the disk took none."
        ) { Double($0.metrics.rowsDropped) },
    ]
}
