// What `/state` says about queue, agents and templates.
import Foundation
import JenkinsUsage
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct StateDocumentTests {
    @Test func `queue, agents and templates are there for machines, beside the keys of before`() throws {
        var farm = WatchedFarm([.named("linux") { $0.agentsMax = 7 }])
        farm.poll([farm.item(1, "windows", job: "app")])
        let document = StateDocument(
            farm.planner.status(at: farm.now), farm.explanations, farm.planner.settings.templates, at: farm.now.wall)
        let bytes = try JSONEncoder().encode(document)
        let object = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        for key in [
            "subscribed", "controller_reachable", "controller_problem", "suppressed", "agents", "waiting", "templates",
            "single_use_violations_total", "framework_id",
        ] {
            #expect(object[key] != nil, "\(key)")
        }
        let answer = try JSONDecoder().decode(QueueAnswer.self, from: bytes)
        let entry = try #require(answer.queue.first)
        #expect((entry.job, entry.label, entry.code, entry.phase) == ("app", "windows", "unserved", "queued"))
        let template = try #require((object["templates"] as? [[String: Any]])?.first)
        #expect(template["agents_max"] as? Int == 7)
        #expect(template["labels"] as? [String] == ["linux"])
    }
}
