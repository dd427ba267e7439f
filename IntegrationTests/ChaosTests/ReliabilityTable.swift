// The result of a campaign as the table of Docs/reliability.md.

import MesosProtocol

struct ReliabilityTable {
    let result: CampaignResult

    init(_ result: CampaignResult) { self.result = result }

    var markdown: String {
        var lines = [
            "Seed \(result.seed): \(result.outcomes.count) faults, \(result.tasks) tasks launched, "
                + "\(result.violations.count) promises broken. Ends of tasks: "
                + result.ends.sorted { "\($0.key)" < "\($1.key)" }.map { "\(name($0.key)) \($0.value)" }
                .joined(separator: ", ") + ".",
            "", "| fault | times | working again after, median (s) | longest (s) |", "|---|---|---|---|",
        ]
        for fault in Fault.allCases {
            let times = result.outcomes.filter { $0.fault == fault }.map { seconds($0.recovery) }.sorted()
            guard let longest = times.last else { continue }
            lines.append(
                "| \(fault.rawValue) | \(times.count) | \(text(times[times.count / 2])) | \(text(longest)) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func name(_ state: V1TaskState) -> String { "\(state)" }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    private func text(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }
}
