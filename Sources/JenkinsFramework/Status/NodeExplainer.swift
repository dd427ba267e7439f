// Lets nodes say why builds wait, where people who look at the controller find it.
import Logging
import Mailbox
import Resources
import SchedulerClient

/// Off unless the configuration says `jenkins.explainOnNodes`.
///
/// The description of a node whose agent is coming tells why it is not there yet; that needs Agent/Configure. A label beacon
/// is drained anyway, and its offline cause tells what builds of its template wait for. Nothing else is given an offline
/// cause: with it a node takes no builds.
final class NodeExplainer: Sendable {
    private struct Said: Sendable {
        var reason: String
        var at: Instant
        var isRunning = false
    }

    private enum Place: Hashable, Sendable {
        case description(NodeName)
        case beacon(NodeName)
    }

    private struct State: Sendable {
        var said: [Place: Said] = [:]
        /// Descriptions may not be changed.
        var isRefused = false
    }

    /// Between two changes of one node.
    private static let descriptionPause = Duration.seconds(5)
    private static let beaconPause = Duration.seconds(30)

    private let controller: JenkinsController
    private let logger: Logger
    private let state = Locked(State())

    init(_ controller: JenkinsController, logger: Logger) {
        self.controller = controller
        self.logger = logger
    }

    /// - Parameters:
    ///   - waiting: What holds up queued builds now, the oldest first.
    ///   - coming: Nodes whose agent is launched and not online, and which may be described anew.
    ///   - beacons: The first beacon of each template that has any.
    func explain(
        _ waiting: [WaitingExplanation], coming: Set<NodeName>, beacons: [TemplateName: NodeName], at now: Instant
    ) {
        let wanted = NodeReasons.wanted(waiting, coming: coming, beacons: beacons)
        let due = state.withLock { state -> [(Place, String)] in
            state.said = state.said.filter { place, said in
                if case .description(let node) = place { return coming.contains(node) || said.isRunning }
                return true
            }
            var places = wanted.beacons.map { (Place.beacon($0.key), $0.value, Self.beaconPause) }
            if !state.isRefused {
                places += wanted.descriptions.map { (Place.description($0.key), $0.value, Self.descriptionPause) }
            }
            var due: [(Place, String)] = []
            for (place, reason, pause) in places {
                if let said = state.said[place] {
                    guard !said.isRunning, said.reason != reason, said.at.duration(to: now) >= pause else { continue }
                } else if case .beacon = place, reason.isEmpty {
                    continue  // It says that already.
                }
                state.said[place] = Said(reason: reason, at: now, isRunning: true)
                due.append((place, reason))
            }
            return due
        }
        for (place, reason) in due {
            Task { await write(place, reason) }
        }
    }

    private func write(_ place: Place, _ reason: String) async {
        var refusal: JenkinsFailure?
        do throws(JenkinsFailure) {
            switch place {
            case .description(let node): try await controller.describe(node, reason: reason)
            case .beacon(let node):
                let text = BeaconKeeper.drainReason + (reason.isEmpty ? "" : "; " + reason)
                try await controller.drain(node, reason: text)
            }
        } catch {
            if case .description = place, case .answered(403, _) = error { refusal = error }
        }
        let isNew = state.withLock { state -> Bool in
            state.said[place]?.isRunning = false
            guard refusal != nil, !state.isRefused else { return false }
            state.isRefused = true
            return true
        }
        if isNew, let refusal {
            logger.warning(
                "jenkins.explainOnNodes needs Agent/Configure for descriptions; they stay as they are: \(refusal)")
        }
    }
}

/// Which node should say what.
enum NodeReasons {
    /// - Returns: A sentence for each node that should have one; an empty one for a beacon nothing waits for.
    static func wanted(
        _ waiting: [WaitingExplanation], coming: Set<NodeName>, beacons: [TemplateName: NodeName]
    ) -> (descriptions: [NodeName: String], beacons: [NodeName: String]) {
        var descriptions: [NodeName: String] = [:]
        for entry in waiting {
            guard let node = entry.node, coming.contains(node), descriptions[node] == nil else { continue }
            descriptions[node] = steady(entry)
        }
        var sentences: [NodeName: String] = [:]
        for (template, beacon) in beacons {
            let mine = waiting.filter { $0.template == template && $0.phase != .assigning }
            guard let oldest = mine.first else {
                sentences[beacon] = ""
                continue
            }
            let others = mine.count > 1 ? ", and \(mine.count - 1) more" : ""
            sentences[beacon] = "\(oldest.job) waits\(others): \(steady(oldest))"
        }
        return (descriptions, sentences)
    }

    /// Without what changes by itself from second to second.
    private static func steady(_ entry: WaitingExplanation) -> String {
        switch entry.code {
        case .connecting: "its agent's task runs and has not connected yet"
        case .launching where entry.reason.contains(" since "): "its agent's task is being launched"
        case .templateBacksOff:
            "template \(entry.template?.value ?? "") backs off"
                + (entry.reason.firstRange(of: ": ").map { ": " + entry.reason[$0.upperBound...] } ?? "")
        default: entry.reason
        }
    }
}
