// Agents that do not belong here: of another cluster, of another version, copies of another's identity.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

/// Why an agent must not be let in.
enum Intrusion: CaseIterable {
    case otherCluster
    /// It even bears the id of one of ours.
    case otherClusterKnownID
    case otherLink
    case tooOld
    case noVersion
    /// One of ours, from a copied disk on another host.
    case copy
}

extension ClusterWorld {
    /// One more agent knocks at a master, a leader more often than not, and says its lines.
    mutating func sendIntruder() {
        let leader = masters.firstIndex { $0.core?.cluster != nil }
        let index = claimChance.chance(80) ? leader ?? 0 : Int.random(in: masters.indices, using: &claimChance)
        let why = claimChance.pick(Intrusion.allCases)
        var register = LinkCall.Register()
        register.linkVersion = Cluster.linkVersion
        register.version = "1.11.0"
        register.agent.hostname = "intruder"
        register.agent.port = 5051
        register.agent.resources = AgentHost.capacity.protobuf()
        let known = claimChance.pick(agents).disk.agent
        switch why {
        case .otherCluster: register.cluster = "elsewhere"
        case .otherClusterKnownID:
            register.cluster = "elsewhere"
            if let known { register.agent.id = V1AgentID(known) }
        case .otherLink: register.linkVersion += 1
        case .tooOld: register.version = "0.0.9"
        case .noVersion: register.version = ""
        case .copy:
            guard let known, masters[index].core?.cluster?.agents[known]?.isConnected == true else { return }
            register.agent.id = V1AgentID(known)
        }
        guard let number = connect(.intruder(why), toMaster: index) else { return }
        history.add("\(timeline.nanoseconds / 1_000_000) an intruder (\(why)) knocks at master-\(index)")
        var call = LinkCall()
        call.type = .register
        call.register = register
        send(.linkCall(call), on: number, to: .master)
    }

    /// It is told why not, or hears nothing because the master has gone.
    mutating func hear(_ command: LinkCommand, asIntruder why: Intrusion, on number: Int) {
        if command.type != .refused { fail("an agent that does not belong here (\(why)) is told \(command.type)") }
        close(number, by: .client)
    }

    mutating func checkIntruders(in registry: RegistryState) {
        for (id, info) in registry.agents.sorted(by: { $0.key < $1.key }) where info.hostname == "intruder" {
            fail("the registry takes in agent \(id), which does not belong here")
        }
    }
}
