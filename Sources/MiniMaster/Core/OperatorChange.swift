// What an operator's call does once the registry holds it.
import Allocator
import Resources

/// The part of a call that has to wait for the registry. Only then is anything changed, and anybody answered.
enum OperatorChange: Equatable, Sendable {
    /// An agent whose end is part of the change, and the link it is told by.
    struct LeavingAgent: Equatable, Sendable {
        var id: AgentID
        var link: LinkID?
    }

    case weights([RoleName], RequestNumber)
    case quotas([RoleName], RequestNumber)
    case schedule(RequestNumber)
    case machinesDown([LeavingAgent], RequestNumber)
    case deactivated(AgentID, RequestNumber)
    case draining(AgentID, RequestNumber)
    case drained(AgentID)
    case reactivated(AgentID, RequestNumber)
    /// Without a request when the end of a drain asked for it.
    case gone(LeavingAgent, RequestNumber?)
    case tornDown(FrameworkID, RequestNumber)
}

extension Cluster {
    /// What operators decided under earlier leaders.
    mutating func adoptOperatorChanges(_ state: RegistryState) {
        adoptWeights(state.weights)
        adoptQuotas(state)
        maintenance = MaintenanceBook(state)
        drainsUnderWay = Set(state.standings.filter(\.value.isDraining).keys)
    }

    mutating func apply(_ change: OperatorChange) {
        switch change {
        case .weights(let roles, let request): weightsStored(roles, request)
        case .quotas(let roles, let request): quotasStored(roles, request)
        case .schedule(let request): scheduleStored(request)
        case .machinesDown(let agents, let request): machinesDown(agents, request)
        case .deactivated(let id, let request): deactivated(id, request)
        case .draining(let id, let request): drainBegun(id, request)
        case .drained(let id): note(.info, "agent \(id) is drained")
        case .reactivated(let id, let request): reactivated(id, request)
        case .gone(let agent, let request): declareGone(agent, request)
        case .tornDown(let id, let request):
            removeFramework(id)
            answer(request, .done)
        }
    }

    mutating func refuse(_ request: RequestNumber, _ status: Int, _ reason: String) {
        answer(request, .refused(status: status, reason: reason))
    }

    /// One call may change so many entries of the registry: more would not fit one of its transactions.
    static let changesPerCallMax = 2_000
}
