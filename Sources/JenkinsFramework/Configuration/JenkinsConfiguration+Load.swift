// From the YAML file to JenkinsConfiguration: the file as a whole, and what its parts mean together.
import FoundationEssentials
import Glibc
import MasterDetection
import Resources
import Yams

extension JenkinsConfiguration {
    package static let fileBytesMax = 1 << 20
    /// Brackets within brackets: the parser works recursively.
    private static let nestingMax = 100

    /// Reads a configuration file.
    ///
    /// - Throws: `ConfigurationError` with every problem of the file.
    public static func load(path: String) throws(ConfigurationError) -> JenkinsConfiguration {
        try parse(try text(of: path), path: path, in: .ofThisProcess)
    }

    /// The file's text, if it is a file of reasonable size.
    static func text(of path: String) throws(ConfigurationError) -> String {
        // The most common mistake gets the system's own short words for it.
        guard access(path, R_OK) == 0 else {
            throw problem(path, "cannot be read: \(String(cString: strerror(errno)))")
        }
        // A device or a pipe may never end; a file that does not say its size is not one of ours.
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw problem(path, "not a file") }
        guard status.st_size <= fileBytesMax else { throw problem(path, "larger than \(fileBytesMax) bytes") }
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw problem(path, "cannot be read: \(error)")
        }
        guard bytes.count <= fileBytesMax else { throw problem(path, "larger than \(fileBytesMax) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw problem(path, "not UTF-8") }
        return text
    }

    private static func problem(_ path: String, _ message: String, line: Int = 0) -> ConfigurationError {
        ConfigurationError(path: path, problems: [ConfigurationProblem(line: line, key: "", message: message)])
    }

    package static func parse(
        _ text: String, path: String, in surroundings: ConfigurationSurroundings = .none
    ) throws(ConfigurationError) -> JenkinsConfiguration {
        try read(text, path: path, in: surroundings).configuration
    }

    /// - Returns: Also every key that was looked for, as `templates[].container.image`.
    package static func read(
        _ text: String, path: String, in surroundings: ConfigurationSurroundings = .none
    ) throws(ConfigurationError) -> (configuration: JenkinsConfiguration, keys: Set<String>) {
        let root: Node?
        if let line = lineNestedTooDeep(text) {
            throw problem(path, "brackets nest deeper than \(nestingMax)", line: line)
        }
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw problem(path, "not YAML: \(error.problemText)", line: error.line)
        } catch {
            throw problem(path, "not YAML: \(error)")
        }
        let problems = ProblemList()
        let reader = ConfigurationReader(surroundings: surroundings)
        let configuration = reader.read(ConfigurationSection(root, path: "", problems: problems))
        let found = problems.problems
        guard found.isEmpty, let configuration else { throw ConfigurationError(path: path, problems: found) }
        return (configuration, problems.keys)
    }

    private static func lineNestedTooDeep(_ text: String) -> Int? {
        var depth = 0
        var line = 1
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            default: break
            }
            if depth > nestingMax { return line }
        }
        return nil
    }
}

/// What a file says at its top, and what its sections mean together.
struct ConfigurationReader {
    let surroundings: ConfigurationSurroundings

    func read(_ section: ConfigurationSection) -> JenkinsConfiguration? {
        var root = section
        let stateDirectory = root.requiredString("stateDir")
        let description = root.string("description") ?? ""
        let controller = controller(root.section("jenkins"))
        var planner = PlannerSettings(templates: [])
        let cluster = cluster(root.section("mesos"), &planner)
        planner.beacons = controller.beacons
        planner.beaconPrefix = controller.beaconPrefix ?? planner.beaconPrefix
        planner.labelSource = controller.labelSource
        let forbidden = limits(root.section("limits"), &planner)
        let connectTimeout = agents(root.section("agents"), &planner)
        let launches = templates(
            &root, connectTimeout: connectTimeout, roles: cluster?.roles ?? [], forbiddenParameters: forbidden, &planner
        )
        let status = status(root.section("status"))
        let unmatchedLabelsFail = health(root.section("health"))
        let availability = availability(&root, cluster, planner)
        root.finish()
        guard let cluster else { return nil }
        var configuration = JenkinsConfiguration(
            stateDirectory: stateDirectory, jenkins: controller.controller, mesos: cluster, planner: planner,
            launches: launches, status: status)
        configuration.description = description
        configuration.unmatchedLabelsFail = unmatchedLabelsFail
        configuration.availability = availability
        return configuration
    }

    private func limits(_ section: ConfigurationSection, _ planner: inout PlannerSettings) -> Set<String> {
        var section = section
        planner.agentsMax = section.int("maxAgents", in: 1...10_000) ?? planner.agentsMax
        planner.agentsPendingMax = section.int("maxPendingAgents", in: 1...10_000) ?? planner.agentsPendingMax
        planner.launchesPerMinuteMax =
            section.int("maxLaunchesPerMinute", in: 1...100_000) ?? planner.launchesPerMinuteMax
        planner.hostLaunchesPerMinuteMax =
            section.int("maxLaunchesPerHost", in: 1...100_000) ?? planner.hostLaunchesPerMinuteMax
        let forbidden = section.strings("forbiddenParameters") ?? []
        section.finish()
        return Set(forbidden)
    }

    /// - Returns: The default of templates that do not say their own.
    private func agents(_ section: ConfigurationSection, _ planner: inout PlannerSettings) -> Duration? {
        var section = section
        let connectTimeout = section.duration("connectTimeout", in: .seconds(1) ... .seconds(86_400))
        planner.launchTimeout =
            section.duration("launchTimeout", in: .seconds(1) ... .seconds(86_400)) ?? planner.launchTimeout
        planner.lostGrace = section.duration("lostGrace") ?? planner.lostGrace
        planner.restartGrace = section.duration("restartGrace") ?? planner.restartGrace
        section.finish()
        return connectTimeout
    }

    private func status(_ section: ConfigurationSection) -> JenkinsConfiguration.StatusAddress {
        var section = section
        var address = JenkinsConfiguration.StatusAddress()
        address.host = section.line("ip") ?? address.host
        address.port = section.int("port", in: 0...65_535) ?? address.port
        address.hostname = section.line("hostname") ?? address.hostname
        if address.hostname.contains(where: { $0 == "/" || $0 == "@" || $0.isWhitespace }) {
            section.fail("hostname", "expected a host's name or address, found '\(address.hostname)'")
        }
        section.finish()
        return address
    }

    private func health(_ section: ConfigurationSection) -> Bool {
        var section = section
        let unmatchedLabelsFail = section.bool("unmatchedLabelsFail") ?? false
        section.finish()
        return unmatchedLabelsFail
    }
}

extension YamlError {
    fileprivate var line: Int {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: 0
        }
    }

    fileprivate var problemText: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): problem
        case .duplicatedKeysInMapping(let duplicates, _):
            "key given twice: " + duplicates.joined(separator: ", ")
        default: "\(self)"
        }
    }
}
