// What the planner forgets because no decision needs it, and an explanation does: recent offers, what tasks say.
import Resources

package struct WaitingFacts: Equatable, Sendable {
    /// What an agent last offered, less what was taken of it.
    package struct SeenOffer: Equatable, Sendable {
        package var host: String
        package var free: Resources
        package var at: Instant
    }

    /// Offers older than this say nothing about the present.
    private static let offerAge = Duration.seconds(60)
    private static let offersMax = 10_000
    private static let notesMax = 10_000

    /// The roles offers are taken in, for the sentence.
    package let roles: [RoleName]
    package private(set) var offers: [AgentID: SeenOffer] = [:]
    /// What the task of an agent said last.
    package private(set) var notes: [NodeName: String] = [:]
    package private(set) var lastOfferAt: Instant?

    package init(roles: [RoleName]) { self.roles = roles }

    /// - Parameter planner: After the event.
    package mutating func observe(_ event: JenkinsPlanner.Event, _ planner: JenkinsPlanner, at now: Instant) {
        switch event {
        case .offersArrived(let arrived):
            lastOfferAt = now
            for offer in arrived where offers[offer.agentID] != nil || offers.count < Self.offersMax {
                let taken = planner.heldOffers[offer.id]?.picks.map(\.resources) ?? []
                var free = offer.resources.nonRevocable
                for piece in taken { free = free.without(piece) }
                offers[offer.agentID] = SeenOffer(host: offer.hostname, free: free, at: now)
            }
        case .taskUpdated(let update):
            let node = NodeName(update.task.value)
            if update.state.isTerminal || update.state == .running || planner.agents[node] == nil {
                notes[node] = nil
            } else if !update.message.isEmpty, notes.count < Self.notesMax {
                notes[node] = update.message
            }
        case .ticked:
            offers = offers.filter { $0.value.at.duration(to: now) < Self.offerAge }
            notes = notes.filter { planner.agents[$0.key] != nil }
        case .disconnected:
            offers = [:]
        default:
            break
        }
    }
}
