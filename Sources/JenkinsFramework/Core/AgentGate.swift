// The door of a strictly single-use agent: closed until a build waits, and closed again as soon as that has left the queue.
import Resources

/// Whether a strictly single-use agent lets builds in.
package enum AgentGate: Equatable, Sendable {
    /// It has no gate.
    case none
    /// Drained. No build can have run on it.
    case closed
    /// Asked to open. Then: opened, as far as the controller has said so.
    case open(OpenGate)
    /// Asked to close. It opens again only when every item that left the queue meanwhile is known to have run elsewhere.
    case closing(doubts: Set<QueueItemID>)
    /// Drained again; what it may have run is not known yet.
    case doubted(Set<QueueItemID>, since: Instant)

    package struct OpenGate: Equatable, Sendable {
        package internal(set) var since: Instant
        /// Whether the controller confirmed it.
        var isConfirmed = false
        /// The builds that waited for it or could have taken it when last looked.
        var candidates: Set<QueueItemID>
        /// When that was.
        var lastLook: Instant
    }

    var isOpen: Bool { if case .open = self { true } else { false } }

    /// Whether it stands closed and is clean, so that it may serve a build when one comes.
    var canOpen: Bool { self == .closed }

    /// Whether builds can count on it. While it is not known what an agent ran, they cannot.
    var isSupply: Bool {
        switch self {
        case .none, .closed, .open: true
        case .closing, .doubted: false
        }
    }

    /// What the controller shows of a node whose gate never opened.
    static let closedReason = JenkinsPlanner.drainPrefix + "closed, opened when a build waits"
    /// And of one that was open before: what it ran is known to the run of the framework that opened it alone.
    static let closedAgainReason = JenkinsPlanner.drainPrefix + "closed again, a build has left the queue"
}
