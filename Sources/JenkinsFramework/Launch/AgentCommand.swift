// What an agent's task runs: the image's own start, the controller's agent.jar, or a command of the template's.
import FoundationEssentials
import MesosProtocol
import Resources

struct AgentCommand {
    let task: AgentTask
    let agent: LaunchOrder.Agent
    let template: AgentTemplate
    let launch: LaunchShape

    var info: V1CommandInfo {
        var command = V1CommandInfo()
        let shell = launch.container?.shell ?? []
        switch launch.method {
        case .image where shell.isEmpty && launch.container?.keepsEntrypoint ?? true:
            // No value and no shell: the image's own entrypoint and command.
            command.shell = false
        case .image:
            // One word, which a wrapper can start as well as a shell can read it.
            run(mountCheck.isEmpty ? Self.startOfImage : mountCheck + "exec " + Self.startOfImage, shell, &command)
        case .java:
            run(mountCheck + ShellText.keepSecretInFile + "\n" + Self.enterSandbox + java, shell, &command)
            command.uris.append(jar)
        case .custom(let text):
            run(mountCheck + secretPrelude + text, shell, &command)
        }
        command.uris += launch.downloads.map(uri)
        if let config = launch.container?.pullConfigURI { command.uris.append(uri(.init(value: config))) }
        if !task.user.isEmpty { command.user = task.user }
        command.environment.variables = environment
        return command
    }

    /// The start program of the usual inbound agent image, for when its ENTRYPOINT is not to be used.
    private static let startOfImage = "jenkins-agent"
    private static let enterSandbox = "cd \"${MESOS_SANDBOX:-.}\" || exit 1\n"

    /// With words of the template's own, the command is their one last argument, and the image's ENTRYPOINT gets them all.
    private func run(_ text: String, _ shell: [String], _ command: inout V1CommandInfo) {
        guard let first = shell.first else {
            command.shell = true
            command.value = text
            return
        }
        command.shell = false
        command.value = first
        command.arguments = shell.dropFirst() + [text]
    }

    // MARK: - Before the start

    private var mountCheck: String {
        guard let deadline = launch.mountDeadline else { return "" }
        let folders = WorkFolder.mounts(template.remoteFS, launch)
        return folders.isEmpty ? "" : ShellText.mountCheck(folders, within: deadline) + "\n"
    }

    private var secretPrelude: String {
        guard launch.secretDelivery == .file else { return "" }
        return ShellText.keepSecretInFile
            + "\nexport JENKINS_SECRET_FILE=\"${MESOS_SANDBOX:-$PWD}/\(ShellText.secretFile)\"\n"
    }

    // MARK: - agent.jar

    /// The controller's own, so that the two always match.
    private var jar: V1CommandInfo.URI {
        var uri = V1CommandInfo.URI()
        let name = task.version?.hasAgentJar ?? true ? "agent.jar" : "slave.jar"
        uri.value = "\(task.agentURL)/jnlpJars/\(name)"
        uri.extract = false
        uri.cache = false
        uri.outputFile = "agent.jar"
        return uri
    }

    private var java: String {
        let plain = javaCommand(reconnect: [])
        guard let limit = launch.reconnect else { return "exec " + plain }
        if limit == .zero { return "exec " + javaCommand(reconnect: ["-noReconnect"]) }
        if let version = task.version, version.agentTakesReconnectLimit {
            return "exec " + javaCommand(reconnect: ["-noReconnectAfter \(limit.components.seconds)s"])
        }
        return ShellText.restarting(javaCommand(reconnect: ["-noReconnect"]), for: limit)
    }

    private func javaCommand(reconnect: [String]) -> String {
        var words = ["java", jvmOptions, "-jar agent.jar"]
        if task.version?.agentTakesURL ?? true {
            words += ["-url \"$JENKINS_URL\"", "-name \"$JENKINS_AGENT_NAME\""]
            if launch.transport == .websocket { words.append("-webSocket") }
            if let tunnel = launch.tunnel { words.append("-tunnel " + ShellText.quoted(tunnel)) }
        } else {
            // The document says everything else, transport and tunnel included.
            words.append("-jnlpUrl \"${JENKINS_URL}computer/$JENKINS_AGENT_NAME/slave-agent.jnlp\"")
        }
        words.append("-secret @\(ShellText.secretFile)")
        if task.version?.agentTakesWorkDirectory ?? true {
            words.append("-workDir " + ShellText.quoted(workFolder))
        }
        words += reconnect
        words.append(launch.agentArguments.trimmingBlanks)
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private var workFolder: String { WorkFolder.path(template.remoteFS, of: agent.name, launch) }

    /// The heap is what the template asks for the agent's own process.
    private var jvmOptions: String {
        let given = launch.jvmArguments.trimmingBlanks
        if given.contains("-Xmx") || template.executorMemory.isZero { return given }
        let heap = "-Xmx\(max(template.agentMemory.milli / 1_000, 16))m"
        return given.isEmpty ? heap : heap + " " + given
    }

    // MARK: - Environment

    /// What the usual inbound agent image reads. The template's own variables cannot hide ours.
    private var environment: [V1Environment.Variable] {
        var values: [(String, String)] = launch.environment.map { ($0.name, $0.value) }
        values.append(("JENKINS_URL", task.agentURL + "/"))
        values.append(("JENKINS_AGENT_NAME", agent.name.value))
        // A relative working folder lies in the sandbox, which a command finds in MESOS_SANDBOX.
        if template.remoteFS.hasPrefix("/") { values.append(("JENKINS_AGENT_WORKDIR", workFolder)) }
        if launch.transport == .websocket { values.append(("JENKINS_WEB_SOCKET", "true")) }
        if let tunnel = launch.tunnel { values.append(("JENKINS_TUNNEL", tunnel)) }
        if !jvmOptions.isEmpty { values.append(("JENKINS_JAVA_OPTS", jvmOptions)) }
        let options = imageOptions
        if !options.isEmpty { values.append(("REMOTING_OPTS", options)) }
        // As Marathon has it: the host's ports in the order of the template's wishes.
        for (index, port) in agent.ports.enumerated() { values.append(("PORT\(index)", String(port.host))) }
        values.append(("JENKINS_SECRET", agent.secret.value))

        var seen: Set<String> = []
        return values.reversed().filter { seen.insert($0.0).inserted }.reversed().map(variable)
    }

    private func variable(_ name: String, _ value: String) -> V1Environment.Variable {
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

    /// Options for an agent program that the image starts.
    private var imageOptions: String {
        var words = [launch.agentArguments.trimmingBlanks]
        if let limit = launch.reconnect, launch.method != .java {
            if limit == .zero {
                words.append("-noReconnect")
            } else if task.version?.agentTakesReconnectLimit ?? true {
                words.append("-noReconnectAfter \(limit.components.seconds)s")
            }
        }
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }

    private func uri(_ download: LaunchShape.Download) -> V1CommandInfo.URI {
        var uri = V1CommandInfo.URI()
        uri.value = download.value
        uri.executable = download.isExecutable
        uri.extract = download.isExtracted
        uri.cache = download.isCached
        return uri
    }
}
