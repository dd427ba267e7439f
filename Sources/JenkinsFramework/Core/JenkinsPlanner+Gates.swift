// Strict single use: gates are opened for builds that wait, watched, and closed as soon as one of them has left the queue.
import Resources

/// What must be looked at between two polls.
public struct WatchPlan: Equatable, Sendable {
    /// By name.
    public var nodes: [NodeName]
    public var interval: Duration
    /// Whether the queue matters too.
    public var includesQueue: Bool
}

extension JenkinsPlanner {
    /// How often agents are looked at that should connect any moment.
    private static let connectWatch = Duration.seconds(1)

    /// Single-use agents that are idle or about to be, so that their first build is noticed before a second can start; and
    /// all that should connect any moment. nil: polls are enough.
    public var watchPlan: WatchPlan? {
        var nodes: [NodeName] = []
        var isStrict = false
        var interval = Self.connectWatch
        for agent in agents.values where agent.phase == .online || agent.phase == .connecting {
            let isSingleUse = settings.template(agent.template)?.isSingleUse ?? false
            if agent.gate.isOpen || !agent.gateWish.isEmpty {
                isStrict = true
                interval = min(interval, settings.strictWatch)
            } else if agent.gate == .none, isSingleUse, !agent.isBusy {
                interval = min(interval, settings.singleUseWatch)
            } else if agent.gate != .none || agent.phase == .online {
                continue
            }
            nodes.append(agent.name)
        }
        if nodes.isEmpty { return nil }
        return WatchPlan(nodes: nodes.sorted(), interval: interval, includesQueue: isStrict)
    }

    mutating func watched(_ look: NodeWatch, at now: Instant) {
        let open = agents(where: { $0.gate.isOpen && !$0.isBusy }).map(\.name)
        for computer in look.computers {
            controller.computers[computer.name] = computer
            observe(NodeName(computer.name), startedAt: look.startedAt, isPoll: false, at: now)
        }
        guard let queued = look.queued else { return }
        openConnected(queued, at: now)
        // Each build that has just begun on one of them explains one item that is gone.
        var explained = open.count { agents[$0]?.isBusy ?? false }
        for name in open {
            guard let agent = agents[name], agent.isBehindGate, case .open(var gate) = agent.gate else { continue }
            if closeIfBlind(agent, gate, at: now) { continue }
            let left = gate.candidates.subtracting(queued)
            let isContinuous = gate.lastLook.duration(to: now) <= settings.strictWatch * 5
            guard left.isEmpty || isContinuous && left.count <= explained else {
                explained = 0
                close(agent, doubts: left, at: now)
                continue
            }
            gate.candidates.subtract(left)
            gate.lastLook = now
            update(name) { $0.gate = .open(gate) }
            if gate.candidates.isEmpty { close(agent, doubts: [], at: now) }
        }
    }

    /// What a poll means for gates: closed ones open for the builds that count on them; open ones close if none does.
    mutating func settleGates(
        _ builds: [WaitingBuild], queued: [QueueItem], claimed: Set<NodeName>, mayOpen: Bool, at now: Instant
    ) {
        let gated = agents(where: { $0.gate != .none && $0.isBehindGate })
        if gated.isEmpty { return }
        let present = Set(queued.map(\.id))
        let byLabel = Dictionary(grouping: builds, by: \.label).mapValues { Set($0.map(\.id)) }
        for agent in gated {
            switch agent.gate {
            case .closed:
                guard mayOpen, claimed.contains(agent.name), agent.task == .running, !isDrainedByOthers(agent.name)
                else {
                    update(agent.name) { $0.gateWish = [] }
                    continue
                }
                open(agent, for: candidates(for: agent, byLabel), at: now)
            case .open(var gate):
                if agent.isBusy { continue }
                let left = gate.candidates.subtracting(present)
                let isWatched = gate.lastLook.duration(to: now) <= settings.strictWatch * 5
                if !left.isEmpty {
                    // A poll reads the computers before the queue. The next look tells better where they went.
                    if !isWatched { close(agent, doubts: left, at: now) }
                } else if !claimed.contains(agent.name) {
                    close(agent, doubts: [], at: now)
                } else {
                    gate.candidates.formUnion(candidates(for: agent, byLabel))
                    update(agent.name) { $0.gate = .open(gate) }
                }
            case .none, .closing, .doubted:
                continue
            }
        }
    }

