// Every task that is not over and acknowledged, found by framework or by agent.
import MesosProtocol
import Resources

/// The master's list of live tasks, unreachable ones included.
///
/// Records lie in pages, and are found through indexes that are cut into small dictionaries. Somebody who reads a copy of
/// the book while it changes thus makes it copy a few kilobytes with each change, not a hundred thousand records.
package struct TaskBook: Sendable {
    private var pages = RecordPages()
    private var byFramework: [FrameworkID: TaskIndex] = [:]
    /// Sorted by sequence.
    private var byAgent: [AgentID: [UInt32]] = [:]
    private var launches: UInt64 = 0
    private var journal: Journal?

    package init() {}

    package var count: Int { pages.count }

    package subscript(key: TaskKey) -> TaskRecord? {
        byFramework[key.framework]?[key.task].map { pages[$0] }
    }

    package func contains(_ key: TaskKey) -> Bool { byFramework[key.framework]?[key.task] != nil }

    /// In the order they came.
    package func tasks(of framework: FrameworkID) -> [TaskRecord] { slots(of: framework).map { pages[$0] } }

    /// In the order they came.
    package func tasks(on agent: AgentID) -> [TaskRecord] { (byAgent[agent] ?? []).map { pages[$0] } }

    /// In the order they came.
    package func keys(on agent: AgentID) -> [TaskKey] { (byAgent[agent] ?? []).map { pages[$0].key } }

    /// Whether any task, ended ones that were not acknowledged included, is on the agent.
    package func hasTasks(on agent: AgentID) -> Bool { byAgent[agent]?.isEmpty == false }

    package var frameworks: [FrameworkID] { byFramework.keys.sorted() }

    /// Frameworks with a task on the agent, sorted.
    package func frameworks(on agent: AgentID) -> [FrameworkID] {
        Set((byAgent[agent] ?? []).lazy.map { pages[$0].key.framework }).sorted()
    }

    /// Agents with a task of the framework, sorted.
    package func agents(of framework: FrameworkID) -> [AgentID] {
        Set((byFramework[framework]?.slots ?? []).lazy.map { pages[$0].agent }).sorted()
    }

    /// Calls `body` with every task, in no particular order: for totals only.
    package func forEach(_ body: (TaskRecord) -> Void) { pages.forEach(body) }

    /// Calls `body` with every agent that has tasks and with their places, in no particular order of agents.
    func forEachAgent(_ body: (AgentID, [UInt32]) -> Void) {
        for (agent, slots) in byAgent { body(agent, slots) }
    }

    /// The places of a framework's tasks, in the order they came: for readers who take them a few at a time.
    func slots(of framework: FrameworkID) -> [UInt32] {
        guard let index = byFramework[framework] else { return [] }
        var places = index.slots.map { (sequence: pages[$0].sequence, slot: $0) }
        places.sort { $0.sequence < $1.sequence }
        return places.map(\.slot)
    }

    /// Lends a record to its reader: a copy would cost more than most that is done with it.
    ///
    /// - Precondition: From `slots(of:)` of this very value.
    subscript(slot slot: UInt32) -> TaskRecord {
        _read { yield pages[slot] }
    }

    /// - Precondition: No task has that key.
    mutating func insert(_ record: TaskRecord) {
        precondition(!contains(record.key), "\(record.key) is already in the book")
        launches += 1
        var numbered = record
        numbered.sequence = launches
        let slot = pages.insert(numbered)
        byFramework[record.key.framework, default: TaskIndex()][record.key.task] = slot
        byAgent[record.agent, default: []].append(slot)
        journal?.changes.append(Change(record: numbered, isNew: true))
    }

    /// Makes room for tasks that are about to come to an agent.
    mutating func expect(_ count: Int, on agent: AgentID) {
        guard count > 1 else { return }
        let present = byAgent[agent]?.count ?? 0
        byAgent[agent, default: []].reserveCapacity(present + count)
    }

    /// Changes a task in place. Its key and agent must stay.
    mutating func update(_ key: TaskKey, _ change: (inout TaskRecord) -> Void) {
        guard let slot = byFramework[key.framework]?[key.task] else { return }
        if journal != nil { return updateWithJournal(slot, change) }
        change(&pages[slot])
    }

    @discardableResult
    mutating func remove(_ key: TaskKey) -> TaskRecord? {
        guard let slot = byFramework[key.framework]?[key.task] else { return nil }
        byFramework[key.framework]?[key.task] = nil
        if byFramework[key.framework]?.count == 0 { byFramework[key.framework] = nil }
        let record = pages.remove(slot)
        byAgent[record.agent]?.removeAll { $0 == slot }
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

    private mutating func updateWithJournal(_ slot: UInt32, _ change: (inout TaskRecord) -> Void) {
        let before = pages[slot]
        change(&pages[slot])
        let after = pages[slot]
        let old = before.statuses.last
        let new = after.statuses.last
        let isSeen = before.state != after.state || old?.state != new?.state || old?.healthy != new?.healthy
        if isSeen { journal?.changes.append(Change(record: after)) }
    }
}

/// Records in pages of a few kilobytes, at places that stay theirs as long as they are here.
private struct RecordPages: Sendable {
    private static let pageSize = 64

    private var pages: [[TaskRecord?]] = []
    private var free: [UInt32] = []
    private(set) var count = 0

    subscript(slot: UInt32) -> TaskRecord {
        _read {
            precondition(pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize] != nil, "no task at \(slot)")
            yield pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize]!
        }
        _modify {
            precondition(pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize] != nil, "no task at \(slot)")
            yield &pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize]!
        }
    }

    mutating func insert(_ record: TaskRecord) -> UInt32 {
        count += 1
        if let slot = free.popLast() {
            pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize] = record
            return slot
        }
        if pages.last.map({ $0.count == Self.pageSize }) ?? true {
            pages.append([])
            pages[pages.count - 1].reserveCapacity(Self.pageSize)
        }
        pages[pages.count - 1].append(record)
        return UInt32((pages.count - 1) * Self.pageSize + pages[pages.count - 1].count - 1)
    }

    mutating func remove(_ slot: UInt32) -> TaskRecord {
        let record = self[slot]
        pages[Int(slot) / Self.pageSize][Int(slot) % Self.pageSize] = nil
        count -= 1
        free.append(slot)
        if count == 0 { (pages, free) = ([], []) }
        return record
    }

    func forEach(_ body: (TaskRecord) -> Void) {
        for page in pages {
            for record in page {
                if let record { body(record) }
            }
        }
    }
}

