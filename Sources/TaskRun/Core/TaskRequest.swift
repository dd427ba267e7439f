// One command to run somewhere in the cluster, and the task it becomes.

import MesosProtocol
import Resources

/// A command with what it needs.
public struct TaskRequest: Sendable {
    public var name: String
    /// Program and arguments; run as they are, without a shell.
    public var command: [String]
    /// Units as in Mesos: CPUs, and memory in MB.
    public var cpus: Scalar
    public var memory: Scalar
    /// The image to run in, or `nil` for a plain process.
    public var dockerImage: String?
    public var environment: [(name: String, value: String)]

    /// - Precondition: `command` is not empty.
    public init(
        name: String, command: [String], cpus: Scalar, memory: Scalar, dockerImage: String? = nil,
        environment: [(name: String, value: String)] = []
    ) {
        precondition(!command.isEmpty, "a task needs a command")
        self.name = name
        self.command = command
        self.cpus = cpus
        self.memory = memory
        self.dockerImage = dockerImage
        self.environment = environment
    }

    /// Whether an offer has room for the task.
    func fits(_ offer: V1Offer) -> Bool {
        func offered(_ name: String) -> Double {
            offer.resources.filter { $0.name == name && $0.type == .scalar }.reduce(0) { $0 + $1.scalar.value }
        }
        return offered("cpus") >= cpus.doubleValue && offered("mem") >= memory.doubleValue
    }

    /// The task, to be launched on the offer's agent.
    func task(id: TaskID, on offer: V1Offer) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = name
        task.taskID = V1TaskID(id)
        task.agentID = offer.agentID
        task.resources = [
            Self.scalar("cpus", cpus, offer: offer), Self.scalar("mem", memory, offer: offer),
        ]
        task.command.shell = false
        task.command.value = command[0]
        // Mesos passes a process the arguments as its whole argv, but a container the value and then the arguments.
        task.command.arguments = dockerImage == nil ? command : Array(command.dropFirst())
        task.command.environment.variables = environment.map { entry in
            var variable = V1Environment.Variable()
            variable.name = entry.name
            variable.value = entry.value
            return variable
        }
        if let dockerImage {
            task.container.type = .docker
            task.container.docker.image = dockerImage
            task.container.docker.network = .host
        }
        return task
    }

    private static func scalar(_ name: String, _ value: Scalar, offer: V1Offer) -> V1Resource {
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = value.doubleValue
        if offer.hasAllocationInfo { resource.allocationInfo = offer.allocationInfo }
        return resource
    }
}
