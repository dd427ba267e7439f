// Masters are killed while builds run: a standby leads in time, no build is lost or run twice, no quorum means no leader.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(4))) struct FailoverTests {
    private static let sessionTimeout = Duration.seconds(3)

    @Test
    func `builds outlive two leaders; without a quorum nobody leads; one restarted master brings the cluster back`()
        async throws
    {
        try await withCluster(
            "--masters=3", "--agents=3", "--containerizer=docker", "--demo", "--zk_session_timeout=3secs"
        ) { cluster, document in
            let jenkins = try PracticeDriver(document)
            let jobs = ["demo-plain", "demo-single", "demo-double"].flatMap { label in
                (1...2).map { (name: "long-\(label)-\($0)", label: label) }
            }
            for job in jobs { try await jenkins.build(job.name, label: job.label, seconds: 6) }
            try await eventually("some builds run", within: .seconds(40)) {
                var running = 0
                for job in jobs { running += try await jenkins.builds(of: job.name).count { $0.building } }
                return running >= 2
            }
            let commandLines = Dictionary(
                uniqueKeysWithValues: document.masters.map { ($0.url, HostLook.arguments(of: $0.pid)) })

            // The leader dies.
            let first = try #require(try await document.leader())
            let death = ContinuousClock.now
            kill(first.pid, SIGKILL)
            let second = try await eventually("a standby leads", within: .seconds(30)) {
                try await document.leader(besides: [first.url])
            }
            #expect(.now - death < Self.sessionTimeout + .seconds(2))
            for job in jobs {
                try await eventually("\(job.name) ends", within: .seconds(60)) {
                    try await jenkins.builds(of: job.name).contains { !$0.building }
                }
            }
            for job in jobs {
                #expect(
                    try await jenkins.builds(of: job.name) == [.init(number: 1, result: "SUCCESS", building: false)],
                    "\(job.name)")
                #expect(try await jenkins.consoleWords(of: job.name) == ["begins", "ends"], "\(job.name)")
            }

            // The next leader dies, too.
            kill(second.pid, SIGKILL)
            let last = try #require(document.masters.first { ![first.url, second.url].contains($0.url) })
            try await eventually("the last master names the missing quorum", within: .seconds(15)) {
                guard let reply = await get("\(last.url)/master/state") else { return false }
                return reply.status == 503 && reply.text.contains("quorum")
            }
            #expect(await get("\(last.url)/health")?.status == 200)
            var call = HTTPClientRequest(method: "POST", url: "\(last.url)/api/v1/scheduler")
            call.headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
            call.body = Array(
                #"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"early"}}}"#.utf8)
            call.totalTimeout = .seconds(5)
            let reply = try await HTTPClient.shared.fetch(call)
            #expect(reply.status == 503 && reply.text.contains("quorum"), "\(reply.status) \(reply.text)")

            // One comes back, and with it everything.
            let commandLine = try #require(commandLines[first.url])
            let restarted = try await startByHand(commandLine, logPath: "\(document.workDirectory)/restarted.log")
            try await document.waitUntilComplete(within: .seconds(30))
            try await jenkins.build("afterwards", label: "demo-plain", seconds: 1)
            try await eventually("a build after all that succeeds", within: .seconds(60)) {
                try await jenkins.builds(of: "afterwards").map(\.result) == ["SUCCESS"]
            }
            #expect(restarted.knownEnd == nil)
        }
    }
}
