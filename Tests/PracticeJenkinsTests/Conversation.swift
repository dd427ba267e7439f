// A controller and a clock, driven one event at a time.
@testable import PracticeJenkins

struct Conversation {
    var controller = Controller(settings: ControllerSettings(key: Array("test key".utf8)))
    var now = PracticeTime(milliseconds: 1_000_000)
    private(set) var changes: [ControllerChange] = []
    private(set) var woken: [String] = []
    /// What must be on disk, in the order it was said.
    private(set) var persisted: [StoredKey] = []

    @discardableResult
    mutating func tell(_ event: ControllerEvent) -> Reply? {
        var answer: Reply?
        for effect in controller.step(event, at: now) {
            switch effect {
            case .persist(let keys): persisted += keys
            case .reply(let reply): answer = reply
            case .wakeAgent(let node): woken.append(node)
            case .record(let change): changes.append(change)
            }
        }
        return answer
    }

    /// Lets time pass in the steps the controller itself asks for.
    mutating func pass(milliseconds: Int64) {
        let end = now.advanced(byMilliseconds: milliseconds)
        while let due = controller.nextDeadline, due <= end {
            now = max(now, due)
            tell(.timePassed)
            // A deadline that stays due would make the shell's timer spin.
            precondition(controller.nextDeadline != due, "still due after it passed: \(due)")
        }
        now = end
        tell(.timePassed)
    }

    mutating func addJob(_ name: String, label: String? = nil, concurrent: Bool = false) {
        var configuration = JobConfiguration(kind: .freestyle(commands: ["make"]), label: label, xml: "")
        configuration.allowsConcurrentBuilds = concurrent
        tell(.jobCreationRequested(name: name, configuration))
    }

    mutating func addPipeline(_ name: String, stages: [[PipelineStep]]) {
        let configuration = JobConfiguration(kind: .pipeline(stages: stages), xml: "")
        tell(.jobCreationRequested(name: name, configuration))
    }

    mutating func addNode(
        _ name: String, labels: String = "", executors: Int = 1, mode: NodeConfiguration.Mode = .normal
    ) {
        let configuration = NodeConfiguration(name: name, executorCount: executors, labels: labels, mode: mode)
        tell(.nodeCreationRequested(configuration))
    }

    /// - Returns: The connection's cookie.
    mutating func connect(_ name: String, cookie: String? = nil) -> String {
        let reply = tell(.agentConnected(name: name, secret: controller.secret(ofNode: name), cookie: cookie))
        guard case .connected(let cookie) = reply else { return "refused" }
        return cookie
    }

    /// Adds a node and connects its agent.
    mutating func addAgent(_ name: String, labels: String = "", executors: Int = 1) -> String {
        addNode(name, labels: labels, executors: executors)
        return connect(name)
    }

    /// - Returns: The queue item's id.
    mutating func build(_ job: String, delay: Int64 = 0) -> Int {
        let reply = tell(.buildRequested(BuildRequest(job: job, delayMilliseconds: delay, user: "ann")))
        guard case .queued(let id) = reply else { return -1 }
        return id
    }

    /// What the agent gets when it asks.
    mutating func ask(_ cookie: String, after: Int = 0) -> AgentCommand? {
        guard case .command(let numbered) = tell(.agentAsked(cookie: cookie, after: after)) else { return nil }
        return numbered?.command
    }

    func state(_ item: Int) -> QueueItem.State? { controller.queue.item(item)?.state }

    func why(_ item: Int) -> String? {
        controller.queue.item(item).flatMap { controller.explanation(of: $0, at: now)?.text(.english) }
    }

    func result(_ job: String, _ number: Int = 1) -> BuildResult? { controller.jobs[job]?.build(number)?.result }

    func isBuilding(_ job: String, _ number: Int = 1) -> Bool {
        controller.jobs[job]?.build(number)?.isBuilding ?? false
    }

    func console(_ job: String, _ number: Int = 1) -> String {
        String(decoding: controller.jobs[job]?.build(number)?.console.bytes ?? [], as: UTF8.self)
    }
}
