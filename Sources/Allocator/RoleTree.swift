/// The tree in which roles, and frameworks inside roles, compete; ranked by who is furthest below its fair share.
///
/// Siblings compete by the dominant share of their whole subtree over their weight. A role's own frameworks stand
/// below a node named `.`, which competes with the role's children at weight 1, as in Mesos. A *client* is a leaf: one
/// framework in one role. Only subtrees with a hungry client are ranked, but everything held counts.
///
/// Rankings are repaired lazily: a change marks the path to the root as misplaced, and `settle()` moves what is
/// misplaced, or sorts anew where much is.

import Resources

struct RoleTree: Sendable {
    enum Kind: Sendable {
        case role(RoleName)
        case ownFrameworks(RoleName)
        case client
    }

    struct Node: Sendable {
        var kind: Kind
        /// The last tie-break among siblings.
        var name: String
        /// Of the whole path, for lots.
        var pathHash: UInt64 = 0
        var parent: Int
        /// A client's framework; -1 for other nodes.
        var framework = -1
        var weight = Weight.one
        var held = Amounts()
        /// Of the capacity of `epoch`; `RoleTree.share(of:)` knows the present one.
        var share = Share.zero
        var epoch = 0
        /// How often something was allocated to this subtree, while it existed.
        var grants = 0
        /// Hungry clients in this subtree.
        var hungry = 0
        var children: [Int] = []
        /// Children with something hungry in them, the neediest first once settled.
        var ranked: [Int] = []
        /// Children with something hungry in them that are exhausted; in no order.
        var aside: [Int] = []
        /// A limit of its quota keeps everything unreserved that is worth offering from this whole subtree.
        var isExhausted = false
        /// Children whose place in `ranked` may be wrong.
        var misplaced: [Int] = []
        var isMisplaced = false
        var client = ClientState()
    }

    /// What only clients have.
    struct ClientState: Sendable {
        /// Never given twice.
        var serial = 0
        var isSubscribed = false
        var isSuppressed = false
        var isHungry = false
        /// Became hungry, or able to take more, since the last allocation.
        var isFresh = false
        /// On how many agents it holds something.
        var agentsHeldOn = 0
        /// Where the quota book has its top-level role.
        var quota = QuotaBook.none
        /// Whether it has offer constraints or a minimum of its own.
        var hasRules = false
    }

    static let root = 0

    private(set) var nodes: [Node]
    private var vacant: [Int] = []
    private var roleNodes: [RoleName: Int] = [:]
    private var unsettled: [Int] = []
    private var capacity = Amounts()
    private var capacityChanged = false
    private var serials = 0
    /// Changes whenever a node comes or goes.
    private(set) var shape = 0
    /// How often the capacity changed.
    private var epoch = 0

    init() {
        nodes = [Node(kind: .role(.any), name: "", parent: -1)]
    }

    var hasHungryClients: Bool { nodes[Self.root].hungry > 0 }

    subscript(client index: Int) -> ClientState {
        get { nodes[index].client }
        set { nodes[index].client = newValue }
    }

    // MARK: Shape

    /// Adds a client below its role, with the nodes above it that do not exist yet.
    mutating func addClient(framework: Int, name: String, role: RoleName, weights: [RoleName: Weight]) -> Int {
        let above = roleNode(of: role, weights: weights)
        let existing = nodes[above].children.first { nodes[$0].name == "." }
        let own = existing ?? insert(Node(kind: .ownFrameworks(role), name: ".", parent: above), path: "\(role)/.")
        var node = Node(kind: .client, name: name, parent: own)
        node.framework = framework
        serials += 1
        node.client.serial = serials
        return insert(node, path: "\(role)/./\(name)")
    }

    /// Removes a client that is not hungry and holds nothing, and the nodes above it that are left without clients.
    mutating func removeClient(_ index: Int) {
        precondition(!nodes[index].client.isHungry && nodes[index].client.agentsHeldOn == 0, "client is in use")
        shape += 1
        var next = index
        while next != Self.root, nodes[next].children.isEmpty {
            let parent = nodes[next].parent
            if case .role(let role) = nodes[next].kind { roleNodes[role] = nil }
            nodes[parent].children.removeAll { $0 == next }
            nodes[parent].misplaced.removeAll { $0 == next }
            nodes[next] = Node(kind: .ownFrameworks(.any), name: "", parent: -1)
            vacant.append(next)
            next = parent
        }
    }

