// What of the host a container sees in its file system.

import MesosProtocol
import Resources

extension DockerMapping {
    mutating func addVolumes() throws(DockerOptionsError) {
        for volume in launch.record.info.container.volumes { try add(volume) }
        options.mounts.append(DockerOptions.Mount(source: launch.run.sandbox, target: settings.sandboxDirectory))
        for volume in launch.volumes {
            options.mounts.append(
                DockerOptions.Mount(source: volume.source, target: inContainer(volume.containerPath)))
        }
    }

    private func inContainer(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(settings.sandboxDirectory)/\(path)"
    }

    private mutating func add(_ volume: V1Volume) throws(DockerOptionsError) {
        var mount = DockerOptions.Mount(
            source: "", target: inContainer(volume.containerPath), isReadOnly: volume.mode == .ro)
        if volume.hasHostPath {
            if options.volumeDriver != nil, !volume.hostPath.hasPrefix("/") {
                mount.source = volume.hostPath  // With a driver it is the name of a volume.
                mount.isNamedVolume = true
            } else {
                guard volume.hostPath.hasPrefix("/") || volume.containerPath.hasPrefix("/") else {
                    throw DockerOptionsError(
                        "Both host_path '\(volume.hostPath)' and container_path '\(volume.containerPath)' of a volume "
                            + "are relative")
                }
                mount.source = try onHost(volume.hostPath)
            }
        } else if volume.hasSource {
            try describe(volume, in: &mount)
        } else if volume.hasImage {
            throw DockerOptionsError("A volume made of an image is not supported")
        } else {
            throw DockerOptionsError("Host path or volume source is required")
        }
        guard !mount.source.isEmpty, !volume.containerPath.isEmpty else {
            throw DockerOptionsError("A volume without a path on either side cannot be mounted")
        }
        // `docker run -v` makes missing directories of the host, a mount does not; but only a mount can have a colon.
        if mount.source.contains(":") || mount.target.contains(":") {
            options.mounts.append(mount)
        } else {
            options.binds.append(mount.bind)
        }
    }

    private mutating func describe(
        _ volume: V1Volume, in mount: inout DockerOptions.Mount
    ) throws(DockerOptionsError) {
        let source = volume.source
        switch source.type {
        case .dockerVolume:
            let docker = source.dockerVolume
            if docker.hasDriver {
                if let other = options.volumeDriver, other != docker.driver {
                    throw DockerOptionsError("Only one volume driver is supported")
                }
                options.volumeDriver = docker.driver
            }
            mount.source = docker.name
            mount.isNamedVolume = true
        case .hostPath:
            mount.source = try onHost(source.hostPath.path)
            switch source.hostPath.mountPropagation.mode {
            case .hostToContainer: mount.propagation = "rslave"
            case .bidirectional: mount.propagation = "rshared"
            case .unknown: break
            }
        case .sandboxPath:
            do throws(SharedDirectory.Fault) {
                mount.source = try SharedDirectory.path(of: volume, in: launch.run) ?? ""
            } catch { throw DockerOptionsError("\(error)") }
        case .secret, .csiVolume, .unknown:
            throw DockerOptionsError("Volume source type \(source.type) is not supported")
        }
    }

    /// A relative path lies in the sandbox, and cannot leave it.
    private func onHost(_ path: String) throws(DockerOptionsError) -> String {
        if path.hasPrefix("/") { return path }
        guard !path.isEmpty, !path.split(separator: "/").contains("..") else {
            throw DockerOptionsError("Volume path '\(path)' leads out of the sandbox")
        }
        return "\(launch.run.sandbox)/\(path)"
    }
}
