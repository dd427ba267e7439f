/// Runs a conversation with an allocator written as text, and answers in text.
///
/// One command a line; `Scripts/README.md` lists them. Every allocation is audited, and a violation becomes part of
/// the answer, where no expectation will match it.

import Allocator
import Resources

struct AllocatorScript {
    struct Mistake: Error, CustomStringConvertible {
        var description: String
    }

    private var settings = AllocatorSettings()
    private var allocator = Allocator()
    private var now = Instant.zero
    private var tasks: [FrameworkID: Resources] = [:]
    private var rounds: UInt64 = 0

    mutating func run(_ line: String) throws -> [String] {
        let words = line.split(separator: " ").map(String.init)
        guard let command = words.first else { return [] }
        let arguments = Array(words.dropFirst())
        switch command {
        case "minimum":
            settings.minAllocatable =
                arguments == ["none"] ? [] : try AllocatorSettings.parseMinAllocatable(arguments[0])
            allocator = Allocator(settings: settings)
        case "agent":
            let moment = Moment(instant: now, wall: WallTime(nanoseconds: 0))
            allocator.addAgent(AgentID(try word(0, of: arguments)), total: try resources(1, of: arguments), at: moment)
        case "agent-off": allocator.setAgentActive(AgentID(try word(0, of: arguments)), false)
        case "agent-on": allocator.setAgentActive(AgentID(try word(0, of: arguments)), true)
        case "agent-gone": allocator.removeAgent(AgentID(try word(0, of: arguments)))
        case "framework": try addFramework(arguments)
        case "deactivate": allocator.deactivateFramework(try framework(arguments))
        case "activate": allocator.activateFramework(try framework(arguments))
        case "remove": allocator.removeFramework(try framework(arguments))
        case "suppress": allocator.suppress(try framework(arguments), roles: try roles(arguments.dropFirst()))
        case "revive": allocator.revive(try framework(arguments), roles: try roles(arguments.dropFirst()))
        case "weight":
            guard let weight = Double(try word(1, of: arguments)).flatMap(Weight.init) else {
                throw Mistake(description: "no weight in '\(line)'")
            }
            allocator.setWeight(try RoleName(word(0, of: arguments)), weight)
        case "running":
            let role = try RoleName(word(1, of: arguments))
            let agent = AgentID(try word(2, of: arguments))
            allocator.charge(
                try framework(arguments), role: role, agent: agent, resources: try resources(3, of: arguments))
        case "decline", "return": try giveBack(arguments)
        case "task": tasks[try framework(arguments)] = try resources(1, of: arguments)
        case "advance": now = now.advanced(by: try duration(word(0, of: arguments)))
        case "allocate": return allocate()
        case "fill": return fill()
        case "shares": return shares()
        case "next-expiry":
            return [allocator.nextFilterExpiry.map { "\(Instant.zero.duration(to: $0))" } ?? "none"]
        default: throw Mistake(description: "unknown command '\(command)'")
        }
        return []
    }

    // MARK: Commands

    private mutating func addFramework(_ arguments: [String]) throws {
        var names: [RoleName] = []
        for argument in arguments where argument.hasPrefix("role=") {
            names.append(try RoleName(String(argument.dropFirst(5))))
        }
        if names.isEmpty { names = [.any] }
        allocator.addFramework(
            try framework(arguments), roles: names, suppressed: arguments.contains("suppressed") ? Set(names) : [],
            active: !arguments.contains("inactive"), canUseGPUs: arguments.contains("gpus"),
            canUseRevocable: arguments.contains("revocable"))
    }

    /// `decline A a1 [role=R] [for=5s]`: everything A holds there; `return A a1 cpus:1 ...`: a part of it.
    private mutating func giveBack(_ arguments: [String]) throws {
        let framework = try framework(arguments)
        let agent = AgentID(try word(1, of: arguments))
        let chosen = arguments.first { $0.hasPrefix("role=") }.map { String($0.dropFirst(5)) }
        let filter = try arguments.first { $0.hasPrefix("for=") }.map { try duration(String($0.dropFirst(4))) }
        let part = try arguments.dropFirst(2).first { $0.contains(":") }.map { try Resources.parse($0) }
        for (client, held) in heldOn(agent) where client.framework == framework {
            if let chosen, client.role.value != chosen { continue }
            guard held.contains(part ?? held) else { throw Mistake(description: "\(client) holds only \(held)") }
            allocator.recover(
                framework, role: client.role, agent: agent, resources: part ?? held, filter: filter, at: now)
        }
    }