    mutating func setWeight(_ weight: Weight, of role: RoleName) {
        guard let index = roleNodes[role] else { return }
        nodes[index].weight = weight
        markMisplaced(index)
    }

    private mutating func roleNode(of role: RoleName, weights: [RoleName: Weight]) -> Int {
        if let known = roleNodes[role] { return known }
        var parent = Self.root
        if let above = role.parent { parent = roleNode(of: above, weights: weights) }
        let name = role.components.last ?? role.value
        var node = Node(kind: .role(role), name: name, parent: parent)
        node.weight = weights[role] ?? .one
        let index = insert(node, path: role.value)
        roleNodes[role] = index
        return index
    }

    private mutating func insert(_ node: Node, path: String) -> Int {
        shape += 1
        var node = node
        node.pathHash = Allocator.hash(path)
        let index: Int
        if let reused = vacant.popLast() {
            nodes[reused] = node
            index = reused
        } else {
            index = nodes.count
            nodes.append(node)
        }
        nodes[node.parent].children.append(index)
        return index
    }

    // MARK: Standing

    /// Tells the tree what there is in the whole cluster; every share changes with it.
    mutating func setCapacity(_ amounts: Amounts) {
        if capacity == amounts { return }
        capacity = amounts
        capacityChanged = true
        epoch += 1
    }

    mutating func setHungry(_ isHungry: Bool, client: Int) {
        guard nodes[client].client.isHungry != isHungry else { return }
        nodes[client].client.isHungry = isHungry
        var index = client
        while index != Self.root {
            let parent = nodes[index].parent
            nodes[index].hungry += isHungry ? 1 : -1
            if isHungry, nodes[index].hungry == 1 {
                join(index)
            } else if nodes[index].hungry == 0 {
                leave(index)
            }
            index = parent
        }
        nodes[Self.root].hungry += isHungry ? 1 : -1
    }

    /// Sets a top-level role aside, or takes it back among its siblings; nothing if no framework is in it.
    mutating func setExhausted(_ isExhausted: Bool, role: RoleName) {
        guard let index = roleNodes[role], nodes[index].isExhausted != isExhausted else { return }
        let isHungry = nodes[index].hungry > 0
        if isHungry { leave(index) }
        nodes[index].isExhausted = isExhausted
        if isHungry { join(index) }
    }

    private mutating func join(_ index: Int) {
        let parent = nodes[index].parent
        if nodes[index].isExhausted { return nodes[parent].aside.append(index) }
        nodes[parent].ranked.append(index)
        markMisplaced(index)
    }

    private mutating func leave(_ index: Int) {
        let parent = nodes[index].parent
        if nodes[index].isExhausted {
            nodes[parent].aside.removeAll { $0 == index }
        } else {
            nodes[parent].ranked.removeAll { $0 == index }
        }
    }

    mutating func add(_ amounts: Amounts, to client: Int) {
        change(client) { $0.held += amounts }
    }

    mutating func subtract(_ amounts: Amounts, from client: Int) {
        change(client) { $0.held -= amounts }
    }

    /// Adds what was just allocated, counts the allocation for the tie-break, and keeps the rankings settled.
    ///
    /// - Precondition: Settled.
    mutating func grant(_ amounts: Amounts, to client: Int) {
        var index = client
        while index != Self.root {
            nodes[index].held += amounts
            nodes[index].grants += 1
            refreshShare(index)
            moveBack(index)
            index = nodes[index].parent
        }
    }

    private mutating func change(_ client: Int, _ body: (inout Node) -> Void) {
        var index = client
        while index != Self.root {
            body(&nodes[index])
            refreshShare(index)
            markMisplaced(index)
            index = nodes[index].parent
        }
    }

    private mutating func refreshShare(_ index: Int) {
        nodes[index].share = nodes[index].held.dominantShare(of: capacity)
        nodes[index].epoch = epoch
    }

    /// The dominant share of a subtree.
    func share(of index: Int) -> Share {
        nodes[index].epoch == epoch ? nodes[index].share : nodes[index].held.dominantShare(of: capacity)
    }

    private mutating func markMisplaced(_ index: Int) {
        guard !nodes[index].isMisplaced else { return }
        nodes[index].isMisplaced = true
        let parent = nodes[index].parent
        if nodes[parent].misplaced.isEmpty { unsettled.append(parent) }
        nodes[parent].misplaced.append(index)
    }

    // MARK: Ranking

