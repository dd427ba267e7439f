// What an agent looks like as a task: command, environment, container; and what offers and updates are read as.
import FoundationEssentials
import MesosProtocol
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct AgentTaskTests {
    private let builder = AgentTask(agentURL: "http://ci:8080", frameworkName: "J", user: "")
    private let secret = "5ec4e7"

    private func task(
        _ launch: LaunchShape, _ change: (inout AgentTemplate) -> Void = { _ in }
    ) -> V1TaskInfo {
        let template = AgentTemplate.named("linux", change)
        let agent = LaunchOrder.Agent(
            name: "mj-linux-1", template: "linux", executors: 2, resources: template.resources(executors: 2),
            secret: AgentSecret(secret))
        let order = LaunchOrder(offer: "o1", agentID: "a1", role: .any, agents: [agent], refuse: .seconds(5))
        return builder.info(for: agent, of: order, template: template, launch: launch)
    }

    private func environment(_ task: V1TaskInfo) -> [String: String] {
        Dictionary(task.command.environment.variables.map { ($0.name, $0.value) }) { first, _ in first }
    }

    @Test func `an image is started by its own entrypoint with the usual environment`() {
        let task = task(LaunchShape(method: .image, container: ContainerShape(image: "inbound")))
        #expect(task.taskID.value == "mj-linux-1" && task.agentID.value == "a1")
        #expect(task.name == "jenkins agent linux")
        #expect(!task.command.shell && !task.command.hasValue && task.command.arguments.isEmpty)
        let environment = environment(task)
        #expect(environment["JENKINS_URL"] == "http://ci:8080/")
        #expect(environment["JENKINS_AGENT_NAME"] == "mj-linux-1")
        #expect(environment["JENKINS_AGENT_WORKDIR"] == "/home/jenkins/agent")
        #expect(environment["JENKINS_WEB_SOCKET"] == "true")
        #expect(environment["JENKINS_JAVA_OPTS"] == "-Xmx512m")
        #expect(task.container.docker.image == "inbound" && task.container.docker.network == .bridge)
        #expect(task.container.hostname == "mj-linux-1")
        #expect(task.labels.labels.map(\.key) == ["framework", "template", "node", "controller"])
        #expect(!task.hasExecutor)
    }

    @Test func `the secret is an environment secret and stands nowhere else`() throws {
        for launch in [
            LaunchShape(method: .image, container: ContainerShape()), LaunchShape(method: .java),
            LaunchShape(method: .custom("./run")),
        ] {
            let task = task(launch)
            let variable = try #require(task.command.environment.variables.first { $0.name == "JENKINS_SECRET" })
            #expect(variable.type == .secret && !variable.hasValue)
            #expect(variable.secret.value.data == Data(secret.utf8))
            #expect(!task.command.value.contains(secret))
            #expect(!task.labels.labels.contains { $0.value.contains(secret) })
        }
    }

    @Test func `a command without a container is a process with the same environment`() {
        let task = task(LaunchShape(method: .custom("exec /bin/sh agent.sh"))) { $0.remoteFS = "agent" }
        #expect(task.command.shell && task.command.value == "exec /bin/sh agent.sh")
        #expect(!task.hasContainer)
        #expect(environment(task)["JENKINS_AGENT_WORKDIR"] == nil, "the sandbox is its folder")
    }

    @Test func `a template's own variables cannot hide the agent's`() {
        var launch = LaunchShape(method: .custom("x"))
        launch.environment = [.init(name: "A", value: "1"), .init(name: "JENKINS_URL", value: "http://evil")]
        let variables = task(launch).command.environment.variables
        #expect(variables.filter { $0.name == "JENKINS_URL" }.map(\.value) == ["http://ci:8080/"])
        #expect(variables.first?.name == "A")
    }

    @Test func `a container is described as configured`() {
        var shape = ContainerShape(image: "i")
        shape.network = .user("ci")
        shape.isPrivileged = true
        shape.forcePull = true
        shape.volumes = [.init(containerPath: "/c", hostPath: "/h", isReadOnly: true)]
        shape.parameters = [.init(key: "init", value: "true")]
        let container = task(LaunchShape(method: .image, container: shape)).container
        #expect(container.docker.network == .user && container.networkInfos.map(\.name) == ["ci"])
        #expect(container.docker.privileged && container.docker.forcePullImage)
        #expect(container.volumes.map(\.hostPath) == ["/h"] && container.volumes.map(\.mode) == [.ro])
        #expect(container.docker.parameters.map(\.key) == ["init"])
    }

    @Test func `resources carry the role of their offer`() {
        let task = task(LaunchShape(method: .custom("x")))
        #expect(task.resources.allSatisfy { $0.allocationInfo.role == "*" })
        #expect((try? Resources(task.resources)).map { "\($0)" } == "cpus:0.3;mem:845")
    }

    @Test func `an offer with unreadable resources is not used`() {
        var offer = V1Offer()
        offer.id.value = "o"
        var resource = V1Resource()
        resource.name = "cpus"
        resource.type = .scalar
        resource.scalar.value = -1
        offer.resources = [resource]
        #expect(AgentOffer(offer) == nil)
        offer.resources = []
        offer.allocationInfo.role = "/bad/"
        #expect(AgentOffer(offer) == nil)
        offer.allocationInfo.role = "ci"
        #expect(AgentOffer(offer)?.role.value == "ci")
    }

    @Test(arguments: [
        (V1TaskState.taskFailed, V1TaskStatus.Reason?.none, TaskUpdate.Cause.task),
        (.taskFailed, .commandExecutorFailed, .task), (.taskError, .taskInvalid, .task),
        (.taskError, .invalidOffers, .infrastructure), (.taskLost, .agentRemoved, .infrastructure),
        (.taskFailed, .agentRestarted, .infrastructure), (.taskDropped, nil, .infrastructure),
        (.taskFailed, .containerLaunchFailed, .task), (.taskFinished, nil, .task),
    ])
    func `an end is blamed on the task or on the cluster`(
        state: V1TaskState, reason: V1TaskStatus.Reason?, cause: TaskUpdate.Cause
    ) {
        var status = V1TaskStatus()
        status.taskID.value = "t"
        status.state = state
        if let reason { status.reason = reason }
        #expect(TaskUpdate(status).cause == cause)
    }
}
