/// Identifiers that cannot be mistaken for one another: a string with a phantom tag.
public struct ID<Tag>: Hashable, Comparable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    public let value: String

    public init(_ value: String) { self.value = value }
    public init(stringLiteral value: String) { self.value = value }

    public var description: String { value }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

public enum AgentTag {}
public enum FrameworkTag {}
public enum OfferTag {}
public enum TaskTag {}
public enum ExecutorTag {}
public enum ContainerTag {}

public typealias AgentID = ID<AgentTag>
public typealias FrameworkID = ID<FrameworkTag>
public typealias OfferID = ID<OfferTag>
public typealias TaskID = ID<TaskTag>
public typealias ExecutorID = ID<ExecutorTag>
public typealias ContainerID = ID<ContainerTag>
