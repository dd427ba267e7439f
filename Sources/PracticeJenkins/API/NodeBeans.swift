/// Nodes, executors and labels as the REST API shows them.
struct NodeBeans {
    var jobs: JobBeans
    var canReadJobs = true

    private var controller: Controller { jobs.controller }

    func computers() -> Bean {
        let nodes = controller.sortedNodes
        var bean = Bean("hudson.model.ComputerSet")
        bean.add("busyExecutors", .integer(nodes.reduce(0) { $0 + $1.executors.count - $1.idleExecutorCount }))
        bean.addBeans("computer", inline: true, [builtIn()] + nodes.map(computer))
        bean.add("displayName", .string("Nodes"))
        let online = nodes.filter { !$0.isOffline }
        bean.add("totalExecutors", .integer(online.reduce(0) { $0 + $1.executors.count }))
        return bean
    }

    /// The built-in node runs nothing itself; pipeline runs sit in its one-off executors.
    func builtIn() -> Bean {
        let runs = controller.building.compactMap { controller.build($0) }.filter(\.isPipeline)
        var bean = common(
            "hudson.model.Hudson$MasterComputer", name: Explanation.builtInName,
            description: "the Jenkins controller's built-in node",
            labels: ["built-in"], isIdle: runs.isEmpty)
        bean.addBeans("executors", [])
        bean.add("jnlpAgent", .bool(false))
        bean.add("launchSupported", .bool(true))
        bean.add("manualLaunchAllowed", .bool(true))
        bean.add("numExecutors", .integer(0))
        bean.add("offline", .bool(false))
        bean.addBean("offlineCause", nil)
        bean.add("offlineCauseReason", .string(""))
        bean.addBeans(
            "oneOffExecutors",
            runs.enumerated().map { index, run in executor(-1, executable: buildReference(run), isIdle: false) })
        bean.add("temporarilyOffline", .bool(false))
        return bean
    }

    func computer(_ node: Node) -> Bean {
        let labels = Array(Set(LabelExpression.words(node.configuration.labels) + [node.name])).sorted()
        var bean = common(
            "hudson.slaves.SlaveComputer", name: node.name, description: node.configuration.description, labels: labels,
            isIdle: node.isIdle, isOffline: node.isOffline)
        bean.add("absoluteRemotePath", .optional(node.isConnected ? node.configuration.remoteRoot : nil))
        bean.addBeans("executors", node.executors.indices.map { executor($0, of: node) })
        bean.add("jnlpAgent", .bool(true))
        bean.add("launchSupported", .bool(false))
        bean.add("manualLaunchAllowed", .bool(true))
        bean.add("numExecutors", .integer(node.configuration.executorCount))
        bean.add("offline", .bool(node.isOffline))
        bean.addBean("offlineCause", node.offlineCause.map(cause))
        bean.add("offlineCauseReason", .string(node.offlineCause?.message ?? ""))
        bean.addBeans("oneOffExecutors", [])
        bean.add("temporarilyOffline", .bool(node.drain != nil))
        return bean
    }

    private func common(
        _ className: String, name: String, description: String, labels: [String], isIdle: Bool, isOffline: Bool = false
    ) -> Bean {
        var bean = Bean(className)
        bean.add("actions", .array([]))
        // Inline in Jenkins: label names show at any depth.
        bean.add("assignedLabels", .array(labels.map { .members(["name": .string($0)]) }))
        bean.add("description", .string(description))
        bean.add("displayName", visibility: 2, .string(name))
        bean.add("icon", .string(isOffline ? "symbol-computer-offline" : "symbol-computer"))
        bean.add("iconClassName", .string(isOffline ? "symbol-computer-offline" : "symbol-computer"))
        bean.add("idle", .bool(isIdle))
        bean.add("loadStatistics", .members(["_class": .string("hudson.model.Label$1")]))
        bean.add("monitorData", .object([]))
        return bean
    }

    private func cause(_ cause: OfflineCause) -> Bean {
        let className =
            switch cause.kind {
            case .byUser: "hudson.slaves.OfflineCause$UserCause"
            case .channelTermination: "hudson.slaves.OfflineCause$ChannelTermination"
            case .disconnected: "hudson.slaves.OfflineCause$ByCLI"
            }
        var bean = Bean(className)
        bean.add("timestamp", visibility: 2, .integer(cause.since.milliseconds))
        bean.add("description", visibility: 2, .string(cause.message))
        return bean
    }

    func executor(_ index: Int, of node: Node) -> Bean {
        guard case .run(let key) = node.executors[index], let build = controller.build(key) else {
            return executor(index, executable: nil, isIdle: node.executors[index] == nil)
        }
        if !canReadJobs { return executor(index, executable: nil, isIdle: false) }
        if key.step != nil {
            var placeholder = Bean(
                "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask$PlaceholderExecutable"
            )
            placeholder.add("number", visibility: 2, .integer(key.number))
            placeholder.add("url", visibility: 2, .string(jobs.url(key.job, key.number)))
            return executor(index, executable: placeholder, isIdle: false)
        }
        return executor(index, executable: buildReference(build), isIdle: false)
    }

    private func buildReference(_ build: Build) -> Bean { jobs.build(build) }

    private func executor(_ index: Int, executable: Bean?, isIdle: Bool) -> Bean {
        var bean = Bean("hudson.model.Executor")
        bean.addBean("currentExecutable", executable)
        bean.add("idle", .bool(isIdle))
        bean.add("likelyStuck", .bool(false))
        bean.add("number", .integer(index))
        bean.add("progress", .integer(-1))
        return bean
    }

    /// What a label expression stands for now.
    func label(_ expression: LabelExpression) -> Bean {
        let nodes = controller.sortedNodes.filter { expression.matches($0.atoms) }
        let online = nodes.filter { !$0.isOffline }
        let total = online.reduce(0) { $0 + $1.executors.count }
        let idle = online.reduce(0) { $0 + $1.idleExecutorCount }
        var isAtom = false
        if case .atom = expression { isAtom = true }
        var bean = Bean(isAtom ? "hudson.model.labels.LabelAtom" : "hudson.model.labels.LabelExpression")
        bean.add("actions", .array([]))
        bean.add("busyExecutors", .integer(total - idle))
        bean.add("clouds", .array([]))
        bean.add("description", .null)
        bean.add("idleExecutors", .integer(idle))
        bean.add("loadStatistics", .members(["_class": .string("hudson.model.Label$1")]))
        bean.add("name", visibility: 2, .string(expression.canonical))
        bean.addBeans("nodes", nodes.map(node))
        bean.add("offline", .bool(online.isEmpty))
        bean.addBeans("tiedJobs", tiedJobs(expression))
        bean.add("totalExecutors", .integer(total))
        return bean
    }

    private func tiedJobs(_ expression: LabelExpression) -> [Bean] {
        let tied = controller.sortedJobs.filter {
            $0.configuration.label.flatMap(LabelExpression.parse)?.canonical == expression.canonical
        }
        return canReadJobs ? tied.map(jobs.job) : []
    }

    private func node(_ node: Node) -> Bean {
        var bean = Bean("hudson.slaves.DumbSlave")
        bean.add("nodeName", visibility: 2, .string(node.name))
        bean.add("mode", .string(node.configuration.mode.rawValue))
        bean.add("nodeDescription", .string(node.configuration.description))
        bean.add("numExecutors", .integer(node.configuration.executorCount))
        return bean
    }
}
