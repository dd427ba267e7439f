// Where the leading master is: said outright, by the environment, or by the file that all programs of this host read.

import ArgumentParser
import Foundation
import Settings

/// `--master`, for every command that asks a cluster.
struct MasterFlag: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to find the leading master. (default: $MINI_MASTER, $MESOS_MASTER or /etc/mesos/zk)",
            valueName: "zk://host:port,.../path | host:port"))
    var master: String?

    private static let file = "/etc/mesos/zk"

    /// - Throws: Wrong usage if nothing says where.
    func text(
        _ command: String, environment: [String: String] = ProcessInfo.processInfo.environment,
        files: any SettingsFiles = HostFiles()
    ) throws -> String {
        let given = [master, environment["MINI_MASTER"], environment["MESOS_MASTER"]].compactMap(\.self)
        if let text = given.first(where: { !$0.isEmpty }) { return text }
        do {
            let content = try files.content(of: Self.file, bytesMax: 65_536)
            let text = content?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
            if !text.isEmpty { return text }
        } catch { throw CommandFailure(description: "\(command): \(error)") }
        throw CommandFailure(
            description: "\(command): which cluster? Give --master=zk://host:port/path or --master=host:port, or set "
                + "MINI_MASTER, or write it to \(Self.file)")
    }
}
