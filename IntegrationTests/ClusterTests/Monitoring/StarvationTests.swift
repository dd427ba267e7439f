// A role is starved on a real cluster: Prometheus and Alertmanager say so, and so does the leading master by itself.

import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Processes
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(4)))
struct StarvationTests {
    @Test func `Prometheus and Alertmanager tell a webhook who holds what a starved role wants, and that it is over`()
        async throws
    {
        try await withReceivers { receivers, folder in
            try await withCluster("--masters=1", "--agents=1", "--containerizer=process") { _, cluster in
                let leader = try #require(cluster.masters.first)
                let ports = try FreePorts.pick(2)
                let alertmanager = try await alertmanager(port: ports[0], folder, hooks: receivers.http)
                defer { end(alertmanager) }
                let prometheus = try await prometheus(
                    port: ports[1], folder, scraping: leader.address, alerting: ports[0])
                defer { end(prometheus) }
                try await starving(leader) {
                    let alert = try await arrival(of: "firing", at: receivers, [prometheus, alertmanager])
                    #expect(alert.annotations["description"]?.contains("Role batch holds ") == true, "\(alert)")
                }
                _ = try await arrival(of: "resolved", at: receivers, [prometheus, alertmanager])
            }
        }
    }

    @Test func `the leading master tells a webhook and a mail server once each, however long another receiver hangs`()
        async throws
    {
        try await withReceivers { receivers, folder in
            let token = "\(folder)/token"
            try "hook-canary\n".write(toFile: token, atomically: true, encoding: .utf8)
            let file = "\(folder)/alerts.yaml"
            try """
            receivers:
              - name: dead
                webhook: {url: "http://127.0.0.1:\(receivers.http)/hang"}
              - name: chat
                webhook: {url: "http://127.0.0.1:\(receivers.http)/hook", token_file: "\(token)"}
              - name: ops
                mail: {server: "smtp://127.0.0.1:\(receivers.smtp)", from: mini@example.com, to: [ops@example.com],
                       encryption: never}
            evaluation_interval: 1secs
            resolve_after: 1secs
            rules:
              role_starved: {for: 2secs}
            """.write(toFile: file, atomically: true, encoding: .utf8)
            let check = try await runCommand(builtProduct("mini"), ["alerts", "check", file], within: .seconds(30))
            #expect(check.succeeded && check.output.contains("receivers: dead, chat, ops"), "\(check)")
            let test = try await runCommand(
                builtProduct("mini"), ["alerts", "test", "--receiver=ops", file], within: .seconds(30))
            #expect(test.succeeded && test.output == "ops: has taken it\n", "\(test)")
            #expect(receivers.mails.first?["subject"] as? String == "[mini-mesos] INFO: This is a test of mini alerts.")

            try await withStandalone(folder, ["--alerts_config=\(file)", "--log_format=json"]) { master, log in
                try await starving(master) {
                    try await eventually("a hook and a mail arrive", within: .seconds(40)) {
                        receivers.ownAlerts.count == 1 && receivers.mails.count == 2
                    }
                    let list = try await runCommand(
                        builtProduct("mini"), ["alerts", "list", "--master=\(master.address)"], within: .seconds(30))
                    #expect(list.succeeded && list.output.hasPrefix("firing   warning RoleStarved for "), "\(list)")
                    // Many looks at the cluster later still once each.
                    try await eventually("the hanging receiver is given its time", within: .seconds(30)) {
                        guard let answer = await get("\(master.url)/alerts"),
                            let document = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any],
                            let standings = document["receivers"] as? [[String: Any]]
                        else { return false }
                        return standings.first?["problem"] != nil
                    }
                    #expect(receivers.ownAlerts.count == 1)
                    #expect(receivers.mails.count == 2)
                }
                try await eventually("the end arrives", within: .seconds(40)) {
                    receivers.ownAlerts.count == 2 && receivers.mails.count == 3
                }
                let alerts = receivers.ownAlerts
                #expect(alerts.map { $0["status"] as? String } == ["firing", "resolved"])
                #expect((alerts[0]["description"] as? String)?.contains("Role batch holds ") == true, "\(alerts)")
                #expect(receivers.hooks.allSatisfy { $0["authorization"] as? String == "Bearer hook-canary" })
                #expect((receivers.mails[1]["text"] as? String)?.contains("Role batch holds ") == true)
                #expect(receivers.mails[1]["to"] as? [String] == ["<ops@example.com>"])
                try expectElastAlertFindsItsLines(in: log.output)
            }
        }
    }

    // MARK: - Parts

    private func arrival(
        of status: String, at receivers: Receivers, _ programs: [RunningCommand]
    ) async throws -> Receivers.AlertmanagerAlert {
        do {
            return try await eventually("the alert arrives as \(status)", within: .seconds(90)) {
                receivers.alertmanagerAlerts.first {
                    $0.name == "MiniMesosRoleStarved" && $0.status == status && $0.labels["role"] == "ci"
                }
            }
        } catch var error as ConditionNotMet {
            error.what += programs.map { "\n\($0.output.suffix(1_500))" }.joined()
            throw error
        }
    }

    /// A role holds everything, another wants some, while `body` runs. Then the first lets go.
    private func starving(_ master: ClusterDocument.Daemon, _ body: () async throws -> Void) async throws {
        let state = try #require(try await MasterState.read(master.url))
        let cpus = try #require(state.slaves.first).resources.cpus
        let all = WantedTask(id: "hold", command: "sleep 600", cpus: cpus, memory: 32)
        let batch = try SmallFramework(master: master.address, tasks: [all], role: "batch", isContent: true)
        try await batch.run {
            try await eventually("the task of the other role runs", within: .seconds(30)) {
                batch.states(of: "hold").contains(.taskRunning)
            }
            let wanted = WantedTask(id: "want", command: "true", cpus: cpus, memory: 32)
            let ci = try SmallFramework(master: master.address, tasks: [wanted], role: "ci")
            try await ci.run { try await body() }
        }
    }

    private func end(_ program: RunningCommand) {
        program.process.sendToGroup(signal: SIGKILL)
    }

    private func alertmanager(port: Int, _ folder: String, hooks: Int) async throws -> RunningCommand {
        try """
        route: {receiver: hook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname, role]}
        receivers:
          - name: hook
            webhook_configs: [{url: "http://127.0.0.1:\(hooks)/hook", send_resolved: true}]
        """.write(toFile: "\(folder)/alertmanager.yml", atomically: true, encoding: .utf8)
        return try await startCommand(
            "prometheus-alertmanager",
            [
                "--config.file=\(folder)/alertmanager.yml", "--storage.path=\(folder)/alertmanager",
                "--web.listen-address=127.0.0.1:\(port)", "--cluster.listen-address=",
            ])
    }

    /// With the rules as they are delivered, but for their minutes, which are seconds here.
    private func prometheus(
        port: Int, _ folder: String, scraping master: String, alerting alertmanager: Int
    ) async throws -> RunningCommand {
        let rules = try String(
            contentsOfFile: "\(repository)/packaging/alerts/prometheus-rules.yaml", encoding: .utf8)
        try rules.replacing(/for: \d+m/, with: "for: 1s")
            .write(toFile: "\(folder)/rules.yaml", atomically: true, encoding: .utf8)
        try """
        global: {scrape_interval: 1s, evaluation_interval: 1s}
        rule_files: [rules.yaml]
        scrape_configs: [{job_name: mini-master, static_configs: [{targets: ["\(master)"]}]}]
        alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:\(alertmanager)"]}]}]}
        """.write(toFile: "\(folder)/prometheus.yml", atomically: true, encoding: .utf8)
        return try await startCommand(
            "prometheus",
            [
                "--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(folder)/prometheus",
                "--web.listen-address=127.0.0.1:\(port)",
            ])
    }

    /// The rules that are delivered for ElastAlert take the lines they are meant for, and these have what the rules show.
    private func expectElastAlertFindsItsLines(in log: String) throws {
        let documented = try String(contentsOfFile: "\(repository)/Docs/logs.md", encoding: .utf8)
        for name in ["alert-lines", "no-leader"] {
            let rule = try ElastAlertRule(name)
            let lines = rule.lines(of: log)
            #expect(!rule.filter.isEmpty && !lines.isEmpty, "\(name)")
            for field in rule.fields + rule.filter.keys.sorted() {
                #expect(lines.allSatisfy { $0[field] != nil }, "\(name): \(field)")
                #expect(documented.contains("`\(field)`"), "\(name): \(field)")
            }
        }
        let told = try ElastAlertRule("alert-lines").lines(of: log).filter { $0["subject"] == "ci" }
        #expect(told.map { $0["alert"] } == ["RoleStarved"])
    }

    /// A master and an agent of its own, started by hand.
    private func withStandalone(
        _ folder: String, _ flags: [String],
        _ body: (ClusterDocument.Daemon, _ log: RunningCommand) async throws -> Void
    ) async throws {
        let ports = try FreePorts.pick(2)
        let master = try await startCommand(
            builtProduct("mini"),
            ["master", "--ip=127.0.0.1", "--port=\(ports[0])", "--work_dir=\(folder)/m", "--etc_dir="] + flags)
        defer { master.process.sendToGroup(signal: SIGKILL) }
        let agent = try await startCommand(
            builtProduct("mini"),
            [
                "agent", "--master=127.0.0.1:\(ports[0])", "--ip=127.0.0.1", "--port=\(ports[1])", "--etc_dir=",
                "--work_dir=\(folder)/a", "--containerizers=process", "--resources=cpus:2;mem:512",
                "--no-switch_user",
            ])
        defer { agent.process.sendToGroup(signal: SIGKILL) }
        let daemon = ClusterDocument.Daemon(url: "http://127.0.0.1:\(ports[0])", pid: 0)
        try await eventually("the agent is registered\n\(master.output)\n\(agent.output)", within: .seconds(60)) {
            try await MasterState.read(daemon.url)?.slaves.first?.active == true
        }
        try await body(daemon, master)
        agent.process.send(signal: SIGUSR1)
        _ = await agent.finished(within: .seconds(30))
    }
}

