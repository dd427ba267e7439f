// What a round notes about the roles somebody asked about lately.

import Resources

extension Allocator {
    /// Tells the log who is in the watched roles now.
    mutating func updateWatches() {
        if decisions.isCurrent(shape: tree.shape) { return }
        var log = decisions
        log.update(shape: tree.shape) { role in tree.roleNode(of: role).map { listedClients(below: $0).listed } ?? [] }
        decisions = log
    }

    /// Notes that a client is about to take something.
    mutating func noteOffer(_ resources: Resources, on agent: Int, to client: Int, at now: Instant) {
        if !decisions.watches(client) || decisions.count(client, kind: -1) { return }
        decisions.note(client, kind: -1, decision(.offered(resources), for: client, on: agent, at: now))
    }

    /// Notes for the few watched clients whose turn it is what an agent's visit comes to.
    ///
    /// - Parameter taker: Who is about to take something; nil if nobody does.
    mutating func noteLooks(on agent: Int, before taker: Int?, _ stage: Stage, _ lots: Lots, at now: Instant) {
        for client in decisions.nextClients(of: tree) {
            decisions.noteLook(at: client)
            if client == taker { continue }
            if let obstacle = obstacle(to: client, on: agent) {
                if decisions.count(client, kind: obstacle.kind) { continue }
                decisions.note(
                    client, kind: obstacle.kind, decision(.refused(obstacle), for: client, on: agent, at: now))
            } else if let taker, !decisions.count(client, kind: Obstacle.notItsTurnKind) {
                let reason = Obstacle.notItsTurn(comparison(client, taker, on: agent, stage, lots))
                decisions.note(client, kind: reason.kind, decision(.refused(reason), for: client, on: agent, at: now))
            }
        }
    }

    private func decision(
        _ outcome: Decision.Outcome, for client: Int, on agent: Int, at now: Instant
    ) -> Decision {
        let name = name(of: client)
        return Decision(
            round: round, at: now, framework: name.framework, role: name.role, outcome: outcome, agents: 1, lookedAt: 0,
            example: agents.values[agent].id)
    }

    private func comparison(
        _ loser: Int, _ winner: Int, on agent: Int, _ stage: Stage, _ lots: Lots
    ) -> Obstacle.Comparison {
        let (mine, theirs) = tree.siblings(above: loser, winner)
        let name = name(of: winner)
        let passedOn = agents.values[agent].passedOn
        var cause = tree.isByLot(tree.nodes[mine].parent, lots) ? Obstacle.Comparison.Cause.lot : .share
        if stage == .guaranteed {
            cause = .guarantee
        } else if passedOn.applies(to: agents.values[agent].free), passedOn.contains(tree[client: loser].serial),
            !passedOn.contains(tree[client: winner].serial)
        {
            cause = .declinedBefore
        }
        return .init(
            cause: cause, mine: fraction(mine), theirs: fraction(theirs), winner: name.framework,
            winnersRole: name.role)
    }
}
