// Who of several processes acts: the masters' own way of electing, for frameworks.
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import ZooKeeper

/// Another process that leads.
struct FrameworkLeader: Hashable, Sendable {
    var name: String
    /// Where it serves its status, if it says so.
    var url: String?
}

/// Takes part in one election for as long as the process runs, with one session after the other.
final class FrameworkElection: Sendable {
    private struct State {
        var isStopping = false
        var session: ZooKeeperSession?
        var refusal: String?
        /// Makes the standby look at the election again.
        var poke: (@Sendable () -> Void)?
    }

    /// Insurance against a watch that never fires.
    private static let lookInterval = Duration.seconds(30)
    private static let retryDelay = Duration.milliseconds(500)
    /// Members of a masters' election begin so in their description.
    private static let masterPrefix = "master@"
    private static let framework = "jenkins-framework@"

    private let availability: JenkinsConfiguration.Availability
    private let url: String
    private let logger: Logger
    private let report: @Sendable (FrameworkLeader) -> Void
    private let state = Locked(State())

    /// - Parameters:
    ///   - url: Where this process serves its status; what the others show as the leader.
    ///   - report: Told who leads while this process does not.
    init(
        _ availability: JenkinsConfiguration.Availability, url: String, logger: Logger,
        report: @escaping @Sendable (FrameworkLeader) -> Void
    ) {
        self.availability = availability
        self.url = url
        self.logger = logger
        self.report = report
    }

    /// Why taking part makes no sense, once `next` has given up by itself.
    var refusal: String? { state.withLock { $0.refusal } }

    /// Makes `next` return nil, and gives the place in the election up.
    func stop() {
        let session = state.withLock { state in
            state.isStopping = true
            return state.session
        }
        Task { await session?.close() }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Waits until this process leads.
    ///
    /// - Returns: nil after `stop`, or if the election refuses this process.
    func next() async -> Leadership? {
        while !isStopping {
            do throws(ElectionFailure) {
                let session = try await open()
                if let leadership = try await takePart(session) { return leadership }
                await close(session)
            } catch {
                if let session = state.withLock({ $0.session }) { await close(session) }
                if error.isFinal {
                    logger.error("the election refuses this process: \(error.reason)")
                    state.withLock { $0.refusal = "ha.zk: \(error.reason)" }
                    return nil
                }
                logger.warning("the election: \(error.reason)")
            }
            try? await Task.sleep(for: Self.retryDelay)
        }
        return nil
    }

    /// Gives leadership up, so that a successor need not wait for the timeout.
    func leave(_ leadership: Leadership) async { await close(leadership.session) }

    private struct ElectionFailure: Error {
        var reason: String
        var isFinal = false
    }

    private func open() async throws(ElectionFailure) -> ZooKeeperSession {
        do throws(ZooKeeperError) {
            let url = availability.zooKeeper
            let session = try await ZooKeeperSession.open(
                servers: url.servers, timeout: availability.sessionTimeout, credentials: url.credentials,
                probesContact: true
            ) { [state] _ in state.withLock { $0.poke }?() }
            let mayGoOn = state.withLock { state in
                if !state.isStopping { state.session = session }
                return !state.isStopping
            }
            if !mayGoOn { await session.close() }
            return session
        } catch {
            throw ElectionFailure(reason: "\(error)")
        }
    }

    private func close(_ session: ZooKeeperSession) async {
        state.withLock { state in
            if state.session === session { state.session = nil }
        }
        await session.close()
    }

    // MARK: - One session

    private func takePart(_ session: ZooKeeperSession) async throws(ElectionFailure) -> Leadership? {
        let membership = ElectionMembership(session: session, path: availability.zooKeeper.path)
        try await refuseMasters(membership)
        let own: ElectionMember
        do throws(ElectionError) {
            own = try await membership.join(description)
        } catch {
            switch error {
            case .zooKeeper(_, .noAuth), .zooKeeper(_, .authFailed), .zooKeeper(_, .invalidACL), .foreignMember:
                throw ElectionFailure(reason: "\(error)", isFinal: true)
            case .zooKeeper:
                throw ElectionFailure(reason: "\(error)")
            }
        }
        let (pokes, poke) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.poke = { poke.yield() } }
        defer { state.withLock { $0.poke = nil } }
        poke.yield()
        for await _ in pokes {
            if isStopping || Self.isOver(session) { return nil }
            var next = Self.lookInterval
            var members: [ElectionMember] = []
            do throws(ZooKeeperError) {
                members = try await membership.members { poke.yield() }
            } catch {
                guard error.isRetryable || error == .noNode else { throw ElectionFailure(reason: "\(error)") }
                next = Self.retryDelay
            }
            if let first = members.first {
                guard members.contains(own) else { throw ElectionFailure(reason: "the own member is gone") }
                if first == own, let fence = membership.fence {
                    return Leadership(session: session, membership: membership, own: own, fence: fence)
                }
                await report(first, membership)
            }
            Timers.shared.scheduleOnce(after: next) { poke.yield() }
        }
        return nil
    }

