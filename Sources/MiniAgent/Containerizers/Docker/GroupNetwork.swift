// The network that the containers of a task group share, held by a container that does nothing.

import HTTPClient
import MesosProtocol
import Resources

/// A container that sleeps for ever in the network of a group, so that the network is there before the group's first
/// container and after any of them: whichever of these held it, its end would cut the others off.
///
/// It bears the name and label of the executor's run, so a restarted agent finds it, and takes it for an orphan once no
/// task of that run is left.
struct GroupNetwork: Sendable {
    static let image = "mini-mesos-network:1"

    let name: String
    /// What the executor asks for: the network's name, and ports of the host that lead into it.
    let info: V1NetworkInfo
    let labels: [(name: String, value: String)]

    /// - Returns: nil if the task shares its host's network.
    init?(_ launch: Launch, workDirectory: String) {
        guard let group = launch.record.group, let info = launch.record.groupNetwork else { return nil }
        self.info = info
        name = DockerMapping.name(agent: launch.agent, container: group.executorRun)
        labels = [
            (DockerMapping.agentLabel, launch.agent.value), (DockerMapping.containerLabel, group.executorRun.value),
            ("org.mini-mesos.framework_id", launch.record.key.framework.value),
            (DockerMapping.workDirectoryLabel, workDirectory),
        ]
    }

    /// The engine's create call.
    var body: [UInt8] {
        let bindings = info.portMappings.map { mapping in
            (
                "\(mapping.containerPort)/\(mapping.hasProtocol ? mapping.protocol.lowercased() : "tcp")",
                JSONValue.array([.members([("HostPort", .string(String(mapping.hostPort)))])])
            )
        }
        return JSONValue.members([
            ("Image", .string(Self.image)), ("Labels", .members(labels.map { ($0.name, .string($0.value)) })),
            // The first process of a container does not heed other signals unless it says so.
            ("StopSignal", .string("SIGKILL")),
            ("ExposedPorts", bindings.isEmpty ? nil : .members(bindings.map { ($0.0, .object([])) })),
            (
                "HostConfig",
                .members([
                    ("NetworkMode", .string(info.name)),
                    ("PortBindings", bindings.isEmpty ? nil : .members(bindings.map { ($0.0, $0.1) })),
                    ("ReadonlyRootfs", .bool(true)), ("CapDrop", .strings(["ALL"])),
                    ("LogConfig", .members([("Type", .string("none"))])),
                ])
            ),
        ]).text
    }
}

extension DockerContainerizer {
    /// Has the network of the task's group ready. Others of the group may be doing the same.
    func provideGroupNetwork(_ launch: Launch) async throws(DockerError) {
        guard let network = GroupNetwork(launch, workDirectory: settings.workDirectory) else { return }
        do throws(DockerError) {
            switch try await engine.inspect(network.name).condition {
            case .running: return
            case .created: return try await engine.start(network.name)
            case .exited: try await engine.remove(network.name)
            }
        } catch  where error.isNotFound {}
        if try await !engine.hasImage(GroupNetwork.image) { try await engine.importSleeper(as: GroupNetwork.image) }
        do throws(DockerError) {
            try await engine.create(name: network.name, body: network.body)
        } catch  where error.isConflict {
            // Another task of the group was faster. Its name is taken as soon as it is asked for, and it is there later.
            return try await startOnceMade(network.name)
        }
        try await engine.start(network.name)
    }

    private func startOnceMade(_ name: String) async throws(DockerError) {
        for _ in 0..<200 {
            do throws(DockerError) { return try await engine.start(name) } catch  where error.isNotFound {}
            do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
        }
        try await engine.start(name)
    }

    /// A container in its group's network has no addresses of its own, it has the network's.
    func withGroupAddresses(_ container: DockerContainer, _ launch: Launch) async throws(DockerError) -> DockerContainer
    {
        guard let network = GroupNetwork(launch, workDirectory: settings.workDirectory) else { return container }
        let holder = try await engine.inspect(network.name)
        var result = container
        result.ipv4 = holder.ipv4
        result.ipv6 = holder.ipv6
        return result
    }
}

extension DockerEngine {
    /// Makes an image of one program that sleeps for ever, without asking any registry.
    func importSleeper(as image: String) async throws(DockerError) {
        guard let program = SleeperProgram.bytes else {
            throw .malformed("there is no program that holds a network for this kind of processor")
        }
        let parts = image.split(separator: ":").map(String.init)
        var request = try await request(
            "POST",
            "/images/create?fromSrc=-&repo=\(Self.escaped(parts[0]))&tag=\(Self.escaped(parts[1]))"
                + "&changes=\(Self.escaped(#"ENTRYPOINT ["/hold"]"#))")
        request.headers = [("Content-Type", "application/x-tar")]
        request.body = SleeperProgram.archive(program)
        request.totalTimeout = .seconds(60)
        let response = try await execute(request)
        var body: [UInt8] = []
        do throws(HTTPClientError) {
            for try await chunk in response.body where body.count < 65_536 { body += chunk }
        } catch {
            throw Self.translate(error)
        }
        guard response.status == 200, try await hasImage(image) else {
            throw .refused(status: response.status, message: DockerAnswers.message(body))
        }
    }
}
