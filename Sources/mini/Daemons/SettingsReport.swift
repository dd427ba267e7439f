// The settings of a daemon for people and for programs: the output of `mini config explain`.

import Foundation
import Settings

/// Settings as a table, followed by what there is to say about them.
struct SettingsReport {
    let settings: ResolvedSettings

    init(_ settings: ResolvedSettings) { self.settings = settings }

    var text: String {
        var rows = [["FLAG", "VALUE", "ORIGIN"]]
        for setting in settings.settings.values.sorted(by: { $0.flag.name < $1.flag.name }) {
            rows.append([setting.flag.name, Self.oneLine(setting.shown), Self.origin(of: setting)])
        }
        let widths = (0..<2).map { column in min(40, rows.map { $0[column].count }.max() ?? 0) }
        var lines = rows.map { row in
            "\(Self.padded(row[0], widths[0]))  \(Self.padded(row[1], widths[1]))  \(row[2])"
        }
        lines.append("")
        lines.append(
            settings.configurationDirectory.map { "Files of a Mesos installation are looked for in \($0)." }
                ?? "No files of a Mesos installation are looked for.")
        lines += settings.notices.map { "warning: \($0)" }
        lines += settings.unknownVariables.map { "note: \($0)" }
        lines += settings.problems.map { "error: \($0)" }
        return lines.joined(separator: "\n")
    }

    static func origin(of setting: Setting) -> String {
        var text = "\(setting.origin)"
        if let path = setting.contentPath { text += ", which names \(path)" }
        if !setting.overridden.isEmpty {
            text += " (not \(setting.overridden.map { "\($0)" }.joined(separator: ", not ")))"
        }
        return text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
    }

    private static func oneLine(_ text: String) -> String {
        text.isEmpty ? "(empty)" : text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// The same as JSON.
struct SettingsDocument: Encodable {
    struct Entry: Encodable {
        var name: String
        var value: String
        var origin: String
        var file: String?
        var overridden: [String]
        var effect: String
    }

    private enum CodingKeys: String, CodingKey {
        case command, settings, warnings, errors
        case directory = "etc_dir"
        case unknownVariables = "unknown_variables"
    }

    var command: String
    var directory: String?
    var settings: [Entry]
    var warnings: [String]
    var unknownVariables: [String]
    var errors: [String]

    init(_ settings: ResolvedSettings) {
        command = settings.table.daemon
        directory = settings.configurationDirectory
        self.settings = settings.settings.values.sorted { $0.flag.name < $1.flag.name }.map { setting in
            let effect =
                switch setting.flag.support {
                case .honoured: "honoured"
                case .accepted: "none"
                case .refused: "default only"
                }
            return Entry(
                name: setting.flag.name, value: setting.shown, origin: "\(setting.origin)", file: setting.contentPath,
                overridden: setting.overridden.map { "\($0)" }, effect: effect)
        }
        warnings = settings.notices.map { "\($0)" }
        unknownVariables = settings.unknownVariables.map { "\($0)" }
        errors = settings.problems.map { "\($0)" }
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
