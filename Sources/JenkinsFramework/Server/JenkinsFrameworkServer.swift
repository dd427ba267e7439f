// The running framework: its status, its configuration, and one term of acting after the other.
import FoundationEssentials
import HTTPClient
import HTTPServer
import Logging
import Mailbox
import Resources
import SchedulerClient
import ZooKeeper

/// Why a framework could not start. One line for people.
public struct JenkinsFrameworkError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
    /// Nothing was started: the configuration, or something it names, is at fault.
    public var isBeforeStart = false
}

public final class JenkinsFrameworkServer: Sendable {
    private struct State {
        var isStopping = false
        var term: FrameworkTerm?
        var election: FrameworkElection?
        /// What jobs should ask for, as far as it was worked out: each term begins with it.
        var advice: [String: Resources]?
    }

    let logger: Logger
    let live: LiveConfiguration
    /// nil: the configuration is nobody's file and stays as it is.
    let path: String?
    let board: StatusBoard
    private let gateKeeper: GateKeeperCommand?
    private let stateFile: StateFile
    private let record: PlannerRecord
    private let lock: StateLock
    private let server: HTTPServer
    private let state = Locked(State())
    let reloads = Mailbox<ReloadReason>()

    /// Where the status is served: `http://host:port`.
    public let url: String

    /// Checks the configuration against the world, without changing it: the state directory must be writable and nobody
    /// else's, secret files readable. Serves its status when it returns; `run` does the rest.
    ///
    /// - Parameters:
    ///   - path: The configuration's file, which is watched and read again when it changes.
    ///   - gateKeeper: Runs ``GateKeeper``; without it gates stay as they are when this process dies.
    public static func start(
        _ configuration: JenkinsConfiguration, path: String? = nil, gateKeeper: GateKeeperCommand? = nil, logger: Logger
    ) async throws(JenkinsFrameworkError) -> JenkinsFrameworkServer {
        let stateFile = StateFile(directory: configuration.stateDirectory)
        let record: PlannerRecord
        let lock: StateLock
        do throws(StateFileError) {
            try stateFile.prepare()
            lock = try StateLock(directory: configuration.stateDirectory)
            let loaded = try stateFile.load()
            record = loaded.record
            if let aside = loaded.setAside { logger.error("the state file was not readable; it is now \(aside)") }
        } catch {
            throw JenkinsFrameworkError(description: "stateDir: \(error)", isBeforeStart: true)
        }
        if let problem = unreadableFile(configuration) {
            throw JenkinsFrameworkError(description: problem, isBeforeStart: true)
        }
        let board = StatusBoard(
            JenkinsPlanner(settings: configuration.planner, record: record, seed: 0, at: .now).status(at: .now),
            FarmLedger(configuration, credentials: credentials(configuration), logger: logger),
            unmatchedLabelsFail: configuration.unmatchedLabelsFail)
        do throws(HTTPServerError) {
            let (address, master) = (configuration.status, configuration.mesos.master)
            let host = StatusPlace.listening(address, towards: master)
            let server = try await HTTPServer.start(host: host, port: address.port) { board.answer($0) }
            let url = "http://\(StatusPlace.shown(address, listening: host, towards: master)):\(server.port)"
            if address.host.isEmpty, StatusPlace.isOpen(host) {
                logger.notice(
                    "the status at \(url) can be read by whoever reaches that address; status.ip: 127.0.0.1 closes it")
            }
            StatusAddressFile(directory: configuration.stateDirectory).write(url)
            return JenkinsFrameworkServer(
                configuration, path, gateKeeper, logger, stateFile, record, lock, board, server, url)
        } catch {
            throw JenkinsFrameworkError(description: "status: \(error)", isBeforeStart: true)
        }
    }

    private static func credentials(_ configuration: JenkinsConfiguration) -> (principal: String, secret: String)? {
        guard let path = configuration.mesos.secretFile, let secret = try? SecretFile(path: path).read() else {
            return nil
        }
        return (configuration.mesos.principal, secret)
    }

    private static func unreadableFile(_ configuration: JenkinsConfiguration) -> String? {
        for path in [configuration.jenkins.secret.path, configuration.mesos.secretFile].compactMap(\.self)
        where (try? SecretFile(path: path).read()) == nil {
            return "the secret file \(path) cannot be read"
        }
        for (key, path) in [
            ("jenkins.tls.caFile", configuration.jenkins.caFile), ("mesos.tls.caFile", configuration.mesos.caFile),
        ] {
            if let path, let file = ClientTLS(caFile: path).unreadableFile {
                return "\(key): cannot read \(file.path): \(file.reason)"
            }
        }
        return nil
    }

