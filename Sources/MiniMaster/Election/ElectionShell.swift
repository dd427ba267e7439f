// Performs what the core's leadership asks of ZooKeeper: sessions, membership, watching the other members.
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import ZooKeeper

/// The master's sessions with ZooKeeper. Everything it learns goes to the core as events; it decides nothing.
final class ElectionShell: Sendable {
    private struct Current {
        var number = SessionNumber(0)
        var session: ZooKeeperSession?
        var membership: ElectionMembership?
        var watching: Task<Void, Never>?
    }

    /// Insurance against a watch that never fires.
    private static let pollInterval = Duration.seconds(30)
    private static let retryDelay = Duration.milliseconds(500)

    private let url: ZooKeeperURL
    private let sessionTimeout: Duration
    private let selfInfo: V1MasterInfo
    private let allowsForeignMasters: Bool
    private let clock: MasterClock
    private let logger: Logger
    private let post: @Sendable (MasterEvent) -> Void
    private let current = Locked(Current())

    init(
        url: ZooKeeperURL, sessionTimeout: Duration, selfInfo: V1MasterInfo, allowsForeignMasters: Bool,
        clock: MasterClock, logger: Logger, post: @escaping @Sendable (MasterEvent) -> Void
    ) {
        self.url = url
        self.sessionTimeout = sessionTimeout
        self.selfInfo = selfInfo
        self.allowsForeignMasters = allowsForeignMasters
        self.clock = clock
        self.logger = logger
        self.post = post
    }

    /// The session in use, for the registry.
    var session: ZooKeeperSession? { current.withLock { $0.session } }

    /// The latest proof that the ensemble was in touch.
    var lastHeard: MasterEvent? {
        current.withLock { current in
            guard let contact = current.session?.lastContact else { return nil }
            return .ensembleHeard(current.number, clock.instant(of: contact))
        }
    }

    // MARK: Sessions

    func open(_ number: SessionNumber) {
        current.withLock { $0.number = number }
        // States that arrive before the session can be found are kept back: the core answers `.connected` at once.
        let early = Locked<[SessionState]?>([])
        Task {
            do throws(ZooKeeperError) {
                let session = try await ZooKeeperSession.open(
                    servers: url.servers, timeout: sessionTimeout, credentials: url.credentials, probesContact: true
                ) { state in
                    let isEarly = early.withLock { states in
                        states?.append(state)
                        return states != nil
                    }
                    if !isEarly { self.report(state, of: number) }
                }
                let isWanted = current.withLock { current in
                    guard current.number == number else { return false }
                    current.session = session
                    return true
                }
                guard isWanted else { return await session.close() }
                early.withLock { states in
                    for state in states ?? [] { report(state, of: number) }
                    states = nil
                }
            } catch {
                post(.sessionFailed(number, reason: "\(error)"))
            }
        }
    }

    private func report(_ state: SessionState, of number: SessionNumber) {
        switch state {
        case .connecting: post(.sessionInterrupted(number))
        case .connected(_, let timeout): post(.sessionConnected(number, timeout: timeout))
        case .expired: post(.sessionExpired(number))
        case .authenticationFailed: post(.sessionRefused(number, reason: "\(ZooKeeperError.authFailed)"))
        case .closed: break
        }
    }

    func close(_ number: SessionNumber) {
        let session = current.withLock { current in
            guard current.number == number else { return ZooKeeperSession?.none }
            current.watching?.cancel()
            let session = current.session
            current.session = nil
            current.membership = nil
            return session
        }
        Task { await session?.close() }
    }

    /// Gives everything up, so that a successor need not wait for the timeout.
    func stop() async {
        let session = current.withLock { current in
            current.watching?.cancel()
            defer { current.session = nil }
            return current.session
        }
        await session?.close()
    }

    // MARK: Membership

    func join(_ number: SessionNumber) {
        current.withLock { current in
            guard current.number == number, let session = current.session else { return }
            current.watching?.cancel()
            let membership = ElectionMembership(session: session, path: url.path)
            current.membership = membership
            current.watching = Task { await self.takePart(in: membership, number) }
        }
    }

    private func takePart(in membership: ElectionMembership, _ number: SessionNumber) async {
        do throws(ElectionError) {
            let member = try await membership.join(selfInfo, besideForeign: allowsForeignMasters)
            if Task.isCancelled { return }
            post(.electionJoined(number, Candidate(member)))
        } catch {
            switch error {
            case .zooKeeper(_, .noAuth), .zooKeeper(_, .authFailed), .zooKeeper(_, .invalidACL):
                return post(.sessionRefused(number, reason: "\(error)"))
            case .foreignMember: return post(.electionRefused(number, reason: "\(error)"))
            case .zooKeeper: return post(.electionJoinFailed(number, reason: "\(error)"))
            }
        }
        await watch(membership, number)
    }

    /// Reports the members again and again, one look after the other, so that lists arrive in the order of reading.
    private func watch(_ membership: ElectionMembership, _ number: SessionNumber) async {
        let (pokes, poke) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        poke.yield()
        for await _ in pokes {
            if Task.isCancelled { break }
            var next = Self.pollInterval
            do throws(ZooKeeperError) {
                let members = try await membership.members { poke.yield() }
                if Task.isCancelled { break }
                post(.electionChanged(number, members.map { Candidate($0) }))
            } catch {
                guard error.isRetryable || error == .noNode else {
                    logger.warning("cannot watch the election", metadata: ["reason": "\(error)"])
                    break
                }
                next = Self.retryDelay
            }
            Timers.shared.scheduleOnce(after: next) { poke.yield() }
        }
    }

    func read(_ number: SessionNumber, _ candidate: Candidate) {
        let membership = current.withLock { $0.number == number ? $0.membership : nil }
        guard let membership, let member = ElectionMember(name: candidate.name) else { return }
        Task {
            while true {
                do throws(ZooKeeperError) {
                    let found = try await membership.read(member)
                    return post(
                        .candidateRead(
                            number, candidate, found?.info, isForeign: found.map { $0.miniVersion == nil } ?? false))
                } catch {
                    guard error.isRetryable, current.withLock({ $0.membership === membership }) else { return }
                }
                try? await Task.sleep(for: Self.retryDelay)
            }
        }
    }
}

extension Candidate {
    init(_ member: ElectionMember) { self.init(name: member.name, sequence: member.sequence) }
}
