// How many agents of which template are missing: every waiting build against every executor there is or will be.
import Resources

/// A build that waits for nothing but an executor.
struct WaitingBuild: Equatable, Sendable {
    var id: QueueItemID
    var label: LabelRequirement
    var since: Int64
    var wish = BuildWish.none
}

/// Executors of one node that a build could take.
struct ExecutorSlots: Equatable, Sendable {
    var node: NodeName
    var labels: [String]
    /// nil counts as NORMAL.
    var mode: NodeMode?
    var count: Int
    /// Not there yet: requested, launching or connecting.
    var isComing: Bool
    /// How soon it will be there, and since when it is wanted: of those coming the nearest are used first, so that the
    /// newest wish is the one to be taken back.
    var progress = 0
    var since = Instant.zero
    /// Ours, and of which template.
    var template: TemplateName?
    /// While it is coming, only builds that wish for this image count on it.
    var image: String?
    /// It goes because nothing waited for it, and can be kept if something does.
    var isLeaving = false

    func accepts(_ label: LabelRequirement) -> Bool {
        switch label {
        case .expression(let expression): expression.matches(Set(labels + [node.value]))
        case .anyNode: mode != .exclusive
        case .bound, .flyweight, .unresolved: false
        }
    }

    func comes(before other: ExecutorSlots) -> Bool {
        if isLeaving != other.isLeaving { return !isLeaving }
        if isComing != other.isComing { return !isComing }
        if progress != other.progress { return progress > other.progress }
        if since != other.since { return since < other.since }
        return node < other.node
    }
}

/// How many agents of a template may still be requested.
struct TemplateRoom: Equatable, Sendable {
    var template: AgentTemplate
    var agents: Int
    var reason: WaitReason
}

/// Why a build has no executor yet.
package enum WaitReason: Hashable, Sendable {
    case executorFree(NodeName)
    case agentComing(NodeName)
    case agentRequested
    case noTemplate
    case imageNotAllowed(String)
    case capReached(TemplateName)
    case frameworkCapReached
    case templateBacksOff(TemplateName)
    case boundToNode(String)
    case labelUnknown
    case notBuildable
}

struct DemandPlan: Equatable, Sendable {
    struct Request: Equatable, Sendable {
        var template: TemplateName
        var executors: Int
        var size: Resources?
        var image: String?
        /// A label of the node beside the template's, which names the image.
        var imageLabel: String?
        /// No build waits for it; it fills a warm pool.
        var isForPool = false
    }
    var requests: [Request] = []
    var reasons: [QueueItemID: WaitReason] = [:]
    /// Nodes of which at least one executor is spoken for.
    var claimed: Set<NodeName> = []
    /// Those among them that a build waits for, not only the warm pool.
    var claimedByBuilds: Set<NodeName> = []
    /// What agents of a template without a size of their own should ask for now; for those not launched yet.
    var sizes: [SizeKey: Resources] = [:]
}

struct SizeKey: Hashable, Sendable {
    var template: TemplateName
    var image: String?
}

enum DemandMatching {
    /// Serves builds from the executors given, those with the fewest choices first, and requests agents for the rest.
    ///
    /// - Parameters:
    ///   - rooms: In the order of the configuration; the first template that matches and has room is taken.
    ///   - agentsMax: Agents that may be requested in total.
    ///   - keepsPools: Whether warm pools are filled up.
    static func plan(
        builds: [WaitingBuild], slots: [ExecutorSlots], rooms: [TemplateRoom], agentsMax: Int, keepsPools: Bool = false
    ) -> DemandPlan {
        var matching = Matching(slots: slots, rooms: rooms, agentsLeft: agentsMax)
        let ordered = matching.inOrderOfChoice(builds)
        let unserved = ordered.filter { !matching.serveFromSlots($0) }
        matching.requestAgents(for: unserved)
        if keepsPools { matching.fillPools() }
        return matching.plan
    }
}

private struct Matching {
    var slots: [ExecutorSlots]
    var rooms: [TemplateRoom]
    var agentsLeft: Int
    var plan = DemandPlan()

    /// Builds with the same choices. Labels are few where builds are many, so each is worked out once.
    private struct Group: Hashable {
        var label: LabelRequirement
        var image: String?
    }

    /// A way to serve a group: a template, with another image perhaps.
    private struct Kind: Hashable {
        var room: Int
        var image: String?
        var imageLabel: String?
    }

    private struct Choices {
        var slots: [Int]
        var next = 0
        var kinds: [Kind]
        /// A template would serve the label and does not allow the image.
        var refusedImage: String?
        var width: Int { slots.count + kinds.count }
    }
    private var choices: [Group: Choices] = [:]
    private var groups: [QueueItemID: Group] = [:]
    /// The largest of the wishes of all builds that could land on an agent of a kind.
    private var largest: [Kind: BuildWish] = [:]

    init(slots: [ExecutorSlots], rooms: [TemplateRoom], agentsLeft: Int) {
        // What exists is used before what is coming; names decide the rest, so that equal polls plan equally.
        self.slots = slots.filter { $0.count > 0 }.sorted { $0.comes(before: $1) }
        self.rooms = rooms
        self.agentsLeft = agentsLeft
    }

