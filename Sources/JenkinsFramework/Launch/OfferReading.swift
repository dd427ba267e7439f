// From the messages of the cluster to what the planner works with.
import FoundationEssentials
import MesosProtocol
import Resources

extension AgentOffer {
    /// - Returns: nil if the offer's resources or role cannot be read; it is declined then.
    init?(_ offer: V1Offer) {
        guard let resources = try? Resources(offer.resources) else { return nil }
        let role = offer.hasAllocationInfo ? try? RoleName(offer.allocationInfo.role) : .any
        guard let role else { return nil }
        var attributes: [String: [String]] = [:]
        for attribute in offer.attributes { attributes[attribute.name, default: []] += Self.texts(of: attribute) }
        self.init(
            id: OfferID(offer.id), agentID: AgentID(offer.agentID), hostname: offer.hostname, role: role,
            resources: resources, attributes: attributes,
            unavailableFrom: offer.hasUnavailability
                ? WallTime(nanoseconds: offer.unavailability.start.nanoseconds) : nil)
    }

    private static func texts(of attribute: V1Attribute) -> [String] {
        switch attribute.type {
        case .text: [attribute.text.value]
        case .scalar: Scalar(attribute.scalar.value).map { [$0.description] } ?? []
        case .set: attribute.set.item
        case .ranges: []
        }
    }
}

extension TaskUpdate {
    init(_ status: V1TaskStatus) {
        self.init(
            task: TaskID(status.taskID), agent: status.hasAgentID ? AgentID(status.agentID) : nil,
            state: State(status.state), cause: Self.cause(of: status), message: String(status.message.prefix(500)),
            uuid: status.hasUuid ? Array(status.uuid) : [])
        isOutOfMemory = status.hasReason && status.reason == .containerLimitationMemory
    }

    private static func cause(of status: V1TaskStatus) -> Cause {
        switch status.state {
        case .taskLost, .taskDropped, .taskGone, .taskGoneByOperator, .taskUnreachable, .taskUnknown, .taskKilled:
            return .infrastructure
        case .taskFinished, .taskFailed, .taskError, .taskStaging, .taskStarting, .taskRunning, .taskKilling:
            break
        }
        guard status.hasReason else { return .task }
        switch status.reason {
        case .invalidOffers, .agentDisconnected, .agentRemoved, .agentRestarted,
            .agentUnknown, .agentDraining, .agentRemovedByOperator, .masterDisconnected,
            .reconciliation, .frameworkRemoved, .taskKilledDuringLaunch:
            return .infrastructure
        default:
            return .task
        }
    }
}

extension TaskUpdate.State {
    init(_ state: V1TaskState) {
        switch state {
        case .taskStaging: self = .staging
        case .taskStarting: self = .starting
        case .taskRunning: self = .running
        case .taskKilling: self = .killing
        case .taskFinished: self = .finished
        case .taskFailed: self = .failed
        case .taskKilled: self = .killed
        case .taskError: self = .error
        case .taskLost: self = .lost
        case .taskDropped: self = .dropped
        case .taskUnreachable: self = .unreachable
        case .taskGone: self = .gone
        case .taskGoneByOperator: self = .goneByOperator
        case .taskUnknown: self = .unknown
        }
    }
}
