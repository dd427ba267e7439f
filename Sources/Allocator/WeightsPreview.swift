// What other weights would lead to, found out by allocating on a copy.

import Resources

/// Roles' shares under the present weights and under others.
public struct WeightsPreview: Hashable, Sendable {
    public struct Row: Hashable, Sendable {
        public var role: RoleName
        public var weight: Weight
        public var newWeight: Weight
        /// The dominant share of all that the role and those below it hold now; no weight changes that by itself.
        public var share: Obstacle.Fraction
        /// What they would hold if everything were given out anew to all that are hungry now.
        public var entitled: Obstacle.Fraction
        /// The same under the new weights.
        public var newlyEntitled: Obstacle.Fraction
    }

    /// Every role with a framework in it or below it, sorted by name.
    public var rows: [Row]
}

extension Allocator {
    /// The shares that would follow from some weights. Changes nothing.
    ///
    /// - Parameter changes: New weights by role. A role without a framework is kept out of the result.
    public func preview(weights changes: [RoleName: Weight]) -> WeightsPreview {
        var now = self
        now.stopRecording()
        now.settle()
        var before = now
        before.giveOutAnew()
        var after = now
        for (role, weight) in changes { after.setWeight(role, weight) }
        after.giveOutAnew()
        let rows = tree.rolesByName.map { role, node in
            func share(_ allocator: Allocator) -> Obstacle.Fraction {
                // The plain share: what it weighs is told apart.
                guard let node = allocator.tree.roleNode(of: role) else { return Obstacle.Fraction.zero }
                let share = allocator.tree.share(of: node)
                return .init(numerator: share.amount, denominator: share.total, weight: .one)
            }
            return WeightsPreview.Row(
                role: role, weight: tree.nodes[node].weight, newWeight: changes[role] ?? tree.nodes[node].weight,
                share: share(now), entitled: share(before), newlyEntitled: share(after))
        }
        return WeightsPreview(rows: rows)
    }

    /// Takes everything back and gives it out as if nobody had ever had or refused anything.
    private mutating func giveOutAnew() {
        for (_, slot) in agents.occupied {
            for holding in agents.values[slot].holdings {
                release(holding.resources, of: holding.client, on: slot)
            }
        }
        for (id, slot) in frameworks.occupied {
            for client in frameworks.values[slot].clients.values.sorted() {
                filters.clear(client: client)
                if tree[client: client].isHungry { markFresh(client) }
                dropClientIfUnused(client)
            }
            if frameworks.values[slot].clients.isEmpty { frameworks.remove(id, leaving: FrameworkState(id: id)) }
        }
        resume()
        _ = allocate(at: .zero, seed: 0)
    }
}

extension Obstacle.Fraction {
    static let zero = Obstacle.Fraction(numerator: 0, denominator: 1, weight: .one)
}
