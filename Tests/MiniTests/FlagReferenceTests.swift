// The page of all flags is what the code says.

import ArgumentParser
import Foundation
import Settings
import Testing

@testable import mini

@Suite struct FlagReferenceTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Docs/flags.md")

    @Test func `the page of all flags is the one that the code makes`() throws {
        let made = try FlagReference().markdown
        if ProcessInfo.processInfo.environment["REWRITE"] == "1" {
            try made.write(to: Self.page, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.page, encoding: .utf8)
        #expect(written == made, "Docs/flags.md is out of date: run this test with REWRITE=1")
    }

    @Test func `every flag says what it does`() throws {
        let made = try FlagReference().markdown
        for line in made.split(separator: "\n") where line.hasPrefix("| `--") {
            #expect(!line.hasSuffix("|  |"), "\(line)")
        }
        for table in [FlagTable.master, .agent, .execute] {
            for flag in table.flags { #expect(made.contains("| `--\(flag.name)` |"), "\(flag.name)") }
        }
    }
}

/// Makes the page: the tables of the daemons, then what the argument parser says of each other command.
private struct FlagReference {
    /// A command as the argument parser describes it.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
                var written: String { (kind == "long" ? "--" : "-") + name }
            }
            var kind: String
            var shouldDisplay: Bool
            var isOptional: Bool
            var isRepeating: Bool
            var names: [Name]?
            var valueName: String?
            var defaultValue: String?
            var abstract: String?
        }
        var commandName: String
        var abstract: String?
        var shouldDisplay: Bool
        var subcommands: [Command]?
        var arguments: [Argument]?
    }

    private struct Document: Decodable { var command: Command }

    /// Commands whose flags do not come from the argument parser, with what to say of them.
    private static let described = [
        "master": "Its flags are in the first table.", "agent": "Its flags are in the second table.",
        "config": "`mini config explain master` or `agent`, then that daemon's flags, and `--json`.",
        "doctor": "The agent's flags, and `--json`.",
    ]

    let markdown: String

    init() throws {
        let data = Data(Mini._dumpHelp().utf8)
        let root = try JSONDecoder().decode(Document.self, from: data).command
        var lines = [
            "# Flags", "",
            "Every flag of every command. Made from the code by `Tests/MiniTests/FlagReferenceTests.swift`:",
            "`REWRITE=1 swift test --filter FlagReferenceTests` writes this page again. Where the flags of a master and of an",
            "agent can be given is said in [configuration.md](configuration.md). The Jenkins framework is configured by a file,",
            "whose keys are in [jenkins.md](jenkins.md#configuration).",
        ]
        for (title, table) in [
            ("mini master", FlagTable.master), ("mini agent", .agent), ("mesos-execute", .execute),
        ] {
            lines += ["", "## \(title)"]
            for section in table.sections { lines += Self.lines(section) }
        }
        lines += ["", "## Other commands", "", "Each has `--help` and `--version`, too."]
        for command in root.subcommands ?? [] where command.shouldDisplay && command.commandName != "help" {
            lines += Self.lines(command, below: "mini")
        }
        markdown = lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ section: FlagTable.Section) -> [String] {
        ["", "### \(section.title)", "", "| flag | value | default | what it does |", "|---|---|---|---|"]
            + section.flags.map { flag in
                var notes = [flag.help]
                switch flag.support {
                case .honoured: break
                case .accepted(let reason): notes.append("No effect: \(reason)")
                case .refused(let values, let reason):
                    notes.append(
                        "Refused" + (values.isEmpty ? "" : " unless \(values.joined(separator: ", "))") + ": \(reason)")
                }
                switch flag.requirement {
                case .never: break
                case .always: notes.append("Required.")
                case .with(let other): notes.append("Required with `--\(other)`.")
                }
                if !flag.aliases.isEmpty {
                    notes.append("Earlier: \(flag.aliases.map { "`--\($0)`" }.joined(separator: ", ")).")
                }
                let text = notes.filter { !$0.isEmpty }.joined(separator: " ")
                return row("--\(flag.name)", flag.valueName, flag.defaultText, text)
            }
    }

    private static func lines(_ command: Command, below parent: String) -> [String] {
        let name = "\(parent) \(command.commandName)"
        var lines = ["", "### \(name)", "", command.abstract ?? ""]
        if let note = described[command.commandName] { return lines + ["", note] }
        let arguments = (command.arguments ?? []).filter { argument in
            argument.shouldDisplay && argument.names?.contains { ["help", "version"].contains($0.name) } != true
        }
        if !arguments.isEmpty { lines += ["", "| flag | value | default | what it does |", "|---|---|---|---|"] }
        for argument in arguments {
            let value = argument.kind == "flag" ? "" : argument.valueName ?? ""
            let written =
                argument.kind == "positional"
                ? "<\(value)>" + (argument.isRepeating ? " ..." : "")
                // The parser's --no_flag is --no-flag in our commands.
                : (argument.names ?? []).map { $0.written.replacing("--no_", with: "--no-") }.joined(separator: ", ")
            let isRequired = !argument.isOptional && argument.kind != "flag"
            let text = (argument.abstract ?? "") + (isRequired ? " Required." : "")
            lines.append(row(written, argument.kind == "positional" ? "" : value, argument.defaultValue, text))
        }
        for subcommand in command.subcommands ?? [] where subcommand.shouldDisplay && subcommand.commandName != "help" {
            lines += Self.lines(subcommand, below: name)
        }
        return lines
    }

    private static func row(_ flag: String, _ value: String, _ standard: String?, _ text: String) -> String {
        let cells = [code(flag), code(value), code(standard ?? ""), escaped(text)]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private static func code(_ text: String) -> String {
        text.isEmpty ? "" : "`\(escaped(text))`"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\n", with: " ").replacing("|", with: "\\|")
    }
}
