// `/roles/explain` and `/weights/preview`: why a role is offered what it is, and what other weights would lead to.
import Allocator
import HTTPServer
import MesosProtocol
import Resources

extension MasterAPI {
    /// `GET /roles/explain?role=R`. From the first time on decisions about the role are remembered, for ten
    /// minutes.
    func explainRole(_ request: RoutedRequest) async -> HTTPResponse {
        guard let text = request.http.query("role") else { return .text(400, "Missing 'role' query parameter.") }
        let role: RoleName
        do throws(RoleNameError) { role = try RoleName(text) } catch { return .text(400, "role: \(error)") }
        let viewer = viewer(of: request)
        guard viewer.canSee(role) else { return .empty(403) }
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        guard let cluster = snapshot.core.cluster else {
            return Self.refusal(by: snapshot.core.availability, request)
                ?? .text(503, "Master has not finished recovery")
        }
        guard var explanation = cluster.allocator.explain(role) else {
            return .text(
                404, "No framework is subscribed to role '\(role)' or a role below it, or holds anything in it.")
        }
        shell.post(.roleExplained(role))
        let visible = viewer.visible(cluster).frameworks
        explanation.clients.removeAll { visible[$0.framework] == nil }
        explanation.hideWinners { visible[$0] == nil }
        var json = JSONWriter()
        json.explanation(explanation, of: cluster, at: snapshot.now)
        return request.json(json.bytes)
    }

    /// `GET /weights/preview?weights=R=3,S=1`.
    func previewWeights(_ request: RoutedRequest) async -> HTTPResponse {
        guard let text = request.http.query("weights") else {
            return .text(400, "Missing 'weights' query parameter, as in weights=role=2,other=1")
        }
        var changes: [RoleName: Weight] = [:]
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]), let weight = Weight(value),
                let role = try? RoleName(String(parts[0]))
            else { return .text(400, "weights: expected role=weight with a weight above 0, found '\(item)'") }
            changes[role] = weight
        }
        if changes.isEmpty { return .text(400, "weights: expected role=weight") }
        let viewer = viewer(of: request)
        guard let snapshot = await shell.snapshot() else { return Self.stopping }
        guard let cluster = snapshot.core.cluster else {
            return Self.refusal(by: snapshot.core.availability, request)
                ?? .text(503, "Master has not finished recovery")
        }
        let preview = cluster.allocator.preview(weights: changes)
        let rows = preview.rows.filter { viewer.canSee($0.role) }
        var json = JSONWriter()
        json.object { json in
            json.array("roles") { json in
                for row in rows { json.row(row) }
            }
        }
        return request.json(json.bytes)
    }
}

extension RoleExplanation {
    /// Leaves out the names of frameworks that the reader may not see.
    fileprivate mutating func hideWinners(_ isHidden: (FrameworkID) -> Bool) {
        for client in clients.indices {
            for index in clients[client].decisions.indices {
                guard case .refused(.notItsTurn(var comparison)) = clients[client].decisions[index].outcome,
                    isHidden(comparison.winner)
                else { continue }
                comparison.winner = "another framework"
                clients[client].decisions[index].outcome = .refused(.notItsTurn(comparison))
            }
        }
    }
}

extension JSONWriter {
    mutating func explanation(_ role: RoleExplanation, of cluster: Cluster, at now: Moment) {
        object { json in
            json.member("role", role.role.value)
            json.share(role.share)
            if let place = role.place { json.member("place", place) }
            json.member("hungry_siblings", role.siblings)
            json.array("frameworks") { json in
                for client in role.clients { json.client(client, of: cluster, at: now) }
            }
            json.member("omitted_frameworks", role.omitted)
            json.member("agents", role.agents)
            json.member("agents_looked_at", role.agentsLookedAt)
        }
    }

    fileprivate mutating func row(_ row: WeightsPreview.Row) {
        object { json in
            json.member("role", row.role.value)
            json.member("weight", row.weight.doubleValue)
            json.member("new_weight", row.newWeight.doubleValue)
            json.member("share", row.share.approximation)
            json.member("entitled_share", row.entitled.approximation)
            json.member("new_entitled_share", row.newlyEntitled.approximation)
        }
    }

