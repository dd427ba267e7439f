// An offer of the cluster, reduced to what matching needs.
import Resources

/// One value of a Mesos agent's attribute.
public enum OfferAttribute: Hashable, Sendable, ExpressibleByStringLiteral {
    case text(String)
    case scalar(Scalar)
    case set([String])
    case ranges(Ranges)

    public init(stringLiteral value: String) { self = .text(value) }

    /// Text is compared as text, a scalar as a number; a set or a range must contain the value.
    func matches(_ wanted: String) -> Bool {
        switch self {
        case .text(let text): return text == wanted
        case .scalar(let scalar): return Double(wanted).flatMap { Scalar($0) } == scalar
        case .set(let items): return items.contains(wanted)
        case .ranges(let ranges): return UInt64(wanted).map { ranges.contains($0) } ?? false
        }
    }
}

public struct AgentOffer: Equatable, Sendable {
    public var id: OfferID
    public var agentID: AgentID
    public var hostname: String
    /// An offer is for one role; what is reserved for it and what is not are both in the resources.
    public var role: RoleName
    public var resources: Resources
    public var attributes: [String: [OfferAttribute]]
    /// The fault domain, if the agent has one.
    public var domain: DomainWish?
    /// When the machine goes into maintenance, if that is planned; and until when, if that is known.
    public var unavailableFrom: WallTime?
    public var unavailableUntil: WallTime?

    public init(
        id: OfferID, agentID: AgentID, hostname: String, role: RoleName = .any, resources: Resources,
        attributes: [String: [OfferAttribute]] = [:], domain: DomainWish? = nil, unavailableFrom: WallTime? = nil,
        unavailableUntil: WallTime? = nil
    ) {
        self.id = id
        self.agentID = agentID
        self.hostname = hostname
        self.role = role
        self.resources = resources
        self.attributes = attributes
        self.domain = domain
        self.unavailableFrom = unavailableFrom
        self.unavailableUntil = unavailableUntil
    }

    /// Whether maintenance leaves the machine alone from now until then.
    func isAvailable(from now: WallTime, until end: WallTime) -> Bool {
        guard let unavailableFrom, unavailableFrom <= end else { return true }
        return unavailableUntil.map { $0 <= now } ?? false
    }
}

extension DomainWish {
    func accepts(_ domain: DomainWish?) -> Bool {
        (region == nil || region == domain?.region) && (zone == nil || zone == domain?.zone)
    }
}
