// What the cluster looks like to the history: by role, with the roles below it.
import ClusterHistory
import MesosProtocol
import Resources

enum HistorySampling {
    /// - Parameter time: Seconds since the Unix epoch.
    static func sample(_ cluster: Cluster, at time: Int64) -> HistorySample {
        var amounts: [RoleName: HistoryAmounts] = [:]
        for (role, resources) in ClusterFigures(cluster).usedByRole {
            amounts[role, default: HistoryAmounts()] += Self.amounts(of: resources)
        }
        cluster.tasks.forEach { task in
            guard !task.state.isTerminal, !task.isUnreachable else { return }
            amounts[task.role, default: HistoryAmounts()] += HistoryAmounts(tasks: 1, builds: isBuild(task) ? 1 : 0)
        }
        var series: [HistorySeries: HistoryAmounts] = [:]
        for (role, held) in amounts {
            series[.cluster, default: HistoryAmounts()] += held
            for each in role.ancestors + [role] { series[.role(each.value), default: HistoryAmounts()] += held }
        }
        var capacity = HistoryAmounts()
        for agent in cluster.agents.all where agent.isConnected {
            capacity += Self.amounts(of: agent.total) + HistoryAmounts(tasks: 1)
        }
        series[.capacity] = capacity
        return HistorySample(time: time, amounts: series)
    }

    private static func amounts(of resources: Resources) -> HistoryAmounts {
        HistoryAmounts(
            centiCPUs: (resources["cpus"].milli + 5) / 10, memory: (resources["mem"].milli + 500) / 1_000)
    }

    /// An agent of a Jenkins controller, which the framework marks with who it is for. It runs one build at a time.
    private static func isBuild(_ task: TaskRecord) -> Bool {
        guard let labels = task.details?.labels?.labels else { return false }
        return labels.contains { $0.key == "controller" } && labels.contains { $0.key == "node" }
            && labels.contains { $0.key == "template" }
    }
}
