// What programs tell Prometheus, judged by promtool; and the alert rules, judged by promtool and by their own tests.

import Foundation
import HTTPClient
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct MetricsTextTests {
    /// Debian's package prometheus holds it.
    private func promtool(_ arguments: String..., input: String? = nil) async throws -> CommandRun {
        let command = arguments.map { "'\($0)'" }.joined(separator: " ") + (input.map { " < '\($0)'" } ?? "")
        return try await runCommand(
            "sh", ["-c", "exec promtool \(command)"], directory: repository, within: .seconds(60))
    }

    @Test func `the alert rules are sound, each fires in its test, and a healthy hour is silent`() async throws {
        let check = try await promtool("check", "rules", "packaging/alerts/prometheus-rules.yaml")
        #expect(check.succeeded, "\(check)")
        let test = try await promtool(
            "test", "rules", "IntegrationTests/ClusterTests/Monitoring/Rules/rules-test.yaml")
        #expect(test.succeeded, "\(test)")
    }

    @Test func `promtool finds nothing wrong with the figures of masters, agents and the Jenkins framework`()
        async throws
    {
        try await withCluster("--demo", "--masters=2", "--agents=1", "--containerizer=process") { _, cluster in
            var sources = cluster.masters + cluster.agents
            let leader = try #require(try await cluster.leader())
            let jenkins = try await eventually("the Jenkins framework says where it answers") { () -> String? in
                guard let reply = await get("\(leader.url)/master/frameworks"),
                    let document = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any],
                    let frameworks = document["frameworks"] as? [[String: Any]]
                else { return nil }
                return frameworks.compactMap { $0["webui_url"] as? String }.first { !$0.isEmpty }
            }
            sources.append(.init(url: jenkins.hasSuffix("/") ? String(jenkins.dropLast()) : jenkins, pid: 0))
            let directory = try makeTemporaryDirectory(named: "metrics")
            defer { try? FileManager.default.removeItem(atPath: directory) }
            for (index, source) in sources.enumerated() {
                let reply = try #require(await get("\(source.url)/metrics"))
                let text = String(decoding: reply.body, as: UTF8.self)
                #expect(
                    reply.status == 200 && reply.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
                #expect(text.contains("# TYPE mini_"))
                let file = "\(directory)/\(index)"
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                let check = try await promtool("check", "metrics", input: file)
                #expect(check.succeeded && check.output.isEmpty, "\(source.url): \(check)")
                // Only the leader speaks of the cluster.
                if index < cluster.masters.count {
                    #expect(text.contains("mini_master_agents{state=") == (source.url == leader.url))
                    #expect(text.contains("mini_master_elected \(source.url == leader.url ? 1 : 0)\n"))
                }
            }
        }
    }
}
