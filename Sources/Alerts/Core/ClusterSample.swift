// What rules look at: the figures of a cluster at one moment.

/// The leader's look at its cluster, and at the build farms it was told to watch.
public struct ClusterSample: Equatable, Sendable {
    public struct Role: Equatable, Sendable {
        public var name: String
        /// Connected frameworks that want offers for it.
        public var wanting: Int
        public var allocatedCPUs: Double
        public var allocatedMemoryMiB: Double
        /// What nobody holds and the role may have.
        public var obtainableCPUs: Double
        public var obtainableMemoryMiB: Double

        public init(
            name: String, wanting: Int, allocatedCPUs: Double, allocatedMemoryMiB: Double, obtainableCPUs: Double,
            obtainableMemoryMiB: Double
        ) {
            self.name = name
            self.wanting = wanting
            self.allocatedCPUs = allocatedCPUs
            self.allocatedMemoryMiB = allocatedMemoryMiB
            self.obtainableCPUs = obtainableCPUs
            self.obtainableMemoryMiB = obtainableMemoryMiB
        }
    }

    public struct StalledAgent: Equatable, Sendable {
        public var host: String
        public var reason: String

        public init(host: String, reason: String) {
            self.host = host
            self.reason = reason
        }
    }

    public struct Farm: Equatable, Sendable {
        public struct Wait: Equatable, Sendable {
            public var job: String
            /// The word of `mini jenkins` for what holds the build up.
            public var reason: String
            public var label: String
            public var seconds: Double

            public init(job: String, reason: String, label: String, seconds: Double) {
                self.job = job
                self.reason = reason
                self.label = label
                self.seconds = seconds
            }
        }
        /// Where it answers.
        public var url: String
        /// Nil: it did not answer, and nothing is known of it.
        public var waits: [Wait]?

        public init(url: String, waits: [Wait]?) {
            self.url = url
            self.waits = waits
        }
    }

    public var cpus: Double
    public var memoryMiB: Double
    public var roles: [Role]
    /// Hosts of agents that do not answer, whether they are declared unreachable or not.
    public var lostAgents: [String]
    public var stalledAgents: [StalledAgent]
    public var masters: Int
    /// Nil: this master stands alone.
    public var quorum: Int?
    public var farms: [Farm]

    public init(
        cpus: Double, memoryMiB: Double, roles: [Role] = [], lostAgents: [String] = [],
        stalledAgents: [StalledAgent] = [], masters: Int = 1, quorum: Int? = nil, farms: [Farm] = []
    ) {
        self.cpus = cpus
        self.memoryMiB = memoryMiB
        self.roles = roles
        self.lostAgents = lostAgents
        self.stalledAgents = stalledAgents
        self.masters = masters
        self.quorum = quorum
        self.farms = farms
    }
}
