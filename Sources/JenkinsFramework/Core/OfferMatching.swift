// Which requested agent goes onto which offer: best fit, as many as fit, nothing kept for later.
import Resources

/// An offer reduced to what matching needs.
public struct AgentOffer: Equatable, Sendable {
    public var id: OfferID
    public var agentID: AgentID
    public var hostname: String
    public var role: RoleName
    public var resources: Resources
    /// Attributes as text: scalars in their shortest form, sets as one entry for each item.
    public var attributes: [String: [String]]
    /// When the machine goes into maintenance, if that is planned.
    public var unavailableFrom: WallTime?

    public init(
        id: OfferID, agentID: AgentID, hostname: String, role: RoleName = .any, resources: Resources,
        attributes: [String: [String]] = [:], unavailableFrom: WallTime? = nil
    ) {
        self.id = id
        self.agentID = agentID
        self.hostname = hostname
        self.role = role
        self.resources = resources
        self.attributes = attributes
        self.unavailableFrom = unavailableFrom
    }
}

/// What one requested agent asks of an offer.
struct AgentAsk: Equatable, Sendable {
    var node: NodeName
    var wanted: Resources
    var attributes: [String: String]
}

/// A requested agent's share of an offer.
struct OfferPick: Equatable, Sendable {
    var node: NodeName
    var resources: Resources
}

enum OfferMatching {
    /// - Parameters:
    ///   - asks: The most urgent first.
    ///   - usableUntil: Offers of machines that go into maintenance before this are left alone.
    /// - Returns: For each offer used, who gets what of it, in the order of the asks.
    static func match(
        asks: [AgentAsk], offers: [AgentOffer], usableUntil: WallTime
    ) -> [OfferID: [OfferPick]] {
        var left: [(offer: AgentOffer, resources: Resources)] =
            offers
            .filter { offer in offer.unavailableFrom.map { $0 > usableUntil } ?? true }
            .sorted { ($0.hostname, $0.id) < ($1.hostname, $1.id) }
            .map { ($0, $0.resources.nonRevocable) }
        var picks: [OfferID: [OfferPick]] = [:]
        for ask in asks {
            var best: (index: Int, taken: Resources, cpusLeft: Scalar)?
            for index in left.indices where has(ask.attributes, left[index].offer.attributes) {
                guard let taken = left[index].resources.taking(ask.wanted) else { continue }
                let cpusLeft = left[index].resources["cpus"] - taken["cpus"]
                if best == nil || cpusLeft < best?.cpusLeft ?? .zero { best = (index, taken, cpusLeft) }
            }
            guard let best else { continue }
            left[best.index].resources -= best.taken
            picks[left[best.index].offer.id, default: []].append(OfferPick(node: ask.node, resources: best.taken))
        }
        return picks
    }

    private static func has(_ wanted: [String: String], _ attributes: [String: [String]]) -> Bool {
        wanted.allSatisfy { name, value in attributes[name]?.contains(value) ?? false }
    }
}
