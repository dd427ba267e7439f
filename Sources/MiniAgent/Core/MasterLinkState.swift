// The agent's side of registration: which leader it follows, and how far it got with it.

import Resources

/// Follows the leading master: waits a random while, registers, watches the pings, starts again when anything breaks.
package struct MasterLinkState: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// No leader is known.
        case detached
        /// The next attempt is due when its timer fires.
        case waiting(MasterAddress, LinkID)
        case registering(MasterAddress, LinkID)
        /// Admitted; the identity the master gave is on its way to disk.
        case recordingIdentity(MasterAddress, LinkID, RegistrationGrant)
        case registered(MasterAddress, LinkID, RegistrationGrant, pings: UInt64)
    }

    package private(set) var phase = Phase.detached
    private var linksOpened: UInt64 = 0
    /// Attempts since the last success.
    private var failures = 0
    /// The size of the cluster, as the last master told it.
    private var clusterAgents: Int?
    private let backoffFactor: Duration
    private let backoffMax: Duration
    private let timeout: Duration
    /// How much of the time in which agents return to a new leader each of them takes up: a leader takes 5,000 a second
    /// without falling behind.
    static let returnTimePerAgent = Duration.microseconds(200)
    /// The least that the waiting times of a known agent double from.
    static let retryMin = Duration.milliseconds(25)

    init(settings: AgentSettings) {
        backoffFactor = settings.registrationBackoffFactor
        backoffMax = settings.registrationBackoffMax
        timeout = settings.registrationTimeout
    }

    package var master: MasterAddress? {
        switch phase {
        case .detached: nil
        case .waiting(let master, _), .registering(let master, _), .recordingIdentity(let master, _, _),
            .registered(let master, _, _, _):
            master
        }
    }

    /// The link on which commands count and calls can be made.
    package var registeredLink: LinkID? {
        if case .registered(_, let link, _, _) = phase { return link }
        return nil
    }

    /// The open or opening link, if any.
    var openLink: LinkID? {
        switch phase {
        case .detached, .waiting: nil
        case .registering(_, let link), .recordingIdentity(_, let link, _), .registered(_, let link, _, _): link
        }
    }

    mutating func follow(_ master: MasterAddress?, chance: inout RandomStream) -> [AgentEffect] {
        if let master, self.master == master { return [] }
        let closing = openLink.map { [AgentEffect.closeLink($0)] } ?? []
        failures = 0
        guard let master else {
            phase = .detached
            return closing
        }
        return closing + wait(for: master, chance: &chance)
    }

    func isWaiting(_ link: LinkID) -> Bool {
        if case .waiting(_, link) = phase { return true }
        return false
    }

    /// The waiting time of `link` is over: open it.
    mutating func attempt(_ link: LinkID, _ registration: Registration) -> [AgentEffect] {
        guard case .waiting(let master, link) = phase else { return [] }
        phase = .registering(master, link)
        return [
            .register(link, with: master, registration), .schedule(.registrationDeadline(link), after: timeout),
        ]
    }

    /// The master took the agent in. `isKnown` when the identity is on disk already.
    mutating func granted(_ link: LinkID, _ grant: RegistrationGrant, isKnown: Bool) -> [AgentEffect] {
        guard case .registering(let master, link) = phase else { return [] }
        if isKnown { return enter(master, link, grant) }
        phase = .recordingIdentity(master, link, grant)
        return [.checkpoint(.agent(grant.agent))]
    }

    mutating func identityRecorded(_ agent: AgentID) -> [AgentEffect] {
        guard case .recordingIdentity(let master, let link, let grant) = phase, grant.agent == agent else { return [] }
        return enter(master, link, grant)
    }

    private mutating func enter(
        _ master: MasterAddress, _ link: LinkID, _ grant: RegistrationGrant
    ) -> [AgentEffect] {
        failures = 0
        clusterAgents = grant.clusterAgents ?? clusterAgents
        phase = .registered(master, link, grant, pings: 0)
        return [pingDeadline(link, grant, pings: 0)]
    }

    mutating func pinged(_ link: LinkID, sequence: UInt64, stall: String?) -> [AgentEffect] {
        guard case .registered(let master, link, let grant, let pings) = phase else { return [] }
        phase = .registered(master, link, grant, pings: pings + 1)
        return [
            .send(link, .pong(sequence: sequence, stalledBecause: stall)), pingDeadline(link, grant, pings: pings + 1),
        ]
    }

    private func pingDeadline(_ link: LinkID, _ grant: RegistrationGrant, pings: UInt64) -> AgentEffect {
        .schedule(.pingDeadline(link, pings: pings), after: grant.pingInterval * (grant.pingMissesMax + 1))
    }

    /// Whether `pings` is still the latest count on `link`, so that the watchdog's alarm is real.
    func isSilent(_ link: LinkID, since pings: UInt64) -> Bool {
        if case .registered(_, link, _, pings) = phase { return true }
        return false
    }

    func isAwaitingAnswer(_ link: LinkID) -> Bool { phase.isRegistering(link) }

    /// The link broke, or the master will not have us for now.
    mutating func lost(_ link: LinkID, chance: inout RandomStream) -> [AgentEffect] {
        guard openLink == link, let master else { return [] }
        failures += 1
        return [.closeLink(link)] + wait(for: master, chance: &chance)
    }

    private mutating func wait(for master: MasterAddress, chance: inout RandomStream) -> [AgentEffect] {
        linksOpened += 1
        let link = LinkID(linksOpened)
        phase = .waiting(master, link)
        // Random, so that a thousand agents do not all greet a new leader in one instant. How many there are is known to
        // an agent that was registered before: in a small cluster nobody has to wait.
        var base = backoffFactor
        if let clusterAgents {
            let spread = Self.returnTimePerAgent * max(1, clusterAgents)
            // A new leader refuses everybody for the few milliseconds in which it reads the registry.
            base = min(base, failures == 0 ? spread : max(spread, Self.retryMin))
        }
        let bound = min(base * (1 << min(failures, 16)), backoffMax)
        return [.schedule(.register(link), after: chance.duration(upTo: bound))]
    }
}

extension MasterLinkState.Phase {
    fileprivate func isRegistering(_ link: LinkID) -> Bool {
        if case .registering(_, link) = self { return true }
        return false
    }
}
