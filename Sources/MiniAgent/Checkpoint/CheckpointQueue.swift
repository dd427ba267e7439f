// In which order writes go to the disk.

import Resources

/// What waits for the disk, and what goes there next.
///
/// Writes of one task stay in their order; those of different tasks need not. Hundreds of tasks that come in one offer's
/// launch are therefore written a few at a time, between the writes of tasks that are further on: the first of them run while
/// the last are written. Otherwise nothing would be done for any of them before all are on disk.
package struct CheckpointQueue<Write> {
    /// Most writes that wait for the disk together: the first of them should not wait for ever.
    package static var groupMax: Int { 256 }
    private let arrivalsMax: Int

    private var writes: [Write] = []
    private var arrivals: [(write: Write, task: TaskKey, after: Int)] = []
    /// How many writes of a task are among ``arrivals``.
    private var arriving: [TaskKey: Int] = [:]
    /// How many of ``writes`` have been taken since the beginning.
    private var taken = 0

    /// - Parameter arrivalsMax: Most of a group that are new tasks, and what was asked for about them meanwhile.
    package init(arrivalsMax: Int = 8) { self.arrivalsMax = max(1, arrivalsMax) }

    package var isEmpty: Bool { writes.isEmpty && arrivals.isEmpty }

    package mutating func append(_ write: Write, _ kind: CheckpointWrite.Kind) {
        // A task of an earlier one's name comes after what was asked for about that one.
        let after = taken + writes.count
        switch kind {
        case .arrival(let task):
            arrivals.append((write, task, after))
            arriving[task, default: 0] += 1
        case .of(let task):
            guard let count = arriving[task] else { return writes.append(write) }
            arrivals.append((write, task, after))
            arriving[task] = count + 1
        case .other:
            writes.append(write)
        }
    }

    /// Takes what is to be written now, in this order, and is on disk before anything that a later call returns.
    ///
    /// - Returns: Empty if nothing waits.
    package mutating func next() -> [Write] {
        let first = writes.prefix(Self.groupMax)
        taken += first.count
        let later = arrivals.prefix(arrivalsMax).prefix { $0.after <= taken }
        for (_, task, _) in later {
            let left = (arriving[task] ?? 0) - 1
            arriving[task] = left > 0 ? left : nil
        }
        defer {
            writes.removeFirst(first.count)
            arrivals.removeFirst(later.count)
        }
        return first + later.map(\.write)
    }
}

extension CheckpointWrite {
    /// How a write goes with others.
    package enum Kind: Hashable, Sendable {
        /// A new task, of which nothing but itself depends on when it is written.
        case arrival(TaskKey)
        /// More about a task.
        case of(TaskKey)
        case other
    }

    /// Tasks of an executor stay where they are among its own writes, members of a group among each other's.
    package var kind: Kind {
        switch self {
        case .task(let record) where record.host == nil && record.group == nil: .arrival(record.key)
        case .update(let update): .of(update.key)
        case .acknowledgement(let key, _), .kill(let key, _, _), .retirement(let key, _): .of(key)
        case .agent, .cluster, .drain, .framework, .task, .executor, .executorStep, .subscription, .delivery,
            .executorRetirement, .resources:
            .other
        }
    }
}
