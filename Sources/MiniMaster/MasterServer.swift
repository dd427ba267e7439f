// A running master: checks its configuration, opens its port, and keeps the loop going until it is told to stop.
import Glibc
import HTTPAccess
import HTTPServer
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import ZooKeeper

/// One master in this process.
public final class MasterServer: Sendable {
    /// `http://host:port` as others reach it.
    public let url: String
    /// The port it listens on, which is another one than others are told if one is advertised.
    public let port: Int
    let shell: MasterShell
    let history: HistoryKeeper
    private let http: HTTPServer
    private let loop: Task<Void, Never>
    /// Follows the file of hosts that may be offered.
    private let watching: Task<Void, Never>?

    private init(
        url: String, shell: MasterShell, history: HistoryKeeper, http: HTTPServer, loop: Task<Void, Never>,
        watching: Task<Void, Never>?
    ) {
        self.url = url
        port = http.port
        self.shell = shell
        self.history = history
        self.http = http
        self.loop = loop
        self.watching = watching
    }

    /// Starts a master. When this returns, `/health` answers; whether it leads shows later.
    ///
    /// - Throws: `MasterStartError` when the configuration cannot work, before anything is started.
    public static func start(
        _ configuration: MasterConfiguration, logger: Logger
    ) async throws(MasterStartError) -> MasterServer {
        if configuration.zk != nil {
            guard let quorum = configuration.quorum else { throw .quorumMissing }
            guard quorum > 0 else { throw .quorumOutOfRange(quorum) }
        }
        if let flag = configuration.security.flagWithoutCredentials { throw .credentialsMissing(flag: flag) }
        try WorkDirectory.prepare(configuration.workDir)
        if let directory = configuration.webUIDirectory, !WebDirectory.isUsable(directory) {
            throw .webDirectoryUnusable(path: directory)
        }
        let ip = try HostAddress.advertised(configuration)
        FileLimits.raise()
        HeapLimits.apply()

        let logLevel = LogLevelSwitch()
        let logger = logLevel.logger(logger)
        let requests = RequestLog(logger)
        // The port must be known before anybody can be told of it, so the routes are filled in afterwards.
        let routes = Locked<MasterAPI?>(nil)
        for notice in configuration.security.notices { logger.warning("\(notice)") }
        let refusals = RefusalLog(logger: logger)
        let gate = MasterGate.make(configuration.security, refusals: refusals)
        let rates = configuration.security.rateLimits.map { RateGate($0, refusals: refusals) }
        let http: HTTPServer
        do {
            http = try await HTTPServer.start(
                host: configuration.ip, port: configuration.port, limits: Self.limits, tls: configuration.security.tls,
                admission: { gate.admit($0) }, report: { refusals.note("\($0)") }
            ) { request in
                guard let api = routes.withLock({ $0 }) else { return .text(503, "The master is starting") }
                return await requests.answer(request) {
                    if let rates, MasterRealm.isLimited(request), let excess = await rates.wait(request) {
                        return excess
                    }
                    return await api.handle(request)
                }
            }
        } catch {
            throw .cannotListen("\(error)")
        }
        var actual = configuration
        actual.port = http.port
        let port = configuration.advertisePort ?? http.port
        let hostname = HostAddress.name(of: ip, configuration)
        let info = Self.masterInfo(ip: ip, port: port, hostname: hostname, domain: configuration.domain)

        let clock = MasterClock()
        let startedAt = clock.wall
        let facts = MasterFacts(configuration: actual, selfInfo: info, build: BuildInfo(), startedAt: startedAt)
        let shell = MasterShell(
            clock: clock, logger: logger, facts: facts,
            election: configuration.zk.map { url in
                { post in
                    ElectionShell(
                        url: url, sessionTimeout: configuration.zkSessionTimeout, selfInfo: info,
                        allowsForeignMasters: configuration.allowForeignMasters, clock: clock, logger: logger,
                        post: post)
                }
            },
            registry: { election in
                if let url = configuration.zk, let election {
                    return ZooKeeperRegistry(url: url) { election.session }
                }
                return FileRegistry(directory: configuration.workDir)
            }, recorder: configuration.allocatorRecordPath.map { AllocatorRecorder(path: $0, logger: logger) })
        let files = MasterFiles(log: actual.logFile)
        let alerts = configuration.alerts.map {
            AlertWatch($0, cluster: configuration.cluster, shell: shell, logger: logger)
        }
        let history = HistoryKeeper(configuration, shell: shell, logger: logger)
        let api = MasterAPI(
            shell: shell, facts: facts, logLevel: logLevel, files: files,
            pages: WebPages(directory: configuration.webUIDirectory), history: history, refusals: refusals,
            alerts: alerts)
        routes.withLock { $0 = api }
        var generator = SystemRandomNumberGenerator()
        let core = MasterCore(
            settings: configuration.settings, selfInfo: info, seed: generator.next(), startedAt: startedAt)
        let watching = configuration.whitelistPath.map { path in
            Task {
                await WhitelistFile(path: path, logger: logger).follow { shell.post(.whitelistRead($0)) }
            }
        }
        let loop = Task {
            let housekeeping = [
                Task { await Self.trimHeap() }, Task { await ProgramPages.giveBackRegularly() },
                Task { if let alerts { await alerts.run() } },
            ]
            let keeping = Task { await history.run() }
            await shell.run(core)
            for work in housekeeping + [keeping] { work.cancel() }
            // Whoever stops us may remove or copy the work directory then.
            await keeping.value
        }
        let shown = ip.contains(":") ? "[\(ip)]" : ip
        logger.info("master \(info.id) listens on \(configuration.ip):\(http.port)")
        let scheme = configuration.security.tls == nil ? "http" : "https"
        return MasterServer(
            url: "\(scheme)://\(shown):\(port)", shell: shell, history: history, http: http, loop: loop,
            watching: watching)
    }

