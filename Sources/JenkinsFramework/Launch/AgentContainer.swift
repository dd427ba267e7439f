// The container of an agent: image, network, volumes, ports.
import FoundationEssentials
import MesosProtocol
import Resources

struct AgentContainer {
    let shape: ContainerShape
    let name: NodeName
    let ports: [PortMapping]
    /// A Docker client's configuration with the registry's credentials.
    let pullSecret: [UInt8]?

    /// Ports and names are the host's own there.
    private var hasOwnNetwork: Bool { shape.network != .host && shape.network != .none }

    var info: V1ContainerInfo {
        var container = V1ContainerInfo()
        switch shape.kind {
        case .docker:
            container.type = .docker
            container.docker = docker
        case .mesos:
            container.type = .mesos
            container.mesos.image = image
        }
        if let network { container.networkInfos = [network] }
        if shape.network != .host { container.hostname = shape.hostname ?? name.value }
        container.volumes = shape.volumes.map(volume)
        return container
    }

    private var docker: V1ContainerInfo.DockerInfo {
        var docker = V1ContainerInfo.DockerInfo()
        docker.image = shape.image
        docker.forcePullImage = shape.forcePull
        docker.privileged = shape.isPrivileged
        switch shape.network {
        case .bridge: docker.network = .bridge
        case .host: docker.network = .host
        case .none: docker.network = .none
        case .user: docker.network = .user
        }
        if hasOwnNetwork { docker.portMappings = ports.map(mapping) }
        docker.parameters = shape.parameters.map { parameter($0.key, $0.value) }
        // The command's user owns the sandbox; who runs in the container is a matter between the daemon and the image.
        if let user = shape.user { docker.parameters.append(parameter("user", user)) }
        return docker
    }

    private func mapping(_ port: PortMapping) -> V1ContainerInfo.DockerInfo.PortMapping {
        var mapping = V1ContainerInfo.DockerInfo.PortMapping()
        mapping.containerPort = UInt32(port.container)
        mapping.hostPort = UInt32(port.host)
        mapping.protocol = port.transport.rawValue
        return mapping
    }

    private func parameter(_ key: String, _ value: String) -> V1Parameter {
        var parameter = V1Parameter()
        parameter.key = key
        parameter.value = value
        return parameter
    }

    private var image: V1Image {
        var image = V1Image()
        image.type = .docker
        image.cached = !shape.forcePull
        image.docker.name = shape.image
        if let pullSecret {
            image.docker.config.type = .value
            image.docker.config.value.data = Data(pullSecret)
        }
        return image
    }

    private var network: V1NetworkInfo? {
        guard case .user(let network) = shape.network else { return nil }
        var info = V1NetworkInfo()
        info.name = network
        if shape.kind == .mesos {
            info.portMappings = ports.map { port in
                var mapping = V1NetworkInfo.PortMapping()
                mapping.containerPort = UInt32(port.container)
                mapping.hostPort = UInt32(port.host)
                mapping.protocol = port.transport.rawValue
                return mapping
            }
        }
        return info
    }

    private func volume(_ volume: ContainerShape.Volume) -> V1Volume {
        var result = V1Volume()
        result.containerPath = volume.containerPath
        // A relative path of the host lies in the sandbox.
        result.hostPath = volume.hostPath ?? Self.sandboxFolder(of: volume.containerPath)
        result.mode = volume.isReadOnly ? .ro : .rw
        return result
    }

    /// `volume-var-lib-docker`.
    private static func sandboxFolder(of path: String) -> String {
        "volume"
            + path.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_") ? String($0) : "-" }
            .joined()
    }
}
