// A whole cluster in one value: masters, agents, ZooKeeper, frameworks and the network between them, in virtual time.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

/// The real cores, and around them a world that loses, delays, freezes and kills.
///
/// Everything is drawn from one seed, so a seed replays exactly. A process that crashes and starts again is a new
/// generation: whatever was on its way to the old one is lost.
struct ClusterWorld {
    /// Something that is going to happen.
    enum Happening {
        case toMaster(Int, generation: Int, MasterEvent)
        case toAgent(Int, generation: Int, AgentEvent)
        case zooKeeper(ZooKeeperHappening)
        case framework(Int, FrameworkHappening)
        case arrival(connection: Int, Payload)
        case noticed(connection: Int, by: Side)
        case container(agent: Int, ContainerID, ContainerHappening)
        case written(agent: Int, generation: Int, CheckpointWrite)
        case fault(Fault)
        case strangeFault(StrangeFault)
        case znodeRemoved(Int64)
        case watch
        case intruderComes
        case `operator`(OperatorHappening)
        case agentDies(Int, down: Duration)
    }

    /// What travels over a connection.
    enum Payload {
        case linkCall(LinkCall)
        case linkCommand(LinkCommand)
        case schedulerCall(V1SchedulerCall)
        case schedulerEvent(V1SchedulerEvent)
        case operatorCall(V1OperatorCall)
        case operatorAnswer(MasterAnswer)
        /// The master's answer to the request that opened the connection.
        case opened
        case refused
    }

    enum Side { case client, master }

    let seed: UInt64
    var random: SeededRandom
    var timeline = Timeline<Happening>()
    /// Chance for what ``WorldPlan`` adds.
    var side: SeededRandom
    /// Chance for reservations, and for agents that do not belong here.
    var claimChance: SeededRandom
    /// Chance for volumes that change their size, and for freezes of a minute: drawn apart, so that seeds without them
    /// stay as they were.
    var laterChance: SeededRandom
    let plan: WorldPlan
    var zooKeeper = ModelZooKeeper<V1MasterInfo?, RegistryState>(store: RegistryState())
    var masters: [MasterProcess]
    var agents: [AgentHost]
    var frameworks: [SimFramework]
    var operators: SimOperator?
    var connections: [Int: Connection] = [:]
    var nextConnection = 1
    var nextRequest: UInt64 = 1
    /// While true, faults strike.
    var isStormy = true
    /// By master: when another znode with its address was last there, as far as somebody planned it.
    var rivals: [Int: Int64] = [:]
    /// Election znodes that an operator deleted.
    var deletedByHand: Set<Int64> = []
    var ledger = Ledger()
    var operationLedger = OperationLedger()
    var slowZooKeeperUntil: Int64 = 0
    /// What must never happen and did; the first one ends the run.
    var violations: [String] = []
    /// The latest lines of history, for the report of a failure.
    var history = History()

