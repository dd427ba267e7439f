// Where the leading master is: said outright, by the environment, or by the file that all programs of this host read.

import ArgumentParser
import Foundation
import MasterDetection
import Settings

/// `--master`, for every command that asks a cluster.
struct MasterFlag: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to find the leading master. (default: $MINI_MASTER, $MESOS_MASTER or /etc/mesos/zk)",
            valueName: "zk://host:port,.../path | host:port,..."))
    var master: String?

    /// The masters that the flag, the environment or the file names.
    ///
    /// - Throws: Wrong usage if nothing says where, or what says it cannot be read.
    func locations(
        _ command: String, environment: [String: String] = ProcessInfo.processInfo.environment,
        files: any SettingsFiles = HostFiles()
    ) throws -> MasterLocations {
        let (text, source) = try place(command, environment, files)
        do throws(MasterLocationError) { return try MasterLocations.parse(text) } catch {
            throw CommandFailure(description: "\(command): \(source): \(error)")
        }
    }

    private static let file = "/etc/mesos/zk"

    /// - Returns: The text, and who says so.
    private func place(
        _ command: String, _ environment: [String: String], _ files: any SettingsFiles
    ) throws -> (text: String, source: String) {
        let given = [
            (master, "--master"), (environment["MINI_MASTER"], "MINI_MASTER"),
            (environment["MESOS_MASTER"], "MESOS_MASTER"),
        ]
        for case (let text?, let source) in given where !text.isEmpty { return (text, source) }
        do {
            let content = try files.content(of: Self.file, bytesMax: 65_536)
            let text = content?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
            if !text.isEmpty { return (text, Self.file) }
        } catch { throw CommandFailure(description: "\(command): \(error)") }
        throw CommandFailure(
            description:
                "\(command): which cluster? Give --master=zk://host:port/path or --master=host:port,..., or set "
                + "MINI_MASTER, or write it to \(Self.file)")
    }
}
