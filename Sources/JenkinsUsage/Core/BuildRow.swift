// One build as it is remembered: what it asked for, what it used, how long each phase took, how it ended.

/// Processors and memory, asked for or used.
public struct BuildSize: Hashable, Codable, Sendable {
    public var cpus: Double
    /// MiB.
    public var memory: Double

    public init(cpus: Double, memory: Double) {
        self.cpus = cpus
        self.memory = memory
    }
}

/// What a build's container was seen to use while the build ran.
public struct BuildUse: Hashable, Codable, Sendable {
    /// The most CPUs over any second (or over the time between two samples, where they were farther apart).
    public var cpuPeak: Double
    /// CPUs that were enough for 95 % of the time.
    public var cpuP95: Double
    public var cpuMean: Double
    /// MiB of memory the kernel cannot take back: the most of any sample.
    public var memoryPeak: Double
    /// MiB with the page cache, as the limit counts; absent if the container has no counter of its own, or if an earlier
    /// build of the same agent used more.
    public var memoryPeakWithCache: Double?
    /// Seconds in which the kernel held the container up because its CPU quota was used.
    public var throttledSeconds: Double
    public var samples: Int
    /// Seconds between the first and the last sample.
    public var sampledSeconds: Double

    public init(
        cpuPeak: Double = 0, cpuP95: Double = 0, cpuMean: Double = 0, memoryPeak: Double = 0,
        memoryPeakWithCache: Double? = nil, throttledSeconds: Double = 0, samples: Int = 0, sampledSeconds: Double = 0
    ) {
        self.cpuPeak = cpuPeak
        self.cpuP95 = cpuP95
        self.cpuMean = cpuMean
        self.memoryPeak = memoryPeak
        self.memoryPeakWithCache = memoryPeakWithCache
        self.throttledSeconds = throttledSeconds
        self.samples = samples
        self.sampledSeconds = sampledSeconds
    }
}

/// Seconds a build spent in each phase, in their order. A phase that the build did not go through, or that nobody saw, is
/// absent; together the phases are the time from the queue to the end.
public struct PhaseTimes: Hashable, Codable, Sendable {
    /// In the queue for other reasons than an executor: quiet period, a lock, another build.
    public var queued: Double?
    /// Until an offer was chosen for its agent.
    public var offered: Double?
    /// Until the agent's image was there: node created, task accepted, image pulled.
    public var pulled: Double?
    /// Until the agent's task ran.
    public var started: Double?
    /// Until the agent had connected to the controller.
    public var connected: Double?
    /// Until the controller gave the build to an executor. A build on an agent that was there already has only this one
    /// of the middle phases.
    public var assigned: Double?
    public var ran: Double?

    public init(
        queued: Double? = nil, offered: Double? = nil, pulled: Double? = nil, started: Double? = nil,
        connected: Double? = nil, assigned: Double? = nil, ran: Double? = nil
    ) {
        self.queued = queued
        self.offered = offered
        self.pulled = pulled
        self.started = started
        self.connected = connected
        self.assigned = assigned
        self.ran = ran
    }

    public static let names = ["queued", "offered", "pulled", "started", "connected", "assigned", "ran"]

    /// In the order of `names`.
    public var values: [Double?] { [queued, offered, pulled, started, connected, assigned, ran] }

    /// Seconds from the queue to the build's start.
    public var wait: Double { values.dropLast().compactMap(\.self).reduce(0, +) }
}

/// A finished build, or the part of a pipeline that ran on one agent.
public struct BuildRow: Hashable, Codable, Sendable {
    /// The build's address on the controller; with the node's name it tells builds apart.
    public var url: String
    public var node: String
    /// With folders: `folder/name`.
    public var job: String
    public var number: Int
    /// As the queue named it; empty for none.
    public var label: String
    public var template: String
    /// The Mesos agent it ran on.
    public var host: String
    /// SUCCESS, FAILURE, ...; UNKNOWN if the controller could not say.
    public var result: String
    /// Seconds since the Unix epoch.
    public var startedAt: Double
    /// Seconds.
    public var duration: Double
    /// Of the whole agent.
    public var asked: BuildSize?
    /// Whether several builds may have run in the container at once: then the numbers are the container's.
    public var isShared: Bool
    public var used: BuildUse?
    /// Whether the agent's container was ended for want of memory while the build ran, or the kernel killed one of its
    /// processes for that.
    public var wasOutOfMemory: Bool
    public var phases: PhaseTimes

    public init(
        url: String, node: String, job: String, number: Int, label: String = "", template: String = "",
        host: String = "", result: String = "UNKNOWN", startedAt: Double = 0, duration: Double = 0,
        asked: BuildSize? = nil, isShared: Bool = false, used: BuildUse? = nil, wasOutOfMemory: Bool = false,
        phases: PhaseTimes = PhaseTimes()
    ) {
        self.url = url
        self.node = node
        self.job = job
        self.number = number
        self.label = label
        self.template = template
        self.host = host
        self.result = result
        self.startedAt = startedAt
        self.duration = duration
        self.asked = asked
        self.isShared = isShared
        self.used = used
        self.wasOutOfMemory = wasOutOfMemory
        self.phases = phases
    }

    enum CodingKeys: String, CodingKey {
        case url, node, job, number, label, template, host, result, duration, asked, used, phases
        case startedAt = "started_at"
        case isShared = "shared"
        case wasOutOfMemory = "out_of_memory"
    }
}
