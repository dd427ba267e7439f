// Custom executors and their tasks in the answers of the operator API.

import MesosProtocol
import Resources

extension AgentAnswers {
    var executorLives: [ExecutorLife] { core.executors.sorted { $0.key < $1.key }.map(\.value) }
    var hostedTasks: [HostedTask] { executorLives.flatMap { $0.tasks.sorted { $0.key < $1.key }.map(\.value) } }

    func message(_ task: HostedTask) -> V1Task { message(task.record, task.state, task.history, task.stream.head) }

    func executor(_ record: ExecutorRecord) -> V1AgentAPIResponse.GetExecutors.Executor {
        var executor = V1AgentAPIResponse.GetExecutors.Executor()
        executor.executorInfo = record.info
        executor.executorInfo.frameworkID = V1FrameworkID(record.key.framework)
        return executor
    }

    func container(_ life: ExecutorLife) -> V1AgentAPIResponse.GetContainers.Container {
        var container = V1AgentAPIResponse.GetContainers.Container()
        container.frameworkID = V1FrameworkID(life.record.key.framework)
        container.executorID = V1ExecutorID(life.record.key.executor)
        container.executorName = life.record.info.name
        container.containerID = V1ContainerID(life.record.container)
        container.containerStatus.containerID = V1ContainerID(life.record.container)
        container.containerStatus.networkInfos = life.networks
        if let usage = figures.running[life.record.container] {
            container.resourceStatistics = UsageStatistics.message(
                usage, UsageAllowance(resources: life.used))
        }
        return container
    }
}
