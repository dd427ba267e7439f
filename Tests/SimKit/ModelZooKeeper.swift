// ZooKeeper as its clients are promised it to be: sessions, an election group, and transactions that check a znode.

/// A model of the parts of ZooKeeper that masters rely on.
///
/// Linearised: every call takes effect at the moment it is made here; delay and loss are the network's business. Sessions
/// die only when the world expires them (after the timeout, with no word heard from the client), and with a session go
/// its ephemeral znodes, as in the ZooKeeper programmer's guide.
public struct ModelZooKeeper<Document, Store> {
    /// A member of the election group.
    public struct Member {
        public let sequence: Int64
        /// Nil: nobody's, it stays until it is deleted.
        public let session: UInt64?
        public let document: Document
        /// Somebody else wrote to it since it was made, so that a check of its version fails.
        public var isForged = false
        public var name: String { ModelZooKeeper.name(of: sequence) }
    }

    private struct Session {
        var lastHeard: Int64
        var timeout: Int64
    }

    /// What the transactions change.
    public private(set) var store: Store
    /// Members by ascending sequence.
    public private(set) var members: [Member] = []
    /// Whether a majority of servers is up; without it nothing is answered and no session is expired.
    public var hasQuorum = true
    /// Grows with every change of the member list.
    public private(set) var membersVersion: UInt64 = 0
    private var sessions: [UInt64: Session] = [:]
    private var nextSession: UInt64 = 1
    private var nextSequence: Int64 = 0

    public init(store: Store) { self.store = store }

    public static func name(of sequence: Int64) -> String {
        let digits = String(sequence)
        return "json.info_" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    public mutating func openSession(at now: Int64, timeout: Int64) -> UInt64 {
        defer { nextSession += 1 }
        sessions[nextSession] = Session(lastHeard: now, timeout: timeout)
        return nextSession
    }

    /// - Returns: Whether the session still lives.
    public mutating func hear(_ session: UInt64, at now: Int64) -> Bool {
        guard hasQuorum, sessions[session] != nil else { return false }
        sessions[session]?.lastHeard = now
        return true
    }

    public func isAlive(_ session: UInt64) -> Bool { sessions[session] != nil }

    public mutating func closeSession(_ session: UInt64) {
        guard sessions.removeValue(forKey: session) != nil else { return }
        let before = members.count
        members.removeAll { $0.session == session }
        if members.count != before { membersVersion += 1 }
    }

    /// Expires the sessions that were silent for longer than their timeout; never while there is no quorum. When quorum
    /// returns the new leader of the ensemble gives every session a full timeout again.
    ///
    /// - Returns: The expired sessions, ascending.
    public mutating func expireSilentSessions(at now: Int64) -> [UInt64] {
        guard hasQuorum else { return [] }
        let expired = sessions.filter { now - $0.value.lastHeard > $0.value.timeout }.keys.sorted()
        for session in expired { closeSession(session) }
        return expired
    }

    /// The ensemble is whole again.
    public mutating func regainQuorum(at now: Int64) {
        hasQuorum = true
        for session in sessions.keys { sessions[session]?.lastHeard = now }
    }

    /// Creates the session's ephemeral sequential znode, or finds the one it has.
    ///
    /// - Returns: `nil` if the session is gone.
    public mutating func join(_ session: UInt64, document: Document) -> Member? {
        guard sessions[session] != nil else { return nil }
        if let own = members.first(where: { $0.session == session && !$0.isForged }) { return own }
        members.removeAll { $0.session == session }
        let member = Member(sequence: nextSequence, session: session, document: document)
        nextSequence += 1
        members.append(member)
        membersVersion += 1
        return member
    }

    /// The session's znode outlives it, as a stale one does whose owner is dead.
    ///
    /// - Returns: Its number; nil if the session has none.
    public mutating func abandonMember(of session: UInt64) -> Int64? {
        guard let place = members.firstIndex(where: { $0.session == session }) else { return nil }
        members[place] = Member(sequence: members[place].sequence, session: nil, document: members[place].document)
        return members[place].sequence
    }

    /// Somebody who is no master puts a znode among the members.
    public mutating func plantMember(document: Document) -> Int64 {
        defer { nextSequence += 1 }
        members.append(Member(sequence: nextSequence, session: nil, document: document))
        membersVersion += 1
        return nextSequence
    }

    /// Somebody writes to a member's znode.
    public mutating func forgeMember(_ sequence: Int64, document: Document) {
        guard let place = members.firstIndex(where: { $0.sequence == sequence }) else { return }
        members[place] = Member(
            sequence: sequence, session: members[place].session, document: document, isForged: true)
    }

    /// Somebody deletes a member's znode by hand.
    public mutating func deleteMember(_ sequence: Int64) {
        members.removeAll { $0.sequence == sequence }
        membersVersion += 1
    }

    /// One `multi`: checks that the member's znode is as it was made, and then changes the store; or does neither.
    ///
    /// - Returns: Whether it took place.
    public mutating func transact(fencedBy sequence: Int64, _ change: (inout Store) -> Void) -> Bool {
        guard members.contains(where: { $0.sequence == sequence && !$0.isForged }) else { return false }
        change(&store)
        return true
    }
}
