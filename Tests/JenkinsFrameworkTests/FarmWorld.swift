// The nouns of the simulated farm: faults, builds, nodes, tasks, and what may happen next.
import Resources

@testable import JenkinsFramework

/// Numbers that follow from a seed.
struct FarmRandom {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) >> 1) % bound
    }

    mutating func milliseconds(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// Which things go wrong. The first are in percent of the occasions, the others so many times in a run.
struct FarmFaults {
    /// The request was executed and its answer lost.
    var lostAnswers = 0
    var lostRequests = 0
    /// The request fails, and is executed some time later all the same.
    var lateRequests = 0
    /// An opening takes long to be executed, and is overtaken by what is asked for later.
    var slowOpenings = 0
    /// Status 500 to creations.
    var refusedCreations = 0
    var failedPolls = 0
    var failedStarts = 0
    /// Tasks that run and never connect.
    var muteAgents = 0
    var rescinds = 0

    var disconnections = 0
    var crashes = 0
    var freezes = 0
    var restarts = 0
    /// Controllers that forget with a restart which nodes were drained.
    var isOldLine = false
    var lostTasks = 0
    var lostHosts = 0
    var partitions = 0
    var deletionsByHand = 0
    var drainsByHand = 0
    var openingsByHand = 0
    var cancellations = 0

    static let none = FarmFaults()

    /// Each kind of fault is off in half of the seeds.
    static func random(_ seed: UInt64) -> FarmFaults {
        var random = FarmRandom(state: seed &* 77)
        func rate(_ most: Int) -> Int { random.chance(50) ? 0 : 1 + random.below(most) }
        var faults = FarmFaults()
        faults.lostAnswers = rate(15)
        faults.lostRequests = rate(15)
        faults.lateRequests = rate(8)
        faults.slowOpenings = seed % 2 == 0 ? 0 : 30
        faults.refusedCreations = rate(20)
        faults.failedPolls = rate(20)
        faults.failedStarts = rate(30)
        faults.muteAgents = rate(10)
        faults.rescinds = rate(40)
        faults.disconnections = rate(4)
        faults.crashes = rate(4)
        faults.freezes = rate(2)
        faults.restarts = rate(2)
        faults.isOldLine = random.chance(50)
        faults.lostTasks = rate(3)
        faults.lostHosts = rate(2)
        faults.partitions = rate(3)
        faults.deletionsByHand = rate(3)
        faults.drainsByHand = rate(3)
        faults.openingsByHand = rate(3)
        faults.cancellations = rate(5)
        return faults
    }
}

enum FarmFault {
    case disconnection, crash, freeze, restart, lostTask, lostHost, partition, deletion, drain, opening, cancellation
}

struct FarmBuild {
    var label: String
    /// Milliseconds.
    var duration: Int
    /// A step of a pipeline: its label stands in `why` alone.
    var isStep = false
    var starts = 0
    var isDone = false
    /// Killed by a fault, or cancelled.
    var isLost = false
    var node: String?
    var queuedAt = 0
}

struct FarmNode {
    var spec: NodeSpec
    var isBeacon = false
    var isConnected = false
    /// nil: it takes builds.
    var drainReason: String?
    var running: [QueueItemID] = []
    var buildsRun = 0
    /// When a look that showed it used reached the framework.
    var seenUsedAt: Int?
    /// Something happened that no framework could have answered: a second build is forgiven.
    var isExcused = false
    /// When somebody last put it back into service behind the framework's back.
    var openedByHandAt: Int?

    var isDrainedByHand: Bool { drainReason.map { !$0.contains("jenkins-framework: ") } ?? false }
}

struct FarmTask {
    var host: String
    var state: TaskUpdate.State
    var isMute = false
    /// The process; a task can be unreachable to the master and alive.
    var isAlive = true
}

enum FarmHappening {
    case deliver(JenkinsPlanner.Event, incarnation: Int)
    case poll(incarnation: Int)
    case pollPlanned(incarnation: Int)
    case readQueue([Computer]?, startedAt: Instant, incarnation: Int)
    case watch(incarnation: Int)
    case watchComputers([NodeName], Set<QueueItemID>?, startedAt: Instant, incarnation: Int)
    case tick(incarnation: Int)
    case queueBuild(QueueItemID)
    case endBuild(QueueItemID)
    case execute(JenkinsPlanner.Effect, incarnation: Int)
    case changeNode(JenkinsPlanner.Effect)
    case changeSlowly(JenkinsPlanner.Effect, from: Int)
    case writeState(UInt64, PlannerRecord, incarnation: Int)
    case taskRuns(TaskID)
    case taskConnects(TaskID)
    case taskReturns(TaskID)
    case taskGone(TaskID)
    case openByHand(String)
    case offerRound
    case subscribe(incarnation: Int)
    case strike(FarmFault)
}