    mutating func inOrderOfChoice(_ builds: [WaitingBuild]) -> [WaitingBuild] {
        var keyed: [(width: Int, build: WaitingBuild)] = []
        keyed.reserveCapacity(builds.count)
        // Hashing an expression costs more than comparing two: neighbours often ask for the same.
        var last: (group: Group, width: Int)?
        for build in builds {
            let width: Int
            if let last, last.group.image == build.wish.image, last.group.label == build.label {
                width = last.width
            } else {
                let group = Group(label: build.label, image: build.wish.image)
                width = choices(of: group).width
                last = (group, width)
            }
            if let group = last?.group { groups[build.id] = group }
            keyed.append((width, build))
            if build.wish != .none, let found = last.flatMap({ choices[$0.group] }) {
                for kind in found.kinds { largest[kind] = (largest[kind] ?? .none).joined(build.wish) }
            }
        }
        keyed.sort { left, right in
            if left.width != right.width { return left.width < right.width }
            return (left.build.since, left.build.id) < (right.build.since, right.build.id)
        }
        for (kind, wish) in largest {
            let template = rooms[kind.room].template
            if let size = template.size(for: wish) {
                plan.sizes[SizeKey(template: template.name, image: kind.image)] = size
            }
        }
        return keyed.map(\.build)
    }

    private mutating func choices(of group: Group) -> Choices {
        if let known = choices[group] { return known }
        var found = Choices(slots: [], kinds: [])
        for index in slots.indices where slots[index].accepts(group.label) {
            // An executor that is there goes to whatever build the controller picks, wishes or not.
            if !slots[index].isComing || slots[index].image == group.image { found.slots.append(index) }
        }
        for index in rooms.indices {
            let template = rooms[index].template
            if template.canServe(group.label) {
                if let image = group.image, !template.allows(image: image) {
                    found.refusedImage = image
                } else {
                    found.kinds.append(Kind(room: index, image: group.image))
                }
            } else if let chosen = template.imageLabel(in: group.label) {
                found.kinds.append(Kind(room: index, image: chosen.image, imageLabel: chosen.label))
            }
        }
        choices[group] = found
        return found
    }

    /// - Returns: Whether the build is settled: it has a slot, or no slot and no agent can ever help.
    mutating func serveFromSlots(_ build: WaitingBuild) -> Bool {
        switch build.label {
        case .bound(let node): plan.reasons[build.id] = .boundToNode(node)
        case .unresolved: plan.reasons[build.id] = .labelUnknown
        case .flyweight: plan.reasons[build.id] = .notBuildable
        case .expression, .anyNode: return takeSlot(build)
        }
        return true
    }

    private mutating func takeSlot(_ build: WaitingBuild) -> Bool {
        guard let group = groups[build.id], var choice = choices[group] else { return false }
        while choice.next < choice.slots.count, slots[choice.slots[choice.next]].count == 0 { choice.next += 1 }
        choices[group]?.next = choice.next
        guard choice.next < choice.slots.count else { return false }
        let index = choice.slots[choice.next]
        slots[index].count -= 1
        plan.claimed.insert(slots[index].node)
        plan.claimedByBuilds.insert(slots[index].node)
        plan.reasons[build.id] =
            slots[index].isComing ? .agentComing(slots[index].node) : .executorFree(slots[index].node)
        return true
    }

    mutating func requestAgents(for unserved: [WaitingBuild]) {
        var spare: [Kind: Int] = [:]  // Executors of agents requested just now.
        for (position, build) in unserved.enumerated() {
            guard let choice = groups[build.id].flatMap({ choices[$0] }) else { continue }
            if let ready = choice.kinds.first(where: { spare[$0, default: 0] > 0 }) {
                spare[ready, default: 0] -= 1
                continue
            }
            guard let chosen = choice.kinds.first(where: { rooms[$0.room].agents > 0 }), agentsLeft > 0 else {
                plan.reasons[build.id] = reasonForNone(choice)
                continue
            }
            let template = rooms[chosen.room].template
            let size = plan.sizes[SizeKey(template: template.name, image: chosen.image)]
            // An agent with a size of its own is made for one build at a time.
            let most = size == nil ? template.executorsMax : 1
            let executors = min(
                max(countServed(by: chosen, in: unserved[position...], atMost: most), template.executorsMin), most)
            request(chosen, executors: executors, size: size)
            spare[chosen, default: 0] += executors - 1
        }
    }

    private func reasonForNone(_ choice: Choices) -> WaitReason {
        guard let first = choice.kinds.first else {
            return choice.refusedImage.map { .imageNotAllowed($0) } ?? .noTemplate
        }
        return agentsLeft <= 0 ? .frameworkCapReached : rooms[first.room].reason
    }

    private mutating func request(_ kind: Kind, executors: Int, size: Resources?, isForPool: Bool = false) {
        rooms[kind.room].agents -= 1
        agentsLeft -= 1
        plan.requests.append(
            .init(
                template: rooms[kind.room].template.name, executors: executors, size: size, image: kind.image,
                imageLabel: kind.imageLabel, isForPool: isForPool))
    }

    /// How many of the builds an agent could take, counted no further than it has executors.
    private func countServed(by kind: Kind, in builds: ArraySlice<WaitingBuild>, atMost: Int) -> Int {
        if atMost <= 1 { return 1 }
        var count = 0
        for build in builds {
            if count >= atMost { break }
            if groups[build.id].flatMap({ choices[$0] })?.kinds.contains(kind) ?? false { count += 1 }
        }
        return count
    }

    /// The warm pool: so many agents of a template that no build is waiting for, those there first, then those coming.
    mutating func fillPools() {
        for room in rooms.indices where rooms[room].template.agentsIdleMin > 0 {
            let template = rooms[room].template
            var missing = template.agentsIdleMin
            for slot in slots where missing > 0 && slot.template == template.name && !slot.isLeaving {
                if plan.claimed.insert(slot.node).inserted { missing -= 1 }
            }
            while missing > 0, rooms[room].agents > 0, agentsLeft > 0 {
                request(Kind(room: room), executors: template.executorsMin, size: nil, isForPool: true)
                missing -= 1
            }
        }
    }
}
