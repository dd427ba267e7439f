// What the planner shows of itself: agents, waiting builds with reasons, the state of both connections.
import Resources

/// A picture of the planner at one moment, for people and tools.
public struct PlannerStatus: Equatable, Sendable {
    public struct Agent: Equatable, Sendable {
        public var node: NodeName
        public var template: TemplateName
        public var state: String
        public var taskID: TaskID
        public var agentID: AgentID?
        public var host: String
        public var executors: Int
    }

    public struct Waiting: Equatable, Sendable {
        public var item: QueueItemID
        public var job: String
        public var label: String
        /// Milliseconds since the Unix epoch on the controller's clock.
        public var since: Int64
        public var reason: String
    }

    public struct TemplateState: Equatable, Sendable {
        public var name: TemplateName
        public var agents: Int
        /// Why it is not tried now, if so.
        public var backsOffBecause: String?
    }

    public var frameworkID: FrameworkID?
    public var isSubscribed: Bool
    public var isControllerReachable: Bool
    public var controllerProblem: String
    public var isSuppressed: Bool
    public var agents: [Agent]
    public var waiting: [Waiting]
    public var templates: [TemplateState]
    /// Builds that ran on a single-use agent after another, since the framework started.
    public var singleUseViolations: Int
    /// Builds whose label cannot be told.
    public var unresolvedItems: Int
    /// Builds that no template serves.
    public var unservedItems: Int
    /// Machines whose offers are refused for a while, and why, by name.
    public var refusedHosts: [String]
}

extension JenkinsPlanner {
    public func status(at now: Moment) -> PlannerStatus {
        PlannerStatus(
            frameworkID: frameworkID, isSubscribed: isSubscribed, isControllerReachable: controller.isReachable,
            controllerProblem: controller.lastFailure, isSuppressed: wish == .suppressed,
            agents: agents(where: { _ in true }).map {
                .init(
                    node: $0.name, template: $0.template, state: $0.phaseName, taskID: $0.taskID, agentID: $0.agentID,
                    host: $0.hostname, executors: $0.executors)
            },
            waiting: waiting.map {
                .init(
                    item: $0.id, job: $0.job, label: $0.label, since: $0.since, reason: text(of: $0, at: now.instant))
            },
            templates: settings.templates.map { template in
                let health = health[template.name] ?? TemplateHealth()
                return .init(
                    name: template.name, agents: agents.values.count { $0.template == template.name },
                    backsOffBecause: health.backsOff(at: now.instant) ? health.lastReason : nil)
            }, singleUseViolations: singleUseViolations,
            unresolvedItems: waiting.count { $0.reason == .labelUnknown },
            unservedItems: waiting.count { $0.reason == .noTemplate },
            refusedHosts: hosts.refused(at: now.instant).map { "\($0.host): \($0.reason)" })
    }

    private func text(of item: WaitingItem, at now: Instant) -> String {
        switch item.reason {
        case .executorFree(let node): "an executor on \(node) is free"
        case .agentComing(let node): agents[node].map { "agent \(node) is \($0.phaseName)" } ?? "an agent is coming"
        case .agentRequested: "an agent was requested"
        case .noTemplate: "no template serves \(item.label.isEmpty ? "builds without a label" : "'\(item.label)'")"
        case .imageNotAllowed(let image): "image \(image) is not among those allowed"
        case .capReached(let template): "template \(template) has reached its maxAgents"
        case .frameworkCapReached: "the limit of maxAgents is reached"
        case .templateBacksOff(let template):
            "template \(template) backs off: \(health[template]?.lastReason ?? "its agents fail")"
        case .boundToNode(let node): "waits for node \(node) alone"
        case .labelUnknown: "its label cannot be told: \(item.why)"
        case .notBuildable: item.why.isEmpty ? "waits for something other than an executor" : item.why
        }
    }
}
