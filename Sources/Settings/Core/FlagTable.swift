// All flags of one daemon, and where a Mesos installation keeps them.

/// The flags of one daemon, in sections for help.
public struct FlagTable: Sendable {
    public struct Section: Sendable {
        public var title: String
        public var flags: [FlagDefinition]

        public init(_ title: String, _ flags: [FlagDefinition]) {
            self.title = title
            self.flags = flags
        }
    }

    /// What the flags' files and variables are called in an installation.
    public struct Places: Hashable, Sendable {
        /// Folders of one-flag-per-file below the configuration directory, the later ones first in rank.
        public var directories: [String]
        /// Files of `NAME=value` lines below `default/`, the later ones first in rank.
        public var defaultsFiles: [String]
        /// Variables of those files that stand for flags.
        public var variables: [String: String]
        /// Flags whose values may be spread over the files of a subdirectory.
        public var joinedDirectories: [String]
        /// The flag that `mesos/zk` below the configuration directory stands for.
        public var zooKeeperFlag: String?
    }

    /// `master` or `agent`.
    public let daemon: String
    public let places: Places
    public let sections: [Section]
    private let flagsByName: [String: FlagDefinition]

    public init(daemon: String, places: Places, sections: [Section]) {
        self.daemon = daemon
        self.places = places
        self.sections = sections
        var flagsByName: [String: FlagDefinition] = [:]
        for flag in sections.flatMap(\.flags) {
            for name in [flag.name] + flag.aliases {
                precondition(flagsByName[name] == nil, "two flags of the \(daemon) are called \(name)")
                flagsByName[name] = flag
            }
        }
        self.flagsByName = flagsByName
    }

    /// All flags, by name.
    public var flags: [FlagDefinition] { sections.flatMap(\.flags).sorted { $0.name < $1.name } }

    /// The flag of that name, or with that alias.
    public func flag(_ name: String) -> FlagDefinition? { flagsByName[name] }

    /// The known name that a mistyped one was most likely meant to be.
    ///
    /// - Returns: `nil` if more than half of the letters would have to change.
    public func nearest(to name: String) -> String? {
        let written = Array(name.lowercased().map { $0 == "-" ? "_" : $0 })
        let distances = flagsByName.keys.sorted().map { known in
            (known: known, distance: EditDistance.between(written, Array(known)))
        }
        guard let best = distances.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, written.count / 2)
        else { return nil }
        return flagsByName[best.known]?.name
    }
}

/// How far apart two words are.
enum EditDistance {
    /// The least number of letters to insert, drop, exchange or swap with their neighbour.
    static func between(_ left: [Character], _ right: [Character]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let change = left[row - 1] == right[column - 1] ? 0 : 1
                var least = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + change)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    least = min(least, beforeLast[column - 2] + 1)
                }
                current.append(least)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
