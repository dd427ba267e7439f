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
    /// By the address of the job.
    private var configured: [String: QueueItem.LabelField] = [:]
    private var asked: Set<String> = []

    private static let jobsMax = 20_000

    package init() {}

    /// What a poll knows beside its items.
    package struct Surroundings: Sendable {
        /// The nodes of the same poll; an item that names one of them waits for it alone.
        package var nodeNames: Set<String>
        /// Whether there is a node beside the built-in one; without any the controller hides labels.
        package var hasNodes: Bool
        package var source: LabelSource
        package var facts: LabelFacts

        package init(
            nodeNames: Set<String> = [], hasNodes: Bool = false, source: LabelSource = .auto,
            facts: LabelFacts = LabelFacts()
        ) {
            self.nodeNames = nodeNames
            self.hasNodes = hasNodes
            self.source = source
            self.facts = facts
        }
    }

    package mutating func resolve(
        _ items: [QueueItem], in surroundings: Surroundings
    ) -> [QueueItemID: LabelRequirement] {
        var result: [QueueItemID: LabelRequirement] = [:]
        result.reserveCapacity(items.count)
        var kept: [QueueItemID: LabelRequirement] = [:]
        kept.reserveCapacity(items.count)
        // Many items ask for the same, and parsing is the dearest part of it.
        var parsed: [String: LabelExpression?] = [:]
        func expression(_ text: String) -> LabelExpression? {
            if let seen = parsed[text] { return seen }
            let expression = LabelExpression(text)
            parsed[text] = .some(expression)
            return expression
        }
        for item in items {
            let requirement = known[item.id] ?? requirement(of: item, surroundings, expression)
            result[item.id] = requirement
            switch requirement {
            case .expression, .anyNode, .flyweight: kept[item.id] = requirement
            // What `why` says of a node may be said of a label once there are two nodes.
            case .bound, .unresolved: break
            }
        }
        known = kept
        if surroundings.source == .prometheus { distribute(surroundings.facts.queueLengths, over: items, &result) }
        return result
    }

    private static let flyweights = [
        ".WorkflowJob", "hudson.matrix.MatrixProject", ".WorkflowMultiBranchProject", ".OrganizationFolder",
    ]
    /// Job kinds whose configuration holds a label.
    private static let labelled = [".FreeStyleProject", ".MavenModuleSet", ".ExternalJob", ".IvyModuleSet"]

    private func requirement(
        of item: QueueItem, _ surroundings: Surroundings, _ expression: (String) -> LabelExpression?
    ) -> LabelRequirement {
        if Self.flyweights.contains(where: item.taskClass.hasSuffix) { return .flyweight }
        if surroundings.source == .script, let scripted = surroundings.facts.scripted[item.id] {
            if scripted.isFlyweight { return .flyweight }
            guard let label = scripted.label, let parsed = expression(label) else { return .anyNode }
            return surroundings.nodeNames.contains(label) ? .bound(label) : .expression(parsed)
        }
        if let chosen = item.labelParameter, let parsed = expression(chosen) {
            return surroundings.nodeNames.contains(chosen) ? .bound(chosen) : .expression(parsed)
        }
        if surroundings.source == .config, let field = configured[item.taskURL] { return field.requirement(expression) }
        let isMatrixCell = item.taskClass.hasSuffix(".MatrixConfiguration")
        switch item.label {
        case .text: return item.label.requirement(expression)
        case .none where !isMatrixCell: return .anyNode
        case .none, .absent: break
        }
        switch WhyText.parse(item.why) {
        case .expressionOrNode(let text):
            if surroundings.nodeNames.contains(text) { return .bound(text) }
            return expression(text).map { .expression($0) } ?? .unresolved
        case .node(let name):
            return .bound(name)
        case .anyNode where surroundings.hasNodes:
            return .anyNode
        case .anyNode, .silent:
            return configured[item.taskURL]?.requirement(expression) ?? .unresolved
        }
    }

    // MARK: - The configuration of jobs

    /// Jobs whose configuration would tell what nothing else does; each is asked for once.
    mutating func jobsToLookUp(
        _ items: [QueueItem], _ requirements: [QueueItemID: LabelRequirement], source: LabelSource
    ) -> [String] {
        guard source == .auto || source == .config else { return [] }
        var jobs: [String] = []
        for item in items where requirements[item.id] == .unresolved || source == .config && item.label == .absent {
            guard !item.taskURL.isEmpty, configured[item.taskURL] == nil, asked.count < Self.jobsMax,
                // Lines before 2.0 do not say what kind of job it is.
                item.taskClass.isEmpty || Self.labelled.contains(where: item.taskClass.hasSuffix),
                asked.insert(item.taskURL).inserted
            else { continue }
            jobs.append(item.taskURL)
        }
        return jobs
    }

    /// - Parameter label: nil if it could not be read; it is asked for again when the job is queued again.
    mutating func jobLookedUp(_ job: String, _ label: QueueItem.LabelField?) {
        asked.remove(job)
        guard let label else { return }
        if configured.count >= Self.jobsMax { configured = [:] }
        configured[job] = label
    }

    /// A job's label may have been edited: what was read before no longer counts.
    mutating func forgetJobs() {
        configured = [:]
        asked = []
    }

    // MARK: - Queue lengths

    /// Tells unresolved items apart by counting: as many wait for a label as its gauge says. Which of them does not matter,
    /// because demand is a number.
    private func distribute(
        _ lengths: [String: Int], over items: [QueueItem], _ result: inout [QueueItemID: LabelRequirement]
    ) {
        var unresolved = items.filter { result[$0.id] == .unresolved && $0.phase == .buildable }.map(\.id).sorted()[...]
        guard !unresolved.isEmpty, !lengths.isEmpty else { return }
        var resolved: [String: Int] = [:]
        for item in items {
            guard case .expression(let expression)? = result[item.id] else { continue }
            resolved[expression.description, default: 0] += 1
        }
        for label in lengths.keys.sorted() {
            guard let expression = LabelExpression(label) else { continue }
            let missing = max(lengths[label, default: 0] - resolved[expression.description, default: 0], 0)
            for id in unresolved.prefix(missing) { result[id] = .expression(expression) }
            unresolved = unresolved.dropFirst(missing)
        }
    }
}

extension QueueItem.LabelField {
    fileprivate func requirement(_ expression: (String) -> LabelExpression?) -> LabelRequirement {
        guard case .text(let text) = self, let parsed = expression(text) else { return .anyNode }
        return .expression(parsed)
    }
}
