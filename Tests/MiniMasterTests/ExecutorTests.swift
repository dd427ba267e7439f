// Task groups and executors: one description and one charge for each executor, all of a group or nothing of it.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct ExecutorTests {
    private static let agent = Samples.agent(resources: "cpus:4;mem:4096;disk:1000")

    private static func group(
        _ tasks: [V1TaskInfo], under executor: V1ExecutorInfo = Samples.executor("e1")
    ) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = .launchGroup
        operation.launchGroup.executor = executor
        operation.launchGroup.taskGroup.tasks = tasks
        return operation
    }

    @Test func `a group goes to the agent in one command, and its executor is charged once`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        talk.accept(
            [Self.group([Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)])], pair,
            refuseSeconds: 0)
        #expect(talk.statuses(pair.stream).isEmpty)
        let run = talk.commands(pair.link).filter { $0.type == .runTaskGroup }
        #expect(run.map { $0.runTaskGroup.taskGroup.tasks.map(\.taskID.value) } == [["t1", "t2"]])
        #expect(run.first?.runTaskGroup.executor.frameworkID.value == pair.framework.value)
        #expect(talk.core.cluster?.executors.all.map(\.key.executor) == ["e1"])
        #expect(talk.isBalanced(pair.agent))
        // A second group of the same executor needs its tasks' resources only.
        talk.accept([Self.group([Samples.task("t3", on: pair.agent)])], pair, refuseSeconds: 0)
        #expect(talk.statuses(pair.stream).isEmpty)
        #expect(talk.offers(pair.stream).last?.resources.first { $0.name == "cpus" }?.scalar.value == 0.9)
        #expect(talk.isBalanced(pair.agent))
    }

    /// A group that breaks a rule, and what every task of it is told.
    struct Broken: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var message: String
        var change: @Sendable (inout V1Offer.Operation.LaunchGroup) -> Void

        init(
            _ description: String, _ message: String,
            _ change: @escaping @Sendable (inout V1Offer.Operation.LaunchGroup) -> Void
        ) {
            testDescription = description
            self.message = message
            self.change = change
        }
    }

    static let broken: [Broken] = [
        Broken("no type", "'ExecutorInfo.type' must be set to 'DEFAULT' or 'CUSTOM'") { $0.executor.clearType() },
        Broken("command", "'ExecutorInfo.command' must not be set for 'DEFAULT' executor") {
            $0.executor.command.value = "x"
        },
        Broken("no command", "'ExecutorInfo.command' must be set for 'CUSTOM' executor") { $0.executor.type = .custom },
        Broken("Docker executor", "Docker ContainerInfo is not supported on the executor") {
            $0.executor.container.type = .docker
            $0.executor.container.docker.image = "busybox"
        },
        Broken("executor id", "ID must not be empty") { $0.executor.executorID.value = "" },
        Broken("few cpus", "Executor's 'cpus' resource 0.009 is less than the minimum 0.01") {
            $0.executor.resources = Samples.bag("cpus:0.009;mem:32;disk:1").protobuf()
        },
        Broken("little memory", "Executor's 'mem' resource 31 is less than the minimum 32") {
            $0.executor.resources = Samples.bag("cpus:0.1;mem:31;disk:1").protobuf()
        },
        Broken("no disk", "Executor uses no 'disk' resource") {
            $0.executor.resources = Samples.bag("cpus:0.1;mem:32").protobuf()
        },
        Broken("Docker task", "Task 't2' is invalid: Docker ContainerInfo is not supported on the task") {
            $0.taskGroup.tasks[1].container.type = .docker
            $0.taskGroup.tasks[1].container.docker.image = "busybox"
        },
        Broken("same id", "Task 't1' is invalid: Task has duplicate ID: t1") {
            $0.taskGroup.tasks[1].taskID.value = "t1"
        },
        Broken("other executor", "Task 't1' is invalid: The `ExecutorInfo` of the task is not the one of its group") {
            $0.taskGroup.tasks[0].executor = Samples.executor("e2")
        },
        Broken("no resources", "Task 't2' is invalid: Task uses no resources") { $0.taskGroup.tasks[1].resources = [] },
        Broken(
            "network",
            "Task 't1' is invalid: HTTP and TCP health checks are not supported for nested containers not joining "
                + "parent's network"
        ) { group in
            group.taskGroup.tasks[0].container.type = .mesos
            group.taskGroup.tasks[0].container.networkInfos = [V1NetworkInfo()]
            group.taskGroup.tasks[0].healthCheck.type = .tcp
            group.taskGroup.tasks[0].healthCheck.tcp.port = 80
        },
    ]

    @Test(arguments: broken)
    func `a group that breaks a rule fails as a whole, with one reason`(_ broken: Broken) {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        var operation = Self.group([Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)])
        broken.change(&operation.launchGroup)
        talk.accept([operation], pair, refuseSeconds: 0)
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.state) == [.taskError, .taskError])
        #expect(statuses.allSatisfy { $0.reason == .taskGroupInvalid && $0.message == broken.message }, "\(statuses)")
        #expect(talk.core.cluster?.executors.all.isEmpty == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `an executor that has ended is reported with its status, and its resources are free`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        talk.accept([Self.group([Samples.task("t1", on: pair.agent)])], pair, refuseSeconds: 0)
        talk.agentCall(pair.link, .exitedExecutor) { call in
            call.exitedExecutor.frameworkID = V1FrameworkID(pair.framework)
            call.exitedExecutor.executorID.value = "e1"
            call.exitedExecutor.status = 256
        }
        let failure = talk.events(pair.stream).first { $0.type == .failure }?.failure
        #expect(failure?.agentID.value == pair.agent.value)
        #expect(failure?.executorID.value == "e1")
        #expect(failure?.status == 256)
        #expect(talk.core.cluster?.executors.all.isEmpty == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a default executor's end that crosses with another group for it ends nothing`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        talk.accept([Self.group([Samples.task("t1", on: pair.agent)])], pair, refuseSeconds: 0)
        let end = { (call: inout LinkCall) in
            call.exitedExecutor.frameworkID = V1FrameworkID(pair.framework)
            call.exitedExecutor.executorID.value = "e1"
        }
        talk.agentCall(pair.link, .exitedExecutor, end)
        #expect(talk.core.cluster?.executors.all.count == 1)
        #expect(!talk.events(pair.stream).contains { $0.type == .failure })
        #expect(talk.isBalanced(pair.agent))
        talk.update(pair.link, pair.framework, "t1", on: pair.agent, .taskFinished, uuid: 1)
        talk.agentCall(pair.link, .exitedExecutor, end)
        #expect(talk.core.cluster?.executors.all.isEmpty == true)
        #expect(talk.events(pair.stream).contains { $0.type == .failure })
    }

    @Test func `a second executor under the id of a running one must be the same`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        var first = Samples.task("t1", on: pair.agent, command: nil)
        first.executor = Samples.executor("e1", type: .custom)
        talk.accept([Samples.launch([first])], pair, refuseSeconds: 0)
        #expect(talk.statuses(pair.stream).isEmpty)
        var second = first
        second.taskID.value = "t2"
        second.executor.command.value = "another"
        var third = first
        third.taskID.value = "t3"
        talk.accept([Samples.launch([second, third])], pair, refuseSeconds: 0)
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.taskID.value) == ["t2"])
        #expect(statuses.first?.message.hasPrefix("ExecutorInfo is not compatible with existing ExecutorInfo") == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `SHUTDOWN goes to the agent`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.call(pair.stream, pair.framework, .shutdown) { call in
            call.shutdown.agentID = V1AgentID(pair.agent)
            call.shutdown.executorID.value = "e1"
        }
        let sent = talk.commands(pair.link).filter { $0.type == .shutdownExecutor }
        #expect(sent.map(\.shutdownExecutor.executorID.value) == ["e1"])
    }

    @Test func `executors that an agent does not bring back are over`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Self.agent)
        talk.accept([Self.group([Samples.task("t1", on: pair.agent)])], pair, refuseSeconds: 0)
        talk.send(.linkClosed(pair.link))
        var again = Self.agent
        again.agent.id = V1AgentID(pair.agent)
        talk.register(again)
        #expect(talk.core.cluster?.executors.all.isEmpty == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `limits need an agent that knows them`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(), Samples.agent(capabilities: []))
        var task = Samples.task("t1", on: pair.agent)
        task.limits["cpus"] = .init()
        task.limits["cpus"]?.value = 2
        talk.launch([task], pair)
        #expect(
            talk.statuses(pair.stream).map(\.message) == ["Agent is not capable of handling task resource limits"])
    }
}
