// All figures of all programs: their names and sentences keep the rules, and the reference shows each of them.
import Foundation
import Testing

@testable import JenkinsFramework
@testable import Metrics
@testable import MiniAgent
@testable import MiniMaster

@Suite struct MetricsReferenceTests {
    private static let programs: [(title: String, rows: [MetricRow])] = [
        ("Masters", MasterMetrics.catalog.rows), ("Agents", AgentMetricsView.catalog.rows),
        ("mini jenkins", FarmReading.catalog.rows),
    ]

    private static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(name).path
    }
    private static var page: String { path("Docs/metrics.md") }

    @Test func `the alert rules ask only for figures and labels that there are`() throws {
        let rules = try String(contentsOfFile: Self.path("packaging/alerts/prometheus-rules.yaml"), encoding: .utf8)
        let rows = Dictionary(Self.programs.flatMap(\.rows).map { ($0.name, $0) }) { first, _ in first }
        let asked = rules.matches(of: /(mini_[a-z0-9_]+)(?:\{([a-z_]+)(?:=|!|~))?/)
        #expect(asked.count > 10)
        for match in asked {
            let row = try #require(rows[String(match.output.1)], "no program has \(match.output.1)")
            if let label = match.output.2 { #expect(row.labels.contains(String(label)), "\(match.output.0)") }
        }
        // What the rules keep apart must tell the figures under them apart.
        for match in rules.matches(of: /max by \(([a-z, ]+)\) \((mini_[a-z0-9_]+)/) {
            let labels = match.output.1.split(separator: ", ").map(String.init)
            let known = rows[String(match.output.2)]?.labels ?? []
            #expect(labels.allSatisfy { $0 == "instance" || known.contains($0) }, "\(match.output.0)")
        }
    }

    @Test func `the reference shows every figure of every program`() throws {
        let marker = "<!-- generated -->\n"
        let written = try String(contentsOfFile: Self.page, encoding: .utf8)
        let tables = Self.programs.map { "## \($0.title)\n\n\($0.rows.markdown)" }.joined(separator: "\n")
        let start = try #require(written.range(of: marker), "Docs/metrics.md has lost its marker")
        let expected = String(written[..<start.upperBound]) + "\n" + tables
        if ProcessInfo.processInfo.environment["REWRITE"] == "1" {
            try expected.write(toFile: Self.page, atomically: true, encoding: .utf8)
        }
        let now = try String(contentsOfFile: Self.page, encoding: .utf8)
        #expect(now == expected, "Docs/metrics.md is out of date: run this test with REWRITE=1")
    }

    @Test func `names are unique, speak of base units, and end as their kind asks`() {
        for (_, rows) in Self.programs {
            let names = rows.map(\.name).filter { !$0.isEmpty }
            #expect(Set(names).count == names.count)
            for row in rows where !row.name.isEmpty {
                #expect(
                    row.name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") }, "\(row.name)")
                #expect(row.name.hasSuffix("_total") == (row.kind == .counter), "\(row.name)")
                for unit in ["_ms", "_secs", "_mb", "_mib", "_percent", "_count", "_sum", "_bucket"] {
                    #expect(!row.name.hasSuffix(unit), "\(row.name)")
                }
            }
        }
    }

    @Test func `every help is one sentence on one line, and every label in a Mesos name is declared`() {
        for row in Self.programs.flatMap(\.rows) {
            #expect(row.help.hasSuffix(".") && !row.help.contains("\n") && !row.help.contains("\\"), "\(row.help)")
            guard let mesos = row.mesos else { continue }
            #expect(Set(MetricName(mesos).labels) == Set(row.labels), "\(mesos)")
        }
    }

    @Test func `a name in Mesos is filled with the values of labels, encoded where that is asked`() {
        let name = MetricName("frameworks/{name%}/{id}/calls/{call}")
        #expect(
            name.filled(["name", "id", "call"], ["ci/main 1", "f-0", "accept"])
                == "frameworks/ci%2Fmain%201/f-0/calls/accept")
    }

    @Test func `values and labels are written as Prometheus reads them`() {
        let catalog = MetricCatalog<Double>(
            prefix: "x_",
            [
                Metric("bytes", .gauge, "Bytes.", mesos: "x/mem", scale: 1_048_576) { $0 },
                Metric("odd", .gauge, "Odd.", labels: ["a", "b"]) { _ in
                    [MetricSample(["say \"hi\"\n", "back\\slash"], .infinity), MetricSample(["", "ö"], 0.25)]
                },
                Metric("of_cluster", .gauge, "Cluster.", scope: .cluster) { _ in 7 },
            ])
        #expect(
            catalog.prometheus(2, knowsCluster: false) == """
                # HELP x_bytes Bytes.
                # TYPE x_bytes gauge
                x_bytes 2097152
                # HELP x_odd Odd.
                # TYPE x_odd gauge
                x_odd{a="say \\"hi\\"\\n",b="back\\\\slash"} +Inf
                x_odd{a="",b="ö"} 0.25

                """)
        #expect(catalog.prometheus(2).hasSuffix("x_of_cluster 7\n"))
        #expect(catalog.mesos(2).map(\.name) == ["x/mem"])
        #expect(catalog.mesos(2).map(\.value) == [2])
    }
}
