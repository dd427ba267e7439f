// Finds out which label a queued item asks for. The controller knows and does not say; see the order of sources below.

/// Where an item may run.
package enum LabelRequirement: Hashable, Sendable {
    case expression(LabelExpression)
    /// No label: any node in mode NORMAL.
    case anyNode
    /// Only this node will do: no new agent can help.
    case bound(String)
    /// Runs on the built-in node without an executor of any agent.
    case flyweight
    /// Not known; counted and shown, never guessed.
    case unresolved
}

/// Remembers labels by item, because an item's label never changes while it is queued.
package struct LabelResolution: Equatable, Sendable {
    private var known: [QueueItemID: LabelRequirement] = [:]

    package init() {}

    /// - Parameter nodeNames: The nodes of the same poll; an item that names one of them waits for it alone.
    package mutating func resolve(_ items: [QueueItem], nodeNames: Set<String>) -> [QueueItemID: LabelRequirement] {
        var result: [QueueItemID: LabelRequirement] = [:]
        var kept: [QueueItemID: LabelRequirement] = [:]
        for item in items {
            let requirement = known[item.id] ?? Self.requirement(of: item, nodeNames: nodeNames)
            result[item.id] = requirement
            switch requirement {
            case .expression, .anyNode, .flyweight: kept[item.id] = requirement
            // What `why` says of a node may be said of a label once there are two nodes.
            case .bound, .unresolved: break
            }
        }
        known = kept
        return result
    }

    private static let flyweights = [
        ".WorkflowJob", "hudson.matrix.MatrixProject", ".WorkflowMultiBranchProject", ".OrganizationFolder",
    ]

    static func requirement(of item: QueueItem, nodeNames: Set<String>) -> LabelRequirement {
        if flyweights.contains(where: item.taskClass.hasSuffix) { return .flyweight }
        if let chosen = item.labelParameter, let expression = LabelExpression(chosen) {
            return nodeNames.contains(chosen) ? .bound(chosen) : .expression(expression)
        }
        if case .text(let text) = item.label { return LabelExpression(text).map { .expression($0) } ?? .anyNode }
        let isMatrixCell = item.taskClass.hasSuffix(".MatrixConfiguration")
        if item.label == .none, !isMatrixCell { return .anyNode }
        switch WhyText.parse(item.why) {
        case .expressionOrNode(let text):
            if nodeNames.contains(text) { return .bound(text) }
            return LabelExpression(text).map { .expression($0) } ?? .unresolved
        case .node(let name):
            return .bound(name)
        case .silent:
            return .unresolved
        }
    }
}