    static let sessionTimeout = Duration.seconds(4)

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed: seed)
        side = SeededRandom(seed: seed ^ 0x5EED_0F_0DD5)
        claimChance = SeededRandom(seed: seed ^ 0xC1A1_4001)
        laterChance = SeededRandom(seed: seed ^ 0x5E51_2E01)
        plan = WorldPlan(drawnFrom: &side, late: &claimChance)
        // Small clusters find most bugs, and many seeds of them fit into a minute.
        let agentCount = Int.random(in: 1...3, using: &random)
        let frameworkCount = Int.random(in: 1...2, using: &random)
        masters = (0..<3).map { MasterProcess(index: $0) }
        agents = (0..<agentCount + plan.moreAgents).map { AgentHost(index: $0) }
        frameworks = (0..<frameworkCount).map { index in
            var framework = SimFramework(index: index, tasksWanted: Int.random(in: 0...3, using: &random))
            framework.tasksToCome = Int.random(in: 1...6, using: &random)
            if random.chance(20) {
                framework.isMortal = true
                framework.failoverTimeout = Double.random(in: 1...8, using: &random)
            }
            return framework
        }
        self.random = random
        if plan.reserves {
            for index in frameworks.indices where !frameworks[index].isMortal { frameworks[index].reserves = true }
        }
        if plan.hasOperator { operators = SimOperator() }
    }

    var now: Moment { timeline.now }

    mutating func fail(_ text: String) {
        violations.append("\(text) (virtual second \(timeline.nanoseconds / 1_000_000_000), seed \(seed))")
    }

    /// Starts every process, each a little later than the one before.
    mutating func begin() {
        for index in masters.indices { startMaster(index, after: random.milliseconds(0...300)) }
        for index in agents.indices { startAgent(index, after: random.milliseconds(0...1500)) }
        for index in frameworks.indices {
            timeline.schedule(.framework(index, .retryDue(attempt: nil)), after: random.milliseconds(500...3000))
            timeline.schedule(.framework(index, .taskDue), after: random.milliseconds(500...9000))
            if frameworks[index].isMortal {
                timeline.schedule(.framework(index, .leaveDue), after: random.milliseconds(4000...44_000))
            }
        }
        timeline.schedule(.zooKeeper(.tick), after: .milliseconds(100))
        timeline.schedule(.fault(draw()), after: random.milliseconds(1000...8000))
        if plan.hasOperator { timeline.schedule(.operator(.due(attempt: 0)), after: side.milliseconds(1000...6000)) }
        if plan.hasOperator { timeline.schedule(.watch, after: side.milliseconds(3000...9000)) }
        if plan.hasIntruders { timeline.schedule(.intruderComes, after: claimChance.milliseconds(2000...9000)) }
        if plan.isStrange { timeline.schedule(.strangeFault(drawStrange()), after: side.milliseconds(3000...12_000)) }
    }

    /// One whole history: the storm, the calm after it, and the audit.
    static func ended(seed: UInt64) -> ClusterWorld {
        var world = ClusterWorld(seed: seed)
        world.begin()
        world.run(for: .seconds(45))
        world.calm()
        world.run(for: .seconds(600)) { $0.isSettled }
        if world.violations.isEmpty, !world.isSettled {
            world.fail("still owed after ten quiet minutes: \(world.debts.joined(separator: "; "))")
        }
        for index in world.masters.indices { world.checkBooks(ofMaster: index) }
        return world
    }

    /// Takes the next happening.
    mutating func advance() {
        guard let happening = timeline.popNext() else { return }
        thaw()
        switch happening {
        case .toMaster(let index, let generation, let event):
            deliver(event, toMaster: index, generation: generation)
        case .toAgent(let index, let generation, let event):
            deliver(event, toAgent: index, generation: generation)
        case .zooKeeper(let happening):
            take(happening)
        case .framework(let index, let happening):
            take(happening, framework: index)
        case .arrival(let connection, let payload):
            arrive(payload, on: connection)
        case .noticed(let connection, let side):
            notice(connection, by: side)
        case .container(let agent, let container, let happening):
            take(happening, container, onAgent: agent)
        case .written(let agent, let generation, let write):
            finishWrite(write, onAgent: agent, generation: generation)
        case .agentDies(let index, let down):
            guard isStormy else { return }
            strike(.killAgent(index, down: down))
        case .fault(let fault):
            guard isStormy else { return }
            strike(fault)
            timeline.schedule(.fault(draw()), after: random.milliseconds(500...9000))
        case .strangeFault(let fault):
            guard isStormy else { return }
            strike(fault)
            timeline.schedule(.strangeFault(drawStrange()), after: side.milliseconds(1000...12_000))
        case .znodeRemoved(let sequence):
            removeZnode(sequence)
        case .watch:
            watch()
        case .intruderComes:
            guard isStormy else { return }
            sendIntruder()
            timeline.schedule(.intruderComes, after: claimChance.milliseconds(1000...9000))
        case .operator(let happening):
            take(happening)
        }
    }

    /// Runs until virtual time has moved on by `duration`, or a violation is found.
    mutating func run(for duration: Duration, until isDone: (ClusterWorld) -> Bool = { _ in false }) {
        let end = timeline.nanoseconds + Int64(duration.components.seconds) * 1_000_000_000
        var steps = 0
        while violations.isEmpty, let due = timeline.nextDue, due <= end {
            advance()
            steps += 1
            if steps % 64 == 0, isDone(self) { return }
            if steps > 400_000 { return fail("400,000 events in \(duration): the cores keep each other busy") }
        }
    }
}

/// The latest lines of what happened, bounded.
struct History {
    private var lines: [String] = []

    mutating func add(_ line: @autoclosure () -> String) {
        guard History.isWanted else { return }
        let text = line()
        guard History.words.isEmpty || History.words.contains(where: { text.contains($0) }) else { return }
        lines.append(text)
        if lines.count > 4000 { lines.removeFirst(2000) }
    }

    /// SIM_TRACE=1 shows what led to a failure; SIM_TRACE=word,word only the lines with one of the words.
    static let isWanted = Environment.value("SIM_TRACE") != nil
    private static let words = (Environment.value("SIM_TRACE") ?? "").split(separator: ",").filter { $0 != "1" }

    var text: String { lines.suffix(Self.words.isEmpty ? 400 : 4000).joined(separator: "\n") }
}
