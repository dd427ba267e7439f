// Faults that come from strangers, from all agents at once and from those who watch; each says itself what must come of it.

import Foundation
import HTTPClient
import IntegrationSupport
import Processes

extension FaultWork {
    /// The brake must hold: so many do not die together, so it is the network or the master itself.
    mutating func agentsVanished() async throws -> String? {
        guard let leader = await cluster.leader(), let before = await removals(by: leader) else { return nil }
        let duration = Duration.seconds(8 + pick(3))
        for agent in cluster.agents { agent.freeze() }
        try await pause(duration)
        for agent in cluster.agents { agent.thaw() }
        if let after = await removals(by: leader), after > before {
            throw FaultTrouble(text: "\(Int(after - before)) agents were removed, and all had vanished together")
        }
        return "\(cluster.agents.count) agents for \(duration)"
    }

    /// How many agents a master has declared unreachable; nil if it does not lead or does not answer.
    private func removals(by master: ChaosMaster) async -> Double? {
        guard let reply = await ChaosCluster.ask(master, "GET", "/metrics/snapshot", within: .seconds(3)),
            let metrics = try? JSONDecoder().decode([String: Double].self, from: Data(reply.body)),
            metrics["master/elected"] == 1
        else { return nil }
        return metrics["master/slave_unreachable_completed"]
    }

    /// It must be refused, be told why, and not end; the cluster must not know it.
    mutating func strangeAgent() async throws -> String? {
        guard await cluster.leader() != nil else { return nil }
        let home = "\(cluster.directory)/elsewhere-\(pick(1_000_000))"
        let ports = try [ChaosCluster.freePort(), ChaosCluster.freePort()]
        let master = Victim(
            name: "master elsewhere",
            arguments: ["master", "--ip=127.0.0.1", "--port=\(ports[0])", "--etc_dir=", "--work_dir=\(home)/master"])
        func agent(of location: String) -> Victim {
            Victim(
                name: "agent from elsewhere",
                arguments: [
                    "agent", "--master=\(location)", "--ip=127.0.0.1", "--port=\(ports[1])", "--hostname=127.0.0.1",
                    "--etc_dir=", "--work_dir=\(home)/agent", "--containerizers=process",
                    "--resources=cpus:1;mem:128;disk:128", "--registration_backoff_factor=100ms",
                ])
        }
        let atHome = agent(of: "127.0.0.1:\(ports[0])")
        let abroad = agent(of: cluster.location)
        try await master.start()
        try await atHome.start()
        do {
            try await eventually("the strange agent has a cluster of its own", within: .seconds(30)) {
                atHome.output.contains("registered as ")
            }
            await atHome.kill()
            await master.kill()
            try await abroad.start()
            try await eventually("the strange agent is refused: \(abroad.lastLines)", within: .seconds(30)) {
                abroad.output.contains("The agent belongs to cluster ")
            }
        } catch {
            for victim in [atHome, master, abroad] { await victim.kill() }
            throw error
        }
        let end = abroad.unexpectedEnd
        let isKnown = abroad.output.contains("registered as ")
        await abroad.kill()
        if let end { throw FaultTrouble(text: "the strange agent \(end): \(abroad.lastLines)") }
        guard cluster.masters.contains(where: { $0.victim.output.contains("The agent belongs to cluster ") }) else {
            throw FaultTrouble(text: "no master says that it refused the strange agent")
        }
        if isKnown { throw FaultTrouble(text: "the strange agent was admitted: \(abroad.lastLines)") }
        return "refused by name"
    }

    /// It must go, and name the other; the leader stays.
    mutating func twinMaster() async throws -> String? {
        guard let leader = await cluster.leader() else { return nil }
        let port = try ChaosCluster.freePort()
        let home = "\(cluster.directory)/twin-\(pick(1_000_000))"
        let arguments = leader.victim.arguments.map { argument in
            if argument.hasPrefix("--port=") { return "--port=\(port)" }
            return argument.hasPrefix("--work_dir=") ? "--work_dir=\(home)" : argument
        }
        let twin = Victim(name: "twin of \(leader.victim.name)", arguments: arguments)
        try await twin.start()
        do {
            try await eventually("the twin leaves by itself", within: .seconds(30)) { twin.unexpectedEnd != nil }
        } catch {
            await twin.kill()
            throw FaultTrouble(text: "a twin of the leader stays: \(twin.lastLines)")
        }
        guard twin.output.contains("Another master (id ") else {
            throw FaultTrouble(text: "the twin does not name the other: \(twin.lastLines)")
        }
        return leader.victim.name
    }

    /// Nobody else must notice.
    mutating func watcherStuck() async throws -> String? {
        guard let leader = await cluster.leader() else { return nil }
        let duration = Duration.seconds(3 + pick(5))
        let request = HTTPClientRequest(
            method: "POST", url: leader.url + "/api/v1", headers: [("Content-Type", "application/json")],
            body: Array(#"{"type":"SUBSCRIBE"}"#.utf8))
        let streams = try await [HTTPClient.shared.execute(request), HTTPClient.shared.execute(request)]
        try await pause(duration)
        for stream in streams { stream.body.cancel() }
        return "two streams of \(leader.victim.name) for \(duration)"
    }
}
