// Starts, disturbs and removes a small ZooKeeper ensemble on this host, from Debian's jars.

import Glibc
import Mailbox
import Processes

/// Why an ensemble could not be started or brought back.
public enum ZooKeeperEnsembleError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingFile(path: String, debianPackage: String)
    /// No folder, file, port or process to be had; the text says which and why.
    case refusedByHost(String)
    /// - Parameter log: The end of what the server printed.
    case serverEnded(server: Int, log: String)
    case notServing(server: Int, within: Duration, log: String)

    public var description: String {
        switch self {
        case .missingFile(let path, let package):
            "\(path) is missing; install the Debian package \(package) to start ZooKeeper servers"
        case .refusedByHost(let reason): reason
        case .serverEnded(let server, let log): "ZooKeeper server \(server) ended while starting: \(log)"
        case .notServing(let server, let duration, let log):
            "ZooKeeper server \(server) does not serve after \(duration): \(log)"
        }
    }
}

/// An ensemble of ZooKeeper servers as child processes of this one, listening on one address of this host.
///
/// The servers die with this process, however it dies, and do not hear its terminal's Ctrl-C. Data is not forced to disk:
/// this is for development and tests.
public final class ZooKeeperEnsemble: Sendable {
    public struct Configuration: Sendable {
        /// An odd number; one server runs standalone.
        public var servers = 3
        /// Created if missing. `stop()` removes what the servers wrote, and the directory if nothing else is in it.
        public var directory: String
        /// An IPv4 address of this host, which all servers listen on.
        public var address = "127.0.0.1"
        /// The unit of ZooKeeper's clockwork: session timeouts are clamped to 2...20 ticks.
        public var tickTime: Duration = .milliseconds(500)
        /// How long the servers may take to find a quorum; a busy machine starts three JVMs in about 10 s.
        public var readyWithin: Duration = .seconds(60)
        /// All variables of the servers, `NAME=value`.
        public var environment = SpawnRequest.ownEnvironment

        public init(directory: String) { self.directory = directory }
    }

    public let configuration: Configuration
    /// Client ports of servers 1, 2, ...
    public let clientPorts: [Int]
    private let command: [String]
    /// By server number; absent while a server does not run.
    private let running = Locked<[Int: Processes.ChildProcess]>([:])

    // MARK: Start and stop

    /// Starts the servers and waits until each of them serves clients. Retries with other ports if one got taken.
    public static func start(_ configuration: Configuration) async throws(ZooKeeperEnsembleError) -> ZooKeeperEnsemble {
        let attemptsMax = 3
        for attempt in 1...attemptsMax {
            let ensemble = try ZooKeeperEnsemble(configuration)
            do throws(ZooKeeperEnsembleError) {
                for server in ensemble.servers { try await ensemble.restart(server) }
                try await ensemble.waitUntilServing()
                return ensemble
            } catch {
                await ensemble.stop()
                guard case .serverEnded(_, let log) = error, log.contains("Address already in use"),
                    attempt < attemptsMax
                else { throw error }
            }
        }
        throw .refusedByHost("found no ports for ZooKeeper servers that stayed free")
    }

    /// Kills every server and removes the data. Returns when no process of the ensemble is left.
    public func stop() async {
        for server in servers { await kill(server) }
        for server in servers { _ = DirectoryTree.remove(directory(of: server)) }
        rmdir(configuration.directory)  // Only if nothing else is in it.
    }

    /// `host:port` of every server.
    public var addresses: [String] { clientPorts.map { "\(configuration.address):\($0)" } }

    /// - Parameter path: Absolute, for example `/mesos`.
    public func url(path: String) -> String { "zk://\(addresses.joined(separator: ","))\(path)" }

    /// Server numbers, from 1.
    public var servers: ClosedRange<Int> { 1...configuration.servers }

    /// Process ids of the running servers, in server order.
    public var pids: [pid_t] { running.withLock { running in servers.compactMap { running[$0]?.pid } } }

    // MARK: Disturbances

    /// `kill -9`, and waits for the end, which SIGKILL brings without the server's help, frozen or not.
    public func kill(_ server: Int) async {
        guard let process = running.withLock({ $0.removeValue(forKey: server) }) else { return }
        process.send(signal: SIGKILL)
        _ = await process.end()
    }

    /// Stops a server in its tracks: its connections stay open, nothing answers.
    public func freeze(_ server: Int) { _ = running.withLock { $0[server]?.send(signal: SIGSTOP) } }

    public func thaw(_ server: Int) { _ = running.withLock { $0[server]?.send(signal: SIGCONT) } }

