// What a cluster says of itself, read from the leader's state endpoint.

import Foundation
import HTTPClient

/// The part of a leader's `/master/state` that tells whether a cluster is complete and idle.
public struct ClusterState: Equatable, Sendable {
    /// Agents that are registered and active.
    public var activeAgents: Int
    /// Tasks of all frameworks that have not ended.
    public var activeTasks: Int
    /// CPUs used by tasks, over all agents.
    public var usedCPUs: Double
    /// CPUs in outstanding offers, over all agents.
    public var offeredCPUs: Double
    /// Memory used by tasks, in MB, over all agents.
    public var usedMemory: Double

    /// Asks one master.
    ///
    /// - Returns: `nil` unless that master is the acting leader and answers within two seconds.
    public static func read(_ masterURL: String) async -> ClusterState? {
        await ClusterView.read(masterURL, agents: [])?.state
    }

    /// - Returns: `nil` if the document is not what a master writes.
    init?(_ state: [String: Any]) {
        guard let agents = state["slaves"] as? [[String: Any]],
            let frameworks = state["frameworks"] as? [[String: Any]]
        else { return nil }
        func sum(_ list: String, _ resource: String) -> Double {
            agents.compactMap { ($0[list] as? [String: Any])?[resource] as? NSNumber }.reduce(0) { $0 + $1.doubleValue }
        }
        activeAgents = agents.count { $0["active"] as? Bool == true }
        activeTasks = frameworks.reduce(0) { $0 + (($1["tasks"] as? [Any])?.count ?? 0) }
        usedCPUs = sum("used_resources", "cpus")
        usedMemory = sum("used_resources", "mem")
        offeredCPUs = sum("offered_resources", "cpus")
    }
}

/// A leader's state with its tasks, each with the name of the cluster's process that runs it.
struct ClusterView {
    var state: ClusterState
    /// Tasks that have not ended.
    var tasks: [DemoTask]

    /// Asks one master.
    ///
    /// - Parameter agents: Those whose names to use for tasks; other agents appear by their id.
    /// - Returns: `nil` unless that master is the acting leader and answers within two seconds.
    static func read(_ masterURL: String, agents: [ClusterProcess]) async -> ClusterView? {
        var request = HTTPClientRequest(method: "GET", url: "\(masterURL)/master/state")
        request.totalTimeout = .seconds(2)
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200,
            let document = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any],
            let state = ClusterState(document)
        else { return nil }
        var names: [String: String] = [:]
        for agent in document["slaves"] as? [[String: Any]] ?? [] {
            guard let id = agent["id"] as? String, let pid = agent["pid"] as? String else { continue }
            names[id] = agents.first { pid.hasSuffix($0.url.dropFirst("http://".count)) }?.plan.name ?? id
        }
        let frameworks = document["frameworks"] as? [[String: Any]] ?? []
        let tasks = frameworks.flatMap { $0["tasks"] as? [[String: Any]] ?? [] }.compactMap { task -> DemoTask? in
            guard let id = task["id"] as? String, let state = task["state"] as? String,
                let agent = task["slave_id"] as? String
            else { return nil }
            return DemoTask(id: id, state: state, host: names[agent] ?? agent)
        }
        return ClusterView(state: state, tasks: tasks)
    }
}

extension HostCapacity {
    /// This host's CPUs and memory.
    static func ofThisHost() -> HostCapacity {
        let info = ProcessInfo.processInfo
        return HostCapacity(cpus: max(1, info.activeProcessorCount), memoryMiB: Int(info.physicalMemory >> 20))
    }
}
