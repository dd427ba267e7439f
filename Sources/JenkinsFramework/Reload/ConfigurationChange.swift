// What a new version of the configuration file changes: what counts at once, and what a restart needs to be done for.
import Resources

/// The difference between the configuration in force and one that was read. Nothing is done here.
struct ConfigurationChange: Equatable, Sendable {
    /// What is in force from now on: the old configuration with everything of the new one that can change under way.
    private(set) var effective: JenkinsConfiguration
    /// The keys that changed and count at once; of templates, which and how.
    private(set) var applied: [String] = []
    /// The keys that changed and count after a restart.
    private(set) var awaitingRestart: [String] = []

    var isEmpty: Bool { applied.isEmpty && awaitingRestart.isEmpty }

    init(from old: JenkinsConfiguration, to new: JenkinsConfiguration) {
        effective = old
        for part in Self.live {
            guard part.differs(old, new) else { continue }
            part.copy(new, &effective)
            applied.append(part.key)
        }
        for part in Self.fixed where part.differs(old, new) { awaitingRestart.append(part.key) }
        templates(old, new)
    }

    private mutating func templates(_ old: JenkinsConfiguration, _ new: JenkinsConfiguration) {
        let (before, after) = (old.planner.templates, new.planner.templates)
        for template in before where !after.contains(where: { $0.name == template.name }) {
            applied.append("templates: '\(template.name)' is gone, its agents leave when they are idle")
        }
        for template in after {
            guard let earlier = before.first(where: { $0.name == template.name }) else {
                applied.append("templates: '\(template.name)' is new")
                continue
            }
            if earlier != template || old.launches[template.name] != new.launches[template.name] {
                applied.append("templates: '\(template.name)' has changed, for new agents")
            }
            if let role = template.role, !old.mesos.roles.contains(role) {
                awaitingRestart.append("templates: role '\(role)' of '\(template.name)'")
            }
        }
        let kept = before.map(\.name).filter { name in after.contains { $0.name == name } }
        if kept != after.map(\.name).filter({ name in before.contains { $0.name == name } }) {
            applied.append("templates: another order")
        }
        effective.planner.templates = after
        effective.launches = new.launches
    }

    // MARK: - The parts

    /// One key, or some that belong together.
    private struct Part: Sendable {
        var key: String
        var differs: @Sendable (JenkinsConfiguration, JenkinsConfiguration) -> Bool
        var copy: @Sendable (JenkinsConfiguration, inout JenkinsConfiguration) -> Void
    }

    private static func part<Value: Equatable & SendableMetatype>(
        _ key: String, _ path: any WritableKeyPath<JenkinsConfiguration, Value> & Sendable
    ) -> Part {
        Part(
            key: key, differs: { $0[keyPath: path] != $1[keyPath: path] },
            copy: { $1[keyPath: path] = $0[keyPath: path] })
    }

    private static let live: [Part] = [
        part("description", \.description), part("jenkins.agentUrl", \.jenkins.agentURL),
        part("jenkins.user", \.jenkins.user), part("jenkins.tokenFile or passwordFile", \.jenkins.secret),
        part("jenkins.pollInterval", \.jenkins.pollInterval),
        part("jenkins.idlePollInterval", \.jenkins.idlePollInterval),
        part("jenkins.explainOnNodes", \.jenkins.explainsOnNodes),
        part("jenkins.labelSource", \.planner.labelSource), part("jenkins.labelBeacons", \.planner.beacons),
        part("jenkins.beaconPrefix", \.planner.beaconPrefix),
        part("mesos.user", \.mesos.user), part("mesos.declineDuration", \.planner.declineIdle),
        part("mesos.declineShort", \.planner.declineShort),
        part("mesos.maintenanceLead", \.planner.maintenanceLead),
        part("limits.maxAgents", \.planner.agentsMax), part("limits.maxPendingAgents", \.planner.agentsPendingMax),
        part("limits.maxLaunchesPerMinute", \.planner.launchesPerMinuteMax),
        part("limits.maxLaunchesPerHost", \.planner.hostLaunchesPerMinuteMax),
        part("agents.launchTimeout", \.planner.launchTimeout), part("agents.lostGrace", \.planner.lostGrace),
        part("agents.restartGrace", \.planner.restartGrace),
        part("health.unmatchedLabelsFail", \.unmatchedLabelsFail),
    ]

    private static let fixed: [Part] = [
        part("stateDir", \.stateDirectory), part("status", \.status), part("jenkins.url", \.jenkins.url),
        part("jenkins.tls.caFile", \.jenkins.caFile), part("mesos.master", \.mesos.master),
        part("mesos.master: further addresses", \.mesos.otherMasters),
        part("mesos.frameworkName", \.mesos.frameworkName), part("mesos.roles", \.mesos.roles),
        part("mesos.principal", \.mesos.principal), part("mesos.secretFile", \.mesos.secretFile),
        part("mesos.tls.caFile", \.mesos.caFile), part("mesos.frameworkId", \.mesos.frameworkID),
        part("mesos.checkpoint", \.mesos.checkpoint), part("mesos.failoverTimeout", \.mesos.failoverTimeout),
        part("mesos.reconnectBackoff: least", \.mesos.reconnectMin),
        part("mesos.reconnectBackoff: most", \.mesos.reconnectMax),
        part("mesos.onDemandRegistration", \.mesos.onDemandLinger), part("ha", \.availability),
    ]
}
