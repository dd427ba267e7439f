// What frameworks are asked to give back for maintenance: who was asked, what they said, who asked not to be asked.
import MesosProtocol
import Resources

/// A request to leave an agent before it becomes unavailable.
package struct InverseOffer: Equatable, Sendable {
    package let id: OfferID
    package let framework: FrameworkID
    package let agent: AgentID
    package let unavailability: V1Unavailability
}

/// All outstanding inverse offers, the last answer of each framework for each agent, and the filters.
package struct InverseOfferBook: Sendable {
    struct Pair: Hashable, Sendable {
        var agent: AgentID
        var framework: FrameworkID
    }

    struct Answer: Equatable, Sendable {
        var status: V1AllocatorInverseOfferStatus.Status
        var time: WallTime
    }

    private var offers: [OfferID: InverseOffer] = [:]
    private var outstanding: [Pair: OfferID] = [:]
    private var answers: [AgentID: [FrameworkID: Answer]] = [:]
    private var filters: [Pair: Instant] = [:]

    package init() {}

    package var count: Int { offers.count }

    package subscript(id: OfferID) -> InverseOffer? { offers[id] }

    /// Sorted by id.
    package func offers(to framework: FrameworkID) -> [InverseOffer] {
        offers.values.filter { $0.framework == framework }.sorted { $0.id < $1.id }
    }

    /// Sorted by id.
    package func offers(of agent: AgentID) -> [InverseOffer] {
        if offers.isEmpty { return [] }
        return offers.values.filter { $0.agent == agent }.sorted { $0.id < $1.id }
    }

    /// Sorted by framework.
    func answers(on agent: AgentID) -> [(framework: FrameworkID, answer: Answer)] {
        (answers[agent] ?? [:]).sorted { $0.key < $1.key }.map { (framework: $0.key, answer: $0.value) }
    }

    /// Whether the framework may be asked about the agent now.
    func canAsk(_ pair: Pair, at now: Instant) -> Bool {
        outstanding[pair] == nil && filters[pair].map { $0 <= now } != false
    }

    mutating func insert(_ offer: InverseOffer, at time: WallTime) {
        let pair = Pair(agent: offer.agent, framework: offer.framework)
        offers[offer.id] = offer
        outstanding[pair] = offer.id
        filters[pair] = nil
        if answers[offer.agent]?[offer.framework] == nil {
            answers[offer.agent, default: [:]][offer.framework] = Answer(status: .unknown, time: time)
        }
    }

    @discardableResult
    mutating func remove(_ id: OfferID) -> InverseOffer? {
        guard let offer = offers.removeValue(forKey: id) else { return nil }
        outstanding[Pair(agent: offer.agent, framework: offer.framework)] = nil
        return offer
    }

    mutating func note(_ status: V1AllocatorInverseOfferStatus.Status, on offer: InverseOffer, at time: WallTime) {
        answers[offer.agent, default: [:]][offer.framework] = Answer(status: status, time: time)
    }

    mutating func filter(_ offer: InverseOffer, until expiry: Instant) {
        filters[Pair(agent: offer.agent, framework: offer.framework)] = expiry
    }

    mutating func clearFilters(of framework: FrameworkID) {
        filters = filters.filter { $0.key.framework != framework }
    }

    /// The agent is gone, or is unavailable at another time: nothing that was said still counts.
    mutating func forget(_ agent: AgentID) {
        answers[agent] = nil
        filters = filters.filter { $0.key.agent != agent }
    }

    mutating func forget(_ framework: FrameworkID) {
        clearFilters(of: framework)
        for (agent, given) in answers where given[framework] != nil {
            answers[agent]?[framework] = nil
            if answers[agent]?.isEmpty == true { answers[agent] = nil }
        }
    }
}