    /// A gate that stands open before its agent is connected is of no use, and stays open if the framework dies meanwhile.
    /// A controller that does not tell leaves no choice.
    private mutating func open(_ agent: AgentRecord, for builds: Set<QueueItemID>, at now: Instant) {
        if controller.computers[agent.name.value]?.isConnected == false {
            return update(agent.name) { $0.gateWish = builds }
        }
        let gate = AgentGate.OpenGate(since: now, candidates: builds, lastLook: now)
        update(agent.name) { $0.setGate(.open(gate), at: now) }
        askOpen(agent.name)
    }

    /// What a look means for agents that were to connect first.
    private mutating func openConnected(_ queued: Set<QueueItemID>, at now: Instant) {
        for agent in agents(where: { !$0.gateWish.isEmpty && $0.gate == .closed && $0.isBehindGate }) {
            let builds = agent.gateWish.intersection(queued)
            guard !builds.isEmpty, controller.isSettled(at: now), !isDrainedByOthers(agent.name) else {
                update(agent.name) { $0.gateWish = [] }
                continue
            }
            open(agent, for: builds, at: now)
        }
    }

    /// What nobody looked at for too long may have run a build that was queued, ran and ended in between.
    private mutating func closeIfBlind(_ agent: AgentRecord, _ gate: AgentGate.OpenGate, at now: Instant) -> Bool {
        guard agent.phase == .online, gate.lastLook.duration(to: now) > settings.strictBlindMax else { return false }
        useUp(agent.name, because: "nobody could look at it while its gate was open", at: now)
        return true
    }

    private func candidates(
        for agent: AgentRecord, _ byLabel: [LabelRequirement: Set<QueueItemID>]
    ) -> Set<QueueItemID> {
        let slots = ExecutorSlots(node: agent.name, labels: agent.labels, mode: agent.mode, count: 1, isComing: true)
        return byLabel.reduce(into: []) { ids, group in
            if slots.accepts(group.key) { ids.formUnion(group.value) }
        }
    }

    /// - Parameter doubts: Items that have left the queue and may have run on it.
    private mutating func close(_ agent: AgentRecord, doubts: Set<QueueItemID>, at now: Instant) {
        update(agent.name) { $0.setGate(.closing(doubts: doubts), at: now) }
        askDrain(agent.name, reason: AgentGate.closedAgainReason)
    }

    // MARK: - Answers and observations

    mutating func nodeOpened(_ name: NodeName, at now: Instant) {
        if openingAnswered(name) { return }
        update(name) { agent in
            guard case .open(var gate) = agent.gate else { return }
            gate.isConfirmed = true
            gate.since = now
            agent.gate = .open(gate)
            // Looks from before show it closed, and that is no riddle.
            agent.gateSince = now
        }
    }

    /// Nothing waits for the answer to an opening any more.
    private mutating func forgetOpening(_ name: NodeName) {
        update(name) {
            $0.isOpeningAsked = false
            $0.drainAfterOpening = nil
        }
    }

    /// - Returns: Whether a drain waited for the answer; it is sent now.
    private mutating func openingAnswered(_ name: NodeName) -> Bool {
        guard let agent = agents[name] else { return true }
        forgetOpening(name)
        guard let reason = agent.drainAfterOpening else { return false }
        switch agent.phase {
        case .launching, .connecting, .online, .draining: effects.append(.drainNode(name, reason: reason))
        case .requested, .registering, .deleting, .killing: break
        }
        return true
    }

    mutating func nodeOpenRefused(_ name: NodeName, at now: Instant) {
        if case .closing? = agents[name]?.gate {
            // It is drained already, and the reason that somebody else gave stays.
            forgetOpening(name)
            return gateDrained(name, at: now)
        }
        if openingAnswered(name) { return }
        if agents[name]?.gate.isOpen ?? false { update(name) { $0.setGate(.closed, at: now) } }
    }

