// Conversions between the typed ids of the cores and the id messages of the wire.

import Resources

/// An id message with nothing but a `value`.
public protocol IdentifierMessage {
    associatedtype Tag
    init()
    var value: String { get set }
}

extension IdentifierMessage {
    public init(_ id: ID<Tag>) {
        self.init()
        value = id.value
    }
}

extension ID {
    public init<M: IdentifierMessage>(_ message: M) where M.Tag == Tag {
        self.init(message.value)
    }
}

extension V1AgentID: IdentifierMessage { public typealias Tag = AgentTag }
extension V1FrameworkID: IdentifierMessage { public typealias Tag = FrameworkTag }
extension V1OfferID: IdentifierMessage { public typealias Tag = OfferTag }
extension V1TaskID: IdentifierMessage { public typealias Tag = TaskTag }
extension V1ExecutorID: IdentifierMessage { public typealias Tag = ExecutorTag }
/// The parent of a nested container is not part of its `ContainerID`.
extension V1ContainerID: IdentifierMessage { public typealias Tag = ContainerTag }
