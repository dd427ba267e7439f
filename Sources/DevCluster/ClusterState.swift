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
        var request = HTTPClientRequest(method: "GET", url: "\(masterURL)/master/state")
        request.totalTimeout = .seconds(2)
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200 else { return nil }
        return ClusterState(stateBody: reply.body)
    }

    /// - Returns: `nil` if the body is not the JSON that a master writes.
    init?(stateBody: [UInt8]) {
        guard let state = try? JSONSerialization.jsonObject(with: Data(stateBody)) as? [String: Any],
            let agents = state["slaves"] as? [[String: Any]],
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

extension HostCapacity {
    /// This host's CPUs and memory.
    static func ofThisHost() -> HostCapacity {
        let info = ProcessInfo.processInfo
        return HostCapacity(cpus: max(1, info.activeProcessorCount), memoryMiB: Int(info.physicalMemory >> 20))
    }
}
