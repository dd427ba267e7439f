// A task's name in the whole cluster.

/// Names one task in the whole cluster: task ids are unique within their framework only.
public struct TaskKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let framework: FrameworkID
    public let task: TaskID

    public init(framework: FrameworkID, task: TaskID) {
        self.framework = framework
        self.task = task
    }

    public var description: String { "task \(task) of framework \(framework)" }

    public static func < (left: TaskKey, right: TaskKey) -> Bool {
        (left.framework, left.task) < (right.framework, right.task)
    }
}
