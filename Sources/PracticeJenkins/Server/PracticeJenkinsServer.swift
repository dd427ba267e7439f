// The practice controller as a program: listens, answers, stops.
import HTTPServer
import Logging
import Mailbox

/// A small HTTP server that behaves like a Jenkins controller towards REST clients and inbound agents.
///
/// Everything is in memory, unless a state directory is given. It is meant for trying the framework out and for tests, on this host or a private network:
/// anyone who can reach it can control it through `/standin/control`.
public final class PracticeJenkinsServer: Sendable {
    /// Where it listens: `http://host:port`.
    public let url: String
    public let port: Int
    private let server: HTTPServer
    private let desk: Desk
    private let stopped = Mailbox<Void>()

    private init(url: String, server: HTTPServer, desk: Desk) {
        (self.url, self.server, self.desk) = (url, server, desk)
        port = server.port
    }

    /// Starts a controller; when this returns, it answers.
    public static func start(
        _ configuration: PracticeJenkinsConfiguration, logger: Logger
    ) async throws(PracticeJenkinsError) -> PracticeJenkinsServer {
        guard let version = ControllerVersion(configuration.version) else {
            throw .versionInvalid(configuration.version)
        }
        var users = configuration.users
        if let path = configuration.usersFile { users = try PracticeJenkinsConfiguration.loadUsers(path: path) }
        var store: StateStore?
        var records = KeptRecords()
        if let directory = configuration.stateDirectory { (store, records) = try StateStore.open(directory) }
        var generator = SystemRandomNumberGenerator()
        let key =
            records.key.flatMap(Digest.bytes)
            ?? (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let (seconds, attoseconds) = configuration.quietPeriod.components
        let settings = ControllerSettings(
            quietPeriodMilliseconds: max(0, seconds * 1_000 + attoseconds / 1_000_000_000_000_000), key: key)
        var site = Site(settings: settings, users: users, anonymousCanRead: configuration.anonymousRead)
        site.version = version
        let desk = Desk(site: site, store: store, logger: logger)
        await desk.resume(records)
        let server: HTTPServer
        do {
            server = try await HTTPServer.start(
                host: configuration.ip, port: configuration.port,
                limits: HTTPServerLimits(bodyBytesMax: { _ in 4 << 20 })
            ) { request in
                await desk.answer(request)
            }
        } catch {
            await desk.close()
            throw .cannotListen(reason: "\(error)")
        }
        let host = configuration.ip == "0.0.0.0" ? "127.0.0.1" : configuration.ip
        let url = "http://\(host):\(server.port)"
        logger.info("practice Jenkins \(version) answers at \(url)/")
        return PracticeJenkinsServer(url: url, server: server, desk: desk)
    }

    /// Returns once the server was stopped.
    public func run() async { _ = await stopped.next() }

    public func stop() async {
        await desk.stop()
        await server.stop()
        await desk.close()
        stopped.finish()
    }
}
