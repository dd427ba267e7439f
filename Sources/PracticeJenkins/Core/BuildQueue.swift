/// The build queue: items from the moment a build is asked for until it has an executor or is cancelled.

struct QueueItem: Equatable, Sendable {
    enum Task: Equatable, Sendable {
        case job(String)
        /// One `node` block of a running pipeline build.
        case step(RunKey)
    }
    enum State: Equatable, Sendable {
        case waiting(until: PracticeTime)
        /// Another build of the same job is in the way; an agent would not help.
        case blocked(since: PracticeTime)
        case buildable(since: PracticeTime)
        /// An executor is chosen; the build starts at `startsAt`.
        case pending(since: PracticeTime, node: String, executor: Int, startsAt: PracticeTime)
        case left(at: PracticeTime, build: Int?)
    }

    let id: Int
    let task: Task
    /// The expression as typed, `nil` if any node will do.
    var label: String?
    var expression: LabelExpression?
    let queuedAt: PracticeTime
    let parameters: [ParameterValue]
    let cause: BuildCause
    var state: State

    var jobName: String {
        switch task {
        case .job(let name): name
        case .step(let key): key.job
        }
    }

    var isLeft: Bool {
        if case .left = state { return true }
        return false
    }

    var isPending: Bool {
        if case .pending = state { return true }
        return false
    }

    /// When the item became buildable, if it did.
    var buildableSince: PracticeTime? {
        switch state {
        case .buildable(let since), .pending(let since, _, _, _): since
        case .waiting, .blocked, .left: nil
        }
    }
}

struct BuildQueue: Equatable, Sendable {
    /// How long an item that left the queue can still be asked for.
    static let leftKeptMilliseconds: Int64 = 300_000
    /// More than any test needs; a build request beyond it is refused.
    static let itemsMax = 20_000

    /// In the order they were queued, so ascending by id.
    private(set) var items: [QueueItem] = []
    private(set) var left: [QueueItem] = []
    private var lastID = 0
    /// How many items of a job are buildable or pending.
    private var claims: [String: Int] = [:]
    /// Items that changed since they were last persisted.
    private var touched: Set<Int> = []

    /// Whether an item of the job may start as soon as it gets an executor: a second one has to wait for it.
    func isClaimed(_ job: String) -> Bool { claims[job] != nil }

    var isFull: Bool { items.count >= Self.itemsMax }

    func item(_ id: Int) -> QueueItem? {
        items.first { $0.id == id } ?? left.last { $0.id == id }
    }

    /// An item of the same job with the same parameters that has no executor yet: a second request joins it.
    func waitingItem(of job: String, parameters: [ParameterValue]) -> QueueItem? {
        items.first { $0.task == .job(job) && $0.parameters == parameters && !$0.isPending }
    }

    mutating func add(
        _ task: QueueItem.Task, label: String?, parameters: [ParameterValue], cause: BuildCause,
        state: QueueItem.State, at now: PracticeTime
    ) -> Int {
        lastID += 1
        items.append(
            QueueItem(
                id: lastID, task: task, label: label, expression: label.flatMap(LabelExpression.parse), queuedAt: now,
                parameters: parameters, cause: cause, state: state))
        count(items[items.count - 1], by: 1)
        touched.insert(lastID)
        return lastID
    }

    /// Puts back what a controller kept.
    mutating func restore(_ kept: [QueueItem], lastID: Int) {
        items = kept.sorted { $0.id < $1.id }
        self.lastID = max(lastID, items.last?.id ?? 0)
        claims = [:]
        for item in items { count(item, by: 1) }
    }

    /// The highest id given out so far.
    var highestID: Int { lastID }

    mutating func takeTouched() -> [Int] {
        defer { touched = [] }
        return touched.sorted()
    }

    mutating func move(_ id: Int, to state: QueueItem.State) {
        guard let index = items.firstIndex(where: { $0.id == id }) else { return }
        touched.insert(id)
        count(items[index], by: -1)
        items[index].state = state
        count(items[index], by: 1)
        if case .left = state { left.append(items.remove(at: index)) }
    }

    private mutating func count(_ item: QueueItem, by change: Int) {
        guard case .job(let name) = item.task, item.buildableSince != nil else { return }
        let count = (claims[name] ?? 0) + change
        claims[name] = count == 0 ? nil : count
    }

    mutating func relabel(job: String, label: String?) {
        for index in items.indices where items[index].task == .job(job) && !items[index].isPending {
            touched.insert(items[index].id)
            items[index].label = label
            items[index].expression = label.flatMap(LabelExpression.parse)
        }
    }

    mutating func forgetLeft(at now: PracticeTime) {
        // They left in order of time, so the oldest tells whether there is anything to do.
        guard case .left(let oldest, _) = left.first?.state, now.milliseconds(since: oldest) > Self.leftKeptMilliseconds
        else { return }
        left.removeAll { item in
            guard case .left(let at, _) = item.state else { return true }
            return now.milliseconds(since: at) > Self.leftKeptMilliseconds
        }
    }

    /// The order in which Jenkins lists them: waiting, blocked, then buildable and pending, each newest first.
    var listed: [QueueItem] {
        var (waiting, blocked, buildable, pending): ([QueueItem], [QueueItem], [QueueItem], [QueueItem]) =
            ([], [], [], [])
        for item in items {
            switch item.state {
            case .waiting: waiting.append(item)
            case .blocked: blocked.append(item)
            case .buildable: buildable.append(item)
            case .pending: pending.append(item)
            case .left: break
            }
        }
        return waiting + blocked + buildable.reversed() + pending.reversed()
    }
}
