// Operations at the agent: applied when the master says so, told until the framework has heard of them.

import MesosProtocol
import Resources

extension AgentCore {
    mutating func apply(
        _ id: WireUUID, of framework: FrameworkID?, _ info: V1Offer.Operation
    ) -> [AgentEffect] {
        resources.apply(id, of: framework, info, statusID: WireUUID.random(using: &updateIDs))
    }

    /// Answers for each operation that is not here; those that are have their own way of being told.
    func reconcile(operations ids: [WireUUID], on linkID: LinkID) -> [AgentEffect] {
        ids.filter { !resources.isKnown($0) }.map { id in
            var status = V1OperationStatus()
            status.state = .operationDropped
            status.message = "Reconciliation: Operation is unknown to the agent"
            return .send(
                linkID, .operation(AgentOperation(id: id, framework: nil, info: V1Offer.Operation(), status: status)))
        }
    }

    /// Tells what became of an operation, and again until it is acknowledged if somebody wants to know.
    mutating func tell(_ operation: AgentOperation, isRepeat: Bool = false) -> [AgentEffect] {
        guard let linkID = link.registeredLink else { return [] }
        var effects: [AgentEffect] = [.send(linkID, .operation(operation))]
        if let (send, delay) = resources.noteSend(of: operation, isRepeat: isRepeat) {
            effects.append(.schedule(.retryOperation(operation.id, send: send), after: delay))
        }
        return effects
    }
}
