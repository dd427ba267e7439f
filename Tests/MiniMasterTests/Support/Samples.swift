// Frameworks, agents, tasks and statuses for tests.
import MesosProtocol
import Resources

@testable import MiniMaster

enum Samples {
    static func framework(
        _ name: String = "build", id: String? = nil, roles: [String] = ["dev"],
        capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [.multiRole, .partitionAware],
        failoverTimeout: Double = 60, checkpoint: Bool = true
    ) -> V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = name
        if let id { info.id.value = id }
        info.failoverTimeout = failoverTimeout
        info.checkpoint = checkpoint
        info.capabilities = capabilities.map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        if capabilities.contains(.multiRole) { info.roles = roles }
        return info
    }

    static func agent(
        _ hostname: String = "a1.example.org", id: String? = nil,
        resources: String = "cpus:4;mem:4096;ports:[31000-31099]",
        port: Int32 = 5051, tasks: [LinkTask] = [], frameworks: [V1FrameworkInfo] = [],
        capabilities: [V1AgentInfo.Capability.TypeEnum] = Self.agentCapabilities
    ) -> LinkCall.Register {
        var message = LinkCall.Register()
        message.agent.hostname = hostname
        message.agent.port = port
        message.agent.resources = bag(resources).protobuf()
        if let id { message.agent.id.value = id }
        message.linkVersion = 1
        message.version = "0.1.0"
        message.capabilities = capabilities.map { type in
            var capability = V1AgentInfo.Capability()
            capability.type = type
            return capability
        }
        message.tasks = tasks
        message.frameworks = frameworks
        return message
    }

    /// What our agents say they can do.
    static let agentCapabilities: [V1AgentInfo.Capability.TypeEnum] = [
        .multiRole, .hierarchicalRole, .reservationRefinement, .resourceProvider, .resizeVolume,
        .agentOperationFeedback, .taskResourceLimits,
    ]

    /// Dynamically reserved resources: `cpus:1` for a role, with a principal if there is one.
    static func reserved(_ text: String, for roles: String..., by principal: String? = nil) -> [V1Resource] {
        bag(text).protobuf().map { resource in
            var reserved = resource
            reserved.reservations = roles.map { role in
                var reservation = V1Resource.ReservationInfo()
                reservation.type = .dynamic
                reservation.role = role
                if let principal { reservation.principal = principal }
                return reservation
            }
            return reserved
        }
    }

    /// A persistent volume of a role.
    static func volume(
        _ id: String, megabytes: Double = 64, for role: String = "dev", at path: String = "data",
        by principal: String? = nil
    ) -> V1Resource {
        var volume = reserved("disk:1", for: role, by: principal)[0]
        volume.scalar.value = megabytes
        volume.disk.persistence.id = id
        if let principal { volume.disk.persistence.principal = principal }
        volume.disk.volume.containerPath = path
        volume.disk.volume.mode = .rw
        return volume
    }

    static func operation(
        _ type: V1Offer.Operation.TypeEnum, _ resources: [V1Resource], id: String? = nil
    ) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = type
        if let id { operation.id.value = id }
        switch type {
        case .reserve: operation.reserve.resources = resources
        case .unreserve: operation.unreserve.resources = resources
        case .create: operation.create.volumes = resources
        case .destroy: operation.destroy.volumes = resources
        default: break
        }
        return operation
    }

    static func launch(_ tasks: [V1TaskInfo]) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = .launch
        operation.launch.taskInfos = tasks
        return operation
    }

    static func executor(
        _ id: String, type: V1ExecutorInfo.TypeEnum = .default, resources: String = "cpus:0.1;mem:32;disk:1"
    ) -> V1ExecutorInfo {
        var executor = V1ExecutorInfo()
        executor.executorID.value = id
        executor.type = type
        executor.resources = bag(resources).protobuf()
        if type == .custom { executor.command.value = "run" }
        return executor
    }

    /// Resources from text that tests know to be right.
    static func bag(_ text: String) -> Resources {
        do throws(ResourceParseError) {
            return try Resources.parse(text)
        } catch {
            preconditionFailure("\(text): \(error)")
        }
    }

    static func task(
        _ id: String, on agent: AgentID, resources: String = "cpus:1;mem:128", command: String? = "true"
    ) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.name = id
        info.taskID.value = id
        info.agentID = V1AgentID(agent)
        info.resources = resources.isEmpty ? [] : bag(resources).protobuf()
        if let command { info.command.value = command }
        return info
    }

    static func status(
        _ task: TaskID, on agent: AgentID, _ state: V1TaskState, uuid: UInt8
    ) -> V1TaskStatus {
        var status = V1TaskStatus()
        status.taskID = V1TaskID(task)
        status.agentID = V1AgentID(agent)
        status.executorID.value = task.value
        status.state = state
        status.source = .executor
        status.timestamp = 1_800_000_000
        status.updateUUID = WireUUID(bytes: [UInt8](repeating: uuid, count: 16))
        return status
    }

    static func heldTask(
        _ info: V1TaskInfo, of framework: FrameworkID, role: String = "dev", _ state: V1TaskState
    ) -> LinkTask {
        var task = LinkTask()
        task.frameworkID = V1FrameworkID(framework)
        task.info = info
        for index in task.info.resources.indices { task.info.resources[index].allocationInfo.role = role }
        task.state = state
        return task
    }
}

