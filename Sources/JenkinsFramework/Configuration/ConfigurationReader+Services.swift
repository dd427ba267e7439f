// The sections `jenkins`, `mesos` and `ha`: whom the framework talks to.
import MasterDetection
import Resources
import ZooKeeper

extension ConfigurationReader {
    // MARK: - jenkins

    func controller(
        _ section: ConfigurationSection
    ) -> (
        controller: JenkinsConfiguration.Controller, beacons: BeaconPolicy, beaconPrefix: String?,
        labelSource: LabelSource
    ) {
        var section = section
        let url = httpURL("url", section.requiredString("url"), section)
        var controller = JenkinsConfiguration.Controller(url: url)
        if let agentURL = section.line("agentUrl") { controller.agentURL = httpURL("agentUrl", agentURL, section) }
        controller.user = section.line("user") ?? ""
        if controller.user.contains(":") { section.fail("user", "must not contain ':', found '\(controller.user)'") }
        let token = file("tokenFile", &section)
        let password = file("passwordFile", &section)
        switch (token, password) {
        case (let token?, nil): controller.secret = .tokenFile(token)
        case (nil, let password?): controller.secret = .passwordFile(password)
        case (nil, nil): controller.secret = .none
        case (.some, .some): section.fail("passwordFile", "give either tokenFile or passwordFile")
        }
        if controller.secret != .none, controller.user.isEmpty { section.fail("user", "required with a secret file") }
        let pace: ClosedRange<Duration> = .milliseconds(50) ... .seconds(60)
        controller.pollInterval = section.duration("pollInterval", in: pace) ?? controller.pollInterval
        controller.idlePollInterval = section.duration("idlePollInterval", in: pace) ?? controller.idlePollInterval
        let labelSource = section.choice("labelSource", LabelSource.self) ?? .auto
        let beacons = section.choice("labelBeacons", BeaconPolicy.self) ?? .pair
        let beaconPrefix = section.line("beaconPrefix")
        if let beaconPrefix, !Self.isNodePrefix(beaconPrefix) {
            section.fail("beaconPrefix", "expected up to 30 letters, digits, '-', '_' and '.', found '\(beaconPrefix)'")
        }
        controller.explainsOnNodes = section.bool("explainOnNodes") ?? false
        controller.caFile = authority(&section)
        section.finish()
        return (controller, beacons, beaconPrefix, labelSource)
    }