    private static func isOver(_ session: ZooKeeperSession) -> Bool {
        switch session.state {
        case .expired, .authenticationFailed, .closed: true
        case .connecting, .connected: false
        }
    }

    /// A framework among masters would be taken for one of them by every agent.
    private func refuseMasters(_ membership: ElectionMembership) async throws(ElectionFailure) {
        guard let members = try? await membership.members() else { return }
        for member in members {
            if let found = try? await membership.read(member), found.info.pid.hasPrefix(Self.masterPrefix) {
                throw ElectionFailure(
                    reason:
                        "\(membership.path) is where masters elect theirs (\(found.info.pid)); take a path of its own",
                    isFinal: true)
            }
        }
    }

    private func report(_ leader: ElectionMember, _ membership: ElectionMembership) async {
        let found = try? await membership.read(leader)
        let name = found.map { String($0.info.pid.drop { $0 != "@" }.dropFirst()) } ?? leader.name
        report(FrameworkLeader(name: name, url: found.map(\.info.id)))
    }

    /// Written in the form of the masters, which their tools can show.
    private var description: V1MasterInfo {
        let address = url.drop { $0 != ":" }.dropFirst(3)
        var info = V1MasterInfo(id: url, ip: "0.0.0.0", port: 1, hostname: String(address))
        info.pid = Self.framework + address
        return info
    }
}

/// This process leads, until `end` says otherwise.
struct Leadership: Sendable {
    let session: ZooKeeperSession
    let membership: ElectionMembership
    let own: ElectionMember
    /// The first step of every write.
    let fence: ZooKeeperOperation

    private static let lookInterval = Duration.milliseconds(100)

    /// Waits until the leadership is over or cannot be relied on: after two thirds of the session's timeout in silence the
    /// ensemble may be about to give it to somebody else.
    func end() async -> String {
        let isGone = Locked(false)
        await watchOwnMember(isGone)
        while !Task.isCancelled {
            switch session.state {
            case .expired: return "the ZooKeeper session expired"
            case .authenticationFailed: return "ZooKeeper refuses the credentials"
            case .closed: return "it gave its place up"
            case .connecting, .connected: break
            }
            if isGone.withLock({ $0 }) { return "its election znode was removed" }
            if let silence = session.silence, silence > session.timeout * 2 / 3 {
                return "ZooKeeper has not been heard of for \(silence.components.seconds) s"
            }
            try? await Task.sleep(for: Self.lookInterval)
        }
        return "it stops"
    }

    /// A watch fires once, and only for a deletion here: members are never rewritten.
    private func watchOwnMember(_ isGone: Locked<Bool>) async {
        let path = "\(membership.path)/\(own.name)"
        do throws(ZooKeeperError) {
            let found = try await session.exists(path, watch: { _ in isGone.withLock { $0 = true } })
            if found == nil { isGone.withLock { $0 = true } }
        } catch {
            // The session's own state and silence tell the rest.
        }
    }
}
