// From the YAML file to JenkinsConfiguration: which keys there are, what they may say, and what they mean together.
import FoundationEssentials
import Glibc
import MasterDetection
import Resources
import Yams

extension JenkinsConfiguration {
    private static let fileBytesMax = 1 << 20

    /// Reads a configuration file.
    ///
    /// - Throws: `ConfigurationError` with every problem of the file.
    public static func load(path: String) throws(ConfigurationError) -> JenkinsConfiguration {
        // The most common mistake gets the system's own short words for it.
        guard access(path, R_OK) == 0 else {
            throw problem(path, "cannot be read: \(String(cString: strerror(errno)))")
        }
        let text: String
        do {
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count <= fileBytesMax else {
                throw problem(path, "larger than \(fileBytesMax) bytes")
            }
            text = String(decoding: bytes, as: UTF8.self)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw problem(path, "cannot be read: \(error)")
        }
        return try parse(text, path: path)
    }

    private static func problem(_ path: String, _ message: String, line: Int = 0) -> ConfigurationError {
        ConfigurationError(path: path, problems: [ConfigurationProblem(line: line, key: "", message: message)])
    }

    package static func parse(_ text: String, path: String) throws(ConfigurationError) -> JenkinsConfiguration {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw problem(path, "not YAML: \(error.problemText)", line: error.line)
        } catch {
            throw problem(path, "not YAML: \(error)")
        }
        let problems = ProblemList()
        let configuration = read(ConfigurationSection(root, path: "", problems: problems))
        guard problems.problems.isEmpty, let configuration else {
            let sorted = problems.problems.sorted { ($0.line, $0.key) < ($1.line, $1.key) }
            throw ConfigurationError(path: path, problems: sorted)
        }
        return configuration
    }

    private static func read(_ section: ConfigurationSection) -> JenkinsConfiguration? {
        var root = section
        let stateDirectory = root.requiredString("stateDir")
        let description = root.string("description") ?? ""
        let controller = controller(root.section("jenkins"))
        var planner = PlannerSettings(templates: [])
        let cluster = cluster(root.section("mesos"), &planner)
        planner.beacons = controller.beacons
        limits(root.section("limits"), &planner)
        let connectTimeout = agents(root.section("agents"), &planner)
        let launches = templates(&root, connectTimeout, &planner)
        let status = status(root.section("status"))
        root.notYet(["health"])
        root.finish()
        guard let cluster else { return nil }
        var configuration = JenkinsConfiguration(
            stateDirectory: stateDirectory, jenkins: controller.controller, mesos: cluster, planner: planner,
            launches: launches, status: status)
        configuration.description = description
        return configuration
    }

    private static func controller(
        _ section: ConfigurationSection
    ) -> (controller: Controller, beacons: BeaconPolicy) {
        var section = section
        let url = httpURL("url", section.requiredString("url"), section)
        var controller = Controller(url: url)
        if let agentURL = section.string("agentUrl") { controller.agentURL = httpURL("agentUrl", agentURL, section) }
        controller.user = section.string("user") ?? ""
        let token = section.string("tokenFile")
        let password = section.string("passwordFile")
        switch (token, password) {
        case (let token?, nil): controller.secret = .tokenFile(token)
        case (nil, let password?): controller.secret = .passwordFile(password)
        case (nil, nil): controller.secret = .none
        case (.some, .some): section.fail("passwordFile", "give either tokenFile or passwordFile")
        }
        if controller.secret != .none, controller.user.isEmpty { section.fail("user", "required with a secret file") }
        controller.pollInterval = pollInterval("pollInterval", &section) ?? controller.pollInterval
        controller.idlePollInterval = pollInterval("idlePollInterval", &section) ?? controller.idlePollInterval
        if let source = section.string("labelSource"), source != "auto" {
            section.fail("labelSource", "only 'auto' is available in this version")
        }
        let beacons = section.choice("labelBeacons", BeaconPolicy.self) ?? .pair
        section.notYet(["tls"])
        section.finish()
        return (controller, beacons)
    }

    private static func pollInterval(_ key: String, _ section: inout ConfigurationSection) -> Duration? {
        guard let interval = section.duration(key) else { return nil }
        if interval < .milliseconds(50) || interval > .seconds(60) {
            section.fail(key, "must lie between 50ms and 60s")
        }
        return interval
    }

    private static func httpURL(_ key: String, _ text: String, _ section: ConfigurationSection) -> String {
        let hasScheme = text.hasPrefix("http://") || text.hasPrefix("https://")
        let host = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        let isClean = !text.contains { $0.isWhitespace || $0 == "?" || $0 == "#" } && !host.contains("@")
        if !text.isEmpty, !hasScheme || host.isEmpty || !isClean {
            section.fail(key, "expected http://HOST[:PORT][/PATH] or https://..., found '\(text)'")
        }
        return String(text.reversed().drop { $0 == "/" }.reversed())
    }

    private static func cluster(_ section: ConfigurationSection, _ planner: inout PlannerSettings) -> Cluster? {
        var section = section
        var location: MasterLocation?
        let master = section.requiredString("master")
        if !master.isEmpty {
            do throws(MasterLocationError) {
                location = try MasterLocation.parse(master)
            } catch {
                section.fail("master", "\(error)")
            }
        }
        var cluster = Cluster(master: location ?? .address(host: "", port: 0))
        if let name = section.string("frameworkName") { cluster.frameworkName = name }
        if let roles = section.strings("roles") { cluster.roles = Self.roles(roles, section) }
        cluster.user = section.string("user") ?? cluster.user
        cluster.principal = section.string("principal") ?? cluster.principal
        cluster.secretFile = section.string("secretFile")
        cluster.frameworkID = section.string("frameworkId").flatMap { $0.isEmpty ? nil : FrameworkID($0) }
        cluster.checkpoint = section.bool("checkpoint") ?? cluster.checkpoint
        cluster.failoverTimeout = section.duration("failoverTimeout") ?? cluster.failoverTimeout
        planner.declineIdle = section.duration("declineDuration") ?? planner.declineIdle
        planner.declineShort = section.duration("declineShort") ?? planner.declineShort
        if let text = section.string("reconnectBackoff") {
            let ends = text.split(separator: "..", maxSplits: 1).map { DurationText.parse(String($0)) }
            if ends.count == 2, let least = ends[0], let most = ends[1], .zero < least, least <= most {
                cluster.reconnectMin = least
                cluster.reconnectMax = most
            } else {
                section.fail("reconnectBackoff", "expected two durations such as 1s..30s, found '\(text)'")
            }
        }
        if section.bool("onDemandRegistration") ?? false {
            section.fail("onDemandRegistration", "not available in this version; offers are suppressed instead")
        }
        var tls = section.section("tls")
        cluster.caFile = tls.string("caFile")
        tls.finish()
        section.notYet(["onDemandLinger", "maintenanceLead"])
        section.finish()
        return location == nil ? nil : cluster
    }

    private static func roles(_ texts: [String], _ section: ConfigurationSection) -> [RoleName] {
        var roles: [RoleName] = []
        for text in texts {
            do throws(RoleNameError) {
                let role = try RoleName(text)
                if roles.contains(role) { section.fail("roles", "'\(text)' twice") } else { roles.append(role) }
            } catch {
                section.fail("roles", "'\(text)': \(error)")
            }
        }
        if texts.isEmpty { section.fail("roles", "at least one role is needed") }
        return roles
    }

    private static func limits(_ section: ConfigurationSection, _ planner: inout PlannerSettings) {
        var section = section
        planner.agentsMax = section.int("maxAgents", in: 1...10_000) ?? planner.agentsMax
        planner.agentsPendingMax = section.int("maxPendingAgents", in: 1...10_000) ?? planner.agentsPendingMax
        planner.launchesPerMinuteMax =
            section.int("maxLaunchesPerMinute", in: 1...100_000) ?? planner.launchesPerMinuteMax
        section.finish()
    }

    /// - Returns: The default of templates that do not say their own.
    private static func agents(_ section: ConfigurationSection, _ planner: inout PlannerSettings) -> Duration? {
        var section = section
        let connectTimeout = section.duration("connectTimeout")
        planner.launchTimeout = section.duration("launchTimeout") ?? planner.launchTimeout
        planner.lostGrace = section.duration("lostGrace") ?? planner.lostGrace
        planner.restartGrace = section.duration("restartGrace") ?? planner.restartGrace
        section.finish()
        return connectTimeout
    }

    private static func status(_ section: ConfigurationSection) -> StatusAddress {
        var section = section
        var address = StatusAddress()
        address.host = section.string("ip") ?? address.host
        address.port = section.int("port", in: 0...65_535) ?? address.port
        section.finish()
        return address
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
