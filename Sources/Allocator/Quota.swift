// What an operator promises a role, and what it may not exceed.

import Resources

/// The quota of a top-level role and everything below it.
///
/// Consumption is what is reserved to the role or a role below it, in use or not, and what is unreserved and held by
/// frameworks in these roles. Only scalars count, and nothing revocable. A name that is absent has no guarantee, or no
/// limit. See the public document on quota of Apache Mesos (1.9 and later).
public struct Quota: Hashable, Codable, Sendable {
    /// Kept available: other roles are not offered what is needed to reach these amounts.
    public var guarantees: [String: Scalar]
    /// Never exceeded by new offers. A name that is absent is unlimited; zero means none at all.
    public var limits: [String: Scalar]

    public init(guarantees: [String: Scalar] = [:], limits: [String: Scalar] = [:]) {
        self.guarantees = guarantees
        self.limits = limits
    }

    /// No guarantee and no limit: the same as no quota.
    public var isDefault: Bool { limits.isEmpty && guarantees.values.allSatisfy(\.isZero) }
}

extension RoleName {
    /// The outermost role of the path: `eng` of `eng/ci/night`.
    package var top: RoleName { ancestors.first ?? self }
}
