// `mini doctor` on this very machine, beside a cluster that works.

import Foundation
import IntegrationSupport
import Processes
import Testing

@Suite(.timeLimit(.minutes(3))) struct DoctorRunTests {
    private struct Report: Decodable {
        struct Finding: Decodable {
            var check: String
            var severity: String
            var text: String
            var fix: String?
        }
        var exit_status: Int32
        var findings: [Finding]

        func severity(_ check: String) -> String? { findings.first { $0.check.hasPrefix(check) }?.severity }
    }

    private func examine(_ arguments: [String]) async throws -> (report: Report, status: ProcessEnd) {
        let run = try await ProgramRun.start(
            builtProduct("mini"), ["doctor", "--json", "--no-hostname_lookup"] + arguments)
        defer { run.forget() }
        let end = await run.end(within: .seconds(60))
        return (try JSONDecoder().decode(Report.self, from: Data(run.output)), end)
    }

    @Test func `the doctor sees a working ensemble, its leader, the clock, and a port that is taken`() async throws {
        let directory = try makeTemporaryDirectory(named: "doctor")
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let common = ["--work_dir=\(directory)", "--containerizers=process", "--ip=127.0.0.1"]
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, document in
            let master = "--master=\(document.zk ?? document.masters[0].address)"
            let (report, end) = try await examine(common + [master, "--port=\(document.masters[0].port)"])
            let story = "\(report.findings)"
            if document.zk != nil { #expect(report.severity("ZooKeeper") == "ok", "\(story)") }
            #expect(report.severity("master http") == "ok", "\(story)")
            #expect(report.severity("clock") == "ok", "\(story)")
            #expect(report.severity("disk (work_dir)") != nil, "\(story)")
            // The master's port is no port for an agent.
            #expect(report.severity("port") == "problem", "\(story)")
            #expect(report.exit_status == 2)
            #expect(end == .exited(2))

            let (second, _) = try await examine(common + [master, "--port=\(document.agents[0].port)"])
            #expect(second.findings.first { $0.check == "port" }?.text.hasPrefix("an agent listens") == true)
        }
        let (lost, end) = try await examine(common + ["--master=zk://127.0.0.1:1/mesos", "--port=0"])
        #expect(lost.severity("ZooKeeper") == "problem")
        #expect(lost.severity("master") == "problem")
        #expect(end == .exited(2))
    }
}