    private mutating func allocate() -> [String] {
        rounds += 1
        let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: rounds)
        let lines = made.map(\.description) + violations.map { "VIOLATION: \($0)" }
        return lines.isEmpty ? ["nothing"] : lines
    }

    /// Whoever is served starts one task and gives the rest back, until no task fits any more: the fine-grained
    /// filling of the DRF paper, made of coarse offers.
    private mutating func fill() -> [String] {
        var lines: [String] = []
        while true {
            rounds += 1
            let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: rounds)
            lines += violations.map { "VIOLATION: \($0)" }
            if made.isEmpty { break }
            // Only the first was served at this state of shares; the others had to take what was left over.
            for (index, offer) in made.enumerated() {
                let task = tasks[offer.framework].flatMap { index == 0 ? offer.resources.taking($0) : nil }
                let rest = offer.resources - (task ?? Resources())
                allocator.recover(
                    offer.framework, role: offer.role, agent: offer.agent, resources: rest,
                    filter: index == 0 && task == nil ? .seconds(3_600) : nil, at: now)
                if task != nil { lines.append("\(offer.framework) share=\(share(of: offer.framework))") }
            }
        }
        let left = allocator.snapshot.agents.values.reduce(into: Resources()) { $0 += $1.free }
        return lines + ["stopped: \(left.isEmpty ? "nothing" : left.description) left"]
    }

    private func shares() -> [String] {
        let snapshot = allocator.snapshot
        var held: [String: Resources] = [:]
        for agent in snapshot.agents.values {
            for (client, resources) in agent.held {
                for role in client.role.ancestors + [client.role] {
                    held[role.value, default: Resources()] += resources
                }
            }
        }
        return held.sorted { $0.key < $1.key }.map { "\($0.key) share=\(fraction($0.value))" }
    }

    private func share(of framework: FrameworkID) -> String {
        var held = Resources()
        for agent in allocator.snapshot.agents.values {
            for (client, resources) in agent.held where client.framework == framework { held += resources }
        }
        return fraction(held)
    }

    /// The dominant share as a reduced fraction.
    private func fraction(_ held: Resources) -> String {
        let total = allocator.snapshot.agents.values.reduce(into: Resources()) { $0 += $1.total }
        var best = ExactFraction(0, over: 1)
        for (name, value) in held.scalars where !total[name].isZero {
            let share = ExactFraction(UInt128(value.milli), over: UInt128(total[name].milli))
            if share.compare(to: best) > 0 { best = share }
        }
        var (a, b) = (best.denominator, best.numerator)
        while b != 0 { (a, b) = (b, a % b) }
        let (top, bottom) = (best.numerator / a, best.denominator / a)
        return bottom == 1 ? "\(top)" : "\(top)/\(bottom)"
    }

    private func heldOn(_ agent: AgentID) -> [(AllocatorSnapshot.Client, Resources)] {
        (allocator.snapshot.agents[agent]?.held ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    // MARK: Words

    private func word(_ index: Int, of arguments: [String]) throws -> String {
        guard index < arguments.count else { throw Mistake(description: "too few words: \(arguments)") }
        return arguments[index]
    }

    private func framework(_ arguments: [String]) throws -> FrameworkID { FrameworkID(try word(0, of: arguments)) }
    private func roles(_ words: ArraySlice<String>) throws -> Set<RoleName> { Set(try words.map { try RoleName($0) }) }

    private func resources(_ index: Int, of arguments: [String]) throws -> Resources {
        try Resources.parse(word(index, of: arguments))
    }

    /// `1.5s` or `200ms`.
    private func duration(_ text: String) throws -> Duration {
        if text.hasSuffix("ms"), let number = Int(text.dropLast(2)) { return .milliseconds(number) }
        guard text.hasSuffix("s"), let number = Double(text.dropLast()) else {
            throw Mistake(description: "'\(text)' is no duration")
        }
        return .milliseconds(Int(number * 1_000))
    }
}
