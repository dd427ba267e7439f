// Which process of the cluster runs a task, and the processes of a task's agent.
import DevCluster
import Foundation
import Glibc
import HTTPClient
import LoadTest

extension JenkinsFarm {
    /// The cluster's agent that runs the task.
    func clusterAgent(of task: FarmTask) async throws -> ClusterProcess? {
        struct State: Decodable {
            struct Agent: Decodable {
                var id: String
                var pid: String
            }
            var slaves: [Agent]
        }
        guard let leader = await cluster.leaderURL() else { return nil }
        var request = HTTPClientRequest(method: "GET", url: leader + "/master/state")
        request.totalTimeout = .seconds(5)
        let reply = try await HTTPClient.shared.fetch(request)
        let state = try JSONDecoder().decode(State.self, from: Data(reply.body))
        guard let pid = state.slaves.first(where: { $0.id == task.slave_id })?.pid else { return nil }
        return cluster.agents.first { pid.hasSuffix($0.url.dropFirst("http://".count)) }
    }

    /// Everything that runs for a Jenkins agent on this host, its builds included.
    func processes(of node: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let pid = pid_t(name),
                let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
            else { return nil }
            let entries = environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return entries.contains("JENKINS_AGENT_NAME=\(node)") || entries.contains("NODE_NAME=\(node)") ? pid : nil
        }
    }

    /// Kills all of them, as the end of its host would.
    func killAgentProcess(_ node: String) {
        for pid in processes(of: node) { kill(pid, SIGKILL) }
    }
}
