// Fifty frameworks with weights 1:2:4 in a cluster that is always full, one that hoards offers, and one that declines.

import Allocator
import Resources

enum FairnessUnderPressure {
    static let agents = 1_000
    static let frameworks = 50
    private static let rounds = 600
    private static let interval = Duration.seconds(1)
    private static let offerTimeout = Duration.seconds(60)
    private static let task = Cluster.resources("cpus:1;mem:64")

    static func run() throws {
        let (mine, reference) = (try played(RealContender.self), try played(TextbookContender.self))
        Report.line(
            "fairness-under-pressure-all-rounds", agents: agents, frameworks: frameworks, median: mine.allocator.time,
            target: nil, reference: reference.allocator.time,
            .init("worst_share_from_weighted_ideal_percent", mine.worstDistance, target: 2),
            .init("reference_worst_share_from_weighted_ideal_percent", reference.worstDistance),
            .init("worst_rounds_until_first_offer", Double(mine.worstWait), target: 2),
            .init("reference_worst_rounds_until_first_offer", Double(reference.worstWait)))
    }

    private static func played<Each: Contender>(_: Each.Type) throws -> World<Each> {
        var world = try World<Each>()
        for _ in 0..<rounds { world.round() }
        return world
    }

    private struct World<Each: Contender> {
        private struct Running {
            var offer: ContenderOffer<Each.Bag>
            var end: Int
        }

        var allocator = Each(offerSplit: 1)
        private let task = Each.bag(FairnessUnderPressure.task)
        private var random = SplitMix64(seed: 11)
        private let weights = (0..<frameworks).map { [1.0, 2, 4][$0 % 3] }
        private var rounds = 0
        private var running: [Running] = []
        private var hoarded: [Running] = []
        private var firstOffers: [Int: Int] = [:]
        /// CPUs held by framework, summed over the rounds after the first hundred.
        private var held = Array(repeating: 0.0, count: frameworks)
        private let hoarder = 0
        private let decliner = 1

        init() throws {
            for index in 0..<frameworks {
                allocator.addRole(try RoleName("role-\(index)"), weight: weights[index])
                allocator.addFramework(Cluster.framework(index), role: index)
            }
            let total = Cluster.resources("cpus:8;mem:512")
            for _ in 0..<agents { allocator.addAgent(total) }
        }

        /// In how many rounds everybody was offered something.
        var worstWait: Int { firstOffers.count < frameworks ? rounds : firstOffers.values.max() ?? rounds }

        /// Tasks end, an allocation follows, and every offer is answered: with tasks of one CPU each that run for 1 to
        /// 10 rounds, with nothing by the hoarder until the timeout, with a refusal of 5 s by the one that declines.
        mutating func round() {
            rounds += 1
            let now = interval * rounds
            for ended in running + hoarded where ended.end <= rounds {
                allocator.giveBack(ended.offer, filter: nil, at: now)
            }
            running.removeAll { $0.end <= rounds }
            hoarded.removeAll { $0.end <= rounds }
            // Answers are immediate, so a round is over when nothing is offered any more.
            var offers = allocator.offers(at: now, seed: random.next())
            while !offers.isEmpty {
                for offer in offers { answer(offer, now) }
                offers = allocator.offers(at: now, seed: random.next())
            }
            if rounds > 100 {
                for each in running + hoarded { held[each.offer.framework] += Each.cpus(of: each.offer.bag) }
            }
        }

        private mutating func answer(_ offer: ContenderOffer<Each.Bag>, _ now: Duration) {
            if firstOffers[offer.framework] == nil { firstOffers[offer.framework] = rounds }
            if offer.framework == hoarder {
                hoarded.append(Running(offer: offer, end: rounds + Int(offerTimeout / interval)))
            } else if offer.framework == decliner {
                allocator.giveBack(offer, filter: .seconds(5), at: now)
            } else {
                // One task an offer: the rest is for whoever is next.
                var (started, rest) = (offer, offer)
                if Each.take(task, from: &rest.bag) {
                    started.bag = task
                    running.append(Running(offer: started, end: rounds + Int.random(in: 1...10, using: &random)))
                }
                if !Each.isEmpty(rest.bag) { allocator.giveBack(rest, filter: nil, at: now) }
            }
        }

        /// The largest difference of a framework's part of what its peers (neither hoarder nor decliner) held from its
        /// part of their weights, in percent of the latter.
        var worstDistance: Double {
            let peers = (0..<frameworks).filter { $0 != hoarder && $0 != decliner }
            let all = peers.reduce(0) { $0 + held[$1] }
            let sum = peers.reduce(0) { $0 + weights[$1] }
            return peers.map { peer in
                let (ideal, mine) = (weights[peer] / sum, held[peer] / all)
                return (mine > ideal ? mine - ideal : ideal - mine) / ideal * 100
            }.max() ?? 0
        }
    }
}
