// Finds the leading master and keeps saying who it is: the shell around the detector's decisions.

import Logging
import Mailbox
import MesosProtocol
import ZooKeeper

/// Watches who leads.
///
/// With a ZooKeeper location it watches the election directory, looks again once a minute as insurance, and takes a lost
/// session, or one timeout without contact, for "nobody known". With a fixed address it reports that address, once.
/// It never gives up; what goes wrong is logged.
public final class MasterDetector: Sendable {
    private struct Audience {
        var current: DetectedMaster?
        var listeners: [Int: AsyncStream<DetectedMaster?>.Continuation] = [:]
        var lastListener = 0
        var isOver = false
    }

    private let audience: Locked<Audience>
    private let inbox = Mailbox<DetectionCore.Event>()
    private let loop: Task<Void, Never>

    /// Starts detecting at once.
    ///
    /// - Parameter sessionTimeout: Asked of the ensemble, and how long to trust the last known leader while cut off.
    public init(location: MasterLocation, sessionTimeout: Duration = .seconds(10), logger: Logger) {
        switch location {
        case .address(let host, let port):
            audience = Locked(Audience(current: DetectedMaster(host: host, port: port)))
            loop = Task {}
        case .zooKeeper(let url):
            let audience = Locked(Audience())
            self.audience = audience
            let shell = DetectorShell(url: url, sessionTimeout: sessionTimeout, inbox: inbox, logger: logger) {
                master in
                Self.tell(audience, master)
            }
            loop = Task { await shell.run() }
            inbox.send(.started)
        }
    }

    deinit { inbox.finish() }

    /// Who leads, as far as is known now.
    public var current: DetectedMaster? { audience.withLock { $0.current } }

    /// Who leads, from now on: first what is known now, then each change. `nil` means that nobody leads or nobody knows.
    ///
    /// Every use of this property is a stream of its own. A slow reader sees the latest value and may miss earlier ones.
    /// The streams end with `stop()`.
    public var masters: AsyncStream<DetectedMaster?> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: DetectedMaster?.self, bufferingPolicy: .bufferingNewest(1))
        audience.withLock { audience in
            continuation.yield(audience.current)
            guard !audience.isOver else { return continuation.finish() }
            audience.lastListener += 1
            let number = audience.lastListener
            audience.listeners[number] = continuation
            continuation.onTermination = { [weak self] _ in
                _ = self?.audience.withLock { $0.listeners.removeValue(forKey: number) }
            }
        }
        return stream
    }

    /// Ends all streams and closes the session.
    public func stop() async {
        inbox.finish()
        await loop.value
        let listeners = audience.withLock { audience in
            defer { audience.listeners = [:] }
            audience.isOver = true
            return audience.listeners
        }
        for listener in listeners.values { listener.finish() }
    }

    /// Under the lock, so that each listener sees the changes in order. Yielding only buffers and wakes.
    private static func tell(_ audience: Locked<Audience>, _ master: DetectedMaster?) {
        audience.withLock { audience in
            audience.current = master
            for listener in audience.listeners.values { listener.yield(master) }
        }
    }
}

/// Performs the core's effects.
private struct DetectorShell: Sendable {
    let url: ZooKeeperURL
    let sessionTimeout: Duration
    let inbox: Mailbox<DetectionCore.Event>
    let logger: Logger
    let report: @Sendable (DetectedMaster?) -> Void
    private let sessions = Locked<[Int: ZooKeeperSession]>([:])
    /// What the members of the last list wrote. A member's content never changes, so whoever leads next is known without
    /// another read. Kept for one session: over a longer time the directory may be made anew, with the same names.
    private let documents = Locked(Documents())

    private struct Documents {
        var session = 0
        var byName: [String: [UInt8]] = [:]
    }

    init(
        url: ZooKeeperURL, sessionTimeout: Duration, inbox: Mailbox<DetectionCore.Event>, logger: Logger,
        report: @escaping @Sendable (DetectedMaster?) -> Void
    ) {
        self.url = url
        self.sessionTimeout = sessionTimeout
        self.inbox = inbox
        self.logger = logger
        self.report = report
    }

    /// Until the inbox is finished.
    func run() async {
        var core = DetectionCore(sessionTimeout: sessionTimeout)
        await withDiscardingTaskGroup { work in
            while true {
                let events = await inbox.next()
                if events.isEmpty { break }
                for event in events {
                    for effect in core.step(event) { perform(effect, in: &work) }
                }
            }
        }
        let left = sessions.withLock { sessions in
            defer { sessions = [:] }
            return sessions
        }
        for session in left.values { await session.close() }
    }