    /// Whether the first of two siblings is served before the second.
    ///
    /// The smaller dominant share over weight comes first; then the one with fewer allocations so far; then the lower
    /// name. Never hash order, which Swift seeds afresh in every process.
    func precedes(_ left: Int, _ right: Int) -> Bool {
        let order = share(of: left).compare(
            over: nodes[left].weight, to: share(of: right), over: nodes[right].weight)
        if order != 0 { return order < 0 }
        if nodes[left].grants != nodes[right].grants { return nodes[left].grants < nodes[right].grants }
        return nodes[left].name < nodes[right].name
    }

    /// Brings every ranking up to date.
    mutating func settle() {
        if capacityChanged {
            capacityChanged = false
            for index in nodes.indices where nodes[index].ranked.count > 1 { sortAnew(index) }
        }
        while let parent = unsettled.popLast() {
            let misplaced = nodes[parent].misplaced
            nodes[parent].misplaced.removeAll(keepingCapacity: true)
            for index in misplaced { nodes[index].isMisplaced = false }
            let ranked = nodes[parent].ranked.count
            if ranked < 2 { continue }
            // Moving one costs a pass over the array; sorting costs the logarithm of passes, at a dearer price each.
            if misplaced.count > 4 {
                sortAnew(parent)
            } else {
                move(misplaced, in: parent)
            }
        }
    }

    private mutating func sortAnew(_ parent: Int) {
        var ranked: [Int] = []
        swap(&ranked, &nodes[parent].ranked)
        for index in ranked where nodes[index].epoch != epoch { refreshShare(index) }
        ranked.sort(by: precedes)
        swap(&ranked, &nodes[parent].ranked)
    }

    /// Brings a node that just got more to its place among its siblings, which is not before the one it had.
    private mutating func moveBack(_ index: Int) {
        let parent = nodes[index].parent
        if nodes[parent].ranked.count < 2 { return }
        var ranked: [Int] = []
        swap(&ranked, &nodes[parent].ranked)
        if let place = ranked.firstIndex(of: index) {
            var (low, high) = (place + 1, ranked.count)
            // Most often the neighbour says it all.
            if low < high, precedes(index, ranked[low]) { high = low }
            while low < high {
                let middle = (low + high) / 2
                if precedes(ranked[middle], index) { low = middle + 1 } else { high = middle }
            }
            ranked.shiftDown(from: place + 1, until: low)
            ranked[low - 1] = index
        }
        swap(&ranked, &nodes[parent].ranked)
    }

    private mutating func move(_ misplaced: [Int], in parent: Int) {
        var ranked: [Int] = []
        swap(&ranked, &nodes[parent].ranked)
        for index in misplaced {
            if let place = ranked.firstIndex(of: index) { ranked.remove(at: place) }
        }
        for index in misplaced where nodes[index].hungry > 0 && !nodes[index].isExhausted {
            var (low, high) = (0, ranked.count)
            while low < high {
                let middle = (low + high) / 2
                if precedes(ranked[middle], index) { low = middle + 1 } else { high = middle }
            }
            ranked.insert(index, at: low)
        }
        swap(&ranked, &nodes[parent].ranked)
    }

    /// The hungry clients of a role and of those below it.
    func hungryClients(below role: RoleName) -> [Int] {
        guard let start = roleNodes[role] else { return [] }
        return clients(below: start).filter { nodes[$0].client.isHungry }
    }

    func roleNode(of role: RoleName) -> Int? { roleNodes[role] }

    var rolesByName: [(role: RoleName, node: Int)] {
        roleNodes.map { (role: $0.key, node: $0.value) }.sorted { $0.role < $1.role }
    }

    /// The clients of a role and of those below it.
    func clients(below node: Int) -> [Int] {
        var (found, pending): ([Int], [Int]) = ([], [node])
        while let next = pending.popLast() {
            if isClient(next) { found.append(next) } else { pending += nodes[next].children }
        }
        return found.sorted()
    }

    func role(of client: Int) -> RoleName {
        guard case .ownFrameworks(let role) = nodes[nodes[client].parent].kind else {
            preconditionFailure("node \(client) is not a client")
        }
        return role
    }

    func framework(of client: Int) -> Int {
        precondition(isClient(client), "node \(client) is not a client")
        return nodes[client].framework
    }
}

extension [Int] {
    /// Moves some elements one place towards the start in one copy of memory. How far a node moves back depends on how
    /// finely shares differ, and so on the cluster's size; element by element that would be felt.
    fileprivate mutating func shiftDown(from first: Int, until end: Int) {
        precondition(first > 0 && first <= end && end <= count)
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            (base + first - 1).update(from: base + first, count: end - first)
        }
    }
}
