// Inverse offers: frameworks are asked to leave agents that will be unavailable, and answer as they like.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// Asks every connected framework that holds something of an agent in the schedule, offered or used, unless it was
    /// asked already or said not to be asked for a while.
    mutating func makeInverseOffers() {
        guard !maintenance.agents.isEmpty else { return }
        var messages: [FrameworkID: [V1InverseOffer]] = [:]
        for (id, unavailability) in maintenance.agents.sorted(by: { $0.key < $1.key }) {
            guard let agent = agents[id], agent.isConnected else { continue }
            for framework in holders(of: id) {
                guard frameworks[framework]?.isConnected == true,
                    inverseOffers.canAsk(.init(agent: id, framework: framework), at: now.instant)
                else { continue }
                let offer = InverseOffer(
                    id: numbers.nextOfferID(), framework: framework, agent: id, unavailability: unavailability)
                inverseOffers.insert(offer, at: now.wall)
                if let timeout = settings.offerTimeout {
                    emit(.scheduleTimer(.inverseOfferExpiry(offer.id), after: timeout))
                }
                messages[framework, default: []].append(message(offer))
            }
        }
        for (id, offers) in messages.sorted(by: { $0.key < $1.key }) { tell(id, .inverseOffers(offers)) }
    }

    /// Frameworks that hold offers of an agent or have tasks on it, sorted.
    private func holders(of agent: AgentID) -> [FrameworkID] {
        var holders = Set(offers.offers(of: agent).map(\.framework))
        for task in tasks.tasks(on: agent) where task.isCharged { holders.insert(task.key.framework) }
        return holders.sorted()
    }

    func message(_ offer: InverseOffer) -> V1InverseOffer {
        var message = V1InverseOffer()
        message.id = V1OfferID(offer.id)
        message.frameworkID = V1FrameworkID(offer.framework)
        message.agentID = V1AgentID(offer.agent)
        message.unavailability = offer.unavailability
        if let agent = agents[offer.agent] { message.url = url(of: agent) }
        return message
    }

    // MARK: Answers

    mutating func answerInverseOffers(
        _ ids: [V1OfferID], _ filters: V1Filters, _ status: V1AllocatorInverseOfferStatus.Status,
        from framework: Framework
    ) {
        // Asked again no sooner than the allocator would: a framework that always answers must not keep us busy.
        let filter = max(Self.filterDuration(filters) ?? .zero, settings.allocator.allocationInterval)
        var isAnswered = false
        for id in ids.map({ OfferID($0) }) {
            guard inverseOffers[id]?.framework == framework.id, let offer = inverseOffers.remove(id) else { continue }
            inverseOffers.note(status, on: offer, at: now.wall)
            inverseOffers.filter(offer, until: now.instant.advanced(by: filter))
            isAnswered = true
        }
        guard isAnswered else { return }
        emit(.scheduleTimer(.inverseOffers(numbers.nextTimerNumber()), after: filter))
    }

    // MARK: Ends

    mutating func rescindInverseOffers(of agent: AgentID) {
        for offer in inverseOffers.offers(of: agent) { rescindInverseOffer(offer.id) }
    }

    /// An inverse offer that nobody answered in time; it is made again.
    mutating func expireInverseOffer(_ id: OfferID) {
        guard inverseOffers[id] != nil else { return }
        rescindInverseOffer(id)
        makeInverseOffers()
    }

    private mutating func rescindInverseOffer(_ id: OfferID) {
        guard let offer = inverseOffers.remove(id) else { return }
        tell(offer.framework, .rescindInverseOffer(id))
    }

    /// The framework is gone, or a new instance of it starts with nothing: it is not told.
    mutating func withdrawInverseOffers(of framework: FrameworkID) {
        for offer in inverseOffers.offers(to: framework) { inverseOffers.remove(offer.id) }
    }
}