extension MasterConversation {
    /// One framework, subscribed, and one agent, registered: what most conversations begin with.
    struct Pair {
        var framework: FrameworkID
        var stream: StreamID
        var agent: AgentID
        var link: LinkID
    }

    @discardableResult
    mutating func pair(
        _ info: V1FrameworkInfo = Samples.framework(), _ agent: LinkCall.Register = Samples.agent()
    ) -> Pair {
        let link = register(agent)
        let agentID = core.cluster?.agents.agent(on: link)?.id ?? "none"
        let stream = subscribe(info)
        let framework = core.cluster?.frameworks.framework(on: stream)?.id ?? "none"
        return Pair(framework: framework, stream: stream, agent: agentID, link: link)
    }

    /// Accepts the newest offer on the pair's stream with a LAUNCH of these tasks.
    @discardableResult
    mutating func launch(_ tasks: [V1TaskInfo], _ pair: Pair, refuseSeconds: Double? = nil) -> MasterAnswer? {
        let offer = offers(pair.stream).last
        return call(pair.stream, pair.framework, .accept) { call in
            if let offer { call.accept.offerIds = [offer.id] }
            var operation = V1Offer.Operation()
            operation.type = .launch
            operation.launch.taskInfos = tasks
            call.accept.operations = [operation]
            if let refuseSeconds { call.accept.filters.refuseSeconds = refuseSeconds }
        }
    }

    /// Accepts the newest offer on the pair's stream with these operations.
    @discardableResult
    mutating func accept(
        _ operations: [V1Offer.Operation], _ pair: Pair, refuseSeconds: Double? = nil
    ) -> MasterAnswer? {
        let offer = offers(pair.stream).last
        return call(pair.stream, pair.framework, .accept) { call in
            if let offer { call.accept.offerIds = [offer.id] }
            call.accept.operations = operations
            if let refuseSeconds { call.accept.filters.refuseSeconds = refuseSeconds }
        }
    }

    func operationStatuses(_ stream: StreamID) -> [V1OperationStatus] {
        events(stream).filter { $0.type == .updateOperationStatus }.map(\.updateOperationStatus.status)
    }

    /// The operations that were sent to an agent.
    func applied(_ link: LinkID) -> [LinkCommand.ApplyOperation] {
        commands(link).filter { $0.type == .applyOperation }.map(\.applyOperation)
    }

    /// The agent reports how an operation ended.
    mutating func finish(
        _ operation: LinkCommand.ApplyOperation, on link: LinkID, _ state: V1OperationState = .operationFinished,
        uuid: UInt8? = nil, message: String = ""
    ) {
        agentCall(link, .operationStatus) { call in
            call.operationStatus.operationUuid = operation.uuid
            if operation.hasFrameworkID { call.operationStatus.frameworkID = operation.frameworkID }
            call.operationStatus.status.state = state
            if !message.isEmpty { call.operationStatus.status.message = message }
            if let uuid {
                call.operationStatus.status.statusUUID = WireUUID(bytes: [UInt8](repeating: uuid, count: 16))
            }
        }
    }

    mutating func acknowledge(_ pair: Pair, _ task: TaskID, uuid: UInt8) {
        let status = Samples.status(task, on: pair.agent, .taskRunning, uuid: uuid)
        call(pair.stream, pair.framework, .acknowledge) { call in
            call.acknowledge.agentID = V1AgentID(pair.agent)
            call.acknowledge.taskID = V1TaskID(task)
            call.acknowledge.uuid = status.uuid
        }
    }
}
