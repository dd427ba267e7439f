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
        var share = Share.zero
        /// How often something was allocated to this subtree, while it existed.
        var grants = 0
        /// Hungry clients in this subtree.
        var hungry = 0
        var children: [Int] = []
        /// Children with something hungry in them, the neediest first once settled.
        var ranked: [Int] = []
        /// Children whose place in `ranked` may be wrong.
        var misplaced: [Int] = []
        var isMisplaced = false
        var client = ClientState()
    }

    /// What only clients have.
    struct ClientState: Sendable {
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
        return insert(node, path: "\(role)/./\(name)")
    }

    /// Removes a client that is not hungry and holds nothing, and the nodes above it that are left without clients.
    mutating func removeClient(_ index: Int) {
        precondition(!nodes[index].client.isHungry && nodes[index].client.agentsHeldOn == 0, "client is in use")
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
    }

    mutating func setHungry(_ isHungry: Bool, client: Int) {
        guard nodes[client].client.isHungry != isHungry else { return }
        nodes[client].client.isHungry = isHungry
        var index = client
        while index != Self.root {
            let parent = nodes[index].parent
            nodes[index].hungry += isHungry ? 1 : -1
            if isHungry, nodes[index].hungry == 1 {
                nodes[parent].ranked.append(index)
                markMisplaced(index)
            } else if nodes[index].hungry == 0 {
                nodes[parent].ranked.removeAll { $0 == index }
            }
            index = parent
        }
        nodes[Self.root].hungry += isHungry ? 1 : -1
    }

    mutating func add(_ amounts: Amounts, to client: Int) {
        change(client) { $0.held += amounts }
    }

    mutating func subtract(_ amounts: Amounts, from client: Int) {
        change(client) { $0.held -= amounts }
    }

    /// Counts one allocation for the tie-break.
    mutating func countGrant(to client: Int) {
        change(client) { $0.grants += 1 }
    }

    private mutating func change(_ client: Int, _ body: (inout Node) -> Void) {
        var index = client
        while index != Self.root {
            body(&nodes[index])
            nodes[index].share = nodes[index].held.dominantShare(of: capacity)
            markMisplaced(index)
            index = nodes[index].parent
        }
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
        let order = nodes[left].share.compare(
            over: nodes[left].weight, to: nodes[right].share, over: nodes[right].weight)
        if order != 0 { return order < 0 }
        if nodes[left].grants != nodes[right].grants { return nodes[left].grants < nodes[right].grants }
        return nodes[left].name < nodes[right].name
    }

    /// Brings every ranking up to date.
    mutating func settle() {
        if capacityChanged {
            capacityChanged = false
            for index in nodes.indices where nodes[index].parent >= 0 {
                nodes[index].share = nodes[index].held.dominantShare(of: capacity)
            }
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
        ranked.sort(by: precedes)
        swap(&ranked, &nodes[parent].ranked)
    }

    private mutating func move(_ misplaced: [Int], in parent: Int) {
        var ranked: [Int] = []
        swap(&ranked, &nodes[parent].ranked)
        for index in misplaced {
            if let place = ranked.firstIndex(of: index) { ranked.remove(at: place) }
        }
        for index in misplaced where nodes[index].hungry > 0 {
            var (low, high) = (0, ranked.count)
            while low < high {
                let middle = (low + high) / 2
                if precedes(ranked[middle], index) { low = middle + 1 } else { high = middle }
            }
            ranked.insert(index, at: low)
        }
        swap(&ranked, &nodes[parent].ranked)
    }

    /// The children of a node with something hungry in them, in the order in which they are served.
    ///
    /// - Precondition: Settled.
    func order(below index: Int, _ lots: Lots) -> [Int] {
        lots.isEmpty ? nodes[index].ranked : drawn(below: index, lots)
    }

    func isClient(_ index: Int) -> Bool { nodes[index].framework >= 0 }

    private func drawn(below index: Int, _ lots: Lots) -> [Int] {
        var isByLot = lots.amongRoles
        if case .ownFrameworks = nodes[index].kind { isByLot = lots.amongFrameworks }
        let ranked = nodes[index].ranked
        if !isByLot || ranked.count < 2 { return ranked }
        let keyed = ranked.map { child in
            (lot: lots.draw(pathHash: nodes[child].pathHash, weight: nodes[child].weight), child: child)
        }
        return keyed.sorted { left, right in
            left.lot != right.lot ? left.lot < right.lot : nodes[left.child].name < nodes[right.child].name
        }.map(\.child)
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