    private init(
        _ configuration: JenkinsConfiguration, _ path: String?, _ gateKeeper: GateKeeperCommand?, _ logger: Logger,
        _ stateFile: StateFile, _ record: PlannerRecord, _ lock: StateLock, _ board: StatusBoard, _ server: HTTPServer,
        _ url: String
    ) {
        live = LiveConfiguration(configuration)
        self.path = path
        self.gateKeeper = gateKeeper
        self.logger = logger
        self.stateFile = stateFile
        self.record = record
        self.lock = lock
        self.board = board
        self.server = server
        self.url = url
    }

    // MARK: - Running

    /// Works until `stop`, cancellation, or a refusal of the master.
    ///
    /// - Throws: If the master refuses the framework for good, or its state cannot be kept.
    public func run() async throws(JenkinsFrameworkError) {
        let failure = await withTaskCancellationHandler {
            let watching = Task { await self.watchConfiguration() }
            let measuring = Task { await self.board.ledger.run { self.advise($0) } }
            let failure =
                if let availability = live.current.availability { await stand(by: availability) } else {
                    await act(record, stateFile)
                }
            end()
            watching.cancel()
            await watching.value
            await measuring.value
            return failure
        } onCancel: {
            self.end()
        }
        await server.stop()
        StatusAddressFile(directory: live.current.stateDirectory).remove()
        if let failure { throw JenkinsFrameworkError(description: failure) }
    }

    /// Ends `run`. The framework stays registered and its agents run on until it comes back or `failoverTimeout` passes.
    public func stop() async { end() }

    /// Where the framework stands; nil if its loop, which turns every second at least, has not turned since the last call.
    public func takePosition() -> FrameworkPosition? {
        if let leader = board.standsBy { return FrameworkPosition(isInPlace: true, text: "standby: \(leader)") }
        return term?.takePosition()
    }

    /// Reads the configuration's file again, whether or not it looks changed.
    public func reload() { reloads.send(.asked) }

    private func advise(_ advice: [String: Resources]) {
        let term = state.withLock { state in
            state.advice = advice
            return state.term
        }
        term?.inbox.send(.sizesAdvised(advice))
    }

    private func end() {
        let (term, election) = state.withLock { state in
            state.isStopping = true
            return (state.term, state.election)
        }
        term?.end(because: nil)
        election?.stop()
        board.ledger.stop()
        reloads.finish()
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// The term under way, for a changed configuration.
    var term: FrameworkTerm? { state.withLock { $0.term } }

    /// One term, from a record to its end.
    private func act(_ record: PlannerRecord, _ store: any RecordStore, while leadership: Leadership? = nil) async
        -> String?
    {
        let term = FrameworkTerm(
            live, record: record, store: store, board: board, url: url, gateKeeper: gateKeeper, logger: logger)
        let (mayBegin, advice) = state.withLock { state in
            if !state.isStopping { state.term = term }
            return (!state.isStopping, state.advice)
        }
        guard mayBegin else { return nil }
        if let advice { term.inbox.send(.sizesAdvised(advice)) }
        term.show()
        board.standsBy = nil
        board.ledger.begin()
        let guarding = leadership.map { leadership in
            Task {
                let reason = await leadership.end()
                if !Task.isCancelled { logger.warning("this process does not lead any more: \(reason)") }
                term.end(because: nil)
            }
        }
        let failure = await term.run()
        guarding?.cancel()
        state.withLock { $0.term = nil }
        if !isStopping { board.ledger.pause() }
        return failure
    }

    // MARK: - Standing by

    /// Leads whenever the election says so, and waits in between.
    private func stand(by availability: JenkinsConfiguration.Availability) async -> String? {
        let election = FrameworkElection(availability, url: url, logger: logger) { [board] leader in
            board.standsBy = "\(leader.name) leads"
            board.ledger.follow(leader.url)
        }
        let mayBegin = state.withLock { state in
            if !state.isStopping { state.election = election }
            return !state.isStopping
        }
        guard mayBegin else { return nil }
        board.standsBy = "nobody is known to lead"
        while let leadership = await election.next() {
            let store = ZooKeeperRecord(
                session: leadership.session, fence: leadership.fence, electionPath: availability.zooKeeper.path)
            do throws(RecordStoreError) {
                let kept = try await store.recover(claim: url)
                logger.info("this process leads")
                // Whoever ran alone before brings what it knows along.
                if let failure = await act(kept ?? record, store, while: leadership) {
                    await election.leave(leadership)
                    election.stop()
                    return failure
                }
            } catch {
                logger.error("cannot lead: \(error)")
            }
            board.standsBy = "nobody is known to lead"
            await election.leave(leadership)
        }
        return election.refusal
    }
}
