// Which requested agent goes onto which offer: best fit, as many as fit, nothing kept for later.
import Resources

/// What one requested agent asks of an offer.
struct AgentAsk: Equatable, Sendable {
    var node: NodeName
    var wanted: Resources
    var ports: [PortWish] = []
    var attributes: [String: String]
    var domain: DomainWish?
    var role: RoleName?
    /// Machines that ran agents of the template not long ago, the last first: they have its image.
    var recentHosts: [String] = []
}

/// A requested agent's share of an offer.
struct OfferPick: Equatable, Sendable {
    var node: NodeName
    var resources: Resources
    var ports: [PortMapping] = []
}

enum OfferMatching {
    /// - Parameters:
    ///   - asks: The most urgent first.
    ///   - roomOn: How many agents may be launched on a machine now.
    ///   - isUsable: Whether an offer may be used at all.
    /// - Returns: For each offer used, who gets what of it, in the order of the asks.
    static func match(
        asks: [AgentAsk], offers: [AgentOffer], roomOn: (_ host: String) -> Int = { _ in .max },
        isUsable: (AgentOffer) -> Bool = { _ in true }
    ) -> [OfferID: [OfferPick]] {
        var left = offers.filter(isUsable).sorted { ($0.hostname, $0.id) < ($1.hostname, $1.id) }.map {
            Candidate(offer: $0, resources: $0.resources.nonRevocable.allocatable(to: $0.role))
        }
        var picks: [OfferID: [OfferPick]] = [:]
        var rooms: [String: Int] = [:]
        for host in Set(left.map(\.offer.hostname)) { rooms[host] = roomOn(host) }
        for ask in asks {
            var best: (index: Int, share: Share, fit: Fit)?
            for index in left.indices where left[index].suits(ask) {
                guard rooms[left[index].offer.hostname, default: 0] > 0 else { continue }
                guard let share = left[index].share(for: ask) else { continue }
                let fit = left[index].fit(of: share, for: ask)
                if best.map({ fit < $0.fit }) ?? true { best = (index, share, fit) }
            }
            guard let best else { continue }
            left[best.index].resources -= best.share.resources
            rooms[left[best.index].offer.hostname, default: 1] -= 1
            picks[left[best.index].offer.id, default: []].append(
                OfferPick(node: ask.node, resources: best.share.resources, ports: best.share.ports))
        }
        return picks
    }
}

/// What an ask would take of an offer.
private struct Share {
    var resources: Resources
    var ports: [PortMapping]
}

/// How well an ask fits: the less is left over the better, and of equal ones the machine used last.
private struct Fit: Comparable {
    var cpusLeft: Scalar
    var memoryLeft: Scalar
    var recency: Int

    static func < (left: Fit, right: Fit) -> Bool {
        (left.cpusLeft, left.memoryLeft, left.recency) < (right.cpusLeft, right.memoryLeft, right.recency)
    }
}

/// An offer and what the agents chosen so far have left of it.
private struct Candidate {
    let offer: AgentOffer
    var resources: Resources

    func suits(_ ask: AgentAsk) -> Bool {
        if let role = ask.role, role != offer.role { return false }
        if let domain = ask.domain, !domain.accepts(offer.domain) { return false }
        return ask.attributes.allSatisfy { name, value in
            offer.attributes[name]?.contains { $0.matches(value) } ?? false
        }
    }

    func share(for ask: AgentAsk) -> Share? {
        guard var taken = resources.taking(ask.wanted) else { return nil }
        if ask.ports.isEmpty { return Share(resources: taken, ports: []) }
        var rest = resources - taken
        var hosts: [Int: UInt16] = [:]
        func take(_ piece: Resources?) -> Bool {
            guard let piece else { return false }
            taken += piece
            rest -= piece
            return true
        }
        // Fixed ones first, so that no free choice takes them away.
        for (index, wish) in ask.ports.enumerated() {
            guard let host = wish.host else { continue }
            hosts[index] = host
            let one = ResourceEntry(name: "ports", value: .ranges(Ranges([UInt64(host)...UInt64(host)])))
            guard take(rest.taking(Resources(entries: [one]))) else { return nil }
        }
        for index in ask.ports.indices where hosts[index] == nil {
            guard let piece = rest.takingPorts(1), let port = piece.ports.ranges.first?.lowerBound,
                let host = UInt16(exactly: port), take(piece)
            else { return nil }
            hosts[index] = host
        }
        let mappings = ask.ports.enumerated().compactMap { index, wish in
            hosts[index].map { PortMapping(container: wish.container, host: $0, transport: wish.transport) }
        }
        return Share(resources: taken, ports: mappings)
    }

    func fit(of share: Share, for ask: AgentAsk) -> Fit {
        Fit(
            cpusLeft: resources["cpus"] - share.resources["cpus"],
            memoryLeft: resources["mem"] - share.resources["mem"],
            recency: ask.recentHosts.firstIndex(of: offer.hostname) ?? ask.recentHosts.count)
    }
}
