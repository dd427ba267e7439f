// The names of the election znodes: who is a member, and which one leads.

/// A child of the election directory that takes part in the election.
///
/// Mesos splits a child's name at `_`: the last part must be the counter that ZooKeeper gave it, the first one is a
/// label that tells the form of the content. Whatever has no counter, like `log_replicas`, is no member.
public struct ElectionMember: Hashable, Sendable {
    /// The form of a member's content.
    public enum Label: Hashable, Sendable {
        /// `json.info`: MasterInfo as JSON; what we and every Mesos since 0.24 write.
        case json
        /// `info`: MasterInfo as protobuf.
        case binary
        /// None: the text `master@ip:port`.
        case address
        case unknown(String)
    }

    /// The start of the names we create.
    public static let namePrefix = "json.info_"

    /// The child's name, without the path.
    public let name: String
    public let label: Label
    /// Grows with every member that ever joined, under all labels, as long as the directory exists.
    public let sequence: Int64

    /// - Returns: `nil` if a child of this name is no member.
    public init?(name: String) {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard let counter = parts.last, !counter.isEmpty,
            counter.utf8.allSatisfy({ UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") }),
            let sequence = Int64(counter)
        else { return nil }
        self.name = name
        self.sequence = sequence
        switch parts.count == 1 ? nil : parts[0] {
        case nil: label = .address
        case "json.info": label = .json
        case "info": label = .binary
        case let other?: label = .unknown(String(other))
        }
    }

    /// The members among a directory's children, the leader first.
    public static func members(among names: [String]) -> [ElectionMember] {
        names.compactMap(ElectionMember.init).sorted()
    }

    /// The member that leads: the one with the lowest counter, whatever its label.
    public static func leader(among names: [String]) -> ElectionMember? {
        names.lazy.compactMap(ElectionMember.init).min()
    }
}

extension ElectionMember: Comparable {
    public static func < (a: ElectionMember, b: ElectionMember) -> Bool {
        (a.sequence, a.name) < (b.sequence, b.name)
    }
}
