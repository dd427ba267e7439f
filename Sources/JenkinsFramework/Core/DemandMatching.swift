// How many agents of which template are missing: every waiting build against every executor there is or will be.
import Resources

/// A build that waits for nothing but an executor.
struct WaitingBuild: Equatable, Sendable {
    var id: QueueItemID
    var label: LabelRequirement
    var since: Int64
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

    func accepts(_ label: LabelRequirement) -> Bool {
        switch label {
        case .expression(let expression): expression.matches(Set(labels + [node.value]))
        case .anyNode: mode != .exclusive
        case .bound, .flyweight, .unresolved: false
        }
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
    }
    var requests: [Request] = []
    var reasons: [QueueItemID: WaitReason] = [:]
    /// Nodes of which at least one executor is spoken for.
    var claimed: Set<NodeName> = []
}

enum DemandMatching {
    /// Serves builds from the executors given, those with the fewest choices first, and requests agents for the rest.
    ///
    /// - Parameters:
    ///   - rooms: In the order of the configuration; the first template that matches and has room is taken.
    ///   - agentsMax: Agents that may be requested in total.
    static func plan(
        builds: [WaitingBuild], slots: [ExecutorSlots], rooms: [TemplateRoom], agentsMax: Int
    ) -> DemandPlan {
        var matching = Matching(slots: slots, rooms: rooms, agentsLeft: agentsMax)
        let ordered = matching.inOrderOfChoice(builds)
        let unserved = ordered.filter { !matching.serveFromSlots($0) }
        matching.requestAgents(for: unserved)
        return matching.plan
    }
}

private struct Matching {
    var slots: [ExecutorSlots]
    var rooms: [TemplateRoom]
    var agentsLeft: Int
    var plan = DemandPlan()

    /// Slots and templates that serve a label. Labels are few where builds are many, so each is worked out once.
    private struct Choices {
        var slots: [Int]
        var next = 0
        var templates: [Int]
    }
    private var choices: [LabelRequirement: Choices] = [:]

    init(slots: [ExecutorSlots], rooms: [TemplateRoom], agentsLeft: Int) {
        // What exists is used before what is coming; names decide the rest, so that equal polls plan equally.
        self.slots = slots.filter { $0.count > 0 }.sorted {
            $0.isComing != $1.isComing ? !$0.isComing : $0.node < $1.node
        }
        self.rooms = rooms
        self.agentsLeft = agentsLeft
    }

    mutating func inOrderOfChoice(_ builds: [WaitingBuild]) -> [WaitingBuild] {
        var width: [LabelRequirement: Int] = [:]
        for build in builds where width[build.label] == nil {
            let found = Choices(
                slots: slots.indices.filter { slots[$0].accepts(build.label) },
                templates: rooms.indices.filter { rooms[$0].template.canServe(build.label) })
            choices[build.label] = found
            width[build.label] = found.slots.count + found.templates.count
        }
        return builds.sorted { left, right in
            let (mine, theirs) = (width[left.label] ?? 0, width[right.label] ?? 0)
            if mine != theirs { return mine < theirs }
            return (left.since, left.id) < (right.since, right.id)
        }
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
        guard var choice = choices[build.label] else { return false }
        defer { choices[build.label] = choice }
        while choice.next < choice.slots.count, slots[choice.slots[choice.next]].count == 0 { choice.next += 1 }
        guard choice.next < choice.slots.count else { return false }
        let index = choice.slots[choice.next]
        slots[index].count -= 1
        plan.claimed.insert(slots[index].node)
        plan.reasons[build.id] =
            slots[index].isComing ? .agentComing(slots[index].node) : .executorFree(slots[index].node)
        return true
    }

    mutating func requestAgents(for unserved: [WaitingBuild]) {
        var spare: [Int: Int] = [:]  // Executors of agents requested just now, by template.
        for (position, build) in unserved.enumerated() {
            let templates = choices[build.label]?.templates ?? []
            if let ready = templates.first(where: { spare[$0, default: 0] > 0 }) {
                spare[ready, default: 0] -= 1
                continue
            }
            guard let chosen = templates.first(where: { rooms[$0].agents > 0 }), agentsLeft > 0 else {
                plan.reasons[build.id] =
                    templates.isEmpty
                    ? .noTemplate : agentsLeft <= 0 ? .frameworkCapReached : rooms[templates[0]].reason
                continue
            }
            let template = rooms[chosen].template
            let executors = min(
                max(
                    countServed(by: chosen, in: unserved[position...], atMost: template.executorsMax),
                    template.executorsMin), template.executorsMax)
            rooms[chosen].agents -= 1
            agentsLeft -= 1
            spare[chosen, default: 0] += executors - 1
            plan.requests.append(.init(template: template.name, executors: executors))
        }
    }

    /// How many of the builds the template could take, counted no further than it has executors.
    private func countServed(by room: Int, in builds: ArraySlice<WaitingBuild>, atMost: Int) -> Int {
        var count = 0
        for build in builds {
            if count >= atMost { break }
            if choices[build.label]?.templates.contains(room) ?? false { count += 1 }
        }
        return count
    }
}
