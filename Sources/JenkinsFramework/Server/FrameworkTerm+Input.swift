// What comes in: the cluster's events, polls of the controller, and time.
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

extension FrameworkTerm {
    func forwardClusterEvents() async {
        for await event in link.events {
            switch event {
            case .subscribed(let id, let master):
                board.allowPage(of: master)
                inbox.send(.subscribed(id))
            case .disconnected: inbox.send(.disconnected)
            case .refused(let reason): end(because: "the master refuses the framework: \(reason)")
            case .event(let event): forward(event)
            }
        }
        end(because: nil)
    }

    private func forward(_ event: V1SchedulerEvent) {
        switch event.type {
        case .offers:
            board.ledger.note(event.offers.offers)
            let offers = event.offers.offers.compactMap { AgentOffer($0) }
            let unread = Set(event.offers.offers.map { OfferID($0.id) }).subtracting(offers.map(\.id))
            if !unread.isEmpty {
                submit(Calls.decline(unread.sorted(), refuse: live.current.planner.declineIdle))
            }
            if !offers.isEmpty { inbox.send(.offersArrived(offers)) }
        case .rescind:
            inbox.send(.offerRescinded(OfferID(event.rescind.offerID)))
        case .update:
            inbox.send(.taskUpdated(TaskUpdate(event.update.status)))
        case .unknown, .subscribed, .inverseOffers, .rescindInverseOffer, .updateOperationStatus, .message, .failure,
            .error, .heartbeat:
            break
        }
    }

    func poll() async {
        var backOff = PollBackOff()
        while !isOver {
            let startedAt = Moment.now.instant
            do throws(JenkinsFailure) {
                let snapshot = try await controller.poll(pacer.plan, labelSource: pacer.labelSource)
                backOff.succeeded()
                inbox.send(.polled(snapshot))
                await pacer.waitForNext(after: startedAt)
            } catch {
                inbox.send(.pollFailed("\(error)"))
                await pacer.sleep(backOff.failed(error, chance: .random(in: 0..<1)))
            }
        }
    }

    /// Looks at single-use agents and at coming ones between polls, when polls are not frequent enough.
    func watch() async {
        while !isOver {
            let plan = pacer.watchPlan
            if let plan, let look = try? await controller.look(at: plan) { inbox.send(.watched(look)) }
            try? await Task.sleep(for: plan?.interval ?? .milliseconds(100))
        }
    }

    func tick() async {
        while !isOver {
            inbox.send(.ticked)
            // Gates that could not be closed are tried again within a quarter of a second.
            try? await Task.sleep(for: .milliseconds(250))
        }
    }
}