    private mutating func client(_ client: ClientExplanation, of cluster: Cluster, at now: Moment) {
        let expired = cluster.frameworkMetrics[client.framework].offersExpired
        object { json in
            json.member("framework_id", client.framework.value)
            json.member("name", cluster.frameworks[client.framework]?.info.name ?? "")
            json.member("role", client.role.value)
            json.member("standing", client.standing.rawValue)
            json.share(client.share)
            json.object("held") { json in
                for (name, amount) in client.held.sorted(by: { $0.key < $1.key }) {
                    json.key(name)
                    json.value(amount.doubleValue)
                }
            }
            json.member("allocations", client.allocations)
            json.member(
                "offers_outstanding", cluster.offers.offers(to: client.framework).count { $0.role == client.role })
            json.member("offers_expired", Int(clamping: expired))
            json.member("filters", client.filters)
            json.member("takeable_agents", client.takeable)
            json.array("reasons") { json in
                for tally in client.obstacles {
                    json.object { json in
                        json.reason(tally.obstacle, at: now)
                        json.member("agents", tally.agents)
                        json.member("example_agent", tally.example.value)
                    }
                }
            }
            json.array("decisions") { json in
                for decision in client.decisions { json.decision(decision, at: now) }
            }
        }
    }

    private mutating func decision(_ decision: Decision, at now: Moment) {
        object { json in
            json.member("time", Self.wall(decision.at, now).seconds)
            json.member("round", decision.round)
            json.member("agents", decision.agents)
            json.member("example_agent", decision.example.value)
            switch decision.outcome {
            case .offered(let resources):
                json.member("outcome", "offered")
                json.member("resources", resources.description)
            case .refused(let obstacle):
                json.member("outcome", "not offered")
                json.member("agents_looked_at", decision.lookedAt)
                json.reason(obstacle, at: now)
            }
        }
    }

    private mutating func share(_ share: Obstacle.Fraction) {
        member("share", Double(share.numerator) / Double(share.denominator))
        member("weight", share.weight.doubleValue)
        member("weighted_share", share.approximation)
    }

    private mutating func reason(_ obstacle: Obstacle, at now: Moment) {
        member("reason", obstacle.word)
        member("text", Self.text(obstacle, now))
        if case .filtered(let end) = obstacle { member("until", Self.wall(end, now).seconds) }
        if case .notItsTurn(let comparison) = obstacle { member("because", comparison.cause.rawValue) }
    }

    private static func wall(_ instant: Instant, _ now: Moment) -> WallTime {
        now.wall.advanced(by: now.instant.duration(to: instant))
    }

    private static func text(_ obstacle: Obstacle, _ now: Moment) -> String {
        switch obstacle {
        case .nothingFree: "nothing is free there"
        case .agentNotOffered: "the agent is inactive, draining, in maintenance or not on the whitelist"
        case .needsGPUCapability: "the agent has GPUs and the framework did not say GPU_RESOURCES"
        case .otherRegion: "the agent is in another region and the framework did not say REGION_AWARE"
        case .constraints: "the framework's offer constraints exclude the agent"
        case .belowMinimum: "what it may use there is less than the least worth offering"
        case .quotaLimit: "the quota of its role allows no more"
        case .guaranteesOfOthers: "what is free is needed for other roles' quota guarantees"
        case .filtered(let end): "filtered until \(timeOfDay(wall(end, now))) UTC: it declined as much or more"
        case .notItsTurn(let comparison): "not its turn: " + text(comparison)
        }
    }

    private static func text(_ comparison: Obstacle.Comparison) -> String {
        let winner = "\(comparison.winner) in \(comparison.winnersRole)"
        return switch comparison.cause {
        case .share: "share \(comparison.mine) against \(comparison.theirs) of \(winner)"
        case .guarantee: "the quota guarantee of \(winner) is not met yet"
        case .declinedBefore: "it declined what is free there, and \(winner) did not"
        case .lot: "the lot fell to \(winner)"
        }
    }

    private static func timeOfDay(_ time: WallTime) -> String {
        let seconds = max(0, time.nanoseconds / 1_000_000_000)
        let parts = [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60]
        return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