    /// Starts a server that was killed, on its old data and ports. Returns at once; see `waitUntilServing`.
    public func restart(_ server: Int) async throws(ZooKeeperEnsembleError) {
        guard running.withLock({ $0[server]?.knownEnd != nil || $0[server] == nil }) else { return }
        let path = logPath(server)
        let log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw .refusedByHost("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { close(log) }
        var request = SpawnRequest(
            program: command[0], arguments: command.dropFirst() + ["\(directory(of: server))/zoo.cfg"],
            environment: configuration.environment)
        request.standardOutput = log
        request.standardError = log
        request.deathSignal = SIGKILL
        do throws(SpawnError) {
            let process = try await Processes.ChildProcess.spawn(request)
            running.withLock { $0[server] = process }
        } catch {
            throw .refusedByHost("\(error)")
        }
    }

    /// Waits until every running server takes part in a quorum.
    public func waitUntilServing() async throws(ZooKeeperEnsembleError) {
        let deadline = ContinuousClock.now + configuration.readyWithin
        for (server, process) in running.withLock({ $0.sorted { $0.key < $1.key } }) {
            while await mode(of: server) == nil {
                if process.knownEnd != nil { throw .serverEnded(server: server, log: logTail(server)) }
                guard .now < deadline else {
                    throw .notServing(server: server, within: configuration.readyWithin, log: logTail(server))
                }
                await withCheckedContinuation { continuation in
                    // Not a task's sleep, which returns at once when the task is cancelled.
                    Timers.shared.scheduleOnce(after: .milliseconds(50)) { continuation.resume() }
                }
            }
        }
    }

    /// `leader`, `follower` or `standalone`; `nil` if the server does not answer or has no quorum.
    public func mode(of server: Int) async -> String? {
        let port = UInt16(clientPorts[server - 1])
        let address = configuration.address
        return await withCheckedContinuation { continuation in
            // Not on Swift's own threads: a frozen server makes this block until the receive timeout.
            DedicatedThread.start(named: "zk-srvr") { continuation.resume(returning: askMode(address, port: port)) }
        }
    }

    /// The number of the leading server.
    public func leader() async -> Int? {
        for server in servers where await mode(of: server) == "leader" { return server }
        return nil
    }

    // MARK: Processes

    private init(_ configuration: Configuration) throws(ZooKeeperEnsembleError) {
        self.configuration = configuration
        let java = "/usr/bin/java"
        let jars = "/usr/share/java"
        // Debian's zookeeper.jar names its own dependencies in its manifest; only a logger must be added.
        let needed = [
            (java, "default-jre-headless"), ("\(jars)/zookeeper.jar", "libzookeeper-java"),
            ("\(jars)/slf4j-simple.jar", "libslf4j-java"),
        ]
        for (path, package) in needed where access(path, R_OK) != 0 {
            throw .missingFile(path: path, debianPackage: package)
        }
        command = [
            java, "-Xms32m", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-XX:ActiveProcessorCount=1", "-XX:-UsePerfData", "-Djava.net.preferIPv4Stack=true",
            "-Dzookeeper.jmx.log4j.disable=true", "-Dzookeeper.forceSync=no",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp", "\(jars)/zookeeper.jar:\(jars)/slf4j-simple.jar",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        ]
        let ports: [Int]
        do throws(ClusterError) {
            ports = try FreePorts.pick(configuration.servers * (configuration.servers == 1 ? 1 : 3))
        } catch {
            throw .refusedByHost("\(error)")
        }
        clientPorts = Array(ports.prefix(configuration.servers))
        try writeFiles(peerPorts: Array(ports.dropFirst(configuration.servers)))
    }

    private func writeFiles(peerPorts: [Int]) throws(ZooKeeperEnsembleError) {
        let (seconds, attoseconds) = configuration.tickTime.components
        let tickMilliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let members =
            configuration.servers == 1
            ? ""
            : servers.map { number in
                "server.\(number)=\(configuration.address):\(peerPorts[2 * number - 2]):\(peerPorts[2 * number - 1])\n"
            }.joined()
        for server in servers {
            do throws(DirectoryError) {
                try DirectoryTree.create(directory(of: server))
            } catch {
                throw .refusedByHost("\(error)")
            }
            try write("\(server)\n", to: "\(directory(of: server))/myid")
            try write(
                """
                tickTime=\(tickMilliseconds)
                initLimit=20
                syncLimit=10
                dataDir=\(directory(of: server))
                clientPort=\(clientPorts[server - 1])
                clientPortAddress=\(configuration.address)
                admin.enableServer=false
                4lw.commands.whitelist=ruok,srvr,mntr,stat
                maxClientCnxns=0
                \(members)
                """, to: "\(directory(of: server))/zoo.cfg")
        }
    }

    private func directory(of server: Int) -> String { "\(configuration.directory)/server-\(server)" }

    private func logPath(_ server: Int) -> String { "\(directory(of: server))/server.log" }

    private func logTail(_ server: Int) -> String {
        guard let file = fopen(logPath(server), "re") else { return "(no log)" }
        defer { fclose(file) }
        let tailBytesMax = 2000
        if fseek(file, -tailBytesMax, SEEK_END) != 0 { rewind(file) }
        var bytes = [UInt8](repeating: 0, count: tailBytesMax)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

/// Sends ZooKeeper's `srvr` command and looks for the mode in the answer.
private func askMode(_ address: String, port: UInt16) -> String? {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return nil }
    defer { close(socket) }
    var timeout = timeval(tv_sec: 0, tv_usec: 500_000)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    guard withAddress(address, port, { connect(socket, $0, $1) }) == 0 else { return nil }
    guard send(socket, "srvr", 4, Int32(MSG_NOSIGNAL)) == 4 else { return nil }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 2048)
    while answer.count < 16_384 {
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count > 0 else { break }
        answer += chunk[..<count]
    }
    let lines = String(decoding: answer, as: UTF8.self).split(separator: "\n")
    return lines.first { $0.hasPrefix("Mode: ") }.map { String($0.dropFirst("Mode: ".count)) }
}

private func withAddress(
    _ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr(text)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

private func write(_ text: String, to path: String) throws(ZooKeeperEnsembleError) {
    let file = fopen(path, "we")
    let isWritten = file != nil && fputs(text, file) >= 0
    let isClosed = file.map { fclose($0) == 0 } ?? false
    guard isWritten, isClosed else {
        throw .refusedByHost("cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
