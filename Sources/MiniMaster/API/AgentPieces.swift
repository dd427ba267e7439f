// How the state endpoints print agents, with Apache Mesos's keys.
import MesosProtocol
import Resources

extension JSONWriter {
    /// - Parameters:
    ///   - viewer: Reservations for roles they may not see are left out.
    ///   - isFull: With the lists of resource messages that only `/slaves` has.
    mutating func agentMembers(
        _ agent: Agent, _ figures: ClusterFigures, _ cluster: Cluster, for viewer: Viewer = .everything, isFull: Bool
    ) {
        let used = figures.used(on: agent.id)
        let offered = figures.offered(on: agent.id)
        member("id", agent.id.value)
        member("hostname", agent.hostname)
        member("port", Int(agent.info.port))
        attributes(agent.info.attributes)
        member("pid", agent.pid)
        member("registered_time", agent.registeredAt?.seconds ?? 0)
        if let time = agent.reregisteredAt { member("reregistered_time", time.seconds) }
        member("resources", agent.total)
        member("used_resources", used.total)
        member("offered_resources", offered.total)
        object("reserved_resources") { json in
            for role in agent.total.reservedRoles where viewer.canSee(role) {
                json.member(role.value, agent.total.reserved(for: role))
            }
        }
        member("unreserved_resources", agent.total.unreserved)
        let isDeactivated = cluster.isDeactivated(agent.id)
        member("active", agent.isConnected && !isDeactivated)
        member("deactivated", isDeactivated)
        member("version", Versions.mesosAPI)
        member("capabilities", agent.capabilities.map(\.type).filter { $0 != .unknown }.map(CapabilityNames.name))
        if agent.info.hasDomain { member("domain", agent.info.domain) }
        if let info = cluster.drainInfo(of: agent.id) { member("drain_info", info) }
        if let time = cluster.estimatedDrainStartTime(of: agent.id) {
            member("estimated_drain_start_time_seconds", time.seconds)
        }
        member("mini_version", agent.version)
        if let stall = agent.stall { member("mini_stalled", stall) }
        guard isFull else { return }
        object("reserved_resources_full") { json in
            for role in agent.total.reservedRoles where viewer.canSee(role) {
                json.fullMember(role.value, agent.total.reserved(for: role))
            }
        }
        fullMember("unreserved_resources_full", agent.total.unreserved)
        fullMember("used_resources_full", used, for: viewer)
        fullMember("offered_resources_full", offered, for: viewer)
    }

    private mutating func fullMember(_ key: String, _ held: Held, for viewer: Viewer) {
        array(key) { json in
            for (role, resources) in held.byRole.sorted(by: { $0.key < $1.key }) {
                for message in resources.protobuf(allocationRole: role, format: .endpoint) where viewer.canSee(message)
                {
                    json.value(message)
                }
            }
        }
    }

    mutating func recoveredAgent(_ agent: Agent) {
        object { json in
            json.member("id", agent.id.value)
            json.member("hostname", agent.hostname)
            json.member("port", Int(agent.info.port))
            json.attributes(agent.info.attributes)
        }
    }
}
