// Fifty frameworks with weights 1:2:4 in a cluster that is always full, one that hoards offers, and one that declines.

import Allocator
import Resources

enum FairnessUnderPressure {
    static let agents = 1_000
    static let frameworks = 50
    private static let interval = Duration.seconds(1)
    private static let offerTimeout = Duration.seconds(60)
    private static let task = Cluster.resources("cpus:1;mem:64")

    static func run() throws {
        var world = try World()
        for _ in 0..<600 { world.round() }
        Report.figure(
            "fairness-worst-share-from-weighted-ideal", [:], "percent", world.worstDistance, target: 2)
        Report.figure(
            "fairness-rounds-until-first-offer", [:], "worst", Double(world.firstOffers.values.max() ?? .max), target: 2
        )
        precondition(world.firstOffers.count == frameworks, "some framework never got an offer")
    }

    private struct Running {
        var offer: Allocation
        var end: Int
    }

    private struct World {
        var allocator = Allocator()
        var random = SplitMix64(seed: 11)
        var roles: [FrameworkID: (role: RoleName, weight: Double)] = [:]
        var rounds = 0
        var running: [Running] = []
        var hoarded: [Running] = []
        var firstOffers: [FrameworkID: Int] = [:]
        /// Held by framework, summed over the rounds after the first hundred.
        var held: [FrameworkID: Double] = [:]
        let hoarder = Cluster.framework(0)
        let decliner = Cluster.framework(1)

        init() throws {
            for index in 0..<frameworks {
                let id = Cluster.framework(index)
                let role = try RoleName("role-\(index)")
                let weight = [1.0, 2, 4][index % 3]
                roles[id] = (role, weight)
                if let weight = Weight(weight) { allocator.setWeight(role, weight) }
                allocator.addFramework(id, roles: [role])
            }
            let total = Cluster.resources("cpus:8;mem:512")
            for index in 0..<agents { allocator.addAgent(Cluster.agent(index), total: total, at: Cluster.start) }
        }

        /// Tasks end, an allocation follows, and every offer is answered: with tasks of one CPU each that run for 1 to
        /// 10 rounds, with nothing by the hoarder until the timeout, with a refusal of 5 s by the one that declines.
        mutating func round() {
            rounds += 1
            let now = Instant.zero.advanced(by: interval * rounds)
            for ended in running where ended.end <= rounds { giveBack(ended.offer, task, nil, now) }
            running.removeAll { $0.end <= rounds }
            for expired in hoarded where expired.end <= rounds {
                giveBack(expired.offer, expired.offer.resources, nil, now)
            }
            hoarded.removeAll { $0.end <= rounds }
            // Answers are immediate, so a round is over when nothing is offered any more.
            var offers = allocator.allocate(at: now, seed: random.next())
            while !offers.isEmpty {
                for offer in offers { answer(offer, now) }
                offers = allocator.allocate(at: now, seed: random.next())
            }
            if rounds > 100 {
                for task in running { held[task.offer.framework, default: 0] += 1 }
                for offer in hoarded {
                    held[offer.offer.framework, default: 0] += offer.offer.resources["cpus"].doubleValue
                }
            }
        }

        private mutating func answer(_ offer: Allocation, _ now: Instant) {
            if firstOffers[offer.framework] == nil { firstOffers[offer.framework] = rounds }
            if offer.framework == hoarder {
                hoarded.append(Running(offer: offer, end: rounds + Int(offerTimeout / interval)))
            } else if offer.framework == decliner {
                giveBack(offer, offer.resources, .seconds(5), now)
            } else {
                // One task an offer: the rest is for whoever is next.
                running.append(Running(offer: offer, end: rounds + Int.random(in: 1...10, using: &random)))
                let rest = offer.resources.without(task)
                if !rest.isEmpty { giveBack(offer, rest, nil, now) }
            }
        }

        private mutating func giveBack(_ offer: Allocation, _ resources: Resources, _ filter: Duration?, _ now: Instant)
        {
            allocator.recover(
                offer.framework, role: offer.role, agent: offer.agent, resources: resources, filter: filter, at: now)
        }

        /// The largest difference of a framework's part of what its peers (neither hoarder nor decliner) held from its
        /// part of their weights, in percent of the latter.
        var worstDistance: Double {
            let peers = roles.keys.filter { $0 != hoarder && $0 != decliner }.sorted()
            let all = peers.reduce(0) { $0 + (held[$1] ?? 0) }
            let weights = peers.reduce(0) { $0 + (roles[$1]?.weight ?? 0) }
            let distances = peers.map { id -> Double in
                let ideal = (roles[id]?.weight ?? 0) / weights
                let mine = (held[id] ?? 0) / all
                return (mine > ideal ? mine - ideal : ideal - mine) / ideal * 100
            }
            return distances.max() ?? 0
        }
    }
}
