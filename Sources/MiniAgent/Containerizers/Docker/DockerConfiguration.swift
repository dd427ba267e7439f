// From the agent's configuration to what the Docker containerizer needs of it.

import Glibc
import MesosProtocol

extension DockerContainerizer.Settings {
    init(_ configuration: AgentConfiguration, workDirectory: String, agentIP: String) throws(AgentStartError) {
        self.init(workDirectory: workDirectory, agentIP: agentIP)
        removeDelay = configuration.dockerRemoveDelay
        outputLimits = configuration.outputLimits
        pullTimeout = configuration.dockerPullTimeout
        stalledStartTimeout = configuration.dockerCallTimeout * 2
        mapping.sandboxDirectory = configuration.sandboxDirectory
        mapping.enforcesCPUQuota = configuration.cgroupsEnableCFS
        mapping.hostMemoryBytes = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        if let registry = configuration.dockerRegistry, !registry.isEmpty {
            guard !registry.hasPrefix("/") else {
                throw .invalidDocker(
                    flag: "docker_registry", reason: "a folder of image archives ('\(registry)') is not supported")
            }
            mapping.registry = registry
        }
        if let names = configuration.dockerParameters {
            if let unknown = names.first(where: { !DockerOptions.parameters.contains($0) }) {
                throw .invalidDocker(
                    flag: "docker_parameters", reason: "'\(unknown)' is not a parameter that is supported")
            }
            mapping.allowedParameters = Set(names)
        }
        if let text = configuration.dockerConfig {
            do throws(RegistryCredentialsError) { credentials = try RegistryCredentials(Array(text.utf8)) } catch {
                throw .invalidDocker(flag: "docker_config", reason: "\(error)")
            }
        }
        if let text = configuration.defaultContainerDNS {
            do throws(DockerOptionsError) { mapping.dns = try ContainerDNS(text) } catch {
                throw .invalidDocker(flag: "default_container_dns", reason: "\(error)")
            }
        }
    }
}

extension DockerDeadlines {
    init(_ configuration: AgentConfiguration) {
        self.init()
        work = configuration.dockerCallTimeout
        quick = min(quick, work)
        watchInterval = configuration.dockerHealthInterval
    }
}
