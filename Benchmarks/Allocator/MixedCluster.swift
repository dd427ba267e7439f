// The mixed cluster of Apache Mesos's multi-framework benchmark: services, Jenkins controllers, batch dispatchers.

import Allocator
import Resources

enum MixedCluster {
    struct Profile {
        var name: String
        var role: String
        var frameworks: Int
        var tasks: Int
        var task: Resources
        var perOffer: Int
        /// Whether each framework has a role of its own.
        var isAlone: Bool
    }

    static let profiles = [
        Profile(
            name: "service", role: "service", frameworks: 4, tasks: 4_000,
            task: Cluster.resources("cpus:0.07;mem:400"), perOffer: 100, isAlone: true),
        Profile(
            name: "jenkins", role: "jenkins", frameworks: 500, tasks: 5, task: Cluster.resources("cpus:0.1;mem:4000"),
            perOffer: 1, isAlone: false),
        Profile(
            name: "batch", role: "batch", frameworks: 50, tasks: 20, task: Cluster.resources("cpus:1;mem:1000"),
            perOffer: 5, isAlone: true),
    ]
    static let agents = 80

    struct Worker {
        var role: RoleName
        var task: Resources
        var perOffer: Int
        var missing: Int
    }

    static func run() throws {
        for split in [1, 2, 4, 8, 16] { try report(split: split) }
    }

    private static func report(split: Int) throws {
        var (times, rounds, distance) = ([Duration](), 0, 0.0)
        for seed in 0..<3 {
            let outcome = try place(split: split, seed: UInt64(seed))
            times.append(outcome.time)
            rounds = outcome.rounds
            distance = outcome.distance
        }
        let name = "mixed-cluster-offer-split-\(split)"
        // Apache Mesos's own test gives itself 30 s; a tenth of that for the whole run.
        Report.line(name, agents: agents, frameworks: 554, median: Stopwatch.median(times), target: .seconds(3))
        Report.figure(name, [:], "rounds", Double(rounds), target: nil)
        Report.figure(name, [:], "mean_distance_from_ideal_percent", distance, target: nil)
    }

    /// Places all 19,500 tasks. Offers are answered at once; what is not used comes back without a filter, and who has
    /// started everything suppresses offers.
    private static func place(
        split: Int, seed: UInt64
    ) throws -> (time: Duration, rounds: Int, distance: Double) {
        var allocator = Allocator(settings: AllocatorSettings(offerSplit: split))
        let total = Cluster.resources("cpus:64;mem:488000")
        for index in 0..<agents { allocator.addAgent(Cluster.agent(index), total: total, at: Cluster.start) }
        var workers: [FrameworkID: Worker] = [:]
        for profile in profiles {
            for index in 0..<profile.frameworks {
                let id = FrameworkID("\(profile.name)-\(index)")
                let role = try RoleName(profile.isAlone ? "\(profile.role)-\(index)" : profile.role)
                workers[id] = Worker(
                    role: role, task: profile.task, perOffer: profile.perOffer, missing: profile.tasks)
                allocator.addFramework(id, roles: [role])
            }
        }
        var left = workers.values.reduce(0) { $0 + $1.missing }
        var (time, rounds, distances) = (Duration.zero, 0, [Double]())
        while left > 0, rounds < 10_000 {
            rounds += 1
            var offers: [Allocation] = []
            time += Stopwatch.time { offers = allocator.allocate(at: .zero, seed: seed &+ UInt64(rounds)) }
            for offer in offers {
                guard var worker = workers[offer.framework] else { continue }
                var (rest, started) = (offer.resources, 0)
                while started < worker.perOffer, worker.missing > 0, rest.contains(worker.task) {
                    rest -= worker.task
                    started += 1
                    worker.missing -= 1
                }
                left -= started
                workers[offer.framework] = worker
                time += Stopwatch.time {
                    if worker.missing == 0 { allocator.suppress(offer.framework) }
                    if !rest.isEmpty {
                        allocator.recover(
                            offer.framework, role: offer.role, agent: offer.agent, resources: rest, filter: nil,
                            at: .zero)
                    }
                }
            }
            distances.append(distanceFromIdeal(workers, total))
        }
        precondition(left == 0, "\(left) tasks were not placed")
        return (time, rounds, distances.reduce(0, +) / Double(max(1, distances.count)))
    }

    /// How far the roles that want more are from equal dominant shares: the mean difference from their mean, in percent
    /// of the cluster.
    private static func distanceFromIdeal(_ workers: [FrameworkID: Worker], _ total: Resources) -> Double {
        var shares: [RoleName: (cpus: Double, mem: Double, isHungry: Bool)] = [:]
        for (id, worker) in workers {
            let tasks = profiles.first { id.value.hasPrefix($0.name) }?.tasks ?? 0
            let running = Double(tasks - worker.missing)
            var share = shares[worker.role] ?? (0, 0, false)
            share.cpus += running * worker.task["cpus"].doubleValue
            share.mem += running * worker.task["mem"].doubleValue
            share.isHungry = share.isHungry || worker.missing > 0
            shares[worker.role] = share
        }
        let cpus = total["cpus"].doubleValue * Double(agents)
        let mem = total["mem"].doubleValue * Double(agents)
        let hungry = shares.values.filter(\.isHungry).map { max($0.cpus / cpus, $0.mem / mem) }
        if hungry.isEmpty { return 0 }
        let mean = hungry.reduce(0, +) / Double(hungry.count)
        return hungry.reduce(0) { $0 + ($1 > mean ? $1 - mean : mean - $1) } / Double(hungry.count) * 100
    }
}
