// What the master and the agent do alike before they start: help, version, settings, log.

import Foundation
import Logging
import MesosProtocol
import Settings

/// A daemon's command line, understood.
struct DaemonStart {
    let settings: ResolvedSettings
    let logger: Logger

    /// Prints help or the version if that is asked for; otherwise finds all settings and opens the log.
    ///
    /// - Returns: `nil` if everything that was asked for is done.
    /// - Throws: ``SettingsProblem`` or ``CommandFailure``, one line each.
    init?(_ invocation: Invocation, _ table: FlagTable, abstract: String) throws {
        if DaemonHelp.answer(invocation, table, abstract: abstract) { return nil }
        settings = try SettingsResolver.resolve(table, .ofThisProcess(invocation.arguments)).orFail()
        logger = try DaemonLog.logger("mini-\(table.daemon)", settings)
        for notice in settings.notices { logger.warning("\(notice)") }
    }
}

extension SettingsInput {
    static func ofThisProcess(_ arguments: [String]) -> SettingsInput {
        SettingsInput(arguments: arguments, environment: ProcessInfo.processInfo.environment, files: HostFiles())
    }
}

/// What a daemon prints instead of starting.
enum DaemonHelp {
    /// - Returns: Whether help or the version was asked for, and has been printed.
    static func answer(_ invocation: Invocation, _ table: FlagTable, abstract: String) -> Bool {
        let words = invocation.arguments.prefix { $0 != "--" }
        if words.contains(where: { ["--help", "-h", "--help=true", "--help=1"].contains($0) }) {
            print(text(invocation.program, table, abstract: abstract))
            return true
        }
        if words.contains(where: { ["--version", "--version=true", "--version=1"].contains($0) }) {
            print(invocation.isUnderMesosName ? "mesos \(Versions.mesosAPI)\n\(Mini.version)" : Mini.version)
            return true
        }
        return false
    }

    /// All flags, by section.
    static func text(_ program: String, _ table: FlagTable, abstract: String) -> String {
        let required = table.flags.filter { $0.requirement == .always }.map { "--\($0.name)=<\($0.valueName)>" }
        let introduction =
            table.places.directories.isEmpty
            ? ["Flags have the names of Apache Mesos's own command. A value file:///path is read from that file.", ""]
            : [
                "Flags have the names of the Apache Mesos \(table.daemon). They are looked for on the command line, then in",
                "MINI_<NAME> and MESOS_<NAME> in the environment, then in the folders and files of a Mesos installation:",
                places(table),
                "A value file:///path is read from that file. Durations are written 10secs, 5mins, 1hrs; sizes 512MB, 2GB.",
                "`mini config explain \(table.daemon)` shows what counts, and where it comes from.", "",
            ]
        var lines =
            ["OVERVIEW: \(abstract)", ""] + introduction + [
                "USAGE: \((["\(program)"] + required).joined(separator: " ")) [flags]"
            ]
        for section in table.sections {
            lines += ["", "\(section.title.uppercased()):"]
            for flag in section.flags { lines += entry(flag) }
        }
        lines += ["", "OTHER:"]
        lines += entry("--version", "Show the version.")
        lines += entry("--help", "Show this.")
        return lines.joined(separator: "\n")
    }

    private static func places(_ table: FlagTable) -> String {
        let folders = table.places.directories.map { "/etc/\($0)/<name>" }
        let files = table.places.defaultsFiles.map { "/etc/default/\($0)" }
        return (folders + files + ["/etc/mesos/zk"]).joined(separator: ", ") + "."
    }

    private static func entry(_ flag: FlagDefinition) -> [String] {
        let name = flag.kind == .boolean ? "--\(flag.name) / --no-\(flag.name)" : "--\(flag.name)=<\(flag.valueName)>"
        var help = flag.help
        if case .accepted(let reason) = flag.support, help != "Accepted: \(reason)." {
            help += " Accepted without effect: \(reason)."
        }
        if let text = flag.defaultText, !flag.isSecret { help += " (default: \(text))" }
        return entry(name, help)
    }

    private static let helpColumn = 26

    private static func entry(_ name: String, _ help: String) -> [String] {
        var lines = ["  \(name)"]
        if lines[0].count >= helpColumn { lines.append("") }
        var line = lines.removeLast().padding(toLength: helpColumn - 1, withPad: " ", startingAt: 0)
        let empty = String(repeating: " ", count: helpColumn - 1)
        for word in help.split(separator: " ") {
            if line.count + word.count + 1 > 110, line.count > helpColumn {
                lines.append(line)
                line = empty
            }
            line += " \(word)"
        }
        return lines + [line]
    }
}
