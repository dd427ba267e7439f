// The file of --alerts_config, and that its rules are those of Prometheus.
import Foundation
import HTTPClient
import Testing
import Yams

@testable import Alerts

@Suite struct AlertsConfigurationTests {
    private func problems(_ text: String) -> [String] {
        do throws(AlertsConfigurationError) {
            _ = try AlertsConfiguration.parse(text)
            return []
        } catch { return error.problems }
    }

    @Test func `a full file is read key by key`() throws {
        let secret = FileManager.default.temporaryDirectory.appendingPathComponent("alerts-\(UUID().uuidString)")
        try "s3cret\n".write(to: secret, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: secret) }
        let configuration = try AlertsConfiguration.parse(
            """
            receivers:
              - name: chat
                webhook: {url: "https://chat/hook", token_file: "\(secret.path)"}
              - name: ops
                mail:
                  server: smtp://mail:587
                  from: mini@example.com
                  to: [ops@example.com, night@example.com]
                  username: mini
                  password_file: "\(secret.path)"
            farms: ["http://j1:8081"]
            repeat_interval: 4hrs
            evaluation_interval: 30secs
            rules:
              role_starved: {for: 2mins, share_left: 0.1}
              builds_waiting: {longer_than: 1hrs, severity: critical}
              label_unserved: false
            """)
        #expect(
            configuration.receivers == [
                AlertReceiver(name: "chat", way: .webhook(url: "https://chat/hook", token: "s3cret")),
                AlertReceiver(
                    name: "ops",
                    way: .mail(
                        MailServer(url: "smtp://mail:587", username: "mini", password: "s3cret"),
                        from: "mini@example.com", to: ["ops@example.com", "night@example.com"])),
            ])
        #expect(configuration.farms == ["http://j1:8081"])
        #expect(configuration.book.repeatInterval == .seconds(14_400))
        #expect(configuration.evaluationInterval == .seconds(30))
        let rules = Dictionary(uniqueKeysWithValues: configuration.book.rules.map { ($0.name, $0) })
        #expect(rules.count == 5 && rules["LabelUnserved"] == nil)
        #expect(rules["RoleStarved"] == AlertRule("RoleStarved", .roleStarved(shareLeft: 0.1), holdsFor: .seconds(120)))
        #expect(
            rules["BuildsWaiting"]
                == AlertRule(
                    "BuildsWaiting", .buildsWaiting(longerThan: .seconds(3_600)), holdsFor: .seconds(60),
                    severity: .critical))
    }

    @Test func `an empty file is the standard rules and nobody to tell`() throws {
        #expect(try AlertsConfiguration.parse("") == AlertsConfiguration())
        #expect(try AlertsConfiguration.parse("").book.rules == AlertRule.standard)
    }

    @Test func `every mistake is told with its key, all at once`() {
        #expect(
            problems(
                """
                receivers:
                  - name: a
                    webhook: {url: "ftp://x"}
                  - webhook: {url: "http://x"}
                  - name: c
                    mail: {server: "mail:25", from: "nobody", to: ["x y@z"]}
                rules:
                  role_starved: {for: soon}
                  roles_starved: {}
                repeat_interval: 5secs
                evaluation_interval: 1hrs
                colour: red
                """) == [
                    "receivers[0].webhook.url: expected http:// or https://, found 'ftp://x'",
                    "receivers[1].name: missing",
                    "receivers[2].mail.server: expected smtp://host:port or smtps://host:port",
                    "receivers[2].mail.from: 'nobody' is no address",
                    "receivers[2].mail.to: 'x y@z' is no address",
                    "rules.role_starved.for: expected a duration such as 90secs, 5mins or 4hrs",
                    "rules.roles_starved: unknown; expected one of agents_lost, builds_waiting, engine_stalled, "
                        + "label_unserved, quorum_thin, role_starved",
                    "repeat_interval: expected a duration such as 90secs, 5mins or 4hrs, at least 1mins",
                    "evaluation_interval: expected a duration such as 90secs, 5mins or 4hrs, at least 1secs, at most 1mins",
                    "colour: unknown; expected one of receivers, rules, farms, repeat_interval, resolve_after, "
                        + "evaluation_interval",
                ])
        #expect(problems("- x").first == "the file: expected a mapping of keys to values")
        #expect(problems("a: [").first?.hasPrefix("not YAML") == true)
    }

    @Test func `a password is not sent in clear, and an address cannot carry a command`() throws {
        let secret = FileManager.default.temporaryDirectory.appendingPathComponent("alerts-\(UUID().uuidString)")
        try "s3cret\n".write(to: secret, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: secret) }
        let mail = """
            receivers:
              - name: a
                mail: {server: "smtp://m:25", from: "a@b", to: ["c@d"], encryption: never, password_file: "\(secret.path)"}
            """
        #expect(problems(mail) == ["receivers[0].mail.encryption: a password is not sent in clear"])
        let forged = """
            receivers:
              - name: a
                mail: {server: "smtp://m:25", from: "a@b>\\r\\nDATA", to: ["c@d"]}
            """
        #expect(problems(forged).count == 1)
    }

    @Test func `names, times and severities of the rules are those of the file for Prometheus`() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("packaging/alerts/prometheus-rules.yaml")
        let document = try #require(try Yams.compose(yaml: String(contentsOf: path, encoding: .utf8)))
        let rules = document["groups"]?[0]?["rules"]?.sequence ?? []
        let prometheus = rules.map { rule in
            let minutes = rule["for"]?.string.flatMap { Int($0.dropLast()) } ?? 0
            return "\(rule["alert"]?.string ?? "") \(minutes * 60) \(rule["labels"]?["severity"]?.string ?? "")"
        }
        let own = AlertRule.standard.map {
            "MiniMesos\($0.name) \($0.holdsFor.components.seconds) \($0.severity.rawValue)"
        }
        #expect(Set(prometheus) == Set(own + ["MiniMesosNoLeader 60 critical"]))
    }
}
