// Several frameworks in one process: each its own controller, state and status, and none another's problem.
import Logging
import Mailbox
import Resources
import ZooKeeper

/// Runs one framework for each configuration file.
public final class FrameworkFleet: Sendable {
    private struct State {
        var isStopping = false
        var servers: [String: JenkinsFrameworkServer] = [:]
    }

    /// A framework that could not start, or ended, is tried again: first after this, then doubling.
    private static let retryMin = Duration.seconds(5)
    private static let retryMax = Duration.seconds(60)
    private static let lookInterval = Duration.milliseconds(200)

    private let files: [(path: String, configuration: JenkinsConfiguration)]
    private let gateKeeper: @Sendable (_ path: String) -> GateKeeperCommand?
    private let logger: Logger
    private let state = Locked(State())

    private init(
        _ files: [(path: String, configuration: JenkinsConfiguration)],
        _ gateKeeper: @escaping @Sendable (_ path: String) -> GateKeeperCommand?, _ logger: Logger
    ) {
        self.files = files
        self.gateKeeper = gateKeeper
        self.logger = logger
    }

    /// Reads all files, and makes sure that no two frameworks would use the same state directory or port.
    ///
    /// - Parameter gateKeeper: The command that runs ``GateKeeper`` with a configuration file.
    /// - Throws: With the problems of every file, one line each.
    public static func load(
        _ paths: [String], gateKeeper: @escaping @Sendable (_ path: String) -> GateKeeperCommand? = { _ in nil },
        logger: Logger
    ) throws(JenkinsFrameworkError) -> FrameworkFleet {
        var files: [(path: String, configuration: JenkinsConfiguration)] = []
        var problems: [String] = []
        for path in paths {
            do throws(ConfigurationError) {
                files.append((path, try JenkinsConfiguration.load(path: path)))
            } catch {
                problems.append("\(error)")
            }
        }
        problems += conflicts(files)
        guard problems.isEmpty else {
            throw JenkinsFrameworkError(description: problems.joined(separator: "\n"), isBeforeStart: true)
        }
        return FrameworkFleet(files, gateKeeper, logger)
    }

    package static func conflicts(_ files: [(path: String, configuration: JenkinsConfiguration)]) -> [String] {
        var problems: [String] = []
        var directories: [String: String] = [:]
        var ports: [Int: String] = [:]
        var elections: [String: String] = [:]
        for (path, configuration) in files {
            let directory = configuration.stateDirectory
            if let other = directories.updateValue(path, forKey: directory) {
                problems.append("\(path): stateDir: '\(directory)' is also that of \(other)")
            }
            let port = configuration.status.port
            if port != 0, let other = ports.updateValue(path, forKey: port) {
                problems.append("\(path): status.port: \(port) is also that of \(other)")
            }
            if let election = configuration.availability?.zooKeeper.path,
                let other = elections.updateValue(path, forKey: election)
            {
                problems.append("\(path): ha.zk: '\(election)' is also that of \(other)")
            }
        }
        return problems
    }

    /// Works until `stop`. With one file the first failure ends it; with several, a framework that fails is tried again
    /// while the others go on.
    public func run() async throws(JenkinsFrameworkError) {
        if files.count == 1, let file = files.first {
            return try await once(file.path, file.configuration, logger)
        }
        await withTaskGroup { group in
            for (path, configuration) in files {
                group.addTask {
                    var logger = self.logger
                    logger[metadataKey: "config"] = "\(path)"
                    await self.again(path, configuration, logger)
                }
            }
        }
    }

    public func stop() async {
        let servers = state.withLock { state in
            state.isStopping = true
            return state.servers
        }
        for server in servers.values { await server.stop() }
    }

    /// Where the frameworks stand: in place as soon as one is, because none waits for another. nil if none shows a sign of
    /// life.
    public func takePosition() -> FrameworkPosition? {
        let servers = state.withLock { $0.servers }.sorted { $0.key < $1.key }.map(\.value)
        let positions = servers.compactMap { $0.takePosition() }
        if files.count == 1 || positions.isEmpty { return positions.first }
        let inPlace = positions.count { $0.isInPlace }
        return FrameworkPosition(
            isInPlace: inPlace > 0, text: "\(inPlace) of \(files.count) frameworks are in place")
    }

    /// Has every configuration file read again.
    public func reload() {
        for server in state.withLock({ $0.servers }).values { server.reload() }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func once(
        _ path: String, _ configuration: JenkinsConfiguration, _ logger: Logger
    ) async throws(JenkinsFrameworkError) {
        let server = try await JenkinsFrameworkServer.start(
            configuration, path: path, gateKeeper: gateKeeper(path), logger: logger)
        let isStopping = state.withLock { state in
            state.servers[path] = server
            return state.isStopping
        }
        if isStopping { await server.stop() }
        defer { state.withLock { _ = $0.servers.removeValue(forKey: path) } }
        try await server.run()
    }

    private func again(_ path: String, _ configuration: JenkinsConfiguration, _ logger: Logger) async {
        var configuration = configuration
        var pause = Self.retryMin
        while !isStopping {
            let began = ContinuousClock.now
            do throws(JenkinsFrameworkError) {
                try await once(path, configuration, logger)
                if isStopping { return }
            } catch {
                logger.error("\(error); it is tried again in \(pause.components.seconds) s")
            }
            if began.duration(to: .now) > Self.retryMax { pause = Self.retryMin }
            let resumeAt = ContinuousClock.now + pause
            while !isStopping, .now < resumeAt { try? await Task.sleep(for: Self.lookInterval) }
            pause = min(pause * 2, Self.retryMax)
            if let fresh = try? JenkinsConfiguration.load(path: path) { configuration = fresh }
        }
    }
}
