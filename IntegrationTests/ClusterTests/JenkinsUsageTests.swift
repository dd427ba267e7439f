// What builds use, and why they wait, asked of a real framework on a real cluster.

import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import JenkinsUsage
import PracticeJenkins
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct JenkinsUsageTests {
    /// A practice controller and a framework on a cluster of one agent.
    private struct Site {
        var directory: String
        var controllerURL: String
        var configuration: String
        var masterAddress: String
        var controller: ProgramRun
        var framework: ProgramRun

        static func start(_ document: ClusterDocument, in directory: String) async throws -> Site {
            let ports = try FreePorts.pick(1)
            try "demo:secret:token\n".write(toFile: directory + "/users", atomically: true, encoding: .utf8)
            try "token\n".write(toFile: directory + "/token", atomically: true, encoding: .utf8)
            try PracticeAgentScript.text.write(toFile: directory + "/agent.sh", atomically: true, encoding: .utf8)
            let url = "http://127.0.0.1:\(ports[0])"
            let controller = try await ProgramRun.mini(
                "practice-jenkins", "--port=\(ports[0])", "--users_file=\(directory)/users")
            let yaml = """
                stateDir: "\(directory)/framework"
                jenkins: {url: "\(url)", user: demo, tokenFile: "\(directory)/token", pollInterval: 250ms, idlePollInterval: 500ms}
                mesos: {master: "\(document.masters[0].url)"}
                templates:
                  - name: busy
                    cpus: 1
                    memMb: 512
                    idleTimeout: 60s
                    remoteFs: work
                    launch: {method: custom, command: "exec /bin/sh \(directory)/agent.sh"}
                  - name: huge
                    cpus: 1000
                    memMb: 64
                    remoteFs: work
                    launch: {method: custom, command: "exec /bin/sh \(directory)/agent.sh"}
                """
            try yaml.write(toFile: directory + "/jenkins.yaml", atomically: true, encoding: .utf8)
            try await eventually("the practice controller answers", within: .seconds(30)) {
                await get(url + "/login")?.status == 200
            }
            let framework = try await ProgramRun.mini("jenkins", "--config=\(directory)/jenkins.yaml")
            return Site(
                directory: directory, controllerURL: url, configuration: directory + "/jenkins.yaml",
                masterAddress: document.masters[0].address, controller: controller, framework: framework)
        }

        func post(_ path: String, _ body: String = "") async throws {
            var request = HTTPClientRequest(method: "POST", url: controllerURL + path, totalTimeout: .seconds(10))
            request.headers = [
                ("Authorization", "Basic " + Data("demo:token".utf8).base64EncodedString()),
                ("Content-Type", "application/xml; charset=utf-8"),
            ]
            request.body = Array(body.utf8)
            let reply = try await HTTPClient.shared.fetch(request)
            try #require((200..<400).contains(reply.status), "\(path): \(reply.status) \(reply.text)")
        }

        func build(_ job: String, label: String, command: String) async throws {
            try await post(
                "/createItem?name=\(job)",
                """
                <?xml version='1.1' encoding='UTF-8'?>
                <project><assignedNode>\(label)</assignedNode><canRoam>false</canRoam><builders>
                <hudson.tasks.Shell><command>\(command)</command></hudson.tasks.Shell></builders></project>
                """)
            try await post("/job/\(job)/build")
        }

        /// Runs a subcommand of `mini jenkins` to its end.
        func ask(_ arguments: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
            let run = try await ProgramRun.start(builtProduct("mini"), ["jenkins"] + arguments)
            defer { run.forget() }
            let end = await run.end(within: .seconds(30))
            return (end, run.outputText, run.errorText)
        }

        func remove() async {
            for program in [framework, controller] {
                program.process.send(signal: SIGTERM)
                _ = await program.end(within: .seconds(20))
                program.forget()
            }
        }
    }

    private static let seconds = 6

    /// Burns a CPU and holds 150 MiB.
    private static let work = """
        python3 -c "
        import time
        held = bytearray(150 * 1024 * 1024)
        end = time.time() + \(seconds)
        while time.time() &lt; end: pass
        "
        """

    @Test func `a build shows what it used, a waiting one why it waits`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { cluster, document in
            let directory = try makeTemporaryDirectory(named: "usage")
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let site = try await Site.start(document, in: directory)
            do {
                try await check(site)
            } catch {
                print(site.framework.errorText)
                await site.remove()
                throw error
            }
            await site.remove()
        }
    }

    private func check(_ site: Site) async throws {
        try await site.build("burner", label: "busy", command: Self.work)
        try await site.build("giant", label: "huge", command: "true")

        try await eventually("the waiting build's reason names what was offered", within: .seconds(60)) {
            let queue = try await site.ask("queue", "--config=\(site.configuration)", "--json")
            guard queue.end == .exited(0) else { return false }
            let answer = try JSONDecoder().decode(QueueAnswer.self, from: Data(queue.output.utf8))
            guard let entry = answer.queue.first(where: { $0.job == "giant" }) else { return false }
            return entry.code == "no_offer" && entry.phase == "requested"
                && entry.reason.hasPrefix("no offer with 1000 CPUs: ") && entry.reason.contains(" free on ")
        }
        // Who knows neither the configuration nor the address knows the masters.
        let table = try await site.ask("queue", "--master=127.0.0.1:1,\(site.masterAddress)")
        #expect(table.output.contains("REASON") && table.output.contains("no offer with 1000 CPUs"))

        let row = try await eventually("the build is remembered", within: .seconds(60)) { () -> BuildRow? in
            let builds = try await site.ask("builds", "--config=\(site.configuration)", "--job=burner", "--json")
            guard builds.end == .exited(0) else { return nil }
            return try JSONDecoder().decode(BuildsAnswer.self, from: Data(builds.output.utf8)).builds.first
        }
        #expect(row.result == "SUCCESS")
        #expect(row.template == "busy")
        #expect(row.label == "busy")
        #expect(row.asked == BuildSize(cpus: 1, memory: 512))
        #expect(try #require(row.phases.ran) >= Double(Self.seconds))
        #expect(row.phases.offered != nil && row.phases.connected != nil)
        let used = try #require(row.used, "nothing was measured")
        // However busy the host is: the loop got some of a CPU, and no more than all there are.
        #expect(used.cpuPeak > 0.05 && used.cpuPeak < 64)
        #expect(used.cpuP95 <= used.cpuPeak)
        #expect(used.memoryPeak > 140 && used.memoryPeak < 500)

        let metrics = try await eventually("metrics are served") { () -> String? in
            guard let url = try? String(contentsOfFile: site.directory + "/framework/status.url", encoding: .utf8)
            else { return nil }
            return await get(url.trimmingCharacters(in: .newlines) + "/metrics")?.text
        }
        #expect(metrics.contains("mini_jenkins_waiting_items{reason=\"no_offer\"} 1"))
        #expect(metrics.contains("mini_jenkins_build_phase_seconds_count{phase=\"ran\"} 1"))

        // The framework is gone; its files are not.
        site.framework.process.send(signal: SIGKILL)
        _ = await site.framework.end(within: .seconds(10))
        let usage = try await site.ask("usage", "--state-dir=\(site.directory)/framework", "--csv")
        #expect(usage.end == .exited(0))
        #expect(usage.output.contains("\nburner,busy,1,"), "\(usage.output)")
        let unanswered = try await site.ask("queue", "--config=\(site.configuration)")
        #expect(unanswered.end == .exited(1))
        #expect(unanswered.errors.contains("does not answer at http://127.0.0.1:"))
        let wrong = try await site.ask("usage", "--url=http://127.0.0.1:1", "--config=\(site.configuration)")
        #expect(wrong.end == .exited(2))
        #expect(wrong.errors.hasPrefix("mini: jenkins usage: give --config or --url, not both;"), "\(wrong.errors)")
        let gone = try await site.ask("queue", "--master=\(site.masterAddress)")
        #expect(gone.end == .exited(1))
        #expect(gone.errors.contains("no framework of this cluster calls itself Jenkins"), "\(gone.errors)")
    }
}
