// Where the framework stands with the cluster and its controller, in a few words.

/// What the framework does at one moment.
public struct FrameworkPosition: Hashable, Sendable {
    /// Whether the leading master has subscribed it, or another one of its kind works and this one stands by.
    public var isInPlace: Bool
    /// One line for people.
    public var text: String

    public init(isInPlace: Bool, text: String) {
        self.isInPlace = isInPlace
        self.text = text
    }

    init(_ planner: JenkinsPlanner) {
        isInPlace = planner.isSubscribed
        let controller = planner.controller.isReachable ? "" : ", the controller does not answer"
        text =
            planner.isSubscribed
            ? "subscribed, \(planner.waiting.count) builds wait, \(planner.agents.count) Jenkins agents\(controller)"
            : "subscribes\(controller)"
    }
}
