// Keeps drained nodes that carry each template's labels, so that the controller names the label of what waits.
import Resources

/// Without any node the controller hides the label of a waiting pipeline step, and with exactly one matching node it shows
/// that node's name instead. Two beacons for each template cure both. They never get a container.
struct BeaconKeeper: Equatable, Sendable {
    private var tryAgainAt: [NodeName: Instant] = [:]
    /// Whether it has been looked once which are there.
    private(set) var hasLooked = false

    static let drainReason = JenkinsPlanner.drainPrefix + "label beacon; shows which labels can be served, runs nothing"

    mutating func keep(
        _ settings: PlannerSettings, frameworkID: FrameworkID, computers: [Computer], at now: Instant
    ) -> [JenkinsPlanner.Effect] {
        var effects: [JenkinsPlanner.Effect] = []
        hasLooked = true
        let wanted = Self.wanted(settings, frameworkID)
        let existing = Dictionary(computers.map { (NodeName($0.name), $0) }) { first, _ in first }
        for spec in wanted where mayTry(spec.name, at: now) {
            guard let computer = existing[spec.name] else {
                begin(spec.name, at: now)
                effects.append(.createBeacon(spec))
                continue
            }
            guard NodeMarker(description: computer.description)?.frameworkID == frameworkID else { continue }
            let labels = Set(computer.labels).subtracting([computer.name])
            // Lines before 2.107 do not show labels.
            if !labels.isEmpty, labels != Set(spec.labels) {
                // Its template got other labels. A later poll makes it anew.
                tryAgainAt[spec.name] = now.advanced(by: .seconds(2))
                effects.append(.deleteNode(spec.name))
            } else if !computer.isTemporarilyOffline {
                begin(spec.name, at: now)
                effects.append(.drainNode(spec.name, reason: Self.drainReason))
            }
        }
        let names = Set(wanted.map(\.name))
        for name in existing.keys.sorted() where !names.contains(name) && mayTry(name, at: now) {
            guard let marker = NodeMarker(description: existing[name]?.description ?? ""),
                marker.frameworkID == frameworkID, marker.kind == .beacon
            else { continue }
            begin(name, at: now)
            effects.append(.deleteNode(name))
        }
        return effects
    }

    private func mayTry(_ name: NodeName, at now: Instant) -> Bool {
        guard let again = tryAgainAt[name] else { return true }
        return now >= again
    }

    /// A beacon is not urgent: one request in half a minute, whatever becomes of it.
    private mutating func begin(_ name: NodeName, at now: Instant) {
        tryAgainAt[name] = now.advanced(by: .seconds(30))
    }

    private static func wanted(_ settings: PlannerSettings, _ frameworkID: FrameworkID) -> [NodeSpec] {
        let suffixes: [String]
        switch settings.beacons {
        case .pair: suffixes = ["a", "b"]
        case .single: suffixes = ["a"]
        case .off: suffixes = []
        }
        return settings.templates.flatMap { template in
            suffixes.map { suffix in
                NodeSpec(
                    name: settings.beaconName(template.name, suffix),
                    description: NodeMarker(frameworkID: frameworkID, template: template.name, kind: .beacon).text,
                    // A single beacon only has to exist; with the labels it would be the one match that hides them.
                    labels: settings.beacons == .pair ? template.labels : [], mode: .exclusive, executors: 1,
                    remoteFS: "/tmp")
            }
        }
    }
}