    mutating func nodeOpenFailed(_ name: NodeName, mayBeOpen: Bool, at now: Instant) {
        guard let agent = agents[name] else { return }
        if mayBeOpen { update(name) { $0.openingLostAt = now } }
        if mayBeOpen, agent.isBehindGate {
            // It may be executed at any time from now on, and undo whatever drain came before it.
            forgetOpening(name)
            return useUp(name, because: "it cannot be told whether its gate is open", at: now)
        }
        if openingAnswered(name) { return }
        if agent.gate.isOpen { return update(name) { $0.setGate(.closed, at: now) } }
        if agent.gate == .none, agent.phase == .online { retryOpening(name, at: now) }
    }

    /// A gate is drained again. Whether its agent is clean depends on where the items went.
    mutating func gateDrained(_ name: NodeName, at now: Instant) {
        guard case .closing(let doubts)? = agents[name]?.gate else { return }
        update(name) { $0.setGate(doubts.isEmpty ? .closed : .doubted(doubts, since: now), at: now) }
    }

    /// An item has left the queue for good: cancelled, or to a build on that node.
    mutating func itemSettled(_ id: QueueItemID, on node: NodeName?, at now: Instant) {
        for agent in agents.values.sorted(by: { $0.name < $1.name }) where agent.name != node {
            switch agent.gate {
            case .closing(var doubts):
                guard doubts.remove(id) != nil else { continue }
                update(agent.name) { $0.gate = .closing(doubts: doubts) }
            case .doubted(var doubts, let since):
                guard doubts.remove(id) != nil else { continue }
                update(agent.name) { $0.gate = doubts.isEmpty ? .closed : .doubted(doubts, since: since) }
            case .none, .closed, .open:
                continue
            }
        }
    }

    /// What is shown of a gate that should be closed, or open.
    mutating func observeGate(_ name: NodeName, _ computer: Computer, startedAt: Instant, at now: Instant) {
        guard let agent = agents[name], agent.isBehindGate, startedAt > agent.gateSince else { return }
        switch agent.gate {
        case .none, .closing:
            return
        case .closed, .doubted:
            // The controller lost the mark with a restart, or somebody opened it: what it ran cannot be told.
            if !computer.isTemporarilyOffline { useUp(name, because: "its gate was found open", at: now) }
        case .open(let gate):
            if gate.isConfirmed, computer.isTemporarilyOffline, !isDrainedByOthers(name), !agent.isBusy {
                useUp(name, because: "its gate was found closed", at: now)
            }
        }
    }

    /// Gates are repaired within a fraction of a second: every moment one stands open without need is a risk.
    mutating func settleGate(_ agent: AgentRecord, at now: Instant) {
        switch agent.gate {
        case .closing:
            guard agent.isRetryDue(at: now) else { return }
            update(agent.name) { $0.retryAt = nil }
            askDrain(agent.name, reason: AgentGate.closedAgainReason)
        case .open(let gate):
            _ = closeIfBlind(agent, gate, at: now)
        case .doubted(_, let since):
            if since.duration(to: now) >= .seconds(10) {
                useUp(agent.name, because: "it cannot be told whether it ran a build", at: now)
            }
        case .none, .closed:
            return
        }
    }

    // MARK: - Opening what was drained for idleness

    mutating func reopen(_ name: NodeName, at now: Instant) {
        update(name) { agent in
            agent.enter(.online, at: now)
            agent.mayReopen = false
            agent.idleSince = now
            agent.idlePolls = 0
            agent.isReopening = true
        }
        askOpen(name)
    }

    private mutating func retryOpening(_ name: NodeName, at now: Instant) {
        update(name) { if $0.isReopening { $0.scheduleRetry(at: now) } }
    }
}

extension AgentRecord {
    /// In a state in which its gate decides what it may run.
    var isBehindGate: Bool {
        switch phase {
        case .launching, .connecting, .online: gate != .none && !isUsedUp
        case .requested, .registering, .draining, .deleting, .killing: false
        }
    }
}