/// Places by task id, in many small dictionaries once there are many.
private struct TaskIndex: Sendable {
    private static let partSize = 192

    private var parts: [[TaskID: UInt32]] = [[:]]
    private(set) var count = 0

    subscript(id: TaskID) -> UInt32? {
        get { parts[part(of: id)][id] }
        set {
            let part = part(of: id)
            let isKnown = parts[part].updateOrRemove(id, newValue)
            count += (newValue == nil ? 0 : 1) - (isKnown ? 1 : 0)
            if count > parts.count * Self.partSize { split() }
        }
    }

    /// In no particular order.
    var slots: [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for part in parts { result.append(contentsOf: part.values) }
        return result
    }

    private func part(of id: TaskID) -> Int { Self.part(of: id, among: parts.count) }

    /// - Parameter count: A power of two.
    private static func part(of id: TaskID, among count: Int) -> Int {
        if count == 1 { return 0 }
        // FNV-1a: the dictionaries have their own hashing, this only spreads.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.value.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & UInt64(count - 1))
    }

    private mutating func split() {
        var wider = [[TaskID: UInt32]](repeating: [:], count: parts.count * 2)
        for part in parts {
            for (id, slot) in part { wider[Self.part(of: id, among: wider.count)][id] = slot }
        }
        parts = wider
    }
}

extension [TaskID: UInt32] {
    /// - Returns: Whether the key was there before.
    fileprivate mutating func updateOrRemove(_ key: TaskID, _ value: UInt32?) -> Bool {
        if let value { return updateValue(value, forKey: key) != nil }
        return removeValue(forKey: key) != nil
    }
}
