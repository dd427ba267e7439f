// Every task that is not over and acknowledged, found by framework or by agent.
import MesosProtocol
import Resources

/// The master's list of live tasks, unreachable ones included.
package struct TaskBook: Sendable {
    private var byFramework: [FrameworkID: [TaskID: TaskRecord]] = [:]
    private var byAgent: [AgentID: Set<TaskKey>] = [:]
    private var launches: UInt64 = 0
    private var journal: Journal?

    package init() {}

    package var count: Int { byFramework.values.reduce(0) { $0 + $1.count } }

    package subscript(key: TaskKey) -> TaskRecord? { byFramework[key.framework]?[key.task] }

    /// In the order they came.
    package func tasks(of framework: FrameworkID) -> [TaskRecord] {
        (byFramework[framework] ?? [:]).values.sorted { $0.sequence < $1.sequence }
    }

    /// Agents with a task of the framework, sorted.
    package func agents(of framework: FrameworkID) -> [AgentID] {
        Set((byFramework[framework] ?? [:]).values.lazy.map(\.agent)).sorted()
    }

    /// In the order they came.
    package func tasks(on agent: AgentID) -> [TaskRecord] {
        (byAgent[agent] ?? []).compactMap { self[$0] }.sorted { $0.sequence < $1.sequence }
    }

    /// Whether any task, ended ones that were not acknowledged included, is on the agent.
    package func hasTasks(on agent: AgentID) -> Bool { byAgent[agent]?.isEmpty == false }

    package var frameworks: [FrameworkID] { byFramework.keys.sorted() }

    /// Frameworks with a task on the agent, sorted.
    package func frameworks(on agent: AgentID) -> [FrameworkID] {
        Set((byAgent[agent] ?? []).map(\.framework)).sorted()
    }

    /// Calls `body` with every task, in no particular order: for totals only.
    package func forEach(_ body: (TaskRecord) -> Void) {
        for tasks in byFramework.values {
            for task in tasks.values { body(task) }
        }
    }

    /// - Precondition: No task has that key.
    mutating func insert(_ record: TaskRecord) {
        precondition(self[record.key] == nil, "\(record.key) is already in the book")
        launches += 1
        var numbered = record
        numbered.sequence = launches
        byFramework[record.key.framework, default: [:]][record.key.task] = numbered
        byAgent[record.agent, default: []].insert(record.key)
        journal?.changes.append(Change(record: numbered, isNew: true))
    }

    /// Changes a task in place. Its key and agent must stay.
    mutating func update(_ key: TaskKey, _ change: (inout TaskRecord) -> Void) {
        guard byFramework[key.framework]?[key.task] != nil else { return }
        if journal != nil { return updateWithJournal(key, change) }
        change(&byFramework[key.framework]![key.task]!)
    }

    @discardableResult
    mutating func remove(_ key: TaskKey) -> TaskRecord? {
        guard let record = byFramework[key.framework]?.removeValue(forKey: key.task) else { return nil }
        if byFramework[key.framework]?.isEmpty == true { byFramework[key.framework] = nil }
        byAgent[record.agent]?.remove(key)
        if byAgent[record.agent]?.isEmpty == true { byAgent[record.agent] = nil }
        journal?.removed[key] = record.state
        return record
    }

    // MARK: For those who watch

    /// A task that came, or one whose state or health changed, as it was right after that.
    struct Change: Sendable {
        var record: TaskRecord
        var isNew = false
        /// It left the book with this change.
        var isEnd = false
    }

    private struct Journal: Sendable {
        var changes: [Change] = []
        /// The states in which tasks left the book in this step.
        var removed: [TaskKey: V1TaskState] = [:]
    }

    /// Starts or stops to record changes. Without a journal nothing is recorded, and nothing is paid.
    mutating func keepJournal(_ isWanted: Bool) {
        if isWanted == (journal != nil) { return }
        journal = isWanted ? Journal() : nil
    }

    /// The changes since the last call, in order.
    mutating func takeJournal() -> [Change] {
        guard let taken = journal else { return [] }
        journal = Journal()
        return taken.changes
    }

    /// A task that has left the book in this step is over, in the state that the record has now.
    mutating func noteEnd(_ record: TaskRecord) {
        guard let state = journal?.removed[record.key], state != record.state else { return }
        journal?.changes.append(Change(record: record, isEnd: true))
    }

    private mutating func updateWithJournal(_ key: TaskKey, _ change: (inout TaskRecord) -> Void) {
        guard let before = self[key] else { return }
        change(&byFramework[key.framework]![key.task]!)
        guard let after = self[key] else { return }
        let old = before.statuses.last
        let new = after.statuses.last
        let isSeen = before.state != after.state || old?.state != new?.state || old?.healthy != new?.healthy
        if isSeen { journal?.changes.append(Change(record: after)) }
    }
}
