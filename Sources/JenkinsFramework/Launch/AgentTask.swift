// Turns a launch order into the TaskInfo of an inbound agent: command, container, environment, resources.
import FoundationEssentials
import MesosProtocol
import Resources

struct AgentTask {
    /// What agents are told to connect to, without a trailing slash.
    var agentURL: String
    var frameworkName: String
    var user: String

    func info(
        for agent: LaunchOrder.Agent, of order: LaunchOrder, template: AgentTemplate, launch: LaunchShape
    ) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = "jenkins agent \(agent.template)"
        task.taskID = V1TaskID(TaskID(agent.name.value))
        task.agentID = V1AgentID(order.agentID)
        task.resources = agent.resources.protobuf(allocationRole: order.role)
        task.command = command(agent, template, launch)
        if let shape = launch.container { task.container = container(shape, agent.name) }
        // A TERM gives the agent time to say goodbye; the controller has forgotten it by then.
        task.killPolicy.gracePeriod.nanoseconds = 5_000_000_000
        task.labels.labels = [
            label("framework", frameworkName), label("template", agent.template.value),
            label("node", agent.name.value), label("controller", agentURL),
        ]
        return task
    }

    private func label(_ key: String, _ value: String) -> V1Label {
        var label = V1Label()
        label.key = key
        label.value = value
        return label
    }

    // MARK: - Command

    private func command(
        _ agent: LaunchOrder.Agent, _ template: AgentTemplate, _ launch: LaunchShape
    ) -> V1CommandInfo {
        var command = V1CommandInfo()
        switch launch.method {
        case .image:
            // No value and no shell: the image's own entrypoint and command.
            command.shell = false
        case .java:
            command.shell = true
            command.value = javaCommand(template, launch)
        case .custom(let text):
            command.shell = true
            command.value = text
        }
        if !user.isEmpty { command.user = user }
        command.environment.variables = environment(agent, template, launch)
        return command
    }

    /// What the usual inbound agent image reads. The template's own variables cannot hide ours.
    private func environment(
        _ agent: LaunchOrder.Agent, _ template: AgentTemplate, _ launch: LaunchShape
    ) -> [V1Environment.Variable] {
        var values: [(String, String)] = launch.environment.map { ($0.name, $0.value) }
        values.append(("JENKINS_URL", agentURL + "/"))
        values.append(("JENKINS_AGENT_NAME", agent.name.value))
        // A relative working folder lies in the sandbox, which a command finds in MESOS_SANDBOX.
        if template.remoteFS.hasPrefix("/"), launch.container != nil {
            values.append(("JENKINS_AGENT_WORKDIR", template.remoteFS))
        }
        if launch.transport == .websocket { values.append(("JENKINS_WEB_SOCKET", "true")) }
        if let tunnel = launch.tunnel { values.append(("JENKINS_TUNNEL", tunnel)) }
        if !jvmOptions(template, launch).isEmpty { values.append(("JENKINS_JAVA_OPTS", jvmOptions(template, launch))) }
        if !launch.agentArguments.isEmpty { values.append(("REMOTING_OPTS", launch.agentArguments)) }
        values.append(("JENKINS_SECRET", agent.secret.value))

        var seen: Set<String> = []
        return values.reversed().filter { seen.insert($0.0).inserted }.reversed().map { name, value in
            var variable = V1Environment.Variable()
            variable.name = name
            if name == "JENKINS_SECRET" {
                // Of its own type, so that nothing that shows environments shows it.
                variable.type = .secret
                variable.secret.type = .value
                variable.secret.value.data = Data(value.utf8)
            } else {
                variable.type = .value
                variable.value = value
            }
            return variable
        }
    }

    /// The heap is what the template asks for the agent's own process.
    private func jvmOptions(_ template: AgentTemplate, _ launch: LaunchShape) -> String {
        let given = launch.jvmArguments.trimmingBlanks
        if given.contains("-Xmx") || template.executorMemory.isZero { return given }
        let heap = "-Xmx\(max(template.agentMemory.milli / 1_000, 16))m"
        return given.isEmpty ? heap : heap + " " + given
    }

    /// Fetches the controller's own agent.jar, so that the two always match, and keeps the secret off the command line.
    private func javaCommand(_ template: AgentTemplate, _ launch: LaunchShape) -> String {
        let jar = shellQuoted(agentURL + "/jnlpJars/agent.jar")
        var options: [String] = []
        if launch.transport == .websocket { options.append("-webSocket") }
        if let tunnel = launch.tunnel { options.append("-tunnel " + shellQuoted(tunnel)) }
        if let reconnect = launch.reconnect {
            options.append(
                reconnect == .zero ? "-noReconnect" : "-noReconnectAfter \(reconnect.components.seconds)s")
        }
        let extra = (options + [launch.agentArguments.trimmingBlanks]).filter { !$0.isEmpty }.joined(separator: " ")
        let folder = template.remoteFS.hasPrefix("/") && launch.container != nil ? template.remoteFS : "agent"
        return """
            umask 077; cd "${MESOS_SANDBOX:-.}" && printf %s "$JENKINS_SECRET" > .agent-secret && unset JENKINS_SECRET && \
            { curl -fsSL -o agent.jar \(jar) || wget -q -O agent.jar \(jar); } && \
            exec java \(jvmOptions(template, launch)) -jar agent.jar -url "$JENKINS_URL" -secret @.agent-secret \
            -name "$JENKINS_AGENT_NAME" -workDir \(shellQuoted(folder)) \(extra)
            """
    }

    private func shellQuoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    // MARK: - Container

    private func container(_ shape: ContainerShape, _ name: NodeName) -> V1ContainerInfo {
        var container = V1ContainerInfo()
        container.type = .docker
        container.docker.image = shape.image
        container.docker.forcePullImage = shape.forcePull
        container.docker.privileged = shape.isPrivileged
        switch shape.network {
        case .bridge: container.docker.network = .bridge
        case .host: container.docker.network = .host
        case .none: container.docker.network = .none
        case .user(let network):
            container.docker.network = .user
            var info = V1NetworkInfo()
            info.name = network
            container.networkInfos = [info]
        }
        if shape.network != .host { container.hostname = name.value }
        container.docker.parameters = shape.parameters.map {
            var parameter = V1Parameter()
            parameter.key = $0.key
            parameter.value = $0.value
            return parameter
        }
        container.volumes = shape.volumes.map {
            var volume = V1Volume()
            volume.containerPath = $0.containerPath
            if let hostPath = $0.hostPath { volume.hostPath = hostPath }
            volume.mode = $0.isReadOnly ? .ro : .rw
            return volume
        }
        return container
    }
}
