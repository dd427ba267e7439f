// What changed since the last look, in words: one line for each change. Pure.

/// A Jenkins agent's task as the leading master shows it.
public struct DemoTask: Hashable, Sendable {
    /// Also the name of the Jenkins node.
    public var id: String
    public var state: String
    /// `agent-1`: the agent's name in the cluster.
    public var host: String
}

/// One look at the controller and the cluster.
struct DemoSnapshot: Equatable, Sendable {
    /// By job name.
    var builds: [String: DemoController.BuildView]
    /// Nodes of the demo's templates on the controller.
    var nodes: [String]
    var tasks: [DemoTask]
    var cluster: ClusterState?

    /// Nothing of the demo occupies anything.
    var isIdle: Bool {
        guard nodes.isEmpty, tasks.isEmpty, let cluster else { return false }
        return cluster.usedCPUs == 0 && cluster.usedMemory == 0 && cluster.offeredCPUs == 0
    }
}

/// Turns looks into lines.
struct DemoProgress: Equatable, Sendable {
    private(set) var last: DemoSnapshot?
    private var announcedTasks: Set<String> = []
    private let width: Int

    init(jobs: [DemoJob]) { width = jobs.map(\.name.count).max() ?? 0 }

    /// Lines for what is new in `snapshot`, in a fixed order.
    mutating func lines(for snapshot: DemoSnapshot) -> [String] {
        defer { last = snapshot }
        var lines: [String] = []
        for task in snapshot.tasks.sorted(by: { $0.id < $1.id }) where announcedTasks.insert(task.id).inserted {
            lines.append(line(task.id, "agent starting on \(task.host)"))
        }
        for (job, view) in snapshot.builds.sorted(by: { $0.key < $1.key }) where last?.builds[job] != view {
            // A build that is faster than our looks was running all the same.
            if case .ended(_, _, let node) = view, last?.builds[job] == .queued {
                lines.append(line(job, Self.text(.running(node: node))))
            }
            lines.append(line(job, Self.text(view)))
        }
        for node in (last?.nodes ?? []).sorted() where !snapshot.nodes.contains(node) {
            lines.append(line(node, "removed"))
        }
        return lines
    }

    private func line(_ subject: String, _ text: String) -> String {
        subject + String(repeating: " ", count: max(1, width + 6 - subject.count)) + text
    }

    static func text(_ view: DemoController.BuildView) -> String {
        switch view {
        case .queued: "queued"
        case .running(let node): node.isEmpty ? "running" : "running on \(node)"
        case .ended(let result, let milliseconds, _):
            "\(result) \(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        }
    }
}
