// What must survive a restart of the framework.
import Resources

public struct PlannerRecord: Equatable, Sendable {
    public struct Agent: Equatable, Sendable {
        public var name: NodeName
        public var template: TemplateName
        public var executors: Int
        public var agentID: AgentID?
        public var hostname: String
        public var sawBuild: Bool
        /// As its node has them; nil, in records of earlier versions: those of the template.
        public var labels: [String]?
        /// Instead of the template's image.
        public var image: String?
        public var builds = 0
        /// It takes no more builds.
        public var isUsedUp = false
        public var bornAt: WallTime?

        public init(
            name: NodeName, template: TemplateName, executors: Int, agentID: AgentID?, hostname: String, sawBuild: Bool,
            labels: [String]? = nil, image: String? = nil, builds: Int = 0, isUsedUp: Bool = false,
            bornAt: WallTime? = nil
        ) {
            self.name = name
            self.template = template
            self.executors = executors
            self.agentID = agentID
            self.hostname = hostname
            self.sawBuild = sawBuild
            self.labels = labels
            self.image = image
            self.builds = builds
            self.isUsedUp = isUsedUp
            self.bornAt = bornAt
        }
    }

    public var frameworkID: FrameworkID?
    /// By name.
    public var agents: [Agent]

    public init(frameworkID: FrameworkID? = nil, agents: [Agent] = []) {
        self.frameworkID = frameworkID
        self.agents = agents
    }
}

extension AgentRecord {
    /// An agent of an earlier run: launched, as far as can be known, until the master or the controller says otherwise.
    init(_ saved: PlannerRecord.Agent, template: AgentTemplate?, at now: Moment) {
        self.init(
            name: saved.name, template: saved.template, executors: saved.executors,
            labels: saved.labels ?? template?.labels ?? [], mode: template?.mode ?? .exclusive, at: now.instant)
        phase = .launching
        task = .launched
        agentID = saved.agentID
        hostname = saved.hostname
        sawBuild = saved.sawBuild
        image = saved.image
        builds = saved.builds
        isUsedUp = saved.isUsedUp
        if template?.singleUse == .strict { gate = .closed }
        if let born = saved.bornAt {
            let age = max(now.wall.nanoseconds - born.nanoseconds, 0)
            bornAt = now.instant.advanced(by: .zero - .nanoseconds(age))
        }
    }

    func saved(at now: Moment) -> PlannerRecord.Agent {
        PlannerRecord.Agent(
            name: name, template: template, executors: executors, agentID: agentID, hostname: hostname,
            sawBuild: sawBuild, labels: labels, image: image, builds: builds, isUsedUp: isUsedUp,
            bornAt: bornAt.map { now.wall.advanced(by: .zero - $0.duration(to: now.instant)) })
    }
}
