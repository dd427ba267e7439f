// `mini jenkins usage`: what builds asked for, what they used, and what they should ask for.

import ArgumentParser
import Foundation
import JenkinsUsage
import TextTables

struct JenkinsUsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Print what builds asked for, used and should ask for, job by job.",
        discussion: """
            Sizes are those of whole agents: CPUs / memory. Used is the p95 over a job's last builds of each build's own \
            p95 (CPU, one-second means) and peak (memory). Without a running framework the bounds of its templates are \
            not known, and suggestions are bounded by the program's own. Exit status: 0 answered, 1 could not be \
            answered, 2 wrong usage.
            """)

    @OptionGroup var source: BuildSource
    @Option(help: "Of this job only (with folders: folder/name).") var job: String?
    @Flag(help: "Print comma-separated values.") var csv = false
    @Flag(help: "Print JSON.") var json = false

    private static let rowsMax = 500_000

    func run() async throws {
        try source.check("usage")
        guard !(csv && json) else {
            throw CommandFailure(description: "jenkins usage: give --csv or --json, not both")
        }
        let query = job.map { [URLQueryItem(name: "job", value: $0)] } ?? []
        let report = try await source.answer("usage", "/usage", query, as: UsageReport.self) { directory in
            let rows = try source.rows("usage", directory, job: job, limit: Self.rowsMax)
            return UsageReport(rows) { _ in SuggestionRule() }
        }
        if json { return print(JSONText.of(report)) }
        if csv { return print(report.csvTable.csv) }
        guard !report.jobs.isEmpty else { return print("no build is remembered\(job.map { " of \($0)" } ?? "")") }
        print(report.table.text(width: TerminalWidth.current))
        for line in report.footer { print(line) }
    }
}
