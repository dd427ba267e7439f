// `mini doctor`: is this host fit for an agent with these settings?

import ArgumentParser
import Foundation
import Glibc
import HTTPClient
import MasterDetection
import Settings

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check whether this host is fit for an agent, and name what to mend.")

    // The flags are those of `FlagTable.agent`.
    @Argument(parsing: .captureForPassthrough, help: .hidden) var arguments: [String] = []

    func run() async throws {
        var words = arguments
        if words.contains("--help") || words.contains("-h") { return print(Self.help) }
        if words.contains("--version") { return print(Mini.version) }
        let isJSON = words.contains { ["--json", "--json=true", "--json=1"].contains($0) }
        words.removeAll { $0 == "--json" || $0.hasPrefix("--json=") }
        let settings = SettingsResolver.resolve(.agent, .ofThisProcess(words))
        let progress = Progress("looking at this host, its container engine and its masters")
        let facts = await Self.look(settings)
        await progress.end()
        // What keeps an agent from starting here is named by the settings themselves.
        let findings =
            settings.problems.map { problem in
                Finding.problem(
                    "settings", "\(problem)", fix: "mini config explain agent shows where each value comes from")
            } + facts.findings
        let report = DoctorReport(findings: findings)
        print(isJSON ? report.json : report.text)
        if findings.exitStatus != 0 { throw ExitCode(findings.exitStatus) }
    }

    private static func look(_ settings: ResolvedSettings) async -> HostFacts {
        var facts = HostFacts()
        facts.kernel = HostLook.kernel
        facts.forwardsIP = HostLook.forwardsIP
        facts.cgroups = HostLook.controlGroups
        let containerizers = settings.list("containerizers") ?? []
        facts.user = HostLook.user(
            switchesUser: settings.boolean("switch_user"),
            runsProcesses: containerizers.contains { $0 == "process" || $0 == "mesos" })
        facts.limits = HostLook.limits
        if let path = settings.text("work_dir") {
            facts.folders.append(HostLook.folder(.work, path, mustBeWritable: true))
        }
        if containerizers.contains("docker") {
            let engine = await EngineLook.look(at: settings.text("docker_socket") ?? "/var/run/docker.sock")
            if let root = engine.rootFolder, FileManager.default.fileExists(atPath: root) {
                facts.folders.append(HostLook.folder(.engine, root, mustBeWritable: false))
            }
            facts.engine = engine
        }
        facts.folders.append(HostLook.folder(.temporary, "/tmp", mustBeWritable: true))
        if let number = settings.integer("port"), number != 0 {
            facts.port = HostFacts.Port(number: number, condition: await condition(of: number, settings))
        }
        facts.name = HostLook.name(settings.text("hostname"))
        let isSecure = (try? TLSSettings(settings)) ?? nil != nil
        if let text = settings.text("master") {
            do throws(MasterLocationError) {
                await MasterLook.look(try MasterLocation.parse(text), isSecure: isSecure, into: &facts)
            } catch {
                facts.leaderUnknown = "\(error)"
            }
        }
        return facts
    }

    private static func condition(of port: Int, _ settings: ResolvedSettings) async -> HostFacts.Port.Condition {
        let address = settings.text("ip")
        let condition = HostLook.canListen(on: port, at: address)
        guard condition == .taken else { return condition }
        func ask(_ path: String) async -> HTTPClientReply? {
            let request = HTTPClientRequest(
                url: "http://\(address ?? "127.0.0.1"):\(port)\(path)", connectTimeout: .seconds(1),
                totalTimeout: .seconds(3))
            return try? await HTTPClient.shared.fetch(request)
        }
        guard let version = await ask("/version"), version.status == 200,
            String(decoding: version.body, as: UTF8.self).contains("\"mini_version\"")
        else { return .taken }
        // A master has a version, too, but no containers.
        return await ask("/containers")?.status == 404 ? .taken : .agent
    }

    private static let help = """
        OVERVIEW: \(configuration.abstract)

        USAGE: mini doctor [--json] [flags of mini agent]

        Reads the command line, the environment and the files as `mini agent` would, looks at the host, its Docker
        Engine, the ZooKeeper servers and the leading master, changes nothing, and prints a line for each check with
        what to do about it. The exit status is 0 if all is well, 1 if something will hurt one day, and 2 if an agent
        would not work here.

        OPTIONS:
          --json                  Print one JSON document.
          --etc_dir=<path>        Look for the folders and files of a Mesos installation there. (default: /etc)
          --version               Show the version.
          --help                  Show this.
        """
}

/// The findings as people and as programs read them.
struct DoctorReport {
    let findings: [Finding]

    var text: String {
        let width = findings.map(\.check.count).max() ?? 0
        var lines: [String] = []
        for finding in findings {
            let severity = finding.severity.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
            let check = finding.check.padding(toLength: width, withPad: " ", startingAt: 0)
            lines.append("\(severity) \(check)  \(finding.text)")
            if let fix = finding.fix { lines.append(String(repeating: " ", count: 9 + width) + "  -> \(fix)") }
        }
        let counts = [(Finding.Severity.problem, "problem"), (.warning, "warning")].map { severity, word in
            let count = findings.count { $0.severity == severity }
            return "\(count) \(word)\(count == 1 ? "" : "s")"
        }
        lines.append((counts + ["\(findings.count { $0.severity == .fine }) fine"]).joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    var json: String {
        let rows = findings.map { finding in
            var row = ["check": finding.check, "severity": finding.severity.rawValue, "text": finding.text]
            row["fix"] = finding.fix
            return row
        }
        let document: [String: Any] = ["exit_status": findings.exitStatus, "findings": rows]
        let data = try? JSONSerialization.data(
            withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
