// Who may do what: credentials, HTTP Basic, and access control lists. Pure, shared by master, agent and clients.

/// Who somebody proved to be: the name in front of the colon of HTTP Basic.
public struct Principal: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: String

    public init(_ value: String) { self.value = value }

    public var description: String { value }

    public static func < (left: Principal, right: Principal) -> Bool { left.value < right.value }
}
