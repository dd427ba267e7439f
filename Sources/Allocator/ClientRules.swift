// What a framework asks of its offers in one role: only the few clients that ask for something have an entry.

import Resources

struct ClientRules: Sendable {
    var constraints: OfferConstraints?
    /// Instead of the settings' minimum.
    var minAllocatable: [Resources]?
    /// By agent's slot, as far as it was asked.
    private var verdicts: [Verdict] = []

    private enum Verdict: UInt8, Sendable { case unknown, admitted, refused }

    init(constraints: OfferConstraints?, minAllocatable: [Resources]?) {
        self.constraints = constraints
        self.minAllocatable = minAllocatable
    }

    func agrees(with other: ClientRules) -> Bool {
        constraints == other.constraints && minAllocatable == other.minAllocatable
    }

    /// Whether the constraints admit an agent; evaluated once, until `forget`.
    mutating func admits(_ agent: Int, _ traits: AgentTraits) -> Bool {
        guard let constraints else { return true }
        while verdicts.count <= agent { verdicts.append(.unknown) }
        if verdicts[agent] == .unknown { verdicts[agent] = constraints.admit(traits) ? .admitted : .refused }
        return verdicts[agent] == .admitted
    }

    /// The agent in this slot is another one, or not what it was.
    mutating func forget(_ agent: Int) {
        if agent < verdicts.count { verdicts[agent] = .unknown }
    }
}

extension Allocator {
    /// - Returns: Whether they are new.
    mutating func setRules(_ new: ClientRules, of client: Int) -> Bool {
        let old = rules[client] ?? ClientRules(constraints: nil, minAllocatable: nil)
        if old.agrees(with: new) { return false }
        if old.minAllocatable != nil { ownMinimums -= 1 }
        if new.minAllocatable != nil { ownMinimums += 1 }
        let isNeeded = new.constraints != nil || new.minAllocatable != nil
        rules[client] = isNeeded ? new : nil
        tree[client: client].hasRules = isNeeded
        return true
    }

    mutating func forgetVerdicts(on agent: Int) {
        for client in rules.keys { rules[client]?.forget(agent) }
    }
}
