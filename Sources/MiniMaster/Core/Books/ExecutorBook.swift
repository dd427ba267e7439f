// The executors that frameworks have on agents: described once, charged once, until their agent says that they ended.
import MesosProtocol
import Resources

/// One executor. A command task has none here: what runs it is the agent's own affair.
package struct ExecutorRecord: Sendable {
    package struct Key: Hashable, Comparable, Sendable {
        package var agent: AgentID
        package var framework: FrameworkID
        package var executor: ExecutorID

        package init(agent: AgentID, framework: FrameworkID, executor: ExecutorID) {
            self.agent = agent
            self.framework = framework
            self.executor = executor
        }

        package static func < (left: Self, right: Self) -> Bool {
            (left.agent, left.framework, left.executor) < (right.agent, right.framework, right.executor)
        }
    }

    package let key: Key
    /// As it went to the agent, the framework's id included.
    package let info: V1ExecutorInfo
    /// The role whose allocation pays for it.
    package let role: RoleName
    /// Held by the framework in the allocator as long as the record is here.
    package let resources: Resources
}

package struct ExecutorBook: Sendable {
    private var records: [ExecutorRecord.Key: ExecutorRecord] = [:]
    private var byAgent: [AgentID: Set<ExecutorRecord.Key>] = [:]

    package init() {}

    package subscript(key: ExecutorRecord.Key) -> ExecutorRecord? { records[key] }

    /// Sorted.
    package var all: [ExecutorRecord] { records.values.sorted { $0.key < $1.key } }

    /// Sorted.
    package func executors(on agent: AgentID) -> [ExecutorRecord] {
        (byAgent[agent] ?? []).sorted().compactMap { records[$0] }
    }

    /// Sorted.
    package func executors(of framework: FrameworkID) -> [ExecutorRecord] {
        all.filter { $0.key.framework == framework }
    }

    /// Sorted.
    package func executors(of framework: FrameworkID, on agent: AgentID) -> [ExecutorRecord] {
        executors(on: agent).filter { $0.key.framework == framework }
    }

    mutating func insert(_ record: ExecutorRecord) {
        records[record.key] = record
        byAgent[record.key.agent, default: []].insert(record.key)
    }

    @discardableResult
    mutating func remove(_ key: ExecutorRecord.Key) -> ExecutorRecord? {
        guard let record = records.removeValue(forKey: key) else { return nil }
        byAgent[key.agent]?.remove(key)
        if byAgent[key.agent]?.isEmpty == true { byAgent[key.agent] = nil }
        return record
    }
}
