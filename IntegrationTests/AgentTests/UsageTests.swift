// What real containers use, as dashboards read it.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct AgentUsageTests {
    @Test(arguments: SessionTests.Kind.allCases)
    func `the figures of a busy container grow, and the last ones can be read after its end`(
        kind: SessionTests.Kind
    ) async throws {
        try await AgentHost.with { host in
            host.master.run(kind.task("busy", "while true; do :; done"))
            _ = try await host.master.update("busy", .taskRunning)
            let first = try await Self.cpuSeconds(host, "/monitor/statistics", above: 0.2)
            let second = try await Self.cpuSeconds(host, "/monitor/statistics", above: first + 0.2)
            let containers = try await Self.list(host, "/containers")
            #expect(containers.count == 1)
            let entry = try #require(containers.first)
            #expect(entry["executor_id"] as? String == "busy")
            #expect(entry["source"] as? String == "busy")
            let status = try #require(entry["status"] as? [String: Any])
            #expect((status["container_id"] as? [String: Any])?["value"] as? String == entry["container_id"] as? String)
            let statistics = try #require(entry["statistics"] as? [String: Any])
            #expect(statistics["cpus_limit"] as? Double == 0.1)
            #expect(statistics["mem_limit_bytes"] as? Int == 64 << 20)
            #expect((statistics["mem_rss_bytes"] as? Int ?? 0) > 0)
            #expect((statistics["processes"] as? Int ?? 0) >= 1)
            host.master.kill("busy", grace: .zero)
            _ = try await host.master.end(of: "busy")
            let last = try await Self.cpuSeconds(host, "/monitor/statistics?completed=true", above: second - 0.001)
            #expect(last >= second)
            #expect(try await Self.list(host, "/monitor/statistics").isEmpty)
        }
    }

    @Test func `containers are asked for one by one, and senseless questions are refused`() async throws {
        try await AgentHost.with { host in
            for name in ["one", "two"] { host.master.run(AgentHost.task(name, "sleep 1000")) }
            let one = try await host.master.update("one", .taskRunning).containerStatus.containerID.value
            _ = try await host.master.update("two", .taskRunning)
            #expect(try await Self.list(host, "/containers?container_id=\(one)").count == 1)
            #expect(try await Self.list(host, "/containers?framework_id=test-F0").count == 2)
            #expect(try await Self.list(host, "/containers?framework_id=test-F0&executor_id=two").count == 1)
            #expect(try await host.get("/containers?executor_id=two").status == 400)
            #expect(try await host.get("/containers?container_id=\(one)&framework_id=test-F0").status == 400)
            var call = HTTPClientRequest(
                method: "POST", url: "\(host.agent?.url ?? "")/api/v1", headers: [("Content-Type", "application/json")],
                body: Array(#"{"type":"GET_CONTAINERS"}"#.utf8))
            call.totalTimeout = .seconds(10)
            let request = call
            try await wait("the figures of both") {
                let answer = try MesosJSON.decode(
                    V1AgentAPIResponse.self, from: try await HTTPClient.shared.fetch(request).body)
                let containers = answer.getContainers.containers
                return containers.count == 2 && containers.allSatisfy { $0.resourceStatistics.hasMemRssBytes }
                    ? true : nil
            }
        }
    }

    private static func list(_ host: AgentHost, _ path: String) async throws -> [[String: Any]] {
        let reply = try await host.get(path)
        guard let list = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]] else {
            throw Timeout(description: "\(path): \(reply.status) \(reply.text)")
        }
        return list
    }

    /// Waits for as much CPU time of the only container.
    private static func cpuSeconds(_ host: AgentHost, _ path: String, above: Double) async throws -> Double {
        try await wait("\(above) s of CPU", .seconds(20)) {
            let statistics = try await list(host, path).first?["statistics"] as? [String: Any]
            let user = statistics?["cpus_user_time_secs"] as? Double ?? 0
            let system = statistics?["cpus_system_time_secs"] as? Double ?? 0
            return user + system > above ? user + system : nil
        }
    }
}
