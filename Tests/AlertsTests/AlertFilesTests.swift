// The alert rules that are delivered as files: none without a test that it fires, none that fires in a healthy hour.
import Alerts
import Foundation
import Resources
import Testing
import Yams

@Suite struct AlertFilesTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func document(_ path: String) throws -> Node {
        let text = try String(contentsOf: repository.appendingPathComponent(path), encoding: .utf8)
        return try #require(try Yams.compose(yaml: text))
    }

    // MARK: Prometheus; what these files say is carried out by promtool in the integration tests.

    private static let tests = "IntegrationTests/ClusterTests/Monitoring/Rules/rules-test.yaml"

    private static func prometheusRules() throws -> [Node] {
        let document = try document("packaging/alerts/prometheus-rules.yaml")
        return document["groups"]?.sequence?.flatMap { group in group["rules"]?.sequence.map { Array($0) } ?? [] } ?? []
    }

    @Test func `every rule for Prometheus has a test in which it fires`() throws {
        let tests = try #require(try Self.document(Self.tests)["tests"]?.sequence)
        let fired = tests.flatMap { test in
            (test["alert_rule_test"]?.sequence.map { Array($0) } ?? []).compactMap { expected -> String? in
                guard let alerts = expected["exp_alerts"]?.sequence, !alerts.isEmpty else { return nil }
                return expected["alertname"]?.string
            }
        }
        let rules = try Self.prometheusRules().compactMap { $0["alert"]?.string }
        #expect(rules.count >= 7)
        #expect(Set(rules) == Set(fired))
    }

    @Test func `the healthy hour has every figure that a rule looks at, so that silence means something`() throws {
        let tests = try #require(try Self.document(Self.tests)["tests"]?.sequence)
        let hour = try #require(tests.first { $0["name"]?.string?.hasPrefix("a healthy hour") == true })
        let series = hour["input_series"]?.sequence?.compactMap { $0["series"]?.string } ?? []
        #expect(hour["promql_expr_test"]?[0]?["exp_samples"]?.sequence?.isEmpty == true)
        for rule in try Self.prometheusRules() {
            for figure in (rule["expr"]?.string ?? "").matches(of: /mini_[a-z_]+/) {
                #expect(series.contains { $0.hasPrefix("\(figure.output){") }, "\(figure.output)")
            }
        }
    }

    // MARK: ElastAlert, over the lines that a leader writes down.

    /// Whether a line of the log has what the rule's filter asks for.
    private static func takes(_ line: [String: String], _ rule: Node) throws -> Bool {
        let query = try #require(rule["filter"]?[0]?["query"]?["query_string"]?["query"]?.string)
        return query.components(separatedBy: " AND ").allSatisfy { condition in
            let parts = condition.components(separatedBy: ": ")
            return parts.count == 2 && parts[1] == "\"\(line[parts[0]] ?? "")\""
        }
    }

    private static func line(_ news: AlertNews) -> [String: String] {
        [
            "program": "mini-master", "alert": news.key.rule, "alert_state": news.kind.rawValue,
            "subject": news.key.subject,
        ]
    }

    @Test(arguments: AlertRule.standard)
    func `the rule over alert lines passes on each alert once, and not its end`(rule: AlertRule) throws {
        let file = try Self.document("packaging/alerts/elastalert/alert-lines.yaml")
        var watch = Watch()
        let hours = watch.see(Samples.sick(of: rule.name), for: 7_200) + watch.see(Samples.cluster(), for: 3_600)
        #expect(hours.count == 2)
        let passed = try hours.map(Self.line).filter { try Self.takes($0, file) }
        #expect(passed.map { $0["alert"] } == [rule.name])
    }

    @Test func `the rule over alert lines is silent in a healthy hour`() throws {
        var watch = Watch()
        #expect(watch.healthyHour().isEmpty, "there is no line that could be taken")
    }

    /// When a rule that misses lines would fire, in seconds: the first moment without any for the whole time frame.
    private static func misses(_ times: [Int], until end: Int, timeframe: Int) -> Int? {
        (timeframe...end).first { moment in !times.contains { $0 > moment - timeframe && $0 <= moment } }
    }

    @Test(arguments: [1, 15, 60])
    func
        `the rule that misses a leader is silent through a healthy hour with a change of leader, and fires without one`(
            interval: Int
        ) throws
    {
        let file = try Self.document("packaging/alerts/elastalert/no-leader.yaml")
        #expect(file["type"]?.string == "flatline" && file["threshold"]?.int == 1)
        #expect(try Self.takes(["program": "mini-master", "event": "alerts_evaluated"], file))
        #expect(try !Self.takes(["program": "mini-agent", "event": "alerts_evaluated"], file))
        let minutes = try #require(file["timeframe"]?["minutes"]?.int)
        /// A leader writes with its first look, and with the first look that is a minute or more later.
        func lines(from: Int, to: Int) -> [Int] {
            var times: [Int] = []
            for look in stride(from: from + interval, to: to, by: interval)
            where look - (times.last ?? Int.min / 2) >= 60 {
                times.append(look)
            }
            return times
        }
        // The next leader takes over half a minute after the first has gone.
        let healthy = lines(from: 0, to: 1_800) + lines(from: 1_830, to: 3_600)
        #expect(Self.misses(healthy, until: 3_600, timeframe: minutes * 60) == nil)
        let gone = try #require(Self.misses(lines(from: 0, to: 1_800), until: 3_600, timeframe: minutes * 60))
        #expect((1_800...2_000).contains(gone))
    }
}
