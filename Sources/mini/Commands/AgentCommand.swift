// `mini agent`: flags into a configuration, and an agent that runs until it is told to stop.

import ArgumentParser
import Foundation
import Logging
import MasterDetection
import MiniAgent

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Run an agent: offer this host's resources, run and supervise tasks.",
        discussion: """
            Flags have the names of the Apache Mesos agent. Tasks survive the agent: stop it, start it again with the \
            same --work_dir, and it finds them.
            """)

    struct General: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Where to find the leading master.", valueName: "zk://host:port,.../path | host:port"))
        var master: String
        @Option(
            name: .customLong("work_dir"), help: ArgumentHelp("Folder of checkpoints and sandboxes.", valueName: "path")
        )
        var workDirectory: String
        @Option(name: .customLong("zk_session_timeout"), help: "ZooKeeper session timeout.")
        var sessionTimeout = FlagDuration("10secs")
        @Option(
            name: .customLong("registration_backoff_factor"),
            help: "Registration waits a random time up to this, doubled with each failure.")
        var registrationBackoff = FlagDuration("1secs")
        @OptionGroup var log: LogFlags
    }

    struct Network: ParsableArguments {
        @Option(help: "Address to listen on; all if not given.") var ip: String?
        @Option(help: "Port to listen on; 0 for any that is free.") var port = 5051
        @Option(name: .customLong("advertise_ip"), help: "Address that others are told, if not --ip.")
        var advertiseIP: String?
        @Option(name: .customLong("advertise_port"), help: "Port that others are told, if not --port.")
        var advertisePort: Int?
        @Option(help: "Name of this host in offers; looked up if not given.") var hostname: String?
    }

    struct Host: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "What to offer; what is left out is detected.", valueName: "cpus:4;mem:2048;ports:[31000-32000]"))
        var resources: String?
        @Option(name: .customLong("default_role"), help: "Role of resources that name none.") var defaultRole = "*"
        @Option(help: ArgumentHelp("What frameworks may select this host by.", valueName: "rack:r1;zone:z1"))
        var attributes: String?
    }

    struct Tasks: ParsableArguments {
        @Option(help: "How tasks run, the first for tasks that do not say: docker, process.")
        var containerizers = FlagList(["docker", "process"])
        @Flag(
            name: .customLong("switch_user"), inversion: .prefixedNo,
            help: "Whether process tasks run as the user that the framework names.")
        var switchUser = true
        @Option(
            name: .customLong("executor_environment_variables"),
            help: ArgumentHelp("Environment of process tasks, instead of the agent's own.", valueName: "JSON object"))
        var environment: String?
        @Option(
            name: .customLong("executor_shutdown_grace_period"), help: "Time between a task's stop signal and SIGKILL.")
        var gracePeriod = FlagDuration("5secs")
        @Option(
            name: .customLong("supervisor"),
            help: ArgumentHelp(
                "The program beside each process task; found beside mini if not given.", valueName: "path"))
        var supervisor: String?
    }

    struct Docker: ParsableArguments {
        @Option(name: .customLong("docker_socket"), help: ArgumentHelp("The engine's socket.", valueName: "path"))
        var socket = "/var/run/docker.sock"
        @Option(name: .customLong("docker_remove_delay"), help: "How long an ended container is kept.")
        var removeDelay = FlagDuration("6hrs")
        @Option(name: .customLong("docker_stop_timeout"), help: "Grace of a Docker task without a kill policy.")
        var stopTimeout: FlagDuration?
        @Flag(
            name: .customLong("docker_kill_orphans"), inversion: .prefixedNo,
            help: "Whether containers of this agent that belong to no task are removed at start.")
        var killOrphans = true
        @Option(name: .customLong("sandbox_directory"), help: "Where the sandbox appears inside a container.")
        var sandboxDirectory = "/mnt/mesos/sandbox"
        @Flag(
            name: .customLong("cgroups_enable_cfs"), inversion: .prefixedNo,
            help: "Whether cpus limit a container, not only share.")
        var enableCFS = false
    }

    struct Recovery: ParsableArguments {
        @Option(help: "What to do with the tasks of an earlier run: reconnect, cleanup.") var recover = "reconnect"
        @Flag(inversion: .prefixedNo, help: "Whether a corrupt checkpoint keeps the agent from starting.")
        var strict = true
    }

    @OptionGroup(title: "General") var general: General
    @OptionGroup(title: "Network") var network: Network
    @OptionGroup(title: "This host") var host: Host
    @OptionGroup(title: "Tasks") var tasks: Tasks
    @OptionGroup(title: "Docker") var docker: Docker
    @OptionGroup(title: "Recovery") var recovery: Recovery

    func run() async throws {
        let logger = try general.log.logger("mini-agent")
        let configuration = try agentConfiguration()
        let server: AgentServer
        do { server = try await AgentServer.start(configuration, logger: logger) } catch {
            throw CommandFailure(description: "agent: \(error)")
        }
        let end = await untilStopped {
            await server.run()
        } stop: {
            await server.stop()
        }
        if case .failed(let reason) = end { throw CommandFailure(description: "agent: \(reason)", status: 1) }
    }

    private func agentConfiguration() throws -> AgentConfiguration {
        let location: MasterLocation
        do { location = try MasterLocation.parse(general.master) } catch {
            throw CommandFailure(description: "--master: \(error)")
        }
        var result = AgentConfiguration(master: location, workDirectory: general.workDirectory)
        result.zkSessionTimeout = general.sessionTimeout.duration
        result.registrationBackoffFactor = general.registrationBackoff.duration
        result.ip = network.ip
        result.port = try FlagCheck.port(network.port, "--port")
        result.advertiseIP = network.advertiseIP
        result.advertisePort = try network.advertisePort.map { try FlagCheck.port($0, "--advertise_port") }
        result.hostname = network.hostname
        result.resources = host.resources
        result.defaultRole = host.defaultRole
        result.attributes = host.attributes
        result.containerizers = try tasks.containerizers.values.map { name in
            guard let containerizer = AgentConfiguration.ContainerizerName(rawValue: name) else {
                throw CommandFailure(
                    description: "--containerizers: expected docker and process, separated by commas, found '\(name)'")
            }
            return containerizer
        }
        result.switchUser = tasks.switchUser
        result.executorEnvironmentVariables = try tasks.environment.map(Self.parse(environment:))
        result.executorShutdownGracePeriod = tasks.gracePeriod.duration
        result.supervisorPath = tasks.supervisor
        result.dockerSocket = docker.socket
        result.dockerRemoveDelay = docker.removeDelay.duration
        result.dockerStopTimeout = docker.stopTimeout?.duration
        result.dockerKillOrphans = docker.killOrphans
        result.sandboxDirectory = docker.sandboxDirectory
        result.cgroupsEnableCFS = docker.enableCFS
        guard let recover = AgentConfiguration.Recovery(rawValue: recovery.recover) else {
            throw CommandFailure(description: "--recover: expected reconnect or cleanup, found '\(recovery.recover)'")
        }
        result.recover = recover
        result.strict = recovery.strict
        return result
    }

    private static func parse(environment: String) throws -> [String: String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(environment.utf8)) as? [String: String] else {
            throw CommandFailure(
                description:
                    "--executor_environment_variables: expected a JSON object of strings, found '\(environment)'")
        }
        return object
    }
}
