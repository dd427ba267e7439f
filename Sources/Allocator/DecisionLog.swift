// What was decided about the roles somebody asked about lately, in bounded memory and for bounded work.

import Resources

/// Decisions about the roles that are watched. Empty, and free, while none is.
///
/// For each agent that a round visits, a few of the watched clients are looked at, in turn: `looksPerAgent`, whatever
/// their number. So a question makes no round more than about half again as long. With as few clients as that
/// everybody's case is looked at on every agent; with many, a fair sample of them.
struct DecisionLog: Sendable {
    /// How long a role is watched after it was asked about.
    static let watchTime = Duration.seconds(600)
    /// How many roles are watched at a time, and decisions kept in all.
    static let rolesMax = 16
    static let decisionsMax = 4_096
    /// How many clients' cases are looked at on one agent in one round.
    static let looksPerAgent = 2
    /// How many clients that want nothing are passed over in the search for one that does.
    private static let searchMax = 8

    private struct Watch {
        var role: RoleName
        var until: Instant
        /// Those that an explanation lists.
        var clients: [Int] = []
        /// Whose turn it is.
        var next = 0
    }

    /// Sorted by role.
    private var watches: [Watch] = []
    /// Whose turn it is.
    private var nextWatch = 0
    /// By client, for the tree of `shape`.
    private var isWatched: [Bool] = []
    /// The shape of the role tree that the lists of clients are of.
    private var shape = -1
    private var firstEnd = Instant.distantFuture
    /// A ring once it is full.
    private var kept: [Decision] = []
    private var oldest = 0
    private var thisRound: [(client: Int, decision: Decision)] = []
    /// Where in `thisRound` a client's decisions of a kind are counted.
    private var places: [Place: Int] = [:]
    private var looks: [Int: Int] = [:]

    private struct Place: Hashable {
        var client: Int
        var kind: Int
    }

    var isIdle: Bool { watches.isEmpty }

    /// Oldest first.
    var decisions: [Decision] { Array(kept[oldest...] + kept[..<oldest]) }

    mutating func watch(_ role: RoleName, at now: Instant) {
        watches.removeAll { $0.role == role }
        watches.append(Watch(role: role, until: now.advanced(by: Self.watchTime)))
        if watches.count > Self.rolesMax,
            let first = watches.indices.min(by: {
                (watches[$0].until, watches[$0].role) < (watches[$1].until, watches[$1].role)
            })
        {
            watches.remove(at: first)
        }
        watches.sort { $0.role < $1.role }
        noteWatches()
    }

    /// The lists of clients are to be made anew.
    private mutating func noteWatches() {
        shape = -1
        nextWatch = 0
        firstEnd = watches.map(\.until).min() ?? .distantFuture
    }

    /// To be asked at the start of a round.
    func isCurrent(shape: Int) -> Bool { self.shape == shape }

    /// Takes the lists of clients of the watched roles.
    mutating func update(shape: Int, clients: (RoleName) -> [Int]) {
        self.shape = shape
        isWatched = []
        for index in watches.indices {
            watches[index].clients = clients(watches[index].role)
            for client in watches[index].clients {
                while isWatched.count <= client { isWatched.append(false) }
                isWatched[client] = true
            }
        }
    }

    func watches(_ client: Int) -> Bool { client < isWatched.count && isWatched[client] }

    /// The hungry clients whose turn it is to be looked at, nobody twice.
    mutating func nextClients(of tree: RoleTree) -> [Int] {
        var found: [Int] = []
        for _ in 0..<Self.searchMax where found.count < Self.looksPerAgent {
            nextWatch = nextWatch + 1 < watches.count ? nextWatch + 1 : 0
            let count = watches[nextWatch].clients.count
            if count == 0 { continue }
            let next = watches[nextWatch].next < count ? watches[nextWatch].next : 0
            watches[nextWatch].next = next + 1
            let client = watches[nextWatch].clients[next]
            if tree.nodes[client].client.isHungry, !found.contains(client) { found.append(client) }
        }
        return found
    }

    /// A client's case on one agent was looked at.
    mutating func noteLook(at client: Int) { looks[client, default: 0] += 1 }

    /// Counts one more agent for what was noted in this round already.
    ///
    /// - Returns: Whether there was such a note.
    mutating func count(_ client: Int, kind: Int) -> Bool {
        guard let place = places[Place(client: client, kind: kind)] else { return false }
        thisRound[place].decision.agents += 1
        return true
    }

    mutating func note(_ client: Int, kind: Int, _ decision: Decision) {
        places[Place(client: client, kind: kind)] = thisRound.count
        thisRound.append((client, decision))
    }

    /// Keeps what this round decided, and stops watching what nobody asked about for long.
    mutating func endRound(at now: Instant) {
        for (client, decision) in thisRound {
            var decision = decision
            decision.lookedAt = looks[client] ?? 0
            keep(decision)
        }
        if !thisRound.isEmpty {
            thisRound.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
        }
        if !looks.isEmpty { looks.removeAll(keepingCapacity: true) }
        if firstEnd > now { return }
        watches.removeAll { $0.until <= now }
        noteWatches()
        if watches.isEmpty { self = DecisionLog() }
    }

    private mutating func keep(_ decision: Decision) {
        if kept.count < Self.decisionsMax { return kept.append(decision) }
        kept[oldest] = decision
        oldest = oldest + 1 < kept.count ? oldest + 1 : 0
    }
}
