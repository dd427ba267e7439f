// The six sample builds of the demo, and what the framework is configured with to run them.

/// One sample job, to be built once.
public struct DemoJob: Hashable, Sendable {
    /// Also the console's first words.
    public var name: String
    public var label: String
    public var seconds: Int

    /// A freestyle project tied to the label, with one shell step.
    var configurationXML: String {
        """
        <?xml version='1.1' encoding='UTF-8'?>
        <project>
          <description>Sample build of mini-mesos</description>
          <assignedNode>\(label)</assignedNode>
          <canRoam>false</canRoam>
          <concurrentBuild>false</concurrentBuild>
          <builders>
            <hudson.tasks.Shell>
              <command>echo \(name) runs on $(hostname); sleep \(seconds); echo done</command>
            </hudson.tasks.Shell>
          </builders>
        </project>
        """
    }
}

/// What the demo runs.
public struct DemoPlan: Hashable, Sendable {
    /// Three labels: a plain one, one whose agents run a single build, one whose agents have two executors.
    static let labels = ["demo-plain", "demo-single", "demo-double"]

    /// Distinguishes the demo's jobs from others on a real controller.
    public var tag: String
    public var jobs: [DemoJob]

    public init(tag: String) {
        self.tag = tag
        jobs = Self.labels.flatMap { label in
            (1...2).map { DemoJob(name: "\(label)-\($0)-\(tag)", label: label, seconds: 1) }
        }
    }
}

/// How the demo's agents are started.
enum DemoAgents: Hashable, Sendable {
    /// The sample image, whose command is the practice agent.
    case sampleImage(String)
    /// The practice agent as a script on this host.
    case script(path: String)
    /// A real controller's agents in their public image.
    case inboundAgentImage(String)
    /// A real controller's agents as processes that fetch agent.jar.
    case javaProcess
}

/// The framework's configuration file for the demo.
struct DemoConfiguration: Hashable, Sendable {
    var stateDirectory: String
    var jenkinsURL: String
    var user: String
    var tokenFile: String
    var master: String
    var agents: DemoAgents
    /// Where the framework serves its own state.
    var port: Int

    var yaml: String {
        """
        stateDir: \(quoted(stateDirectory))
        status: {ip: 127.0.0.1, port: \(port)}
        jenkins:
          url: \(quoted(jenkinsURL))
          user: \(quoted(user))
          tokenFile: \(quoted(tokenFile))
          pollInterval: 250ms
          idlePollInterval: 500ms
        mesos:
          master: \(quoted(master))
          frameworkName: Jenkins demo
          roles: ["*"]
          failoverTimeout: 60s
        templates:
        \(template("demo-plain", "idleTimeout: 2s"))
        \(template("demo-single", "singleUse: true"))
        \(template("demo-double", "minExecutors: 2\n    maxExecutors: 2\n    idleTimeout: 2s"))

        """
    }

    private func template(_ label: String, _ extra: String) -> String {
        """
          - name: \(label)
            labels: \(label)
            cpus: 0.2
            memMb: 64
            remoteFs: work
            \(extra)
        \(launch)
        """
    }

    private var launch: String {
        switch agents {
        case .sampleImage(let image):
            """
                launch: {method: image}
                container: {image: \(quoted(image)), network: host}
            """
        case .script(let path):
            """
                launch: {method: custom, command: \(quoted("exec /bin/sh \(path)"))}
            """
        case .inboundAgentImage(let image):
            """
                launch: {method: image}
                container: {image: \(quoted(image)), network: host}
            """
        case .javaProcess:
            """
                launch: {method: java}
            """
        }
    }

    /// A YAML double-quoted scalar.
    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
