// What the cases that play a whole cluster need of an allocator, so that the reference can play as well.

import Allocator
import Resources

/// Something that hands out offers; roles, frameworks and agents are numbered from 0 in the order they are added.
protocol Contender {
    associatedtype Bag
    /// How long it worked so far.
    var time: Duration { get }

    init(offerSplit: Int)
    static func bag(_ resources: Resources) -> Bag
    mutating func addRole(_ name: RoleName, weight: Double)
    mutating func addFramework(_ id: FrameworkID, role: Int)
    mutating func addAgent(_ total: Resources)
    mutating func suppress(_ framework: Int)
    mutating func offers(at now: Duration, seed: UInt64) -> [ContenderOffer<Bag>]
    /// - Parameter filter: For how long the framework does not want it.
    mutating func giveBack(_ offer: ContenderOffer<Bag>, filter: Duration?, at now: Duration)
    /// Takes a task out of what is offered, if it fits.
    static func take(_ task: Bag, from bag: inout Bag) -> Bool
    static func isEmpty(_ bag: Bag) -> Bool
    static func cpus(of bag: Bag) -> Double
}

struct ContenderOffer<Bag> {
    var framework: Int
    var agent: Int
    var bag: Bag
}

/// The allocator itself.
struct RealContender: Contender {
    private(set) var time = Duration.zero
    private var allocator: Allocator
    private var roles: [RoleName] = []
    private var frameworks: [(id: FrameworkID, role: Int)] = []
    private var agents: [AgentID] = []
    private var numbers: [FrameworkID: Int] = [:]
    private var agentNumbers: [AgentID: Int] = [:]

    init(offerSplit: Int) { allocator = Allocator(settings: AllocatorSettings(offerSplit: offerSplit)) }

    static func bag(_ resources: Resources) -> Resources { resources }

    mutating func addRole(_ name: RoleName, weight: Double) {
        roles.append(name)
        if let weight = Weight(weight) { allocator.setWeight(name, weight) }
    }

    mutating func addFramework(_ id: FrameworkID, role: Int) {
        numbers[id] = frameworks.count
        frameworks.append((id, role))
        allocator.addFramework(id, roles: [roles[role]])
    }

    mutating func addAgent(_ total: Resources) {
        let id = Cluster.agent(agents.count)
        agentNumbers[id] = agents.count
        agents.append(id)
        allocator.addAgent(id, total: total, at: Cluster.start)
    }

    mutating func suppress(_ framework: Int) {
        time += Stopwatch.time { allocator.suppress(frameworks[framework].id) }
    }

    mutating func offers(at now: Duration, seed: UInt64) -> [ContenderOffer<Resources>] {
        var made: [Allocation] = []
        time += Stopwatch.time { made = allocator.allocate(at: Instant.zero.advanced(by: now), seed: seed) }
        return made.map { offer in
            ContenderOffer(
                framework: numbers[offer.framework] ?? 0, agent: agentNumbers[offer.agent] ?? 0, bag: offer.resources)
        }
    }

    mutating func giveBack(_ offer: ContenderOffer<Resources>, filter: Duration?, at now: Duration) {
        let (framework, role) = frameworks[offer.framework]
        time += Stopwatch.time {
            allocator.recover(
                framework, role: roles[role], agent: agents[offer.agent], resources: offer.bag, filter: filter,
                at: Instant.zero.advanced(by: now))
        }
    }

    static func take(_ task: Resources, from bag: inout Resources) -> Bool {
        guard bag.contains(task) else { return false }
        bag -= task
        return true
    }

    static func isEmpty(_ bag: Resources) -> Bool { bag.isEmpty }
    static func cpus(of bag: Resources) -> Double { bag["cpus"].doubleValue }
}

/// The reference.
struct TextbookContender: Contender {
    private(set) var time = Duration.zero
    private var allocator = TextbookAllocator()

    /// Offers are not split.
    init(offerSplit: Int) {}

    static func bag(_ resources: Resources) -> TextbookAllocator.Bag { .init(resources) }
    mutating func addRole(_ name: RoleName, weight: Double) { allocator.addRole(weight: weight) }
    mutating func addFramework(_ id: FrameworkID, role: Int) { allocator.addFramework(role: role) }
    mutating func addAgent(_ total: Resources) { allocator.addAgent(total) }
    mutating func suppress(_ framework: Int) { time += Stopwatch.time { allocator.suppress(framework) } }

    mutating func offers(at now: Duration, seed: UInt64) -> [ContenderOffer<TextbookAllocator.Bag>] {
        var made: [TextbookAllocator.Offer] = []
        time += Stopwatch.time { made = allocator.allocate(at: now) }
        return made.map { ContenderOffer(framework: $0.framework, agent: $0.agent, bag: $0.bag) }
    }

    mutating func giveBack(_ offer: ContenderOffer<TextbookAllocator.Bag>, filter: Duration?, at now: Duration) {
        time += Stopwatch.time {
            allocator.recover(
                .init(framework: offer.framework, agent: offer.agent, bag: offer.bag),
                declinedUntil: filter.map { now + $0 })
        }
    }

    static func take(_ task: TextbookAllocator.Bag, from bag: inout TextbookAllocator.Bag) -> Bool {
        guard bag.contains(task) else { return false }
        bag.add(task, times: -1)
        return true
    }

    static func isEmpty(_ bag: TextbookAllocator.Bag) -> Bool { bag.isEmpty }
    static func cpus(of bag: TextbookAllocator.Bag) -> Double { Double(bag.cpus) / 1_000 }
}