    private static func isNodePrefix(_ text: String) -> Bool {
        (1...30).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) } && text.first != "."
    }

    private func httpURL(_ key: String, _ text: String, _ section: ConfigurationSection) -> String {
        let hasScheme = text.hasPrefix("http://") || text.hasPrefix("https://")
        let host = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        let isClean = !text.contains { $0.isWhitespace || $0 == "?" || $0 == "#" } && !host.contains("@")
        if !text.isEmpty, !hasScheme || host.isEmpty || !isClean {
            section.fail(key, "expected http://HOST[:PORT][/PATH] or https://..., found '\(text)'")
        }
        return String(text.reversed().drop { $0 == "/" }.reversed())
    }

    private func authority(_ section: inout ConfigurationSection) -> String? {
        var tls = section.section("tls")
        let path = file("caFile", &tls)
        tls.finish()
        return path
    }

    /// A path whose file can be read now.
    func file(_ key: String, _ section: inout ConfigurationSection) -> String? {
        guard let path = section.line(key) else { return nil }
        if path.isEmpty {
            section.fail(key, "must not be empty")
        } else if let reason = surroundings.whyUnreadable(path) {
            section.fail(key, "\(path) cannot be read: \(reason)")
        }
        return path
    }

    // MARK: - mesos

    func cluster(
        _ section: ConfigurationSection, _ planner: inout PlannerSettings
    ) -> JenkinsConfiguration.Cluster? {
        var section = section
        let locations = masters(&section)
        var cluster = JenkinsConfiguration.Cluster(master: locations.first ?? .address(host: "", port: 0))
        cluster.otherMasters = Array(locations.dropFirst())
        if let name = section.line("frameworkName") { cluster.frameworkName = name }
        if let roles = section.strings("roles") { cluster.roles = Self.roles(roles, section) }
        cluster.user = section.line("user") ?? cluster.user
        cluster.principal = section.line("principal") ?? cluster.principal
        cluster.secretFile = file("secretFile", &section)
        if cluster.secretFile != nil, cluster.principal.isEmpty || cluster.principal.contains(":") {
            section.fail("principal", "with a secret, expected a name without ':', found '\(cluster.principal)'")
        }
        cluster.frameworkID = section.line("frameworkId").flatMap { $0.isEmpty ? nil : FrameworkID($0) }
        cluster.checkpoint = section.bool("checkpoint") ?? cluster.checkpoint
        cluster.failoverTimeout = section.duration("failoverTimeout") ?? cluster.failoverTimeout
        planner.declineIdle = section.duration("declineDuration") ?? planner.declineIdle
        planner.declineShort = section.duration("declineShort") ?? planner.declineShort
        planner.maintenanceLead = section.duration("maintenanceLead") ?? planner.maintenanceLead
        reconnect(&section, &cluster)
        let linger = section.duration("onDemandLinger", in: .seconds(1) ... .seconds(30 * 86_400))
        if section.bool("onDemandRegistration") ?? false {
            cluster.onDemandLinger = linger ?? .seconds(600)
            if cluster.frameworkID != nil {
                section.fail("frameworkId", "does not go with onDemandRegistration: each registration gets a new id")
            }
        } else if linger != nil {
            section.fail("onDemandLinger", "has a meaning with onDemandRegistration: true only")
        }
        cluster.caFile = authority(&section)
        section.finish()
        return locations.isEmpty ? nil : cluster
    }

    /// One `zk://` URL, or addresses with commas between them.
    private func masters(_ section: inout ConfigurationSection) -> [MasterLocation] {
        let text = section.requiredString("master")
        if text.trimmingBlanks.isEmpty { return [] }
        let isList = text.contains(",") && !text.trimmingBlanks.hasPrefix("zk://")
        let parts = isList ? text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) : [text]
        guard parts.count <= 32 else {
            section.fail("master", "expected at most 32 addresses")
            return []
        }
        var locations: [MasterLocation] = []
        for part in parts {
            do throws(MasterLocationError) {
                let location = try MasterLocation.parse(part)
                if isList, case .zooKeeper = location {
                    section.fail("master", "a zk:// URL stands alone; its servers have commas between them")
                } else if !locations.contains(location) {
                    locations.append(location)
                }
            } catch {
                section.fail("master", "\(error)")
            }
        }
        return locations
    }

    private func reconnect(_ section: inout ConfigurationSection, _ cluster: inout JenkinsConfiguration.Cluster) {
        guard let text = section.string("reconnectBackoff") else { return }
        let ends = text.split(separator: "..", maxSplits: 1).map { DurationText.parse(String($0)) }
        if ends.count == 2, let least = ends[0], let most = ends[1], .milliseconds(10) <= least, least <= most,
            most <= .seconds(3_600)
        {
            cluster.reconnectMin = least
            cluster.reconnectMax = most
        } else {
            section.fail("reconnectBackoff", "expected two durations up to 1h such as 1s..30s, found '\(text)'")
        }
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

    // MARK: - ha

    /// The most agents whose state surely fits into one znode.
    private static let agentsMaxInZooKeeper = 2_000

    func availability(
        _ root: inout ConfigurationSection, _ cluster: JenkinsConfiguration.Cluster?, _ planner: PlannerSettings
    ) -> JenkinsConfiguration.Availability? {
        let isGiven = root.has("ha")
        var section = root.section("ha")
        let text = section.line("zk")
        let sessionTimeout = section.duration("sessionTimeout", in: .seconds(1) ... .seconds(300))
        section.finish()
        guard isGiven else { return nil }
        guard let text else {
            section.fail("zk", "required")
            return nil
        }
        let url: ZooKeeperURL
        do throws(ZooKeeperURLError) {
            url = try ZooKeeperURL.parse(text)
        } catch {
            section.fail("zk", "\(error)")
            return nil
        }
        if case .zooKeeper(let masters)? = cluster?.master, masters.path == url.path {
            section.fail("zk", "must not be the path at which the masters elect theirs, found '\(url.path)'")
        }
        if planner.agentsMax > Self.agentsMaxInZooKeeper {
            root.fail("ha", "needs limits.maxAgents up to \(Self.agentsMaxInZooKeeper): the state is one znode")
        }
        if cluster?.onDemandLinger != nil { root.fail("ha", "does not go with mesos.onDemandRegistration") }
        var availability = JenkinsConfiguration.Availability(zooKeeper: url)
        availability.sessionTimeout = sessionTimeout ?? availability.sessionTimeout
        return availability
    }
}
