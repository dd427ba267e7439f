// An agent as the master sees it.

import MesosProtocol
import Resources
import TextTables

public struct ClusterAgent: Encodable, Hashable, Sendable {
    public enum State: String, Encodable, Hashable, Sendable, CaseIterable {
        case active, draining, drained, deactivated, disconnected
        /// Known from before the master took over; it has not come back yet.
        case recovering
        case unreachable, gone
    }

    public var id: String
    /// Empty where the master knows no more than the id.
    public var hostname: String
    /// `10.0.0.7:5051`; empty while the agent is not connected.
    public var address: String
    public var state: State
    public var version: String
    public var attributes: [String: String]
    public var total: Amounts
    public var allocated: Amounts
    public var offered: Amounts
    /// What is reserved, by role, in the form that `--resources` takes.
    public var reserved: [String: String]
    /// When it registered with this master, in seconds since the Unix epoch.
    public var registered: Double?
    /// Since when it is unreachable, or gone, or draining.
    public var since: Double?

    init(id: String, hostname: String, state: State, since: Double? = nil) {
        self.id = id
        self.hostname = hostname
        self.state = state
        self.since = since
        (address, version, attributes, reserved) = ("", "", [:], [:])
        (total, allocated, offered) = (Amounts(), Amounts(), Amounts())
    }

    /// Everything it has, with reservations. Not part of the document: `reserved` says it in words.
    var resources = Resources()

    /// Without the port; empty while the agent is not connected.
    var ip: String {
        guard let colon = address.lastIndex(of: ":") else { return address }
        let host = address[..<colon]
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }

    private enum CodingKeys: CodingKey {
        case id, hostname, address, state, version, attributes, total, allocated, offered, reserved, registered, since
    }

    public var idle: Amounts { total - allocated - offered }

    /// Whether tasks may run on it now.
    public var isConnected: Bool {
        switch state {
        case .active, .draining, .drained, .deactivated: true
        case .disconnected, .recovering, .unreachable, .gone: false
        }
    }

    /// `http://host:port`.
    ///
    /// - Parameter isSecure: `https`, and by name: certificates name hosts.
    /// - Returns: nil while the agent is not connected.
    public func url(isSecure: Bool) -> String? {
        guard !address.isEmpty else { return nil }
        guard isSecure, !hostname.isEmpty else { return (isSecure ? "https://" : "http://") + address }
        let port = address.split(separator: ":").last ?? "5051"
        return "https://\(hostname.contains(":") ? "[\(hostname)]" : hostname):\(port)"
    }
}

extension ClusterAgent {
    private static let question = "GET_AGENTS"

    /// Reads the answer to GET_AGENTS. Sorted by host name and id.
    public static func read(_ answer: V1OperatorResponse.GetAgents) throws(AnswerError) -> [ClusterAgent] {
        var agents: [ClusterAgent] = []
        for (index, agent) in answer.agents.enumerated() {
            agents.append(try ClusterAgent(agent, field: "agents[\(index)]"))
        }
        for (index, info) in answer.recoveredAgents.enumerated() {
            guard !info.id.value.isEmpty else {
                throw AnswerError(
                    question: question, field: "recovered_agents[\(index)].id", problem: "expected an id, found none")
            }
            agents.append(ClusterAgent(id: info.id.value, hostname: info.hostname, state: .recovering))
        }
        return agents.sorted { ($0.hostname, $0.id) < ($1.hostname, $1.id) }
    }

    private init(_ agent: V1OperatorResponse.GetAgents.Agent, field: String) throws(AnswerError) {
        let info = agent.agentInfo
        guard !info.id.value.isEmpty else {
            throw AnswerError(
                question: Self.question, field: "\(field).agent_info.id", problem: "expected an id, found none")
        }
        self.init(id: info.id.value, hostname: info.hostname, state: Self.state(agent))
        // `slave(1)@10.0.0.7:5051`
        address = agent.pid.split(separator: "@").last.map(String.init) ?? ""
        version = agent.version
        for attribute in info.attributes { attributes[attribute.name] = Self.text(attribute) }
        let totals = try Resources(
            agent.totalResources, question: Self.question, field: "\(field).total_resources")
        total = Amounts(totals)
        resources = totals
        for role in totals.reservedRoles {
            reserved[role.value] = totals.reserved(for: role).flattened.description
        }
        allocated = Amounts(
            try Resources(agent.allocatedResources, question: Self.question, field: "\(field).allocated_resources"))
        offered = Amounts(
            try Resources(agent.offeredResources, question: Self.question, field: "\(field).offered_resources"))
        if agent.hasReregisteredTime {
            registered = agent.reregisteredTime.seconds
        } else if agent.hasRegisteredTime {
            registered = agent.registeredTime.seconds
        }
        if agent.hasEstimatedDrainStartTime { since = agent.estimatedDrainStartTime.seconds }
    }

    private static func state(_ agent: V1OperatorResponse.GetAgents.Agent) -> State {
        if agent.hasDrainInfo { return agent.drainInfo.state == .drained ? .drained : .draining }
        if agent.deactivated { return .deactivated }
        return agent.active ? .active : .disconnected
    }

    private static func text(_ attribute: V1Attribute) -> String {
        switch attribute.type {
        case .scalar: Figures.decimal(attribute.scalar.value, 3)
        case .ranges: Ranges(attribute.ranges.range.filter { $0.begin <= $0.end }.map { $0.begin...$0.end }).description
        case .set: "{" + attribute.set.item.sorted().joined(separator: ", ") + "}"
        case .text: attribute.text.value
        }
    }
}

/// The part of the master's registry that GET_AGENTS leaves out: agents that are unreachable or gone.
public struct LostAgents: Decodable, Hashable, Sendable {
    struct Group: Decodable, Hashable, Sendable {
        struct Entry: Decodable, Hashable, Sendable {
            struct ID: Decodable, Hashable, Sendable { var value: String }
            struct Time: Decodable, Hashable, Sendable { var nanoseconds: Int64 }
            var id: ID
            var timestamp: Time?
        }
        var slaves: [Entry]?
    }
    var unreachable: Group?
    var gone: Group?

    public var agents: [ClusterAgent] {
        let groups: [(Group?, ClusterAgent.State)] = [(unreachable, .unreachable), (gone, .gone)]
        return groups.flatMap { group, state in
            (group?.slaves ?? []).map { entry in
                ClusterAgent(
                    id: entry.id.value, hostname: "", state: state,
                    since: entry.timestamp.map { Double($0.nanoseconds) / 1e9 })
            }
        }.sorted { $0.id < $1.id }
    }
}
