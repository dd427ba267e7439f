// How the agents of a template become tasks, as the configuration says it.

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

    /// How the agent program learns the node's secret. It is never part of a command line.
    public enum SecretDelivery: String, CaseIterable, Hashable, Sendable {
        /// `JENKINS_SECRET` in the environment, marked as a secret.
        case environment
        /// A file of the sandbox with mode 0600; `JENKINS_SECRET_FILE` names it, and the environment no longer has it.
        case file
    }

    public struct Variable: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Something the agent's host fetches into the sandbox before the start.
    public struct Download: Hashable, Sendable {
        public var value: String
        public var isExecutable: Bool
        public var isExtracted: Bool
        public var isCached: Bool

        public init(value: String, isExecutable: Bool = false, isExtracted: Bool = true, isCached: Bool = false) {
            self.value = value
            self.isExecutable = isExecutable
            self.isExtracted = isExtracted
            self.isCached = isCached
        }
    }

    /// Where a tool of the controller is on these agents, in the words of the node's form.
    public struct ToolLocation: Hashable, Sendable {
        /// `hudson.tasks.Maven$MavenInstallation$DescriptorImpl@maven-3`: the tool's type and the installation's name.
        public var key: String
        public var home: String

        public init(key: String, home: String) {
            self.key = key
            self.home = home
        }
    }

    public var method: Method
    public var transport = Transport.websocket
    /// How long a disconnected agent tries to come back; zero: not at all. nil leaves it to the agent program, which tries
    /// for ever.
    public var reconnect: Duration?
    public var tunnel: String?
    public var secretDelivery = SecretDelivery.environment
    public var jvmArguments = ""
    public var agentArguments = ""
    /// By name.
    public var environment: [Variable] = []
    public var downloads: [Download] = []
    public var toolLocations: [ToolLocation] = []
    /// Whether each agent works in a subfolder of its own where the working folder is shared with others.
    public var separatesWorkspaces = true
    /// Before the start each folder of the host must answer within this; nil: not looked at.
    public var mountDeadline: Duration?
    /// nil runs the command as a plain process.
    public var container: ContainerShape?

    public init(method: Method, container: ContainerShape? = nil) {
        self.method = method
        self.container = container
    }
}

/// The container of a template's agents.
public struct ContainerShape: Hashable, Sendable {
    /// Who makes it: the Docker daemon, or the agent's own containerizer.
    public enum Kind: String, CaseIterable, Hashable, Sendable { case docker, mesos }

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

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var kind = Kind.docker
    public var image: String
    public var isPrivileged = false
    public var forcePull = false
    /// Whether the image's ENTRYPOINT stays. Only a start by the image's own means can do without replacing it.
    public var keepsEntrypoint = true
    /// Words put before the agent's command, which then is their one last argument; empty: `/bin/sh -c`.
    public var shell: [String] = []
    public var network = Network.bridge
    public var volumes: [Volume] = []
    public var parameters: [Parameter] = []
    /// nil: the node's name.
    public var hostname: String?
    /// nil: the image's own.
    public var user: String?
    /// An archive with a Docker client's `config.json`, fetched into the sandbox.
    public var pullConfigURI: String?
    /// A Docker client's `config.json` on the framework's host.
    public var pullSecretFile: String?

    public init(image: String = "jenkins/inbound-agent") { self.image = image }
}
