// Every rule for a task of a LAUNCH, with the words a framework reads.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

/// A task that breaks one rule, and what is said about it.
struct BrokenTask: CustomTestStringConvertible, Sendable {
    var name: String
    var message: String
    var change: @Sendable (inout V1TaskInfo) -> Void

    var testDescription: String { name }

    init(_ name: String, _ message: String, _ change: @escaping @Sendable (inout V1TaskInfo) -> Void) {
        self.name = name
        self.message = message
        self.change = change
    }
}

struct TaskValidationTests {
    static let broken: [BrokenTask] = [
        BrokenTask("slash in the id", "'badid/..' contains invalid characters") { $0.taskID.value = "badid/.." },
        BrokenTask("empty id", "ID must not be empty") { $0.taskID.value = "" },
        BrokenTask("dot", "'.' is disallowed") { $0.taskID.value = "." },
        BrokenTask("long id", "ID must not be greater than 255 characters") {
            $0.taskID.value = String(repeating: "x", count: 256)
        },
        BrokenTask("kill policy", "Task's 'kill_policy.grace_period' must be non-negative") {
            $0.killPolicy.gracePeriod.nanoseconds = -1
        },
        BrokenTask("completion time", "Task's `max_completion_time` must be non-negative") {
            $0.maxCompletionTime.nanoseconds = -1
        },
        BrokenTask("check", "Task uses invalid check: CheckInfo must specify 'type'") { $0.check.delaySeconds = 1 },
        BrokenTask("health check", "Task uses invalid health check: HealthCheck must specify 'type'") {
            $0.healthCheck.delaySeconds = 1
        },
        BrokenTask("health path", "Task uses invalid health check: The path 'x' of HTTP check must start with '/'") {
            $0.healthCheck.http.port = 80
            $0.healthCheck.http.path = "x"
        },
        BrokenTask("no resources", "Task uses no resources") { $0.resources = [] },
        BrokenTask("broken gpus", "Task uses invalid resources: The 'gpus' resource must be an unsigned integer") {
            $0.resources[0].name = "gpus"
            $0.resources[0].scalar.value = 0.5
        },
        BrokenTask(
            "another role",
            "Invalid task resources: Resources are allocated to role 'ops' while the offers are allocated to role 'dev'"
        ) { task in
            for index in task.resources.indices { task.resources[index].allocationInfo.role = "ops" }
        },
        BrokenTask(
            "environment",
            "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set"
        ) { task in
            var variable = V1Environment.Variable()
            variable.name = "A"
            task.command.environment.variables = [variable]
        },
        BrokenTask(
            "docker without docker",
            "Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
        ) { $0.container.type = .docker },
        BrokenTask(
            "docker name", "Task's `ContainerInfo` is invalid: Parameter in DockerInfo must not be 'name'"
        ) { task in
            task.container.type = .docker
            task.container.docker.image = "busybox"
            var parameter = V1Parameter()
            parameter.key = "name"
            parameter.value = "x"
            task.container.docker.parameters = [parameter]
        },
        BrokenTask(
            "volume",
            "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' "
                + "and 'source'"
        ) { task in
            task.container.type = .mesos
            var volume = V1Volume()
            volume.mode = .rw
            volume.containerPath = "/x"
            volume.hostPath = "/y"
            volume.source.type = .hostPath
            task.container.volumes = [volume]
        },
        BrokenTask("limit name", "Only cpus and mem may be included in a task's resource limits") {
            $0.limits["disk"] = V1Value.Scalar()
        },
        BrokenTask("low limit", "The cpu limit must be greater than or equal to the cpu request") {
            $0.limits["cpus"] = V1Value.Scalar.with(0.5)
        },
        BrokenTask("share_cgroups", "Only tasks in a task group may have 'share_cgroups' set to 'false'") {
            $0.container.type = .mesos
            $0.container.linuxInfo.shareCgroups = false
        },
        BrokenTask(
            "neither", "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
        ) { $0.clearCommand() },
        BrokenTask("default executor", "'ExecutorInfo.type' must be 'CUSTOM'") { task in
            task.clearCommand()
            task.executor.executorID.value = "e"
            task.executor.type = .default
        },
        BrokenTask("executor without command", "'ExecutorInfo.command' must be set") { task in
            task.clearCommand()
            task.executor.executorID.value = "e"
        },
        BrokenTask(
            "too much",
            "Total resources cpus(allocated: dev):1000; mem(allocated: dev):128 required by task and its executor is "
                + "more than available cpus(allocated: dev):4; mem(allocated: dev):4096; "
                + "ports(allocated: dev):[31000-31099]"
        ) { $0.resources[0].scalar.value = 1000 },
    ]

    @Test(arguments: broken)
    func `a task that breaks a rule is told which`(broken: BrokenTask) {
        var talk = MasterConversation()
        let pair = talk.pair()
        var task = Samples.task("t1", on: pair.agent)
        broken.change(&task)
        #expect(talk.launch([task], pair) == .accepted)
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.state) == [.taskError])
        #expect(statuses.first?.message == broken.message)
        #expect(statuses.first?.reason == .taskInvalid)
        #expect(statuses.first?.source == .master)
        #expect(statuses.first?.hasUuid == false)
        #expect(talk.commands(pair.link).allSatisfy { $0.type != .runTask })
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a wrong agent is named with the right one, and the answer names the wrong one`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: "nope")], pair)
        let status = talk.statuses(pair.stream).first
        #expect(status?.message == "Task uses invalid agent nope while agent \(pair.agent) is expected")
        #expect(status?.agentID.value == "nope")
    }

    @Test func `of two tasks with one id the second is refused and the first runs`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent), Samples.task("t1", on: pair.agent)], pair)
        #expect(talk.statuses(pair.stream).map(\.message) == ["Task has duplicate ID: t1"])
        #expect(talk.commands(pair.link).filter { $0.type == .runTask }.count == 1)
    }

    @Test func `one task too many for what the first ones leave is refused alone`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let tasks = ["t1", "t2", "t3"].map { Samples.task($0, on: pair.agent, resources: "cpus:2;mem:10") }
        talk.launch(tasks, pair)
        #expect(talk.commands(pair.link).filter { $0.type == .runTask }.count == 2)
        #expect(talk.statuses(pair.stream).map(\.taskID.value) == ["t3"])
        #expect(talk.isBalanced(pair.agent))
    }
}

extension V1Value.Scalar {
    static func with(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }
}
