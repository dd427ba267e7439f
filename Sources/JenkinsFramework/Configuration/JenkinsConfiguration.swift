// Everything one configuration file says, as typed values with defaults.
import MasterDetection
import Resources
import ZooKeeper

/// The configuration of one Jenkins framework: one controller, one cluster, some kinds of agents.
public struct JenkinsConfiguration: Sendable, Equatable {
    public var stateDirectory: String
    /// For people.
    public var description: String
    public var jenkins: Controller
    public var mesos: Cluster
    public var planner: PlannerSettings
    /// How agents of each template are launched.
    public var launches: [TemplateName: LaunchShape]
    public var status: StatusAddress
    /// Whether builds that no template can serve make `/health` fail. They are a warning otherwise.
    public var unmatchedLabelsFail = false
    /// Given, several processes stand by for one another.
    public var availability: Availability?

    /// The Jenkins controller and how to reach it.
    public struct Controller: Sendable, Equatable {
        /// Without a trailing slash.
        public var url: String
        /// What agents are told; often the same.
        public var agentURL: String
        public var user: String
        public var secret: ControllerSecret
        /// The authority of the controller's certificate; nil: the system's.
        public var caFile: String?
        /// The shortest time between two polls, kept to where something may come that nothing announces.
        public var pollInterval: Duration
        /// The longest time between two looks at the queue; what is announced is looked for when it is due.
        public var idlePollInterval: Duration
        /// Whether nodes say themselves why builds wait.
        public var explainsOnNodes = false

        public init(
            url: String, agentURL: String? = nil, user: String = "", secret: ControllerSecret = .none,
            pollInterval: Duration = .milliseconds(250), idlePollInterval: Duration = .seconds(4)
        ) {
            self.url = url
            self.agentURL = agentURL ?? url
            self.user = user
            self.secret = secret
            self.pollInterval = pollInterval
            self.idlePollInterval = idlePollInterval
        }
    }

    /// Where the user's secret is. Files are read again when they change.
    public enum ControllerSecret: Hashable, Sendable {
        case none
        case tokenFile(String)
        case passwordFile(String)

        var path: String? {
            switch self {
            case .none: nil
            case .tokenFile(let path), .passwordFile(let path): path
            }
        }
    }

    /// The cluster and what the framework is there.
    public struct Cluster: Sendable, Equatable {
        public var master: MasterLocation
        /// Further addresses of masters, tried in turn when the first does not answer.
        public var otherMasters: [MasterLocation] = []
        public var frameworkName = "Jenkins Scheduler"
        public var roles: [RoleName] = [.any]
        public var user = ""
        public var principal = "jenkins"
        public var secretFile: String?
        /// The authority of the cluster's certificates; given, masters are dialled with `https`.
        public var caFile: String?
        /// Overrides the one kept in the state directory.
        public var frameworkID: FrameworkID?
        public var checkpoint = true
        public var failoverTimeout: Duration = .seconds(7 * 86_400)
        public var reconnectMin: Duration = .milliseconds(200)
        public var reconnectMax: Duration = .seconds(30)
        /// Given, the framework registers when builds wait, and is torn down after so long without any.
        public var onDemandLinger: Duration?

        public init(master: MasterLocation) { self.master = master }
    }

    /// Where `/health`, `/state` and `/events` are served.
    public struct StatusAddress: Hashable, Sendable {
        /// Empty: the own address of the network that leads to the masters.
        public var host = ""
        /// 0: any that is free.
        public var port = 0
        /// How others call this host; empty: by that address.
        public var hostname = ""

        public init(host: String = "", port: Int = 0) {
            self.host = host
            self.port = port
        }
    }

    /// One of several processes leads; what it must remember is kept in ZooKeeper.
    public struct Availability: Hashable, Sendable {
        /// Where the processes elect their leader; the state is kept beside it, at the same path and `-state`.
        public var zooKeeper: ZooKeeperURL
        /// How soon a silent leader is taken for dead.
        public var sessionTimeout: Duration = .seconds(10)

        public init(zooKeeper: ZooKeeperURL) { self.zooKeeper = zooKeeper }
    }

    public init(
        stateDirectory: String, jenkins: Controller, mesos: Cluster, planner: PlannerSettings,
        launches: [TemplateName: LaunchShape] = [:], status: StatusAddress = StatusAddress()
    ) {
        self.stateDirectory = stateDirectory
        description = ""
        self.jenkins = jenkins
        self.mesos = mesos
        self.planner = planner
        self.launches = launches
        self.status = status
    }
}
