// Turns a launch order into the TaskInfo of an inbound agent: command, container, environment, resources.
import FoundationEssentials
import MesosProtocol
import Resources

/// What all agents of a framework have in common.
struct AgentTask {
    /// What agents are told to connect to, without a trailing slash.
    var agentURL: String
    var frameworkName: String
    var user: String
    /// nil as long as the controller has not said it.
    var version: JenkinsVersion?

    /// - Parameter pullSecret: The content of the container's `pullSecretFile`.
    func info(
        for agent: LaunchOrder.Agent, of order: LaunchOrder, template: AgentTemplate, launch: LaunchShape,
        pullSecret: [UInt8]? = nil
    ) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = "jenkins agent \(agent.template)"
        task.taskID = V1TaskID(TaskID(agent.name.value))
        task.agentID = V1AgentID(order.agentID)
        task.resources = agent.resources.protobuf(allocationRole: order.role)
        task.command = AgentCommand(task: self, agent: agent, template: template, launch: launch).info
        if var shape = launch.container {
            if let image = agent.image { shape.image = image }
            let container = AgentContainer(
                shape: shape, name: agent.name, ports: agent.ports, pullSecret: pullSecret)
            task.container = container.info
        }
        // A TERM gives the agent time to say goodbye; the controller has forgotten it by then.
        task.killPolicy.gracePeriod.nanoseconds = 5_000_000_000
        task.labels.labels = [
            label("framework", frameworkName), label("template", agent.template.value),
            label("node", agent.name.value), label("controller", agentURL),
        ]
        return task
    }

    private func label(_ key: String, _ value: String) -> V1Label {
        var label = V1Label()
        label.key = key
        label.value = value
        return label
    }
}
