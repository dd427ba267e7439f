// What an operator can set about allocation, and the two values that cross the allocator's boundary.

import Resources

/// How offers are made.
public struct AllocatorSettings: Hashable, Codable, Sendable {
    /// An offer must reach at least one of these; an empty list lets anything through. Only quantities count.
    public var minAllocatable: [Resources]
    /// The shortest life of a decline filter, and the longest a freed resource waits for the next offer.
    public var allocationInterval: Duration
    /// Whether agents with GPUs are kept from frameworks that did not say they can use them.
    public var filtersGPUs: Bool
    /// Resources that do not count towards a dominant share.
    public var fairSharingExcluded: Set<String>
    /// The region of the master. Agents of another one are only for frameworks that say they can use them; `nil`, here
    /// or of an agent, means not remote.
    public var region: String?
    public var roleSorter: Sorter
    /// How the frameworks of one role are put in order.
    public var frameworkSorter: Sorter
    /// Among how many frameworks one agent is divided in one round. 1: the first takes all, as in Apache Mesos.
    public var offerSplit: Int

    /// The defaults of the Apache Mesos master: `cpus:0.01|mem:32`, one second.
    public init(
        minAllocatable: [Resources] = AllocatorSettings.minAllocatableDefault,
        allocationInterval: Duration = .seconds(1), filtersGPUs: Bool = true, fairSharingExcluded: Set<String> = [],
        region: String? = nil, roleSorter: Sorter = .drf, frameworkSorter: Sorter = .drf, offerSplit: Int = 1
    ) {
        self.minAllocatable = minAllocatable
        self.allocationInterval = allocationInterval
        self.filtersGPUs = filtersGPUs
        self.fairSharingExcluded = fairSharingExcluded
        self.region = region
        self.roleSorter = roleSorter
        self.frameworkSorter = frameworkSorter
        self.offerSplit = max(1, offerSplit)
    }

    public static let minAllocatableDefault = [
        Resources(cpus: Scalar(milli: 10)), Resources(mem: Scalar(units: 32)),
    ]

    /// Reads the form of `--min_allocatable_resources`: alternatives separated by `|`, as in `cpus:0.01|mem:32`.
    public static func parseMinAllocatable(_ text: String) throws(ResourceParseError) -> [Resources] {
        var alternatives: [Resources] = []
        for part in text.split(separator: "|") {
            let minimum = try Resources.parse(String(part))
            if !minimum.isEmpty { alternatives.append(minimum) }
        }
        return alternatives
    }
}

/// How much more than its siblings a role deserves: exact millionths, above zero.
public struct Weight: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public let micro: Int64

    public static let one = Weight(millionths: 1_000_000)

    private init(millionths: Int64) { micro = millionths }

    /// - Returns: `nil` unless `value`, rounded to millionths, lies between 0.000001 and 10⁹.
    public init?(_ value: Double) {
        guard value > 0, value <= 1e9 else { return nil }
        let rounded = Scalar.nearest(value * 1e6)
        guard rounded > 0 else { return nil }
        micro = rounded
    }

    public var doubleValue: Double { Double(micro) / 1e6 }
    public var description: String { "\(doubleValue)" }

    public static func < (left: Weight, right: Weight) -> Bool { left.micro < right.micro }
}

/// Resources of one agent handed to a framework in one of its roles, to be offered.
public struct Allocation: Hashable, Codable, Sendable, CustomStringConvertible {
    public var framework: FrameworkID
    public var role: RoleName
    public var agent: AgentID
    public var resources: Resources

    public init(framework: FrameworkID, role: RoleName, agent: AgentID, resources: Resources) {
        self.framework = framework
        self.role = role
        self.agent = agent
        self.resources = resources
    }

    public var description: String { "\(agent) -> \(framework) in \(role): \(resources)" }
}
