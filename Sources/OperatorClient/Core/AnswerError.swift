// Why an answer of a master or an agent cannot be used.

/// A field of an answer that is not what it must be.
public struct AnswerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `GET_AGENTS`, `/roles`.
    public var question: String
    /// `agents[3].agent_info.id`
    public var field: String
    /// What was found instead of what.
    public var problem: String

    public init(question: String, field: String, problem: String) {
        self.question = question
        self.field = field
        self.problem = problem
    }

    public var description: String { "the answer to \(question): \(field): \(problem)" }
}
