// A configuration that is read again: what counts at once, what waits for a restart, and what stays as it was.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct ConfigurationChangeTests {
    private func load(_ text: String) throws(ConfigurationError) -> JenkinsConfiguration {
        try JenkinsConfiguration.parse(text, path: "jf.yaml")
    }

    private func configuration(
        _ jenkins: String = "", _ mesos: String = "", top: String = "", templates: String = "[{name: a}, {name: b}]"
    ) throws(ConfigurationError) -> JenkinsConfiguration {
        try load(
            """
            stateDir: /s
            jenkins: {url: "http://ci:8080/"\(jenkins)}
            mesos: {master: "m:5050"\(mesos)}
            \(top)
            templates: \(templates)
            """)
    }

    @Test func `the same file changes nothing`() throws {
        let same = try configuration()
        let change = ConfigurationChange(from: try configuration(), to: same)
        #expect(change.isEmpty && change.effective == same)
    }

    @Test func `limits, timeouts, intervals and secrets count at once`() throws {
        let new = try configuration(
            ", pollInterval: 1s, user: u, tokenFile: /t, agentUrl: \"http://ci.example.org\"", ", declineDuration: 1m",
            top: "limits: {maxAgents: 3}\nagents: {lostGrace: 5s}\nhealth: {unmatchedLabelsFail: true}")
        let change = ConfigurationChange(from: try configuration(), to: new)
        #expect(
            change.applied == [
                "jenkins.agentUrl", "jenkins.user", "jenkins.tokenFile or passwordFile", "jenkins.pollInterval",
                "mesos.declineDuration", "limits.maxAgents", "agents.lostGrace", "health.unmatchedLabelsFail",
            ])
        #expect(change.awaitingRestart.isEmpty && change.effective == new)
    }

    @Test func `what the framework is known by takes a restart, and stays as it was until then`() throws {
        let old = try configuration()
        let new = try configuration(
            "", ", frameworkName: Other, roles: [ci], checkpoint: false",
            top: "status: {port: 9}\nlimits: {maxAgents: 3}")
        let change = ConfigurationChange(from: old, to: new)
        #expect(change.applied == ["limits.maxAgents"])
        #expect(change.awaitingRestart == ["status", "mesos.frameworkName", "mesos.roles", "mesos.checkpoint"])
        #expect(change.effective.mesos == old.mesos && change.effective.status == old.status)
        #expect(change.effective.planner.agentsMax == 3)
        // The next reading finds the same things waiting, and nothing that counts.
        let again = ConfigurationChange(from: change.effective, to: new)
        #expect(again.applied.isEmpty && again.awaitingRestart == change.awaitingRestart)
    }

    @Test func `templates come, go and change by name`() throws {
        let old = try configuration(templates: "[{name: a}, {name: b}, {name: c}]")
        let new = try configuration(templates: "[{name: c}, {name: b, maxAgents: 2}, {name: d, env: {X: y}}]")
        let change = ConfigurationChange(from: old, to: new)
        #expect(
            change.applied == [
                "templates: 'a' is gone, its agents leave when they are idle",
                "templates: 'b' has changed, for new agents", "templates: 'd' is new", "templates: another order",
            ])
        #expect(change.effective.planner.templates.map(\.name) == ["c", "b", "d"])
        #expect(Set(change.effective.launches.keys) == ["b", "c", "d"])
    }

    @Test func `how agents are started is a change of their template, too`() throws {
        let new = try configuration(templates: "[{name: a, jvmArgs: -Xss1m}, {name: b}]")
        let change = ConfigurationChange(from: try configuration(), to: new)
        #expect(change.applied == ["templates: 'a' has changed, for new agents"])
    }

    @Test func `a template may not use a role before the framework has it`() throws {
        let new = try configuration("", ", roles: [\"*\", ci]", templates: "[{name: a}, {name: b, role: ci}]")
        let change = ConfigurationChange(from: try configuration(), to: new)
        #expect(change.awaitingRestart == ["mesos.roles", "templates: role 'ci' of 'b'"])
    }

    @Test func `two frameworks of one process must not share what is one's own`() throws {
        let one = try configuration(top: "status: {port: 9}")
        #expect(
            FrameworkFleet.conflicts([("a.yaml", one), ("b.yaml", one)]) == [
                "b.yaml: stateDir: '/s' is also that of a.yaml", "b.yaml: status.port: 9 is also that of a.yaml",
            ])
        var other = one
        other.stateDirectory = "/t"
        other.status.port = 0
        #expect(FrameworkFleet.conflicts([("a.yaml", one), ("b.yaml", other)]).isEmpty)
    }
}

@Suite struct CheckReportTests {
    private let report = CheckReport(rows: [
        .ok("controller", "Jenkins 2.504.1 at http://ci"), .warning("agent URL", "this host only", "set agentUrl"),
    ])

    @Test func `the table is aligned, and advice stands below what it is about`() {
        #expect(
            report.text == """
                controller  ok       Jenkins 2.504.1 at http://ci
                agent URL   warning  this host only
                                     -> set agentUrl
                0 wrong, 1 warning, 1 ok
                """)
        #expect(report.exitStatus == 0)
    }

    @Test func `anything wrong is the exit status, and the JSON says the same`() {
        var report = report
        report.rows.append(.wrong("user", "refused", "make a token"))
        #expect(report.exitStatus == 1)
        #expect(report.json.contains("\"exit_status\" : 1") && report.json.contains("\"state\" : \"wrong\""))
    }
}
