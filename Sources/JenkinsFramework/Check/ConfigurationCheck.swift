// `mini jenkins check`: reads a configuration and tries everything it names, changing nothing that stays.
import FoundationEssentials
import HTTPClient
import MasterDetection
import Resources

public enum ConfigurationCheck {
    /// Reads the file and looks at the controller and the cluster. Takes seconds; every request has a deadline.
    ///
    /// A node is created on the controller and deleted again: nothing else tells whether that is allowed.
    public static func run(path: String) async -> CheckReport {
        let configuration: JenkinsConfiguration
        do throws(ConfigurationError) {
            configuration = try JenkinsConfiguration.load(path: path)
        } catch {
            let rows = error.problems.map { problem in
                CheckRow.wrong(
                    "configuration", problem.line > 0 ? "\(path):\(problem)" : "\(path): \(problem)",
                    "Docs/jenkins.md lists every key")
            }
            return CheckReport(rows: rows)
        }
        async let controller = ControllerCheck(configuration).rows()
        async let cluster = ClusterCheck(configuration).rows()
        return CheckReport(rows: local(configuration, path) + (await controller) + (await cluster))
    }

    /// What can be told on this host.
    private static func local(_ configuration: JenkinsConfiguration, _ path: String) -> [CheckRow] {
        let names = configuration.planner.templates.map(\.name.value).joined(separator: ", ")
        var rows = [CheckRow.ok("configuration", "\(path): templates \(names)")]
        do throws(StateFileError) {
            try StateFile(directory: configuration.stateDirectory).prepare()
            try StateLock.probe(directory: configuration.stateDirectory)
            rows.append(.ok("state directory", configuration.stateDirectory))
        } catch {
            let isInUse = "\(error)".contains("another framework")
            rows.append(
                isInUse
                    ? .ok("state directory", "\(configuration.stateDirectory) is in use: the framework runs")
                    : .wrong("state directory", "\(error)", "let the framework's user write there, or change stateDir"))
        }
        for path in [configuration.jenkins.secret.path, configuration.mesos.secretFile].compactMap(\.self) {
            rows.append(secret(path))
        }
        return rows
    }

    private static func secret(_ path: String) -> CheckRow {
        guard let text = try? SecretFile(path: path).read() else {
            return .wrong("secret file", "\(path) cannot be read", "let the framework's user read it")
        }
        if text.isEmpty { return .wrong("secret file", "\(path) is empty", "write the token or password into it") }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let mode = attributes?[.posixPermissions] as? Int ?? 0
        if mode & 0o004 != 0 {
            return .warning("secret file", "\(path) can be read by everybody", "chmod o-r \(path)")
        }
        return .ok("secret file", path)
    }
}
