// Everything one configuration file says, as typed values with defaults.
import MasterDetection
import Resources

/// The configuration of one Jenkins framework: one controller, one cluster, some kinds of agents.
public struct JenkinsConfiguration: Sendable {
    public var stateDirectory: String
    public var description: String
    public var jenkins: Controller
    public var mesos: Cluster
    public var planner: PlannerSettings
    /// How agents of each template are launched.
    public var launches: [TemplateName: LaunchShape]
    public var status: StatusAddress

    /// The Jenkins controller and how to reach it.
    public struct Controller: Sendable {
        /// Without a trailing slash.
        public var url: String
        /// What agents are told; often the same.
        public var agentURL: String
        public var user: String
        public var secret: ControllerSecret
        public var pollInterval: Duration
        public var idlePollInterval: Duration

        public init(
            url: String, agentURL: String? = nil, user: String = "", secret: ControllerSecret = .none,
            pollInterval: Duration = .milliseconds(250), idlePollInterval: Duration = .milliseconds(500)
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
    public struct Cluster: Sendable {
        public var master: MasterLocation
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

        public init(master: MasterLocation) { self.master = master }
    }

    /// Where `/health`, `/state` and `/events` are served.
    public struct StatusAddress: Hashable, Sendable {
        public var host = "127.0.0.1"
        /// 0: any that is free.
        public var port = 0

        public init(host: String = "127.0.0.1", port: Int = 0) {
            self.host = host
            self.port = port
        }
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

/// How an agent of a template becomes a task.
public struct LaunchShape: Hashable, Sendable {
    public enum Method: Hashable, Sendable {
        /// The image's own entrypoint reads the environment of the usual inbound agent image.
        case image
        /// `agent.jar` is fetched from the controller and run with the `java` of the image or host.
        case java
        /// A shell command; it finds `JENKINS_URL`, `JENKINS_AGENT_NAME` and `JENKINS_SECRET` in its environment.
        case custom(String)
    }

    public enum Transport: String, CaseIterable, Hashable, Sendable { case websocket, tcp }

    public struct Variable: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var method: Method
    public var transport = Transport.websocket
    /// How long a disconnected agent tries to come back; zero: not at all. nil leaves it to the agent program, which tries
    /// for ever; old ones do not know the option.
    public var reconnect: Duration?
    public var tunnel: String?
    public var jvmArguments = ""
    public var agentArguments = ""
    /// By name.
    public var environment: [Variable] = []
    /// nil runs the command as a plain process.
    public var container: ContainerShape?

    public init(method: Method, container: ContainerShape? = nil) {
        self.method = method
        self.container = container
    }
}

/// The container of a template's agents.
public struct ContainerShape: Hashable, Sendable {
    public enum Network: Hashable, Sendable { case bridge, host, none, user(String) }

    public struct Volume: Hashable, Sendable {
        public var containerPath: String
        /// nil: a folder in the sandbox.
        public var hostPath: String?
        public var isReadOnly: Bool

        public init(containerPath: String, hostPath: String?, isReadOnly: Bool = false) {
            self.containerPath = containerPath
            self.hostPath = hostPath
            self.isReadOnly = isReadOnly
        }
    }

    public struct Parameter: Hashable, Sendable {
        public var key: String
        public var value: String
    }

    public var image: String
    public var isPrivileged = false
    public var forcePull = false
    public var network = Network.bridge
    public var volumes: [Volume] = []
    public var parameters: [Parameter] = []

    public init(image: String = "jenkins/inbound-agent") { self.image = image }
}
