// What a command changed.

import TextTables

/// One change that the master has accepted.
public struct ChangeReport: Report, Hashable {
    /// `drain`, `weights set`
    public var action: String
    /// The id or name of what was changed.
    public var subject: String
    /// What was done, in a sentence.
    public var done: String

    public init(_ action: String, _ subject: String, _ done: String) {
        self.action = action
        self.subject = subject
        self.done = done
    }

    public func text(_ sheet: Sheet) -> String { DisplayWidth.escaped(done) }
}

/// Why arguments of a command cannot be used. Names the argument.
public struct ArgumentProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}
