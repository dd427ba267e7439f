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
        var attributes: [String: [OfferAttribute]] = [:]
        for attribute in offer.attributes {
            guard let value = OfferAttribute(attribute) else { continue }
            attributes[attribute.name, default: []].append(value)
        }
        var domain: DomainWish?
        if offer.hasDomain, offer.domain.hasFaultDomain {
            domain = DomainWish(
                region: offer.domain.faultDomain.region.name, zone: offer.domain.faultDomain.zone.name)
        }
        let start = offer.hasUnavailability ? offer.unavailability.start.nanoseconds : nil
        let length =
            offer.hasUnavailability && offer.unavailability.hasDuration
            ? offer.unavailability.duration.nanoseconds : nil
        self.init(
            id: OfferID(offer.id), agentID: AgentID(offer.agentID), hostname: offer.hostname, role: role,
            resources: resources, attributes: attributes, domain: domain,
            unavailableFrom: start.map { WallTime(nanoseconds: $0) },
            unavailableUntil: start.flatMap { start in
                length.map { WallTime(nanoseconds: start).advanced(by: .nanoseconds($0)) }
            })
    }
}

extension OfferAttribute {
    /// - Returns: nil if the value cannot be read.
    fileprivate init?(_ attribute: V1Attribute) {
        switch attribute.type {
        case .text:
            self = .text(attribute.text.value)
        case .scalar:
            guard let scalar = Scalar(attribute.scalar.value) else { return nil }
            self = .scalar(scalar)
        case .set:
            self = .set(attribute.set.item)
        case .ranges:
            self = .ranges(
                Ranges(attribute.ranges.range.compactMap { $0.begin <= $0.end ? $0.begin...$0.end : nil }))
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