    private func perform(_ effect: DetectionCore.Effect, in work: inout DiscardingTaskGroup) {
        switch effect {
        case .openSession(let number):
            work.addTask { await open(number) }
        case .closeSession(let number):
            let session = sessions.withLock { $0.removeValue(forKey: number) }
            work.addTask { await session?.close() }
        case .look(let number, let setWatch):
            work.addTask {
                let session = sessions.withLock { $0[number] }
                let (finding, isWatching, names) = await look(session, number, setWatch: setWatch)
                inbox.send(.looked(session: number, finding, isWatching: isWatching))
                if let session { await prefetch(names, session, number) }
            }
        case .report(let master):
            if let master {
                logger.info("the leading master is \(master.baseURL)")
            } else {
                logger.info("no leading master")
            }
            report(master)
        case .schedule(let timer, let delay):
            Timers.shared.scheduleOnce(after: delay) { [inbox] in inbox.send(.timerFired(timer)) }
        case .warn(let reason):
            logger.warning("\(reason)", metadata: ["zk": "\(url)"])
        }
    }

    private func open(_ number: Int) async {
        do throws(ZooKeeperError) {
            let session = try await ZooKeeperSession.open(
                servers: url.servers, timeout: sessionTimeout, credentials: url.credentials
            ) { [inbox] state in inbox.send(.stateChanged(session: number, state)) }
            sessions.withLock { $0[number] = session }
            inbox.send(.sessionOpened(session: number))
        } catch {
            inbox.send(.openFailed(session: number, error))
        }
    }

    /// How many leaders may leave during one look before it counts as one without a leader.
    private static let listsMax = 10

    /// Reads the directory and the leader's document.
    ///
    /// - Returns: Also whether a watch is set now that was not before.
    private func look(
        _ session: ZooKeeperSession?, _ number: Int, setWatch: Bool
    ) async -> (DetectionCore.Finding, isWatching: Bool, names: [String]) {
        guard let session else { return (.failed(.closing), false, []) }
        var isWatching = false
        var watch: (@Sendable (WatchEvent) -> Void)?
        if setWatch { watch = { [inbox] _ in inbox.send(.watchFired(session: number)) } }
        do throws(ZooKeeperError) {
            var names: [String]
            do throws(ZooKeeperError) {
                names = try await session.children(url.path, watch: watch)
                isWatching = setWatch
            } catch .noNode {
                // Watched for its creation.
                let stat = try await session.exists(url.path, watch: watch)
                isWatching = setWatch
                guard stat != nil else { return (.nobody, isWatching, []) }
                names = try await session.children(url.path, watch: watch)  // Created since the first look.
            }
            for _ in 0..<Self.listsMax {
                guard let leader = ElectionMember.leader(among: names) else { return (.nobody, isWatching, []) }
                let data: [UInt8]
                do throws(ZooKeeperError) {
                    data = try await document(of: leader, session, number)
                } catch .noNode {
                    // It left between the two reads. Another list, in which it is missing: the next one leads already,
                    // and reporting "nobody" in between would only make everybody disconnect.
                    names = try await session.children(url.path)
                    continue
                }
                return (Self.finding(data, of: leader), isWatching, names)
            }
            return (.nobody, isWatching, [])
        } catch {
            return (.failed(error), isWatching, [])
        }
    }

    private func document(
        of member: ElectionMember, _ session: ZooKeeperSession, _ number: Int
    ) async throws(ZooKeeperError) -> [UInt8] {
        if let known = documents.withLock({ $0.session == number ? $0.byName[member.name] : nil }) { return known }
        let data = try await session.get("\(url.path)/\(member.name)").data
        documents.withLock { documents in
            if documents.session < number { documents = Documents(session: number) }
            if documents.session == number { documents.byName[member.name] = data }
        }
        return data
    }

    /// Somebody else's thousand znodes are not all read.
    private static let prefetchedMax = 8

    /// Reads what those next in line say of themselves, and forgets those that have left.
    private func prefetch(_ names: [String], _ session: ZooKeeperSession, _ number: Int) async {
        let members = ElectionMember.members(among: names).prefix(Self.prefetchedMax)
        documents.withLock { documents in
            guard documents.session == number else { return }
            documents.byName = documents.byName.filter { known in members.contains { $0.name == known.key } }
        }
        for member in members {
            do throws(ZooKeeperError) { _ = try await document(of: member, session, number) } catch { continue }
        }
    }

    private static func finding(_ data: [UInt8], of leader: ElectionMember) -> DetectionCore.Finding {
        do throws(MasterInfoError) {
            return .leader(try MasterInfoJSON.decode(data, label: leader.label))
        } catch {
            return .unreadable("\(leader.name): \(error)")
        }
    }
}
