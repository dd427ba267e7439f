// Offers are made, declined, rescinded and expire.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// Offers are split over events so that none comes near the 4 MiB that mesos-go reads at most.
    static let offersPerEventMax = 250
    static let refuseSecondsDefault = 5.0
    static let refuseSecondsMax = 365.0 * 86_400

    mutating func makeOffers(_ allocations: [Allocation]) {
        var byFramework: [FrameworkID: [V1Offer]] = [:]
        for allocation in allocations {
            guard let agent = agents[allocation.agent], let framework = frameworks[allocation.framework] else {
                preconditionFailure("the allocator knows \(allocation), the books do not")
            }
            let offer = Offer(
                id: numbers.nextOfferID(), framework: framework.id, agent: agent.id, role: allocation.role,
                resources: allocation.resources)
            offers.insert(offer)
            if let timeout = settings.offerTimeout {
                offerDeadlines.add(offer.id, due: now.instant.advanced(by: timeout))
            }
            byFramework[framework.id, default: []].append(message(offer, agent, framework))
        }
        for (id, messages) in byFramework.sorted(by: { $0.key < $1.key }) {
            for start in stride(from: 0, to: messages.count, by: Self.offersPerEventMax) {
                let end = min(start + Self.offersPerEventMax, messages.count)
                tell(id, .offers(Array(messages[start..<end])))
            }
        }
    }

    private func message(_ offer: Offer, _ agent: Agent, _ framework: Framework) -> V1Offer {
        var message = V1Offer()
        message.id = V1OfferID(offer.id)
        message.frameworkID = V1FrameworkID(framework.id)
        message.agentID = V1AgentID(agent.id)
        message.hostname = agent.hostname
        message.url = url(of: agent)
        if let unavailability = maintenance.agents[agent.id] { message.unavailability = unavailability }
        if agent.info.hasDomain { message.domain = agent.info.domain }
        message.resources = OfferedResources.message(offer.resources, role: offer.role, for: framework.capabilities)
        message.attributes = agent.info.attributes
        if framework.isMultiRole { message.allocationInfo.role = offer.role.value }
        return message
    }

    func url(of agent: Agent) -> V1URL {
        var url = V1URL()
        url.scheme = settings.urlScheme
        url.address.hostname = agent.hostname
        url.address.ip = agent.ip
        url.address.port = agent.info.port
        url.path = "/slave(1)"
        return url
    }

    // MARK: Ends of an offer

    mutating func decline(_ call: V1SchedulerCall.Decline, from framework: Framework) {
        count("decline_offers")
        let filter = Self.declineFilter(call.hasFilters ? call.filters : V1Filters())
        for id in call.offerIds.map({ OfferID($0) }) {
            guard offers[id]?.framework == framework.id, let offer = offers.remove(id) else { continue }
            giveBack(offer, filter: filter)
        }
    }

    /// A framework that takes nothing and asks for no filter sees the resources again after one allocation interval, as
    /// in Apache Mesos. Offering them at once would go round in a circle as fast as the network carries it. (The
    /// allocator raises every filter to the interval.)
    static func declineFilter(_ filters: V1Filters) -> Duration { filterDuration(filters) ?? .zero }

    /// How long the refused resources are not offered again; nil for not at all.
    static func filterDuration(_ filters: V1Filters) -> Duration? {
        var seconds = filters.hasRefuseSeconds ? filters.refuseSeconds : refuseSecondsDefault
        if seconds.isNaN || seconds < 0 { seconds = refuseSecondsDefault }
        if seconds == 0 { return nil }
        return .nanoseconds(Int64(min(seconds, refuseSecondsMax) * 1e9))
    }

    /// Returns the resources of an offer that is no longer in the book.
    mutating func giveBack(_ offer: Offer, filter: Duration? = nil) {
        allocator.recover(
            offer.framework, role: offer.role, agent: offer.agent, resources: offer.resources, filter: filter,
            at: now.instant)
        wantAllocation()
    }

    mutating func rescind(_ id: OfferID) {
        guard let offer = offers.remove(id) else { return }
        tell(offer.framework, .rescind(id))
        giveBack(offer)
    }

    mutating func rescindOffers(of agent: AgentID) {
        for offer in offers.offers(of: agent) { rescind(offer.id) }
        rescindInverseOffers(of: agent)
    }

    /// Takes back all offers of a framework without telling it: it is gone, or a new instance takes over.
    mutating func withdrawOffers(of framework: FrameworkID) {
        for offer in offers.offers(to: framework) {
            offers.remove(offer.id)
            giveBack(offer)
        }
        withdrawInverseOffers(of: framework)
    }

    /// Takes back what was not answered in time, and remembers of whom.
    mutating func expireOffers(_ timer: UInt64) {
        guard offerDeadlines.timer == timer else { return }
        offerDeadlines.fired()
        var hoarders: [FrameworkID: Int] = [:]
        for id in offerDeadlines.due(at: now.instant, offers) {
            guard let framework = offers[id]?.framework else { continue }
            hoarders[framework, default: 0] += 1
            numbers.counters.count("master/offers_expired")
            frameworkMetrics.update(framework) { $0.countExpiredOffer() }
            rescind(id)
        }
        for (id, count) in hoarders.sorted(by: { $0.key < $1.key }) {
            note(.warning, "framework \(id) left \(count) offers unanswered until they expired")
        }
    }

    mutating func scheduleOfferExpiry() {
        guard offerDeadlines.timer == nil, let due = offerDeadlines.next(offers) else { return }
        let delay = max(.zero, now.instant.duration(to: due))
        offerDeadlines.started(scheduleNumbered(after: delay) { .offerExpiry($0) })
    }
}
