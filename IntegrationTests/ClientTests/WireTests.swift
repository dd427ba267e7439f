// What clients meet on the wire, checked against facts recorded of Apache Mesos, with Python's standard library only.
import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct WireTests {
    @Test func `requests, redirections and refusals are those of Mesos`() async throws {
        try await withCluster { cluster in
            let leader = try await cluster.leader()
            let standbys = cluster.cluster.masters.map(\.url).filter { $0 != leader.url }
            let run = try await MesosClients.runPlainPython(
                "wire_requests.py", [leader.url] + standbys, within: .seconds(60))
            #expect(run.succeeded, "\(run)")
            try await expectUnavailable(cluster, leader: leader)
        }
    }

    @Test func `streams, offers and updates go as those of Mesos`() async throws {
        try await withCluster { cluster in
            let run = try await MesosClients.runPlainPython(
                "wire_conversation.py", [try await cluster.leader().url, "2"], within: .seconds(90))
            #expect(run.succeeded, "\(run)")
            #expect(try await cluster.ids("frameworks").isEmpty)
        }
    }

    /// Kills the leader and a standby: the last master answers 503, and lives.
    private func expectUnavailable(_ cluster: LentCluster, leader: ClusterProcess) async throws {
        let others = cluster.cluster.masters.filter { $0.url != leader.url }
        let last = try #require(others.last)
        for master in cluster.cluster.masters where master.url != last.url {
            master.kill()
            await master.waitForEnd()
        }
        try await eventually("the last master knows no leader", within: .seconds(20)) {
            try await cluster.ask(last, "/master/state").status == 503
        }
        let answers = [
            try await cluster.ask(last, "/master/state"), try await cluster.ask(last, "/redirect"),
            try await cluster.ask(last, "/api/v1/scheduler", method: "POST", body: "{}"),
        ]
        for answer in answers {
            #expect(answer.status == 503)
            #expect(answer.header("Location") == nil)
            #expect(!answer.body.isEmpty, "the reason is said")
        }
        #expect(try await cluster.ask(last, "/health").status == 200)
        #expect(try await cluster.ask(last, "/version").status == 200)
    }
}
