// What a check of the configuration found, as one table or as JSON.
import FoundationEssentials

/// One thing that was looked at.
public struct CheckRow: Hashable, Sendable, Encodable {
    public enum State: String, Sendable, Encodable, CaseIterable {
        case ok
        /// It works, and something will hurt one day or could not be found out.
        case warning
        /// The framework would not work.
        case wrong
    }

    public var what: String
    public var state: State
    public var found: String
    /// What to do about it; empty if nothing.
    public var advice: String

    static func ok(_ what: String, _ found: String) -> CheckRow {
        CheckRow(what: what, state: .ok, found: found, advice: "")
    }

    static func warning(_ what: String, _ found: String, _ advice: String) -> CheckRow {
        CheckRow(what: what, state: .warning, found: found, advice: advice)
    }

    static func wrong(_ what: String, _ found: String, _ advice: String) -> CheckRow {
        CheckRow(what: what, state: .wrong, found: found, advice: advice)
    }
}

/// All rows, in the order they were looked at.
public struct CheckReport: Sendable {
    public var rows: [CheckRow]

    /// 1 if anything is wrong.
    public var exitStatus: Int32 { rows.contains { $0.state == .wrong } ? 1 : 0 }

    /// Aligned columns: what, state, what was found; advice below it.
    public var text: String {
        let width = min(rows.map(\.what.count).max() ?? 0, 40)
        let stateWidth = CheckRow.State.allCases.map(\.rawValue.count).max() ?? 0
        var lines: [String] = []
        for row in rows {
            let found = row.found.split(separator: "\n").joined(separator: " ")
            lines.append("\(padded(row.what, width))  \(padded(row.state.rawValue, stateWidth))  \(found)")
            if !row.advice.isEmpty {
                lines.append(String(repeating: " ", count: width + stateWidth + 4) + "-> \(row.advice)")
            }
        }
        let counts = [CheckRow.State.wrong, .warning, .ok].map { state in
            "\(rows.count { $0.state == state }) \(state.rawValue)"
        }
        return (lines + [counts.joined(separator: ", ")]).joined(separator: "\n")
    }

    public var json: String {
        struct Document: Encodable {
            var exit_status: Int32
            var rows: [CheckRow]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(Document(exit_status: exitStatus, rows: rows))
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
