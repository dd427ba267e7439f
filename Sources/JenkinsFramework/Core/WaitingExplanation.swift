// Why each queued build waits, as a word for machines and a sentence for people.
import Resources

/// A queued item, how far it is, and what holds it up.
public struct WaitingExplanation: Equatable, Sendable {
    /// How far an item has come.
    public enum Phase: String, CaseIterable, Sendable {
        /// Quiet period, a lock, another build: an executor would not help.
        case blocked
        /// Needs an executor; no agent is on its way.
        case queued
        /// An agent is wanted and waits for an offer.
        case requested
        /// The node is being created.
        case registering
        /// The task was sent: the image is pulled, the container started.
        case launching
        /// The agent's task runs; it has not reached the controller.
        case connecting
        /// An executor is free: the controller's turn.
        case assigning
    }

    /// Stable words; metrics count items by them.
    public enum Code: String, CaseIterable, Sendable {
        case notBuildable = "not_buildable"
        case controllerDown = "controller_unreachable"
        case quietDown = "quiet_down"
        case restartGrace = "restart_grace"
        case notSubscribed = "not_subscribed"
        case unserved
        case labelUnknown = "label_unknown"
        case boundToNode = "bound_to_node"
        case templateCapped = "template_capped"
        case frameworkCapped = "framework_capped"
        case templateBacksOff = "template_backs_off"
        case nodesRefused = "nodes_refused"
        case launchLimit = "launch_limit"
        case noOffer = "no_offer"
        case registering
        case pulling
        case launching
        case connecting
        case executorFree = "executor_free"
        case other
    }

    public var item: QueueItemID
    public var job: String
    /// Empty if none is asked for.
    public var label: String
    /// Milliseconds since the Unix epoch on the controller's clock.
    public var since: Int64
    public var phase: Phase
    public var code: Code
    /// Of the agent that is on its way.
    public var template: TemplateName?
    public var node: NodeName?
    public var reason: String
}
