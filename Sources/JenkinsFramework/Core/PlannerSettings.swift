// The templates, limits and delays of the whole framework.
import Resources

/// Defaults are those of the configuration page.
public struct PlannerSettings: Equatable, Sendable {
    /// In the order of the configuration: the first that matches a build is preferred.
    public var templates: [AgentTemplate]
    public var agentsMax = 200
    /// Agents between node creation and connection at one time.
    public var agentsPendingMax = 20
    public var launchesPerMinuteMax = 60
    /// The same on one machine: each is a container to create, and one to destroy soon.
    public var hostLaunchesPerMinuteMax = 30
    public var declineIdle: Duration = .seconds(600)
    public var declineShort: Duration = .seconds(5)
    /// REVIVE is repeated this often while requests wait and no offer comes.
    public var reviveInterval: Duration = .seconds(30)
    /// A launched task without any status is asked for after this, and given up after twice as long.
    public var launchTimeout: Duration = .seconds(120)
    /// How long a lost task's node stays while a build may still hang on it, and within what an orphaned node is gone.
    public var lostGrace: Duration = .seconds(60)
    /// How long an orphaned node is left alone: the rest of `lostGrace` is for the look that comes late, for draining what is
    /// connected, and for two more looks at it.
    var orphanGrace: Duration { lostGrace * 3 / 4 }
    /// Nothing is created or deleted for so long after the controller restarted: its agents are coming back.
    public var restartGrace: Duration = .seconds(60)
    /// A drained node must stay idle for so long before it is deleted.
    public var drainSettle: Duration = .seconds(2)
    /// An unused single-use agent that no waiting build wants is retired after this. A build too short for any poll to
    /// see may have used it.
    public var singleUseSurplusGrace: Duration = .seconds(2)
    public var reconcileInterval: Duration = .seconds(600)
    /// Offers of a machine that goes into maintenance within this time are refused.
    public var maintenanceLead: Duration = .seconds(1_800)
    /// How often idle single-use agents are looked at between polls.
    public var singleUseWatch: Duration = .milliseconds(500)
    /// The same for strict ones while they are open.
    public var strictWatch: Duration = .milliseconds(100)
    /// An open gate that could not be looked at for so long is closed for good: a build may have come and gone.
    public var strictBlindMax: Duration = .seconds(2)
    public var beacons: BeaconPolicy = .pair
    /// What the names of beacons begin with.
    public var beaconPrefix = "mj-beacon"
    public var labelSource: LabelSource = .auto

    public init(templates: [AgentTemplate]) { self.templates = templates }

    func beaconName(_ template: TemplateName, _ suffix: String) -> NodeName {
        NodeName("\(beaconPrefix)-\(NameGenerator.hostnamePart(template.value))-\(suffix)")
    }

    func template(_ name: TemplateName) -> AgentTemplate? { templates.first { $0.name == name } }
}

/// How many drained nodes stand for each template, so that the controller shows the labels of waiting pipeline steps.
public enum BeaconPolicy: String, CaseIterable, Sendable {
    case pair, single, off
}

/// Where the label of a queued item is read when the queue itself does not say it.
public enum LabelSource: String, CaseIterable, Sendable {
    /// The reason the controller gives for waiting; for jobs of old controllers also their configuration.
    case auto
    /// The job's configuration first. Needs Job/ExtendedRead.
    case config
    /// The queue lengths of the prometheus plugin, for items nothing else tells about.
    case prometheus
    /// A script on the controller that tells every item's label. Needs Overall/Administer.
    case script
}
