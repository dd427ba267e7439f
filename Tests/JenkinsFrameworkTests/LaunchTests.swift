// How agents are started: the command for every method, wrappers and entrypoints, volumes, ports, and what is fetched.
import FoundationEssentials
import MesosProtocol
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct LaunchTests {
    private func task(
        _ launch: LaunchShape, version: String? = nil, ports: [PortMapping] = [], image: String? = nil,
        pullSecret: [UInt8]? = nil, _ change: (inout AgentTemplate) -> Void = { _ in }
    ) -> V1TaskInfo {
        let builder = AgentTask(
            agentURL: "http://ci:8080", frameworkName: "J", user: "", version: version.flatMap { JenkinsVersion($0) })
        let template = AgentTemplate.named("linux", change)
        var agent = LaunchOrder.Agent(
            name: "mj-linux-1", template: "linux", executors: 1, resources: template.resources(executors: 1),
            secret: AgentSecret("5ec4e7"))
        agent.ports = ports
        agent.image = image
        let order = LaunchOrder(offer: "o1", agentID: "a1", role: .any, agents: [agent], refuse: .seconds(5))
        return builder.info(for: agent, of: order, template: template, launch: launch, pullSecret: pullSecret)
    }

    private func environment(_ task: V1TaskInfo) -> [String: String] {
        Dictionary(task.command.environment.variables.map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: - java

    @Test func `java runs the controller's own jar, which the agent's host fetches`() {
        var launch = LaunchShape(method: .java)
        launch.reconnect = .zero
        launch.jvmArguments = "-Xss1m"
        launch.agentArguments = "-noCertificateCheck"
        let command = task(launch) { $0.remoteFS = "agent" }.command
        #expect(command.uris.map(\.value) == ["http://ci:8080/jnlpJars/agent.jar"])
        #expect(command.uris.allSatisfy { !$0.extract && !$0.cache && $0.outputFile == "agent.jar" })
        for part in [
            "exec java -Xmx512m -Xss1m -jar agent.jar -url \"$JENKINS_URL\" -name \"$JENKINS_AGENT_NAME\" -webSocket",
            "-secret @.agent-secret", "-noReconnect -noCertificateCheck", "-workDir 'agent'",
        ] {
            #expect(command.value.contains(part), "\(part) in \(command.value)")
        }
    }

    @Test(arguments: [
        ("2.462.1", "-noReconnectAfter 60s", "restarts"), ("2.440.3", "restarts", "-noReconnectAfter"),
    ])
    func `how long it tries to come back is told to agent programs that know the option`(
        version: String, has: String, hasNot: String
    ) {
        var launch = LaunchShape(method: .java)
        launch.reconnect = .seconds(60)
        let command = task(launch, version: version).command.value
            .replacing("while :; do", with: "restarts")
        #expect(command.contains(has) && !command.contains(hasNot), "\(command)")
    }

    @Test func `without a version the agent program is restarted by a timer, which any of them stands`() {
        var launch = LaunchShape(method: .java)
        launch.reconnect = .seconds(86_400)
        let command = task(launch).command.value
        #expect(command.contains("-noReconnect ") || command.contains("-noReconnect\n"), "\(command)")
        #expect(command.contains("-lt 86400"))
    }

    @Test func `an old controller's agent is pointed to its document`() {
        var launch = LaunchShape(method: .java)
        launch.transport = .tcp
        let command = task(launch, version: "2.361.4").command.value
        #expect(command.contains("-jnlpUrl \"${JENKINS_URL}computer/$JENKINS_AGENT_NAME/slave-agent.jnlp\""))
        #expect(!command.contains("-url ") && command.contains("-secret @.agent-secret"))
        #expect(task(launch, version: "2.60.3").command.uris.map(\.value) == ["http://ci:8080/jnlpJars/slave.jar"])
    }

    // MARK: - Entrypoints and wrappers

    @Test func `the article's dash c with an entrypoint that ends in a shell keeps that entrypoint`() {
        var shape = ContainerShape(image: "i")
        shape.shell = ["-c"]
        let command = task(LaunchShape(method: .java, container: shape)).command
        #expect(!command.shell && command.value == "-c" && command.arguments.count == 1)
        #expect(command.arguments.first?.contains("java ") == true)
    }

    @Test func `Docker in Docker is a wrapper, a privileged container and a volume of the sandbox`() throws {
        let configuration = try JenkinsConfiguration.parse(
            """
            stateDir: /s
            jenkins: {url: "http://ci:8080/"}
            mesos: {master: "m:5050"}
            templates: [{name: d, container: {image: i, dind: true}}]
            """, path: "f")
        let launch = try #require(configuration.launches["d"])
        let task = task(launch)
        #expect(task.command.value == "/wrapdocker" && task.command.arguments == ["jenkins-agent"])
        #expect(!task.command.shell && task.container.docker.privileged)
        #expect(task.container.volumes.map(\.containerPath) == ["/var/lib/docker"])
        // A relative path of the host lies in the sandbox.
        #expect(task.container.volumes.map(\.hostPath) == ["volume-var-lib-docker"])
    }

    @Test func `an image whose entrypoint is not wanted starts the usual agent program`() {
        var shape = ContainerShape(image: "i")
        shape.keepsEntrypoint = false
        let command = task(LaunchShape(method: .image, container: shape)).command
        #expect(command.shell && command.value == "jenkins-agent")
    }

    @Test func `a label's image takes the place of the template's`() {
        let launch = LaunchShape(method: .image, container: ContainerShape(image: "i"))
        #expect(task(launch, image: "other:1").container.docker.image == "other:1")
    }

    // MARK: - Container

    @Test func `ports of the offer become mappings and variables`() {
        let launch = LaunchShape(method: .image, container: ContainerShape(image: "i"))
        let ports = [
            PortMapping(container: 8080, host: 31_000), PortMapping(container: 53, host: 31_005, transport: .udp),
        ]
        let task = task(launch, ports: ports)
        #expect(task.container.docker.portMappings.map(\.hostPort) == [31_000, 31_005])
        #expect(task.container.docker.portMappings.map(\.containerPort) == [8080, 53])
        #expect(task.container.docker.portMappings.map(\.protocol) == ["tcp", "udp"])
        #expect(environment(task)["PORT0"] == "31000" && environment(task)["PORT1"] == "31005")
        var shape = ContainerShape(image: "i")
        shape.network = .host
        let onHost = self.task(LaunchShape(method: .image, container: shape), ports: ports)
        #expect(onHost.container.docker.portMappings.isEmpty && environment(onHost)["PORT0"] == "31000")
        #expect(!onHost.container.hasHostname)
    }

    @Test func `a container may have a user and a name of its own`() {
        var shape = ContainerShape(image: "i")
        shape.user = "1000:1000"
        shape.hostname = "builder"
        let container = task(LaunchShape(method: .image, container: shape)).container
        #expect(container.hostname == "builder")
        #expect(container.docker.parameters.map(\.key) == ["user"])
        #expect(container.docker.parameters.map(\.value) == ["1000:1000"])
    }

    @Test func `an image can run without a daemon, with its registry's credentials`() {
        var shape = ContainerShape(image: "i")
        shape.kind = .mesos
        shape.network = .user("ci")
        shape.forcePull = true
        let container = task(
            LaunchShape(method: .image, container: shape), pullSecret: Array("{}".utf8)
        ).container
        #expect(container.type == .mesos && container.mesos.image.docker.name == "i" && !container.hasDocker)
        #expect(!container.mesos.image.cached && container.networkInfos.map(\.name) == ["ci"])
        #expect(container.mesos.image.docker.config.value.data == Data("{}".utf8))
    }

    @Test func `further files are fetched as asked`() {
        var launch = LaunchShape(method: .custom("./run"))
        launch.downloads = [
            .init(value: "http://f/x.tgz"), .init(value: "http://f/run", isExecutable: true, isExtracted: false),
            .init(value: "http://f/c.tgz", isCached: true),
        ]
        launch.container = ContainerShape(image: "i")
        launch.container?.pullConfigURI = "file:///etc/docker.tar.gz"
        let uris = task(launch).command.uris
        #expect(
            uris.map(\.value) == ["http://f/x.tgz", "http://f/run", "http://f/c.tgz", "file:///etc/docker.tar.gz"])
        #expect(uris.map(\.executable) == [false, true, false, false])
        #expect(uris.map(\.extract) == [true, false, true, true])
        #expect(uris.map(\.cache) == [false, false, true, false])
    }

    // MARK: - Secret and work folder

    @Test func `a command can have the secret as a file`() {
        var launch = LaunchShape(method: .custom("./run"))
        launch.secretDelivery = .file
        let command = task(launch).command.value
        #expect(command.contains("umask 077") && command.contains("unset JENKINS_SECRET"))
        #expect(command.contains("JENKINS_SECRET_FILE") && command.hasSuffix("./run"))
        #expect(!command.contains("5ec4e7"))
    }

    @Test(arguments: [
        ("/work", "/work", true, "/work/mj-linux-1"), ("/work/a", "/work", true, "/work/a/mj-linux-1"),
        ("/work", "/work", false, "/work"), ("/workshop", "/work", true, "/workshop"),
        ("agent", "/work", true, "agent"),
    ])
    func `agents on shared storage each get a folder of their own`(
        remoteFS: String, volume: String, separates: Bool, expected: String
    ) {
        var launch = LaunchShape(method: .image, container: ContainerShape(image: "i"))
        launch.container?.volumes = [.init(containerPath: volume, hostPath: "/mnt/nfs")]
        launch.separatesWorkspaces = separates
        #expect(WorkFolder.path(remoteFS, of: "mj-linux-1", launch) == expected)
        launch.container?.volumes = [.init(containerPath: volume, hostPath: nil)]
        #expect(WorkFolder.path(remoteFS, of: "mj-linux-1", launch) == remoteFS, "a sandbox is nobody else's")
    }

    @Test func `tool locations go into the node's form`() throws {
        let node = NodeSpec(
            name: "mj-linux-1", description: "d", labels: ["a"], mode: .normal, executors: 1, remoteFS: "/w")
        let tool = LaunchShape.ToolLocation(
            key: "hudson.plugins.git.GitTool$DescriptorImpl@Default", home: "/usr/bin/git")
        let form = try JenkinsRequests.createForm(NodeForm(node, webSocket: false, tools: [tool]))
        #expect(form.contains("hudson-tools-ToolLocationNodeProperty"))
        #expect(form.contains(JenkinsRequests.escaped(#""home":"/usr/bin/git""#)))
        #expect(!(try JenkinsRequests.createForm(NodeForm(node, webSocket: false))).contains("ToolLocation"))
    }

    @Test(arguments: [
        ("2.462.3", 2, 462), ("2.470", 2, 470), ("1.625.3", 1, 625), ("2.504.1 (private-x)", 2, 504),
        ("2.401-rc33.0", 2, 401),
    ])
    func `versions are compared by their first two numbers`(text: String, major: Int, minor: Int) throws {
        let version = try #require(JenkinsVersion(text))
        #expect(version.major == major && version.minor == minor)
        #expect(version.isAtLeast(major, minor) && !version.isAtLeast(major, minor + 1))
    }

    @Test(arguments: ["", "2", "x.y", "-"]) func `other texts are no versions`(text: String) {
        #expect(JenkinsVersion(text) == nil)
    }
}