// MARK: - Receivers

/// What has arrived at the receivers of `alert_receivers.py`.
struct Receivers: Sendable {
    let http: Int
    let smtp: Int
    let folder: String

    private func lines(_ name: String) -> [[String: Any]] {
        let text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    var hooks: [[String: Any]] { lines("hooks.jsonl") }
    var mails: [[String: Any]] { lines("mails.jsonl") }

    /// Those of a master about starved roles: the others are not what the test is about.
    var ownAlerts: [[String: Any]] {
        hooks.flatMap { ($0["body"] as? [String: Any])?["alerts"] as? [[String: Any]] ?? [] }
            .filter { $0["alert"] as? String == "RoleStarved" && $0["subject"] as? String == "ci" }
    }

    struct AlertmanagerAlert {
        var status: String
        var labels: [String: String]
        var annotations: [String: String]
        var name: String { labels["alertname"] ?? "" }
    }

    var alertmanagerAlerts: [AlertmanagerAlert] {
        hooks.flatMap { ($0["body"] as? [String: Any])?["alerts"] as? [[String: Any]] ?? [] }.map {
            AlertmanagerAlert(
                status: $0["status"] as? String ?? "", labels: $0["labels"] as? [String: String] ?? [:],
                annotations: $0["annotations"] as? [String: String] ?? [:])
        }
    }
}

func withReceivers(_ body: (Receivers, _ folder: String) async throws -> Void) async throws {
    let folder = try makeTemporaryDirectory(named: "alerts")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let server = try await startCommand("python3", ["\(PythonClients.scripts)/alert_receivers.py", folder])
    defer { server.process.sendToGroup(signal: SIGKILL) }
    let ports = try await eventually("the receivers listen: \(server.output)", within: .seconds(30)) {
        () -> [String: Int]? in
        try? JSONDecoder().decode([String: Int].self, from: Data(server.output.utf8))
    }
    try await body(
        Receivers(http: try #require(ports["http"]), smtp: try #require(ports["smtp"]), folder: folder), folder)
}
