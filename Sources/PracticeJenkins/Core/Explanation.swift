/// Why a queue item waits, in the words of Jenkins, including what those words hide.

/// The languages test control can switch to: clients must not depend on the English text.
enum ControllerLocale: String, Equatable, Sendable { case english = "en", german = "de" }

enum Explanation: Equatable, Sendable {
    case quietPeriod(milliseconds: Int64)
    case buildInProgress(number: Int)
    case shuttingDown
    case noNodes(label: String)
    case allNodesOffline(label: String)
    case nodeOffline(String)
    case labelBusy(String)
    case anyExecutorBusy
    case refusals([NodeRefusal])

    enum NodeRefusal: Hashable, Sendable {
        case offline(String)
        case labelMissing(node: String, label: String)
        case reserved(String)
        case notAccepting(String)
    }

    static let builtInName = "Built-In Node"
}

extension Controller {
    /// Why the item has not started; `nil` once it left the queue.
    func explanation(of item: QueueItem, at now: PracticeTime) -> Explanation? {
        switch item.state {
        case .left:
            return nil
        case .waiting(let until):
            return .quietPeriod(milliseconds: max(0, until.milliseconds(since: now)))
        case .blocked:
            let running = building.last { $0.job == item.jobName }?.number
            return running.map { .buildInProgress(number: $0) } ?? .anyExecutorBusy
        case .buildable, .pending:
            return isQuietingDown ? .shuttingDown : explainBuildable(item)
        }
    }

    /// No node besides the built-in one hides the label; exactly one matching node shows its name instead.
    private func explainBuildable(_ item: QueueItem) -> Explanation {
        let label = nodes.isEmpty ? nil : item.expression
        guard let label else {
            let idleOnline = nodes.values.contains { $0.isConnected && !$0.isOffline && $0.idleExecutorCount > 0 }
            let refusals = refusals(of: item)
            return idleOnline && !refusals.isEmpty ? .refusals(refusals) : .anyExecutorBusy
        }
        let matching = nodes.values.filter { label.matches($0.atoms) }
        guard matching.contains(where: { !$0.isOffline }) else {
            if matching.isEmpty { return .noNodes(label: label.canonical) }
            return matching.count == 1 ? .nodeOffline(matching[0].name) : .allNodesOffline(label: label.canonical)
        }
        if matching.contains(where: { !$0.isOffline && $0.idleExecutorCount > 0 }) {
            let refusals = refusals(of: item)
            if !refusals.isEmpty { return .refusals(refusals) }
        }
        return .labelBusy(matching.count == 1 ? matching[0].name : label.canonical)
    }

    /// What each idle executor says against the item, each reason once, in the order of their texts.
    private func refusals(of item: QueueItem) -> [Explanation.NodeRefusal] {
        var reasons: Set<Explanation.NodeRefusal> = []
        for node in nodes.values where node.idleExecutorCount > 0 {
            if let label = item.expression, !label.matches(node.atoms) {
                reasons.insert(.labelMissing(node: node.name, label: label.canonical))
            } else if item.expression == nil, node.configuration.mode == .exclusive {
                reasons.insert(.reserved(node.name))
            } else if node.isOffline {
                reasons.insert(.offline(node.name))
            }
        }
        return reasons.sorted { $0.text(.english) < $1.text(.english) }
    }

    /// Whether Jenkins would mark the item as stuck.
    func isStuck(_ item: QueueItem, at now: PracticeTime) -> Bool {
        guard let since = item.buildableSince else { return false }
        if let label = item.expression, !nodes.values.contains(where: { label.matches($0.atoms) && !$0.isOffline }) {
            return true
        }
        let waited = now.milliseconds(since: since)
        let estimate = jobs[item.jobName]?.estimatedMilliseconds ?? -1
        return estimate >= 0 ? waited > max(estimate, 60_000) * 10 : waited > 24 * 3_600_000
    }
}

extension Explanation {
    func text(_ locale: ControllerLocale) -> String {
        switch (self, locale) {
        case (.quietPeriod(let milliseconds), .english):
            "In the quiet period. Expires in \(Self.span(milliseconds))"
        case (.quietPeriod(let milliseconds), .german):
            "In der Ruheperiode. Endet in \(Self.span(milliseconds))"
        case (.buildInProgress(let number), .english): "Build #\(number) is already in progress (ETA: N/A)"
        case (.buildInProgress(let number), .german): "Build #\(number) läuft bereits (Restzeit: unbekannt)"
        case (.shuttingDown, .english): "Jenkins is about to shut down"
        case (.shuttingDown, .german): "Jenkins wird gleich heruntergefahren"
        case (.noNodes(let label), .english): "There are no nodes with the label ‘\(label)’"
        case (.noNodes(let label), .german): "Es gibt keine Knoten mit dem Label „\(label)“"
        case (.allNodesOffline(let label), .english): "All nodes of label ‘\(label)’ are offline"
        case (.allNodesOffline(let label), .german): "Alle Knoten des Labels „\(label)“ sind offline"
        case (.nodeOffline(let name), .english): "‘\(name)’ is offline"
        case (.nodeOffline(let name), .german): "„\(name)“ ist offline"
        case (.labelBusy(let name), .english): "Waiting for next available executor on ‘\(name)’"
        case (.labelBusy(let name), .german): "Warte auf den nächsten freien Build-Prozessor auf „\(name)“"
        case (.anyExecutorBusy, .english): "Waiting for next available executor"
        case (.anyExecutorBusy, .german): "Warte auf den nächsten freien Build-Prozessor"
        case (.refusals(let refusals), _): Self.joined(refusals.map { $0.text(locale) })
        }
    }

    /// At most five reasons, then how many more there are.
    private static func joined(_ texts: [String]) -> String {
        let shown = texts.prefix(5).joined(separator: "; ")
        return texts.count > 5 ? "\(shown); ... and \(texts.count - 5) more" : shown
    }

    /// A time span as Jenkins rounds it.
    static func span(_ milliseconds: Int64) -> String {
        if milliseconds >= 60_000 { return "\(milliseconds / 60_000) min \(milliseconds % 60_000 / 1_000) sec" }
        if milliseconds >= 10_000 { return "\(milliseconds / 1_000) sec" }
        if milliseconds >= 1_000 { return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) sec" }
        return milliseconds >= 100 ? "0.\(milliseconds / 10) sec" : "\(milliseconds) ms"
    }
}

extension Explanation.NodeRefusal {
    func text(_ locale: ControllerLocale) -> String {
        switch (self, locale) {
        case (.offline(let name), .english): "‘\(name)’ is offline"
        case (.offline(let name), .german): "„\(name)“ ist offline"
        case (.labelMissing(let node, let label), .english): "‘\(node)’ doesn’t have label ‘\(label)’"
        case (.labelMissing(let node, let label), .german): "„\(node)“ hat das Label „\(label)“ nicht"
        case (.reserved(let name), .english): "‘\(name)’ is reserved for jobs with matching label expression"
        case (.reserved(let name), .german): "„\(name)“ ist für Jobs mit passendem Label reserviert"
        case (.notAccepting(let name), .english): "‘\(name)’ is not accepting tasks"
        case (.notAccepting(let name), .german): "„\(name)“ nimmt keine Aufträge an"
        }
    }
}
