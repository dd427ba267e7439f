// The offers that are out: who holds what of which agent.
import Resources

/// One agent's resources, promised to one framework under one role until it answers.
package struct Offer: Equatable, Sendable {
    package let id: OfferID
    package let framework: FrameworkID
    package let agent: AgentID
    package let role: RoleName
    package let resources: Resources
}

/// All outstanding offers, found by id, framework or agent.
package struct OfferBook: Sendable {
    private var offers: [OfferID: Offer] = [:]
    private var byFramework: [FrameworkID: Set<OfferID>] = [:]
    private var byAgent: [AgentID: Set<OfferID>] = [:]

    package init() {}

    package var count: Int { offers.count }

    package subscript(id: OfferID) -> Offer? { offers[id] }

    /// Sorted by id.
    package func offers(to framework: FrameworkID) -> [Offer] { sorted(byFramework[framework]) }

    /// Sorted by id.
    package func offers(of agent: AgentID) -> [Offer] { sorted(byAgent[agent]) }

    package var all: [Offer] { offers.values.sorted { $0.id < $1.id } }

    private func sorted(_ ids: Set<OfferID>?) -> [Offer] {
        (ids ?? []).sorted().compactMap { offers[$0] }
    }

    mutating func insert(_ offer: Offer) {
        precondition(offers[offer.id] == nil, "offer \(offer.id) exists")
        offers[offer.id] = offer
        byFramework[offer.framework, default: []].insert(offer.id)
        byAgent[offer.agent, default: []].insert(offer.id)
    }

    @discardableResult
    mutating func remove(_ id: OfferID) -> Offer? {
        guard let offer = offers.removeValue(forKey: id) else { return nil }
        byFramework[offer.framework]?.remove(id)
        if byFramework[offer.framework]?.isEmpty == true { byFramework[offer.framework] = nil }
        byAgent[offer.agent]?.remove(id)
        if byAgent[offer.agent]?.isEmpty == true { byAgent[offer.agent] = nil }
        return offer
    }
}
