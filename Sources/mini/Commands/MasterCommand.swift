// `mini master`: flags into a configuration, and a master that runs until it is told to stop.

import Allocator
import ArgumentParser
import Logging
import MiniMaster
import Resources
import ZooKeeper

struct MasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master", abstract: "Run a master: elect a leader, admit agents, make offers.",
        discussion: "Flags have the names of the Apache Mesos master. Durations are written 10secs, 5mins, 1hrs.")

    struct Network: ParsableArguments {
        @Option(help: "Address to listen on.") var ip = "0.0.0.0"
        @Option(help: "Port to listen on; 0 for any that is free.") var port = 5050
        @Option(name: .customLong("advertise_ip"), help: "Address that others are told, if not --ip.")
        var advertiseIP: String?
        @Option(name: .customLong("advertise_port"), help: "Port that others are told, if not --port.")
        var advertisePort: Int?
        @Option(help: "Name that others are told; looked up from the address if not given.") var hostname: String?
        @Flag(
            name: .customLong("hostname_lookup"), inversion: .prefixedNo,
            help: "Whether the host's name is looked up when --hostname is not given.")
        var hostnameLookup = true
    }

    struct Election: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Where masters elect their leader; without it this master stands alone.",
                valueName: "zk://host:port,.../path"))
        var zk: String?
        @Option(help: "How many masters must be members of the election before one leads. Required with --zk.")
        var quorum: Int?
        @Option(name: .customLong("zk_session_timeout"), help: "ZooKeeper session timeout.")
        var sessionTimeout = FlagDuration("10secs")
        @Option(name: .customLong("registry_fetch_timeout"), help: "How long reading the registry may take.")
        var registryFetchTimeout = FlagDuration("1mins")
        @Option(name: .customLong("registry_store_timeout"), help: "How long a write to the registry may take.")
        var registryStoreTimeout = FlagDuration("20secs")
    }

    struct Agents: ParsableArguments {
        @Option(name: .customLong("agent_ping_timeout"), help: "Time between pings, and for each to be answered.")
        var pingTimeout = FlagDuration("15secs")
        @Option(name: .customLong("max_agent_ping_timeouts"), help: "Missed pings after which an agent is unreachable.")
        var pingTimeoutsMax = 5
        @Option(
            name: .customLong("agent_reregister_timeout"),
            help: "How long agents may take to come back after a new leader or a broken connection.")
        var reregisterTimeout = FlagDuration("10mins")
    }

    struct Offers: ParsableArguments {
        @Option(name: .customLong("allocation_interval"), help: "Least lifetime of a decline's filter.")
        var allocationInterval = FlagDuration("1secs")
        @Option(
            name: .customLong("offer_timeout"), help: "How long an offer may stay unanswered; for ever if not given.")
        var offerTimeout: FlagDuration?
        @Option(
            name: .customLong("min_allocatable_resources"),
            help: "What is worth an offer: alternatives separated by |. Default: cpus:0.01|mem:32.")
        var minAllocatable: String?
        @Option(help: ArgumentHelp("Initial weights of roles.", valueName: "role=weight,...")) var weights: String?
        @Option(help: ArgumentHelp("Roles that frameworks may use; any if not given.", valueName: "role,..."))
        var roles: FlagList?
        @Flag(
            name: .customLong("root_submissions"), inversion: .prefixedNo,
            help: "Whether frameworks may run tasks as root.")
        var rootSubmissions = true
    }

    struct General: ParsableArguments {
        @Option(
            name: .customLong("work_dir"),
            help: ArgumentHelp("Folder of this master's files; the registry without --zk.", valueName: "path"))
        var workDirectory: String
        @Option(help: "Name of the cluster, for people.") var cluster: String?
        @OptionGroup var log: LogFlags
    }

    @OptionGroup(title: "General") var general: General
    @OptionGroup(title: "Network") var network: Network
    @OptionGroup(title: "Election and registry") var election: Election
    @OptionGroup(title: "Agents") var agents: Agents
    @OptionGroup(title: "Offers") var offers: Offers

    func run() async throws {
        let logger = try general.log.logger("mini-master")
        let configuration = try masterConfiguration()
        let server: MasterServer
        do { server = try await MasterServer.start(configuration, logger: logger) } catch {
            throw CommandFailure(description: "master: \(error)")
        }
        let reason = await untilStopped {
            await server.run()
        } stop: {
            await server.stop()
        }
        if let reason { throw CommandFailure(description: "master: \(reason)", status: 1) }
    }

    private func masterConfiguration() throws -> MasterConfiguration {
        var result = MasterConfiguration(workDir: general.workDirectory)
        if let zk = election.zk {
            result.zk = try FlagCheck.zooKeeper(zk, "master: --zk")
        }
        result.quorum = election.quorum
        result.zkSessionTimeout = election.sessionTimeout.duration
        result.registryFetchTimeout = election.registryFetchTimeout.duration
        result.registryStoreTimeout = election.registryStoreTimeout.duration
        result.ip = network.ip
        result.port = try FlagCheck.port(network.port, "--port")
        result.advertiseIP = network.advertiseIP
        result.advertisePort = try network.advertisePort.map { try FlagCheck.port($0, "--advertise_port") }
        result.hostname = network.hostname
        result.hostnameLookup = network.hostnameLookup
        result.cluster = general.cluster
        result.logDirectory = general.log.directory
        result.agentPingTimeout = agents.pingTimeout.duration
        result.maxAgentPingTimeouts = agents.pingTimeoutsMax
        result.agentReregisterTimeout = agents.reregisterTimeout.duration
        result.allocationInterval = offers.allocationInterval.duration
        result.offerTimeout = offers.offerTimeout?.duration
        result.rootSubmissions = offers.rootSubmissions
        if let text = offers.minAllocatable {
            do { result.minAllocatableResources = try AllocatorSettings.parseMinAllocatable(text) } catch {
                throw CommandFailure(description: "--min_allocatable_resources: \(error)")
            }
        }
        if let roles = offers.roles { result.roles = Set(try roles.values.map { try FlagCheck.role($0, "--roles") }) }
        if let weights = offers.weights { result.weights = try Self.parse(weights: weights) }
        return result
    }

    private static func parse(weights: String) throws -> [RoleName: Weight] {
        var result: [RoleName: Weight] = [:]
        for pair in weights.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]), let weight = Weight(value) else {
                throw CommandFailure(
                    description: "--weights: expected role=weight with a weight above 0, found '\(pair)'")
            }
            result[try FlagCheck.role(String(parts[0]), "--weights")] = weight
        }
        return result
    }
}

/// Checks that several commands make of a flag's value.
enum FlagCheck {
    static func port(_ value: Int, _ flag: String) throws -> Int {
        guard (0...65_535).contains(value) else {
            throw CommandFailure(description: "\(flag): expected a port from 0 to 65535, found \(value)")
        }
        return value
    }

    @discardableResult
    static func zooKeeper(_ text: String, _ flag: String) throws -> ZooKeeperURL {
        do { return try ZooKeeperURL.parse(text) } catch { throw CommandFailure(description: "\(flag): \(error)") }
    }

    static func role(_ text: String, _ flag: String) throws -> RoleName {
        do { return try RoleName(text) } catch { throw CommandFailure(description: "\(flag): \(error)") }
    }
}
