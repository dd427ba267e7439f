// Nodes say themselves why builds wait, if the framework is asked to let them.
import Foundation
import HTTPClient
import IntegrationSupport
import LoadTest
import Testing

@Suite(.serialized, .timeLimit(.minutes(4)), .enabled(if: RealJenkins.isPractice))
struct ReasonTests {
    private struct Node: Decodable {
        var displayName: String
        var description: String
        var offlineCauseReason: String
        var temporarilyOffline: Bool
    }

    private func nodes(_ farm: JenkinsFarm) async throws -> [Node] {
        struct Computers: Decodable { var computer: [Node] }
        let tree = "computer%5BdisplayName,description,offlineCauseReason,temporarilyOffline%5D"
        var request = HTTPClientRequest(
            method: "GET", url: farm.controller.url + "/computer/api/json?tree=\(tree)")
        let credentials = Data("\(farm.controller.user):\(farm.controller.token)".utf8).base64EncodedString()
        request.headers = [("Authorization", "Basic \(credentials)")]
        request.totalTimeout = .seconds(5)
        let reply = try await HTTPClient.shared.fetch(request)
        return try JSONDecoder().decode(Computers.self, from: Data(reply.body)).computer
    }

    private func plan(_ templates: FarmTemplate...) -> FarmPlan {
        var plan = FarmPlan(templates)
        plan.pace.append("explainOnNodes: true")
        return plan
    }

    private enum Right: Sendable { case granted, lacking }

    /// Both at once: each waits for a slow agent.
    @Test func `a coming node says in its description why it is not there, and runs its build all the same`() async {
        await atOnce([Right.granted, .lacking]) { right in
            switch right {
            case .granted: try await aComingNodeTellsWhy()
            case .lacking: try await withoutTheRightBuildsRunAllTheSame()
            }
        }
    }

    private func aComingNodeTellsWhy() async throws {
        try await withFarm(plan(FarmTemplate("linux", "idleTimeout: 1s"))) { farm in
            try farm.delayLaunches(seconds: 5)
            try await farm.createJob("app", label: "linux")
            try await farm.build("app")
            let said = try await eventually("the node says what it waits for", within: .seconds(30)) {
                try await nodes(farm).first { $0.displayName.hasPrefix("mj-linux-") && $0.description.contains("; ") }
            }
            #expect(said.description.hasPrefix("managed-by=jenkins-framework "), "\(said)")
            #expect(!said.temporarilyOffline, "saying it must not drain the node")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }

    @Test func `the offline cause of a label's beacon tells what its builds wait for`() async throws {
        var greedy = FarmTemplate("linux")
        greedy.cpus = "5000"
        try await withFarm(plan(greedy)) { farm in
            try await farm.createJob("app", label: "linux")
            try await farm.build("app")
            let beacon = try await eventually("the beacon tells it", within: .seconds(60)) {
                try await nodes(farm).first {
                    $0.displayName == "mj-beacon-linux-a" && $0.offlineCauseReason.contains("app waits")
                }
            }
            #expect(beacon.offlineCauseReason.contains("no offer with 5000 CPUs"), "\(beacon)")
            #expect(beacon.temporarilyOffline)
        }
    }

    /// Without Agent/Configure descriptions stay as they are.
    private func withoutTheRightBuildsRunAllTheSame() async throws {
        var plan = plan(FarmTemplate("linux", "idleTimeout: 1s"))
        plan.permissions = [
            "Hudson.Read", "Item.Read", "Computer.Create", "Computer.Connect", "Computer.Disconnect", "Computer.Delete",
        ].map { "hudson.model.\($0)" }.joined(separator: ",")
        try await withFarm(plan) { farm in
            try farm.delayLaunches(seconds: 3)
            try await farm.createJob("app", label: "linux")
            try await farm.build("app")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }
}
