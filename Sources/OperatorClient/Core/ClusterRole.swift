// A role: what it may have, what it has, and what its weight entitles it to.

import TextTables

public struct ClusterRole: Encodable, Hashable, Sendable {
    public var name: String
    public var weight: Double
    /// Ids of frameworks in exactly this role.
    public var frameworks: [String]
    public var allocated: Amounts
    public var offered: Amounts
    public var reserved: Amounts
    /// By resource name.
    public var guarantee: [String: Double]
    public var limit: [String: Double]
    public var consumed: [String: Double]
    /// The largest fraction of any one resource that the role and those below it hold or are offered.
    public var share: Double
    /// The fraction its weight entitles it to among the roles beside it that take part; nil if it does not.
    public var idealShare: Double?
}

/// `/roles` as far as it is read.
public struct RolesAnswer: Decodable, Sendable {
    struct Role: Decodable, Sendable {
        struct Quota: Decodable, Sendable {
            var guarantee: [String: Double]?
            var limit: [String: Double]?
            var consumed: Consumed?
        }
        /// Scalars; ports are text and count for nothing here.
        struct Consumed: Decodable, Sendable {
            var amounts: [String: Double] = [:]
            private struct Name: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init?(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: Name.self)
                for key in values.allKeys { amounts[key.stringValue] = try? values.decode(Double.self, forKey: key) }
            }
        }
        var name: String
        var weight: Double
        var frameworks: [String]?
        var resources: Amounts?
        var allocated: Amounts?
        var offered: Amounts?
        var reserved: Amounts?
        var quota: Quota?
    }
    var roles: [Role]

    /// Sorted by name, so that each role is followed by those below it.
    ///
    /// - Parameter total: Of the cluster.
    public func read(total: Amounts) -> [ClusterRole] {
        let shares = RoleShares(self, total: total)
        return roles.sorted { $0.name < $1.name }.map { role in
            ClusterRole(
                name: role.name, weight: role.weight, frameworks: role.frameworks ?? [],
                allocated: role.allocated ?? Amounts(), offered: role.offered ?? Amounts(),
                reserved: role.reserved ?? Amounts(), guarantee: role.quota?.guarantee ?? [:],
                limit: role.quota?.limit ?? [:], consumed: role.quota?.consumed?.amounts ?? [:],
                share: shares.actual(role.name), idealShare: shares.ideal(role.name))
        }
    }
}

/// What roles hold, and what their weights entitle them to among those that take part: those with a framework or something
/// held, in them or below them.
private struct RoleShares {
    private var weights: [String: Double] = [:]
    /// Sums of the weights of roles that take part, by the role above them; the empty name is above all.
    private var sums: [String: Double] = [:]
    private var takesPart: Set<String> = []
    private var held: [String: Amounts] = [:]
    private let total: Amounts

    init(_ answer: RolesAnswer, total: Amounts) {
        self.total = total
        for role in answer.roles {
            weights[role.name] = role.weight
            let holds = role.resources ?? (role.allocated ?? Amounts()) + (role.offered ?? Amounts())
            let isIdle = (role.frameworks ?? []).isEmpty && holds == Amounts()
            for name in Self.upwards(role.name) {
                held[name] = (held[name] ?? Amounts()) + holds
                if !isIdle { takesPart.insert(name) }
            }
        }
        for name in takesPart.sorted() { sums[Self.above(name), default: 0] += weights[name] ?? 1 }
    }

    func actual(_ name: String) -> Double { (held[name] ?? Amounts()).dominantShare(of: total) }

    func ideal(_ name: String) -> Double? {
        guard takesPart.contains(name) else { return nil }
        return Self.upwards(name).reduce(1.0) { product, role in
            guard let sum = sums[Self.above(role)], sum > 0 else { return product }
            return product * (weights[role] ?? 1) / sum
        }
    }

    /// The role and those above it.
    private static func upwards(_ name: String) -> [String] {
        var names = [name]
        while let last = names.last, !above(last).isEmpty { names.append(above(last)) }
        return names
    }

    private static func above(_ name: String) -> String {
        guard let slash = name.lastIndex(of: "/") else { return "" }
        return String(name[..<slash])
    }
}
