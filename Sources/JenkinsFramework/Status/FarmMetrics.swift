// What `/metrics` says, in the text format of Prometheus.
import JenkinsUsage
import Resources
import TextTables

/// Counts of durations by upper bounds, as a Prometheus histogram.
struct DurationHistogram: Equatable, Sendable {
    static let bounds: [Double] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

    private(set) var counts = Array(repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var sum = 0.0

    mutating func add(_ seconds: Double) {
        count += 1
        sum += seconds
        for index in Self.bounds.indices where seconds <= Self.bounds[index] { counts[index] += 1 }
    }
}

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

/// Writes samples with their HELP and TYPE.
struct PrometheusText {
    private static let prefix = "mini_jenkins_"

    private(set) var text = ""

    /// - Parameter samples: Labels and value of each; the labels as pairs in their order.
    mutating func add(_ name: String, _ type: String, _ help: String, _ samples: [([(String, String)], Double)]) {
        head(name, type, help)
        for (labels, value) in samples { line(name, labels, value) }
    }

    mutating func add(_ name: String, _ help: String, _ histograms: [([(String, String)], DurationHistogram)]) {
        head(name, "histogram", help)
        for (labels, histogram) in histograms {
            for (bound, count) in zip(DurationHistogram.bounds, histogram.counts) {
                line(name + "_bucket", labels + [("le", Figures.decimal(bound))], Double(count))
            }
            line(name + "_bucket", labels + [("le", "+Inf")], Double(histogram.count))
            line(name + "_sum", labels, histogram.sum)
            line(name + "_count", labels, Double(histogram.count))
        }
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(Self.prefix)\(name) \(help)\n# TYPE \(Self.prefix)\(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        let pairs = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        text += "\(Self.prefix)\(name)\(pairs.isEmpty ? "" : "{\(pairs)}") \(Figures.decimal(value, 6))\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

extension PrometheusText {
    /// Everything the framework says about itself.
    init(
        status: PlannerStatus, waiting: [WaitingExplanation], phases: BuildPhases, metrics: FarmMetrics,
        traffic: [String: ControllerTraffic.Count]
    ) {
        add(
            "up", "gauge", "Whether the controller answers (1) or not (0).",
            [
                ([("part", "controller")], status.isControllerReachable ? 1 : 0),
                ([("part", "master")], status.isSubscribed ? 1 : 0),
            ])
        let codes = Dictionary(grouping: waiting, by: \.code)
        add(
            "waiting_items", "gauge", "Queued items of ours by what holds them up.",
            WaitingExplanation.Code.allCases.map { ([("reason", $0.rawValue)], Double(codes[$0]?.count ?? 0)) })
        let unserved = Dictionary(grouping: codes[.unserved] ?? [], by: \.label)
        add(
            "unserved_items", "gauge", "Queued items whose label no template serves.",
            unserved.keys.sorted().prefix(100).map { ([("label", $0)], Double(unserved[$0]?.count ?? 0)) })
        let agents = Dictionary(grouping: status.agents) { [$0.template.value, $0.state] }
        add(
            "agents", "gauge", "Agents of ours by template and state.",
            agents.keys.sorted { $0.lexicographicallyPrecedes($1) }.map {
                ([("template", $0[0]), ("state", $0[1])], Double(agents[$0]?.count ?? 0))
            })
        add(
            "template_backing_off", "gauge", "Whether a template is not tried for now because its agents failed (1).",
            status.templates.map { ([("template", $0.name.value)], $0.backsOffBecause == nil ? 0 : 1) })
        let templates = status.templates.map(\.name)
        add(
            "launches_total", "counter", "Agents launched since the framework started.",
            templates.map { ([("template", $0.value)], Double(phases.launches[$0] ?? 0)) })
        add(
            "launch_failures_total", "counter", "Agents whose task ended through its own fault before it connected.",
            templates.map { ([("template", $0.value)], Double(phases.launchFailures[$0] ?? 0)) })
        add(
            "single_use_violations_total", "counter", "Second builds on single-use agents.",
            [([], Double(status.singleUseViolations))])
        add(
            "builds_total", "counter", "Builds that ended on agents, by result.",
            metrics.builds.keys.sorted().map { ([("result", $0)], Double(metrics.builds[$0] ?? 0)) })
        add(
            "build_phase_seconds", "Seconds that builds spent in each phase.",
            PhaseTimes.names.map { ([("phase", $0)], metrics.phases[$0] ?? DurationHistogram()) })
        add("build_wait_seconds", "Seconds from the queue to the start of a build.", [([], metrics.wait)])
        add(
            "controller_requests_total", "counter", "Requests the controller answered, by purpose.",
            traffic.keys.sorted().map { ([("purpose", $0)], Double(traffic[$0]?.requests ?? 0)) })
        add(
            "controller_response_bytes_total", "counter", "Bytes of the bodies of these answers.",
            traffic.keys.sorted().map { ([("purpose", $0)], Double(traffic[$0]?.bytes ?? 0)) })
        add(
            "usage_store_errors_total", "counter", "Failed attempts to write finished builds to disk.",
            [([], Double(metrics.storeErrors))])
        add(
            "usage_builds_dropped_total", "counter", "Finished builds that were not remembered, as the disk took none.",
            [([], Double(metrics.rowsDropped))])
    }
}
