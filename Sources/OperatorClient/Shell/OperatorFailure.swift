// Why a command could not do what was asked, with the exit status that says which kind of failure it is.

/// In one line, with what to do where that is known.
public struct OperatorFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Part of what scripts may rely on.
    public enum Kind: Int32, Hashable, Sendable {
        /// The master or the agent refused, or it was tried and failed.
        case refused = 1
        /// The request itself is wrong; nothing was sent.
        case usage = 2
        /// No such agent, framework, task or file; or more than one.
        case notFound = 3
        /// No master leads, or nobody answers.
        case unreachable = 4
    }

    public var kind: Kind
    public var description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
