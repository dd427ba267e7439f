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

    /// Lends `body` the task at a place: a copy would cost more than most that is done with it.
    ///
    /// - Precondition: From `slots(of:)` of this very value.
    func withTask(at slot: UInt32, _ body: (borrowing TaskRecord) -> Void) { pages.lend(slot, to: body) }

    /// - Precondition: No task has that key.
    mutating func insert(_ record: TaskRecord) {
        let isNew = insertNew(record)
        precondition(isNew, "\(record.key) is already in the book")
    }

    /// Puts a task in unless there is one of that key: one search instead of two, which shows with a hundred thousand.
    ///
    /// - Returns: Whether it was put in. If not, nothing has changed.
    mutating func insertNew(_ record: TaskRecord) -> Bool {
        let slot = pages.next
        guard byFramework[record.key.framework, default: TaskIndex()].insert(record.key.task, slot) else {
            return false
        }
        launches += 1
        var numbered = record
        numbered.sequence = launches
        pages.insert(numbered)
        byAgent[record.agent, default: []].append(slot)
        journal?.changes.append(Change(record: numbered, isNew: true))
        return true
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
        byFramework[key.framework]?.remove(key.task)
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
    /// As many as a word has bits.
    private static let pageSize = 64

    private struct Page: Sendable {
        /// An empty place holds a record of nothing: one that is not optional is lent without being copied.
        var records: [TaskRecord] = []
        /// A bit for each place.
        var taken: UInt64 = 0
    }

    private var pages: [Page] = []
    private var free: [UInt32] = []
    private(set) var count = 0

    subscript(slot: UInt32) -> TaskRecord {
        _read {
            precondition(isTaken(slot), "no task at \(slot)")
            yield pages[Int(slot) / Self.pageSize].records[Int(slot) % Self.pageSize]
        }
        _modify {
            precondition(isTaken(slot), "no task at \(slot)")
            yield &pages[Int(slot) / Self.pageSize].records[Int(slot) % Self.pageSize]
        }
    }

    /// An array's subscript copies what it gives, a pointer's does not.
    func lend(_ slot: UInt32, to body: (borrowing TaskRecord) -> Void) {
        precondition(isTaken(slot), "no task at \(slot)")
        pages[Int(slot) / Self.pageSize].records.withUnsafeBufferPointer { records in
            guard let first = records.baseAddress else { return }
            body(first[Int(slot) % Self.pageSize])
        }
    }

    private func isTaken(_ slot: UInt32) -> Bool {
        pages[Int(slot) / Self.pageSize].taken >> (Int(slot) % Self.pageSize) & 1 == 1
    }

    /// Where the next record will lie.
    var next: UInt32 {
        if let slot = free.last { return slot }
        guard let last = pages.last else { return 0 }
        return UInt32((pages.count - 1) * Self.pageSize + last.records.count)
    }

    mutating func insert(_ record: TaskRecord) {
        let slot = next
        let (page, place) = (Int(slot) / Self.pageSize, Int(slot) % Self.pageSize)
        count += 1
        if free.popLast() != nil {
            pages[page].records[place] = record
        } else {
            if page == pages.count {
                pages.append(Page())
                pages[page].records.reserveCapacity(Self.pageSize)
            }
            pages[page].records.append(record)
        }
        pages[page].taken |= 1 << UInt64(place)
    }

    mutating func remove(_ slot: UInt32) -> TaskRecord {
        let record = self[slot]
        let (page, place) = (Int(slot) / Self.pageSize, Int(slot) % Self.pageSize)
        pages[page].records[place] = .nothing
        pages[page].taken &= ~(1 << UInt64(place))
        count -= 1
        free.append(slot)
        if count == 0 { (pages, free) = ([], []) }
        return record
    }

    func forEach(_ body: (TaskRecord) -> Void) {
        for page in pages {
            var rest = page.taken
            while rest != 0 {
                body(page.records[rest.trailingZeroBitCount])
                rest &= rest - 1
            }
        }
    }
}

extension TaskRecord {
    fileprivate static let nothing = TaskRecord(
        key: TaskKey(framework: FrameworkID(""), task: TaskID("")), agent: AgentID(""), name: "", role: .any,
        resources: Resources(), executor: "", state: .taskStaging, details: nil, sequence: 0)
}

/// Places by task id, in many small dictionaries once there are many.
private struct TaskIndex: Sendable {
    private static let partSize = 192
    /// How many dictionaries each one becomes when they are full: few tasks are moved more than once.
    private static let splitFactor = 4

    private var parts: [[TaskID: UInt32]] = [[:]]
    private(set) var count = 0

    subscript(id: TaskID) -> UInt32? { parts[part(of: id)][id] }

    /// - Returns: False if there is a task of that id; then its place is unchanged.
    mutating func insert(_ id: TaskID, _ slot: UInt32) -> Bool {
        let part = part(of: id)
        if let known = parts[part].updateValue(slot, forKey: id) {
            parts[part][id] = known
            return false
        }
        count += 1
        if count > parts.count * Self.partSize { split() }
        return true
    }

    mutating func remove(_ id: TaskID) {
        if parts[part(of: id)].removeValue(forKey: id) != nil { count -= 1 }
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
        // The dictionaries have their own hashing, this only spreads: a multiplication for each word.
        var text = id.value
        let hash = text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            var position = 0
            while bytes.count - position >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
                hash ^= hash >> 32
                position += 8
            }
            for byte in bytes[position...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) & UInt64(count - 1))
    }

    private mutating func split() {
        var wider = [[TaskID: UInt32]](repeating: [:], count: parts.count * Self.splitFactor)
        for place in wider.indices { wider[place].reserveCapacity(Self.partSize / 2) }
        for part in parts {
            for (id, slot) in part { wider[Self.part(of: id, among: wider.count)][id] = slot }
        }
        parts = wider
    }
}
