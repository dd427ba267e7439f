// Decides whether this master leads: its ZooKeeper session, its place in the election, the quorum, and its own clock.
import MesosProtocol
import Resources

/// One master's part in the election. Pure: events in, directives out.
///
/// A master leads while all of this holds: its session is alive, its election znode is the lowest, at least `quorum`
/// masters are members, and ZooKeeper was heard from within two thirds of the session timeout. The last one is what
/// keeps two masters from acting at once: the C client says nothing about an expired session while it is cut off, and
/// the ensemble lets a successor in only after the whole timeout.
package struct Leadership: Sendable {
    /// What the rest of the core must do.
    package enum Directive: Equatable, Sendable {
        case perform(MasterEffect)
        /// This master is to lead: recover the registry under this term.
        case take(Term)
        /// The term is over. All state of the cluster goes.
        case stepDown(reason: String)
    }

    /// Whether the session that was asked for can be used.
    enum Session: Equatable, Sendable {
        case none
        case opening
        case connected(timeout: Duration)
        case interrupted(timeout: Duration)

        var timeout: Duration? {
            switch self {
            case .none, .opening: nil
            case .connected(let timeout), .interrupted(let timeout): timeout
            }
        }
    }

    enum Membership: Equatable, Sendable {
        case none
        case joining
        case member(Candidate)
    }

    enum Acting: Equatable, Sendable {
        case idle
        case recovering(Term)
        case leading(Term)

        var term: Term? {
            switch self {
            case .idle: nil
            case .recovering(let term), .leading(let term): term
            }
        }
    }

    /// What a request for cluster state gets.
    package enum Availability: Equatable, Sendable {
        case leading
        case recovering
        case following(V1MasterInfo)
        case unavailable(String)
    }

    let settings: MasterSettings
    private(set) var session = Session.none
    private(set) var sessionNumber = SessionNumber(0)
    private(set) var membership = Membership.none
    /// Sorted; nil while unknown.
    private(set) var members: [Candidate]?
    private(set) var leader: (candidate: Candidate, info: V1MasterInfo)?
    private(set) var acting = Acting.idle
    private(set) var lastHeard = Instant.zero
    /// Set while a failed registry access keeps this master from trying again at once.
    private var isHoldingOff = false
    private var fenceTimer: UInt64 = 0
    private var patienceTimer: UInt64 = 0
    private var retryTimer: UInt64 = 0
    private var reclaimTimer: UInt64 = 0
    private var sessionBackoff = Self.backoffMin
    private var joinBackoff = Self.backoffMin

    static let backoffMin = Duration.seconds(1)
    static let backoffMax = Duration.seconds(15)
    static let reclaimDelay = Duration.seconds(1)

    init(settings: MasterSettings) { self.settings = settings }

    // MARK: Questions

    package var term: Term? { acting.term }

    package var isStandalone: Bool { settings.quorum == nil }

    /// Whether too long has passed since ZooKeeper was heard from. A leader asks before every step, so that one
    /// frozen for a minute acts on nothing when it wakes.
    func isFenced(at now: Moment) -> Bool {
        guard let deadline = fenceDeadline else { return false }
        return now.instant >= deadline
    }

    private var fenceDeadline: Instant? {
        guard let timeout = session.timeout else { return nil }
        return lastHeard + timeout * 2 / 3
    }

    /// - Parameter selfInfo: This master's own document.
    func availability(selfInfo: V1MasterInfo) -> Availability {
        switch acting {
        case .leading: return .leading
        case .recovering: return .recovering
        case .idle: break
        }
        if let quorum = settings.quorum, let members, !members.isEmpty, members.count < quorum {
            return .unavailable(
                "No leader elected: no quorum: \(members.count) of \(quorum) required masters are members of the election group"
            )
        }
        if let leader, leader.info.id != selfInfo.id { return .following(leader.info) }
        return .unavailable("No leader elected")
    }

    private func isEntitled(at now: Moment) -> Bool {
        guard let quorum = settings.quorum else { return true }
        guard case .member(let own) = membership, let members, members.first == own else { return false }
        return members.count >= quorum && session.timeout != nil && !isFenced(at: now)
    }

    // MARK: Events

    mutating func start(_ numbers: inout Continuity, at now: Moment) -> [Directive] {
        isStandalone ? settle(&numbers, at: now, because: "started") : openSession(&numbers)
    }

    mutating func connected(
        _ number: SessionNumber, timeout: Duration, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, session != .none else { return [] }
        session = .connected(timeout: timeout)
        lastHeard = max(lastHeard, now.instant)
        sessionBackoff = Self.backoffMin
        var directives = [
            Self.note(.info, "connected to ZooKeeper, session timeout \(timeout)"), armFence(&numbers, at: now),
        ]
        if membership == .none { directives += join() }
        return directives + settle(&numbers, at: now, because: "connected to ZooKeeper")
    }

    mutating func interrupted(_ number: SessionNumber) {
        guard number == sessionNumber, case .connected(let timeout) = session else { return }
        session = .interrupted(timeout: timeout)
    }

    mutating func expired(_ number: SessionNumber, _ numbers: inout Continuity, at now: Moment) -> [Directive] {
        guard number == sessionNumber, session != .none else { return [] }
        let directives = loseSession(&numbers, at: now, because: "the ZooKeeper session expired")
        return [Self.note(.warning, "the ZooKeeper session expired")] + directives + openSession(&numbers)
    }

    mutating func failed(
        _ number: SessionNumber, reason: String, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, session != .none else { return [] }
        var directives = [Self.note(.warning, "ZooKeeper could not be reached: \(reason)")]
        directives += loseSession(&numbers, at: now, because: "ZooKeeper could not be reached: \(reason)")
        retryTimer = numbers.nextTimerNumber()
        directives.append(.perform(.scheduleTimer(.reopenSession(retryTimer), after: sessionBackoff)))
        sessionBackoff = min(sessionBackoff * 2, Self.backoffMax)
        return directives
    }

    mutating func heard(_ number: SessionNumber, at instant: Instant) {
        guard number == sessionNumber else { return }
        lastHeard = max(lastHeard, instant)
    }

    mutating func joined(
        _ number: SessionNumber, _ candidate: Candidate, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, membership == .joining else { return [] }
        membership = .member(candidate)
        joinBackoff = Self.backoffMin
        return [Self.note(.info, "joined the election as \(candidate)")]
            + settle(&numbers, at: now, because: "joined the election as \(candidate)")
    }

    mutating func joinFailed(
        _ number: SessionNumber, reason: String, _ numbers: inout Continuity
    ) -> [Directive] {
        guard number == sessionNumber, membership == .joining else { return [] }
        membership = .none
        retryTimer = numbers.nextTimerNumber()
        defer { joinBackoff = min(joinBackoff * 2, Self.backoffMax) }
        return [
            Self.note(.warning, "could not join the election: \(reason)"),
            .perform(.scheduleTimer(.rejoinElection(retryTimer), after: joinBackoff)),
        ]
    }

    mutating func changed(
        _ number: SessionNumber, _ list: [Candidate], _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, session.timeout != nil else { return [] }
        let sorted = list.sorted()
        members = sorted
        var directives: [Directive] = []
        var reason = "another master precedes this one in the election"
        if case .member(let own) = membership, !sorted.contains(own) {
            membership = .none
            reason = "the election znode \(own) is gone"
        } else if let quorum = settings.quorum, sorted.count < quorum {
            reason = "only \(sorted.count) of \(quorum) required masters are members of the election group"
        }
        if leader?.candidate != sorted.first { leader = nil }
        directives += settle(&numbers, at: now, because: reason)
        if membership == .none { directives += join() }
        if let first = sorted.first, leader == nil, membership != .member(first) {
            directives.append(.perform(.readCandidate(sessionNumber, first)))
        }
        return directives
    }

    mutating func read(_ number: SessionNumber, _ candidate: Candidate, _ info: V1MasterInfo?) -> [Directive] {
        guard number == sessionNumber, members?.first == candidate else { return [] }
        leader = info.map { (candidate, $0) }
        guard let info else { return [Self.note(.warning, "the document of \(candidate) is gone or unreadable")] }
        return [Self.note(.info, "\(info.pid) leads as \(candidate)")]
    }

    /// The registry was read; from now on this master serves.
    mutating func recovered(_ term: Term) -> Bool {
        guard acting == .recovering(term) else { return false }
        acting = .leading(term)
        return true
    }

    mutating func registryFailed(
        _ term: Term, _ failure: RegistryFailure, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard acting.term == term else { return [] }
        acting = .idle
        isHoldingOff = true
        reclaimTimer = numbers.nextTimerNumber()
        let reason =
            switch failure {
            case .fenced: "the registry refused a write: the election znode \(term) is gone"
            case .unavailable(let text): "the registry could not be used: \(text)"
            }
        return [
            .stepDown(reason: reason),
            .perform(.scheduleTimer(.reclaim(reclaimTimer), after: Self.reclaimDelay)),
        ]
    }

    mutating func fire(_ timer: MasterTimer, _ numbers: inout Continuity, at now: Moment) -> [Directive] {
        switch timer {
        case .fence(fenceTimer): return checkFence(&numbers, at: now)
        case .sessionPatience(patienceTimer) where session == .opening:
            return [.perform(.closeSession(sessionNumber))] + openSession(&numbers)
        case .reopenSession(retryTimer) where session == .none: return openSession(&numbers)
        case .rejoinElection(retryTimer) where membership == .none && session.timeout != nil: return join()
        case .reclaim(reclaimTimer):
            isHoldingOff = false
            return settle(&numbers, at: now, because: "tries to lead again")
        default: return []
        }
    }

    /// Steps down if ZooKeeper has been silent for too long, and gives the session up after the whole timeout.
    mutating func checkFence(_ numbers: inout Continuity, at now: Moment) -> [Directive] {
        guard let timeout = session.timeout else { return [] }
        guard now.instant < lastHeard + timeout else {
            let lost = loseSession(
                &numbers, at: now, because: "ZooKeeper was not heard from for the whole session timeout")
            return [
                Self.note(.warning, "the ZooKeeper session is given up: nothing was heard for its whole timeout"),
                .perform(.closeSession(sessionNumber)),
            ] + lost + openSession(&numbers)
        }
        let directives = settle(
            &numbers, at: now, because: "ZooKeeper was not heard from for two thirds of the session timeout")
        return directives + [armFence(&numbers, at: now)]
    }

    // MARK: Steps

    private static func note(_ level: MasterNote.Level, _ text: String) -> Directive {
        .perform(.note(MasterNote(level, text)))
    }

    /// Brings what this master does into line with what it may do.
    private mutating func settle(
        _ numbers: inout Continuity, at now: Moment, because reason: String
    ) -> [Directive] {
        let entitled = isEntitled(at: now)
        switch (acting, entitled) {
        case (.idle, true):
            // Taking office wants more than keeping it: a live connection, and no failure a moment ago.
            if isHoldingOff { return [] }
            if case .interrupted = session { return [] }
            var candidate: Candidate?
            if case .member(let own) = membership { candidate = own }
            let term = Term(candidate: candidate, number: numbers.nextTermNumber())
            acting = .recovering(term)
            return [.take(term)]
        case (.recovering, false), (.leading, false):
            acting = .idle
            return [.stepDown(reason: reason)]
        case (.idle, false), (.recovering, true), (.leading, true):
            return []
        }
    }

    private mutating func openSession(_ numbers: inout Continuity) -> [Directive] {
        sessionNumber = SessionNumber(sessionNumber.rawValue + 1)
        session = .opening
        patienceTimer = numbers.nextTimerNumber()
        return [
            .perform(.openSession(sessionNumber)),
            .perform(.scheduleTimer(.sessionPatience(patienceTimer), after: settings.sessionTimeout)),
        ]
    }

    private mutating func loseSession(
        _ numbers: inout Continuity, at now: Moment, because reason: String
    ) -> [Directive] {
        session = .none
        membership = .none
        members = nil
        leader = nil
        return settle(&numbers, at: now, because: reason)
    }

    private mutating func join() -> [Directive] {
        membership = .joining
        return [.perform(.joinElection(sessionNumber))]
    }

    /// Wakes at the next of the two deadlines that lies ahead.
    private mutating func armFence(_ numbers: inout Continuity, at now: Moment) -> Directive {
        fenceTimer = numbers.nextTimerNumber()
        let timeout = session.timeout ?? settings.sessionTimeout
        let twoThirds = now.instant.duration(to: lastHeard + timeout * 2 / 3)
        let whole = now.instant.duration(to: lastHeard + timeout)
        return .perform(.scheduleTimer(.fence(fenceTimer), after: twoThirds > .zero ? twoThirds : whole))
    }
}
