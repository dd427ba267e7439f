/// What the controller core is told, and what it wants done or known.

struct BuildRequest: Equatable, Sendable {
    var job: String
    /// Values by name; names the job does not define are ignored.
    var values: [String: String] = [:]
    /// Overrides the quiet period.
    var delayMilliseconds: Int64?
    var user: String
}

/// What happened: past tense. Every case that a caller waits for is answered by exactly one `.reply` effect.
enum ControllerEvent: Equatable, Sendable {
    case jobCreationRequested(name: String, JobConfiguration)
    case jobChangeRequested(name: String, JobConfiguration)
    case jobDeletionRequested(name: String)
    case jobSwitchRequested(name: String, enabled: Bool)
    case buildRequested(BuildRequest)
    case cancelRequested(item: Int)
    case stopRequested(job: String, number: Int)
    case executorStopRequested(node: String, executor: Int)

    case nodeCreationRequested(NodeConfiguration)
    case nodeChangeRequested(name: String, NodeConfiguration)
    case nodeDeletionRequested(name: String)
    case drainRequested(node: String, message: String, user: String)
    case drainToggleRequested(node: String, message: String, user: String)
    case disconnectionRequested(node: String, message: String)

    case agentConnected(name: String, secret: String, cookie: String?)
    case agentAsked(cookie: String, after: Int)
    /// `offset` is where in the run's output these bytes belong.
    case agentLogged(cookie: String, RunKey, offset: Int, [UInt8])
    case agentFinished(cookie: String, RunKey, exitCode: Int)
    case agentLeft(cookie: String)

    case restarted
    case quietDownSwitched(Bool)
    case channelDropped(node: String)
    case simulatedNodeAdded(NodeConfiguration, buildMilliseconds: Int64)
    case jobRelabelled(name: String, label: String?)
    /// At the next drain of an idle node, a build of the job takes an executor just before the drain is effective.
    case buildOnDrainArmed(job: String)
    case timePassed
    /// The whole program stood still: it has not missed whoever could not reach it.
    case thawed
}

/// What the shell must now do: imperative.
enum ControllerEffect: Equatable, Sendable {
    /// These changed and must be on disk before the reply is given, if the controller keeps anything at all.
    case persist([StoredKey])
    case reply(Reply)
    /// The node has something for its agent: answer its waiting long poll.
    case wakeAgent(node: String)
    case record(ControllerChange)
}

/// Something that a controller keeps over the end of its process.
enum StoredKey: Hashable, Comparable, Sendable {
    case job(String)
    case build(String, Int)
    case node(String)
    case item(Int)
}

enum Reply: Equatable, Sendable {
    case done
    case queued(item: Int)
    case connected(cookie: String)
    /// `nil`: nothing to do.
    case command(NumberedCommand?)
    case refused(Refusal)
}

/// A request the controller declines; the caller did something it cannot do.
enum Refusal: Equatable, Sendable {
    case noSuchJob(String)
    case jobExists(String)
    case unsafeName(String)
    case jobDisabled(String)
    case queueFull
    case noSuchBuild(job: String, number: Int)
    case noSuchItem(Int)
    case itemNotCancellable(Int)
    case noSuchNode(String)
    case nodeExists(String)
    case noExecutors(String)
    case wrongSecret(String)
    case alreadyConnected(String)
    case staleCookie
}

/// A line of the controller's own history, for tests to assert on.
enum ControllerChange: Equatable, Sendable {
    case jobCreated(String)
    case jobDeleted(String)
    case itemQueued(id: Int, job: String)
    case itemCancelled(id: Int, job: String)
    case buildStarted(RunKey, node: String)
    case buildEnded(job: String, number: Int, BuildResult)
    case nodeCreated(String)
    case nodeDrained(String, message: String)
    case nodeOpened(String)
    case nodeDeleted(String, wasBusy: Bool)
    case agentConnected(String)
    case agentLost(String)
    case agentLeft(String)
    case restarted
}

extension Refusal {
    /// The reason in one line, as it goes into `X-Error`.
    var message: String {
        switch self {
        case .noSuchJob(let name): "No such job: \(name)"
        case .jobExists(let name): "A job already exists with the name ‘\(name)’"
        case .unsafeName(let name): "‘\(name)’ is not a safe name"
        case .jobDisabled(let name): "\(name) is not buildable"
        case .queueFull: "The queue holds \(BuildQueue.itemsMax) items already"
        case .noSuchBuild(let job, let number): "No such build: \(job) #\(number)"
        case .noSuchItem(let id): "No such queue item: \(id)"
        case .itemNotCancellable(let id): "Queue item \(id) cannot be cancelled any more"
        case .noSuchNode(let name): "No such agent: \(name)"
        case .nodeExists(let name): "Agent called ‘\(name)’ already exists"
        case .noExecutors(let name):
            "Invalid agent configuration for ‘\(name)’: the number of executors must be positive"
        case .wrongSecret(let name): "Incorrect secret for \(name)"
        case .alreadyConnected(let name): "\(name) is already connected to this controller"
        case .staleCookie: "This connection is over; connect again"
        }
    }
}