    /// Waits until the master has stopped.
    ///
    /// - Returns: Why it gave up by itself; nil after `stop()`.
    @discardableResult
    public func run() async -> String? {
        await loop.value
        watching?.cancel()
        return shell.exitReason
    }

    /// Where it stands in the election, after everything that has reached its loop; nil once it has stopped. The answer comes
    /// from the loop: a master that hangs gives none.
    public func position() async -> MasterPosition? { await shell.position() }

    /// Stops: streams are closed, the ZooKeeper session is given up at once, so that a successor leads without delay.
    public func stop() async {
        watching?.cancel()
        await shell.stop()
        await loop.value
        await http.stop()
    }

    /// Until cancelled. A look takes microseconds; giving back takes milliseconds, and comes after a rush only.
    private static func trimHeap() async {
        while (try? await Task.sleep(for: .seconds(2))) != nil { HeapLimits.trim(freeBytesMax: 12 << 20) }
    }

    /// Calls are small; an agent that registers with thousands of tasks is the largest.
    private static let limits: HTTPServerLimits = {
        var limits = HTTPServerLimits(
            bodyBytesMax: { path in
                switch MasterRealm.of(path) {
                case .agentLink: 256 << 20
                case .scheduler, .readWrite: 16 << 20
                case .readOnly, nil: 64 << 10
                }
            }, bodyRoomBytes: 2 << 20, connectionsMax: 40_000, connectionsPerAddressMax: 4_000)
        limits.streamsBody = { LinkCallStream.isOne($0) }
        return limits
    }()

    private static func masterInfo(ip: String, port: Int, hostname: String, domain: V1DomainInfo?) -> V1MasterInfo {
        var info = V1MasterInfo(
            id: WireUUID.random().description, ip: ip, port: Int32(clamping: port), hostname: hostname)
        let types: [V1MasterInfo.Capability.TypeEnum] = [.agentUpdate, .agentDraining, .quotaV2]
        info.capabilities = types.map { type in
            var capability = V1MasterInfo.Capability()
            capability.type = type
            return capability
        }
        if let domain { info.domain = domain }
        return info
    }
}

enum WorkDirectory {
    /// Creates the directory if need be and proves that it can be written to.
    static func prepare(_ path: String) throws(MasterStartError) {
        guard !path.isEmpty else { throw .workDirectoryUnusable(path: path, reason: "the path is empty") }
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            made += (made.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw unusable(path) }
        }
        let probe = path + "/.writable-\(getpid())"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unusable(path) }
        close(descriptor)
        unlink(probe)
    }

    private static func unusable(_ path: String) -> MasterStartError {
        .workDirectoryUnusable(path: path, reason: String(cString: strerror(errno)))
    }
}
