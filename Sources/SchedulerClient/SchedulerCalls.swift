// The calls of a v1 scheduler by name, each filled in and sent in order.
import MesosProtocol
import Resources

extension SchedulerClient {
    /// Uses offers of one agent and one role.
    ///
    /// - Parameter refuse: For how long the master keeps what is left over from this framework; nil is its default, 5 s.
    public func accept(
        _ offers: [OfferID], _ operations: [V1Offer.Operation], refuse: Duration? = nil
    ) async throws(SchedulerCallError) {
        try await send(Calls.accept(offers, operations, refuse: refuse))
    }

    public func decline(_ offers: [OfferID], refuse: Duration? = nil) async throws(SchedulerCallError) {
        try await send(Calls.decline(offers, refuse: refuse))
    }

    public func kill(
        _ task: TaskID, on agent: AgentID? = nil, grace: Duration? = nil
    ) async throws(SchedulerCallError) {
        try await send(Calls.kill(task, on: agent, grace: grace))
    }

    /// Acknowledges an update. Does nothing if it carries no uuid: the master made it up and does not wait.
    public func acknowledge(_ status: V1TaskStatus) async throws(SchedulerCallError) {
        guard let call = Calls.acknowledge(status) else { return }
        try await send(call)
    }

    /// Asks for the latest state of tasks; of all tasks the master knows if the list is empty.
    public func reconcile(_ tasks: [(TaskID, AgentID?)] = []) async throws(SchedulerCallError) {
        try await send(Calls.reconcile(tasks))
    }

    /// Asks for offers again, all filters cleared. No roles: all of the framework's.
    public func revive(_ roles: [RoleName] = []) async throws(SchedulerCallError) {
        try await send(Calls.revive(roles))
    }

    public func suppress(_ roles: [RoleName] = []) async throws(SchedulerCallError) {
        try await send(Calls.suppress(roles))
    }

    /// Removes the framework from the cluster, with all its tasks.
    public func teardown() async throws(SchedulerCallError) {
        try await send(Calls.teardown())
    }
}

/// Builders of call messages, for those who submit without waiting.
public enum Calls {
    public static func accept(
        _ offers: [OfferID], _ operations: [V1Offer.Operation], refuse: Duration?
    ) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .accept
        call.accept.offerIds = offers.map { V1OfferID($0) }
        call.accept.operations = operations
        if let refuse { call.accept.filters.refuseSeconds = refuse.inSeconds }
        return call
    }

    public static func decline(_ offers: [OfferID], refuse: Duration?) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .decline
        call.decline.offerIds = offers.map { V1OfferID($0) }
        if let refuse { call.decline.filters.refuseSeconds = refuse.inSeconds }
        return call
    }

    public static func kill(_ task: TaskID, on agent: AgentID?, grace: Duration?) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .kill
        call.kill.taskID = V1TaskID(task)
        if let agent { call.kill.agentID = V1AgentID(agent) }
        if let grace { call.kill.killPolicy.gracePeriod.nanoseconds = grace.clampedNanoseconds }
        return call
    }

    /// Nil if the update needs no acknowledgement.
    public static func acknowledge(_ status: V1TaskStatus) -> V1SchedulerCall? {
        guard status.hasUuid, !status.uuid.isEmpty else { return nil }
        var call = V1SchedulerCall()
        call.type = .acknowledge
        call.acknowledge.agentID = status.agentID
        call.acknowledge.taskID = status.taskID
        call.acknowledge.uuid = status.uuid
        return call
    }

    public static func reconcile(_ tasks: [(TaskID, AgentID?)]) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .reconcile
        call.reconcile = .init()
        call.reconcile.tasks = tasks.map { task, agent in
            var entry = V1SchedulerCall.Reconcile.Task()
            entry.taskID = V1TaskID(task)
            if let agent { entry.agentID = V1AgentID(agent) }
            return entry
        }
        return call
    }

    public static func revive(_ roles: [RoleName]) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .revive
        call.revive.roles = roles.map(\.value)
        return call
    }

    public static func suppress(_ roles: [RoleName]) -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .suppress
        call.suppress.roles = roles.map(\.value)
        return call
    }

    public static func teardown() -> V1SchedulerCall {
        var call = V1SchedulerCall()
        call.type = .teardown
        return call
    }

    /// LAUNCH of tasks, as an operation for `accept`.
    public static func launch(_ tasks: [V1TaskInfo]) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = .launch
        operation.launch.taskInfos = tasks
        return operation
    }
}
