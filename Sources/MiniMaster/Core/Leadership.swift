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

    /// What a member says of itself.
    struct Document: Equatable, Sendable {
        let info: V1MasterInfo
        /// Of another product: our agents could not talk to it, nor its agents to us.
        let isForeign: Bool
    }

    let settings: MasterSettings
    let selfInfo: V1MasterInfo
    private(set) var session = Session.none
    private(set) var sessionNumber = SessionNumber(0)
    private(set) var membership = Membership.none
    /// Sorted; nil while unknown.
    private(set) var members: [Candidate]?
    /// What the other members say of themselves, as far as it was read: whoever leads next is known already.
    private(set) var documents: [Candidate: Document] = [:]
    private(set) var acting = Acting.idle
    private(set) var lastHeard = Instant.zero
    /// Set while a failed registry access keeps this master from trying again at once.
    private var isHoldingOff = false
    private var fenceTimer: UInt64 = 0
    private var patienceTimer: UInt64 = 0
    private var retryTimer: UInt64 = 0
    private var reclaimTimer: UInt64 = 0
    private var conflictTimer: UInt64 = 0
    /// The older member that has this master's address.
    private var conflict: Candidate?
    /// Why this master may not stand for election, and since when.
    private var refusal: (reason: String, since: Instant)?
    private var sessionBackoff = Self.backoffMin
    private var joinBackoff = Self.backoffMin

    static let backoffMin = Duration.seconds(1)
    static let backoffMax = Duration.seconds(15)
    static let reclaimDelay = Duration.seconds(1)

    /// A group has a handful of members; somebody else's thousand znodes are not all read.
    private static let documentsMax = 32

    init(settings: MasterSettings, selfInfo: V1MasterInfo) {
        self.settings = settings
        self.selfInfo = selfInfo
    }

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

    /// The leading member and its document, if it is another one's and was read.
    private var leader: (candidate: Candidate, document: Document)? {
        guard let first = members?.first, let document = documents[first] else { return nil }
        return (first, document)
    }

    /// How long a member that should not be there may stay before it is taken for alive: what a dead master leaves
    /// behind is gone after its session's timeout, to the tick.
    private var ghostPatience: Duration { (session.timeout ?? settings.sessionTimeout) * 3 / 2 + .seconds(2) }

    var availability: Availability {
        switch acting {
        case .leading: return .leading
        case .recovering: return .recovering
        case .idle: break
        }
        if let refusal { return .unavailable("No leader elected: \(refusal.reason)") }
        if let quorum = settings.quorum, let members, !members.isEmpty, members.count < quorum {
            return .unavailable(
                "No leader elected: no quorum: \(members.count) of \(quorum) required masters are members of the election group"
            )
        }
        // A client that is sent to this master's own address, as a forged document has it, would come back for ever.
        if let leader, leader.document.info.id != selfInfo.id, !sharesAddress(leader.document.info) {
            return .following(leader.document.info)
        }
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
        if conflict != nil { directives.append(armConflict(&numbers)) }
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
        refusal = nil
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

    /// Others stand for election with whom this master must not. What they left behind when they died is waited for;
    /// if they stay, this master goes.
    mutating func joinRefused(
        _ number: SessionNumber, reason: String, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, membership == .joining else { return [] }
        let since = refusal?.since ?? now.instant
        refusal = (reason, since)
        guard now.instant < since + ghostPatience else {
            return [.perform(.exit(reason: "This master does not stand for election: \(reason)"))]
        }
        return joinFailed(number, reason: reason, &numbers)
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
        documents = documents.filter { sorted.contains($0.key) }
        directives += settle(&numbers, at: now, because: reason)
        if membership == .none { directives += join() }
        // Its own too, each time: somebody may have rewritten it, and then nobody finds this master by it.
        for member in sorted.prefix(Self.documentsMax) where documents[member] == nil {
            directives.append(.perform(.readCandidate(sessionNumber, member)))
        }
        return directives + watchAddress(&numbers)
    }

    mutating func read(
        _ number: SessionNumber, _ candidate: Candidate, _ document: Document?, _ numbers: inout Continuity,
        at now: Moment
    ) -> [Directive] {
        guard number == sessionNumber, let members, members.contains(candidate) else { return [] }
        if membership == .member(candidate) {
            return document?.info.id == selfInfo.id ? [] : replaceZnode(candidate, &numbers, at: now)
        }
        let isNews = documents[candidate] != document
        documents[candidate] = document
        guard let document else {
            let effect = members.first == candidate ? ": nobody leads while it is first" : ""
            return [Self.note(.warning, "the document of \(candidate) is gone or unreadable\(effect)")]
        }
        guard isNews, document.info.id != selfInfo.id else { return [] }
        var directives: [Directive] = []
        if members.first == candidate {
            directives.append(Self.note(.info, "\(document.info.pid) leads as \(candidate)"))
            if let fault = regionFault(document.info) { directives.append(.perform(.exit(reason: fault))) }
        }
        if document.isForeign {
            directives.append(
                Self.note(
                    .error,
                    "\(document.info.pid), a master of another product, is a member of the election group as \(candidate): "
                        + "agents and frameworks of one cannot use the other; stop one of the two"))
        }
        if sharesAddress(document.info) {
            directives.append(
                Self.note(
                    .error,
                    "\(candidate), another master with id \(document.info.id), has this master's address "
                        + "\(document.info.pid), host name \(document.info.hostname): if it is not a leftover of an earlier life, "
                        + "one of the two has the wrong --hostname, --advertise_ip or --port"))
        }
        return directives + watchAddress(&numbers)
    }

    /// Somebody rewrote this master's znode. Fenced writes would fail, but a leader that nobody finds has little to write.
    private mutating func replaceZnode(
        _ own: Candidate, _ numbers: inout Continuity, at now: Moment
    ) -> [Directive] {
        membership = .none
        let reason = "the document of the election znode \(own) was rewritten"
        return [Self.note(.error, "\(reason): it is replaced")] + settle(&numbers, at: now, because: reason) + join()
    }

    /// All masters of a cluster must be in one region: a leader elsewhere would call every local agent remote.
    private func regionFault(_ leader: V1MasterInfo) -> String? {
        guard selfInfo.hasDomain, leader.hasDomain else { return nil }
        let own = selfInfo.domain.faultDomain.region.name
        let other = leader.domain.faultDomain.region.name
        if own == other { return nil }
        return "The leading master \(leader.pid) is in region '\(other)' and this one in '\(own)': the masters of a "
            + "cluster must be in one region; correct --domain"
    }

    /// Whether clients that are sent to the other master could come to this one.
    private func sharesAddress(_ other: V1MasterInfo) -> Bool {
        guard other.id != selfInfo.id else { return false }
        let port = (selfInfo.address.port, other.address.port)
        return port.0 == port.1
            && (selfInfo.address.ip == other.address.ip || selfInfo.address.hostname == other.address.hostname)
    }

    /// Of two masters with one address the younger goes, once it is clear that the older one is alive.
    private mutating func watchAddress(_ numbers: inout Continuity) -> [Directive] {
        guard case .member(let own) = membership, let members else { return [] }
        let rival = members.first { member in
            member < own && documents[member].map { sharesAddress($0.info) } == true
        }
        guard rival != conflict else { return [] }
        conflict = rival
        conflictTimer = 0
        return rival == nil ? [] : [armConflict(&numbers)]
    }

    /// Starts the wait. Again with each new connection: while the ensemble was away it let no session expire.
    private mutating func armConflict(_ numbers: inout Continuity) -> Directive {
        conflictTimer = numbers.nextTimerNumber()
        return .perform(.scheduleTimer(.addressConflict(conflictTimer), after: ghostPatience))
    }

    private func conflictFault() -> [Directive] {
        guard let conflict, case .member = membership, case .connected = session, members?.contains(conflict) == true,
            let info = documents[conflict]?.info
        else { return [] }
        return [
            .perform(
                .exit(
                    reason: "Another master (id \(info.id), election znode \(conflict)) has this master's address "
                        + "\(info.pid), host name \(info.hostname): give each master a --hostname, --advertise_ip and "
                        + "--port of its own"))
        ]
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
        if case .forbidden(let text) = failure {
            return [.perform(.exit(reason: "ZooKeeper authentication: the registry cannot be used: \(text)"))]
        }
        acting = .idle
        isHoldingOff = true
        reclaimTimer = numbers.nextTimerNumber()
        let reason =
            switch failure {
            case .fenced: "the registry refused a write: the election znode \(term) is gone"
            case .unavailable(let text), .forbidden(let text): "the registry could not be used: \(text)"
            }
        var directives: [Directive] = [
            .stepDown(reason: reason),
            .perform(.scheduleTimer(.reclaim(reclaimTimer), after: Self.reclaimDelay)),
        ]
        if failure == .fenced, case .member = membership {
            // The znode is gone, or is not what it was when it was made: only a new one can bear a term.
            membership = .none
            directives += join()
        }
        return directives
    }

    mutating func fire(_ timer: MasterTimer, _ numbers: inout Continuity, at now: Moment) -> [Directive] {
        switch timer {
        case .fence(fenceTimer): return checkFence(&numbers, at: now)
        case .sessionPatience(patienceTimer) where session == .opening:
            return [.perform(.closeSession(sessionNumber))] + openSession(&numbers)
        case .reopenSession(retryTimer) where session == .none: return openSession(&numbers)
        case .rejoinElection(retryTimer) where membership == .none && session.timeout != nil: return join()
        case .addressConflict(conflictTimer): return conflictFault()
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
        documents = [:]
        conflict = nil
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
