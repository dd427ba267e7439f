// Takes each scheduler call through the checks that come before it, in Apache Mesos's order, and to its flow.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// Answers one scheduler call.
    ///
    /// The order of the checks is visible from outside (which of two faults is reported), so it is kept: the call,
    /// the accepted media type, a stream id where none belongs, the framework, its connection, the stream id.
    mutating func receive(_ request: RequestNumber, _ received: SchedulerRequest) {
        var incoming = received
        incoming.call.adopt(incoming.principal)
        let call = incoming.call
        if let fault = SchedulerCallValidation.fault(in: call, from: incoming.principal) {
            if fault == SchedulerCallValidation.fault(claiming: call.subscribe.frameworkInfo, from: incoming.principal)
            {
                note(.warning, "a subscription refused: \(fault)")
            }
            return refuse(request, 400, "Failed to validate scheduler::Call: \(fault)")
        }
        if call.type == .subscribe || call.type == .reconcileOperations, !incoming.acceptsStream {
            return refuse(
                request, 406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
        }
        if call.type == .subscribe {
            guard incoming.streamID == nil else {
                return refuse(request, 400, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
            }
            return subscribe(request, incoming)
        }
        let id = FrameworkID(call.frameworkID)
        guard let framework = frameworks[id] else { return refuse(request, 400, "Framework cannot be found") }
        if let fault = SchedulerCallValidation.fault(claiming: framework.info, from: incoming.principal) {
            note(.warning, "a call for framework \(id) refused: \(fault)")
            return refuse(request, 400, fault)
        }
        guard let stream = framework.stream else { return refuse(request, 403, "Framework is not subscribed") }
        guard let given = incoming.streamID else {
            return refuse(request, 400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
        }
        guard given == stream else {
            return refuse(
                request, 400,
                "The stream ID '\(given)' included in this request didn't match the stream ID currently associated "
                    + "with framework ID \(id)")
        }
        frameworkMetrics.update(id) { $0.count(call) }
        dispatch(request, call, from: framework)
    }

    private mutating func dispatch(_ request: RequestNumber, _ call: V1SchedulerCall, from framework: Framework) {
        switch call.type {
        case .unknown: return refuse(request, 501, "501 Not Implemented.")
        case .updateFramework: return updateFramework(request, framework, call.updateFramework)
        case .subscribe, .teardown, .accept, .decline, .acceptInverseOffers, .declineInverseOffers, .revive, .suppress,
            .kill, .shutdown, .acknowledge, .acknowledgeOperationStatus, .reconcile, .reconcileOperations, .message,
            .request:
            // 202 says only that the call was understood; what comes of it are events.
            answer(request, .accepted)
        }
        switch call.type {
        case .teardown:
            count("unregister_framework")
            beginRemoval(of: framework)
        case .accept: accept(call.accept, from: framework)
        case .decline: decline(call.decline, from: framework)
        case .revive: revive(call.revive.roles, framework)
        case .suppress: suppress(call.suppress.roles, framework)
        case .kill: kill(call.kill, from: framework)
        case .shutdown: shutdownExecutor(call.shutdown, from: framework)
        case .acknowledge: acknowledge(call.acknowledge, from: framework)
        case .reconcile: reconcile(call.reconcile, from: framework)
        case .reconcileOperations: reconcileOperations(call.reconcileOperations, from: framework)
        case .message: passMessage(call.message, from: framework)
        case .request: count("resource_request")
        case .acceptInverseOffers:
            let accept = call.acceptInverseOffers
            answerInverseOffers(accept.inverseOfferIds, accept.filters, .accept, from: framework)
        case .declineInverseOffers:
            let decline = call.declineInverseOffers
            answerInverseOffers(decline.inverseOfferIds, decline.filters, .decline, from: framework)
        case .acknowledgeOperationStatus: acknowledge(call.acknowledgeOperationStatus, from: framework)
        case .unknown, .subscribe, .updateFramework: break
        }
    }

    /// Counts `master/messages_<name>`.
    mutating func count(_ message: String) { numbers.counters.count("master/messages_\(message)") }

    // MARK: Roles

    private mutating func revive(_ names: [String], _ framework: Framework) {
        count("revive_offers")
        guard let roles = subscribedRoles(names, framework) else { return }
        frameworks.update(framework.id) { $0.suppressed.subtract(roles.isEmpty ? Set($0.roles) : roles) }
        allocator.revive(framework.id, roles: roles)
        inverseOffers.clearFilters(of: framework.id)
        wantAllocation()
    }

    private mutating func suppress(_ names: [String], _ framework: Framework) {
        count("suppress_offers")
        guard let roles = subscribedRoles(names, framework) else { return }
        frameworks.update(framework.id) { $0.suppressed.formUnion(roles.isEmpty ? Set($0.roles) : roles) }
        allocator.suppress(framework.id, roles: roles)
    }

    /// The roles of a call; nil, and a line in the log, if one of them is not the framework's: the call is then dropped
    /// whole.
    private mutating func subscribedRoles(_ names: [String], _ framework: Framework) -> Set<RoleName>? {
        var roles: Set<RoleName> = []
        for name in names {
            guard let role = try? RoleName(name), framework.roles.contains(role) else {
                note(.warning, "framework \(framework.id) named the role '\(name)', to which it is not subscribed")
                return nil
            }
            roles.insert(role)
        }
        return roles
    }

    // MARK: Messages

    private mutating func passMessage(_ call: V1SchedulerCall.Message, from framework: Framework) {
        count("framework_to_executor")
        let agent = AgentID(call.agentID)
        guard agents[agent]?.isConnected == true else {
            return numbers.counters.count("master/invalid_framework_to_executor_messages")
        }
        numbers.counters.count("master/valid_framework_to_executor_messages")
        command(agent, .message(framework.id, call))
    }
}
