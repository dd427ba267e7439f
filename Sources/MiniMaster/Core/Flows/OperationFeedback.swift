// What becomes of operations: their statuses go up, acknowledgements go down, and frameworks may ask.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Up

    /// An agent says how an operation ended.
    mutating func operationStatusArrived(_ call: LinkCall.OperationStatus, from agent: Agent) {
        count("operation_status_update")
        guard let id = call.id, let record = operations[id], record.agent == agent.id else {
            // Nobody waits for it: its framework is gone, or has acknowledged it.
            numbers.counters.count("master/invalid_operation_status_updates")
            if let id = call.id, let uuid = call.status.statusUUID {
                command(agent.id, .acknowledgeOperation(id, uuid))
            }
            return
        }
        numbers.counters.count("master/valid_operation_status_updates")
        var status = call.status
        if record.info.hasID { status.operationID = record.info.id }
        status.agentID = V1AgentID(agent.id)
        let isNew = !record.isTerminal && status.state.isTerminal
        let told = status
        operations.update(id) { operation in
            operation.latest = told
            if operation.statuses.last?.state != told.state { operation.statuses.append(told) }
        }
        if isNew {
            countEnd(of: record, in: status.state)
            settle(record, isDone: status.state == .operationFinished)
        }
        guard let framework = record.framework, record.operationID != nil else {
            if status.state.isTerminal { operations.remove(id) }
            if let uuid = status.statusUUID { command(agent.id, .acknowledgeOperation(id, uuid)) }
            return distrust(agent, after: status, isNew: isNew)
        }
        tell(framework, .operation(status))
        settleOnceOnly(id)
        distrust(agent, after: status, isNew: isNew)
    }

    /// Closes the book on an operation whose end the agent will not repeat, once the framework was told.
    private mutating func settleOnceOnly(_ id: WireUUID) {
        guard let record = operations[id], record.isTerminal, record.latest.statusUUID == nil,
            record.framework.flatMap({ frameworks[$0] })?.isConnected == true
        else { return }
        operations.remove(id)
    }

    /// The books were changed for an operation that the agent did not do. It is asked to register again, and what it has
    /// then counts.
    private mutating func distrust(_ agent: Agent, after status: V1OperationStatus, isNew: Bool) {
        // One that is dropped was never there when the agent last registered: the books are right already.
        guard isNew, ![.operationFinished, .operationDropped].contains(status.state), let link = agent.link else {
            return
        }
        note(
            .warning,
            "agent \(agent.id) could not do an operation: \(status.message); it is asked what it has")
        emit(.closeLink(link))
        linkClosed(link)
    }

    // MARK: Down

    mutating func acknowledge(_ call: V1SchedulerCall.AcknowledgeOperationStatus, from framework: Framework) {
        count("operation_status_update_acknowledgement")
        guard let uuid = WireUUID(bytes: call.uuid),
            let record = operations[framework.id, call.operationID.value],
            agents[record.agent]?.isConnected == true
        else {
            return numbers.counters.count("master/invalid_operation_status_update_acknowledgements")
        }
        numbers.counters.count("master/valid_operation_status_update_acknowledgements")
        if record.isTerminal, record.latest.statusUUID == uuid { operations.remove(record.id) }
        command(record.agent, .acknowledgeOperation(record.id, uuid))
    }

    // MARK: Asking

    mutating func reconcileOperations(_ call: V1SchedulerCall.ReconcileOperations, from framework: Framework) {
        count("reconcile_operations")
        if call.operations.isEmpty {
            for record in operations.operations(of: framework.id) where record.operationID != nil {
                tellLatest(of: record, to: framework.id)
            }
            return
        }
        for named in call.operations {
            if let record = operations[framework.id, named.operationID.value] {
                tellLatest(of: record, to: framework.id)
                continue
            }
            var status = V1OperationStatus()
            status.operationID = named.operationID
            let (state, message) = verdict(onUnknownOperationOn: named.hasAgentID ? AgentID(named.agentID) : nil)
            status.state = state
            status.message = message
            if named.hasAgentID { status.agentID = named.agentID }
            tell(framework.id, .operation(status))
        }
    }

    private mutating func tellLatest(of record: OperationRecord, to framework: FrameworkID) {
        var status = record.latest
        status.statusUUID = nil
        status.agentID = V1AgentID(record.agent)
        tell(framework, .operation(status))
        settleOnceOnly(record.id)
    }

    private func verdict(onUnknownOperationOn agent: AgentID?) -> (V1OperationState, String) {
        guard let agent else { return (.operationUnknown, "Reconciliation: Operation is unknown") }
        if let known = agents[agent] {
            // Its operations are not in the books before it has registered with this leader.
            return known.isAwaited || known.isAdmitting
                ? (.operationRecovering, "Reconciliation: Agent is recovering")
                : (.operationUnknown, "Reconciliation: Operation is unknown")
        }
        if registry.unreachable[agent] != nil {
            return (.operationUnreachable, "Reconciliation: Agent is unreachable")
        }
        if registry.gone[agent] != nil {
            return (.operationGoneByOperator, "Reconciliation: Agent marked gone by operator")
        }
        return (.operationUnknown, "Reconciliation: Both operation and agent are unknown")
    }

    // MARK: Agents come and go

    /// Brings the book and what an agent reports together. Its total has been taken over before.
    mutating func adoptOperations(_ reported: [LinkOperation], on agent: AgentID) {
        var known: Set<WireUUID> = []
        for message in reported {
            guard let id = message.id, message.hasFrameworkID else { continue }
            known.insert(id)
            let status = message.latestStatus
            if let record = operations[id] {
                operations.update(id) { $0.latest = status }
                if !record.isTerminal {
                    if status.state.isTerminal { countEnd(of: record, in: status.state) }
                    forgetHolding(of: record)
                }
            } else if frameworks[FrameworkID(message.frameworkID)] != nil {
                let nothing = ResourceConversion(consumed: Resources(), converted: Resources())
                var record = OperationRecord(
                    id: id, framework: FrameworkID(message.frameworkID), agent: agent, role: nil, info: message.info,
                    conversion: nothing, isHoldingBack: false, latest: status)
                record.statuses = [status]
                operations.insert(record)
            }
        }
        var missing: [WireUUID] = []
        for record in operations.operations(on: agent) where !known.contains(record.id) {
            if record.isTerminal {
                // The agent has let go of it: the acknowledgement had reached it. Without a uuid it is ours to tell.
                if record.latest.statusUUID != nil { operations.remove(record.id) }
                continue
            }
            forgetHolding(of: record)
            if record.framework != nil, record.operationID != nil {
                missing.append(record.id)
            } else {
                operations.remove(record.id)
            }
        }
        if !missing.isEmpty { command(agent, .reconcileOperations(missing)) }
    }

    /// The agent's total says already what came of it.
    private mutating func forgetHolding(of record: OperationRecord) {
        guard record.isHoldingBack, let framework = record.framework, let role = record.role else { return }
        operations.update(record.id) { $0.isHoldingBack = false }
        allocator.recover(
            framework, role: role, agent: record.agent, resources: record.conversion.consumed, filter: nil,
            at: now.instant)
    }

    /// An agent is lost: frameworks that wait for its operations hear what became of it.
    mutating func dropOperations(on agent: AgentID) {
        let (state, message) = verdict(onUnknownOperationOn: agent)
        for record in operations.operations(on: agent) {
            if !record.isTerminal, state.isTerminal { countEnd(of: record, in: state) }
            settle(record, isDone: false)
            operations.remove(record.id)
            guard let framework = record.framework, record.operationID != nil else { continue }
            if record.isTerminal {
                // It has its end, which the agent will not repeat unless it comes back.
                if state != .operationUnreachable { tellLatest(of: record, to: framework) }
                continue
            }
            var status = V1OperationStatus()
            status.operationID = record.info.id
            status.state = state
            status.message = message
            status.agentID = V1AgentID(agent)
            tell(framework, .operation(status))
        }
    }

    /// Nobody is left to acknowledge them.
    mutating func dropOperations(of framework: FrameworkID) {
        for record in operations.operations(of: framework) {
            if let uuid = record.latest.statusUUID { command(record.agent, .acknowledgeOperation(record.id, uuid)) }
            operations.remove(record.id)
        }
    }
}
