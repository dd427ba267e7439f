// What frameworks have asked by RECONCILE and was not answered yet.
import Resources

/// A framework may ask for a hundred thousand tasks in one call. They are answered in pieces, so that others wait for one
/// piece only, and in the order in which they were asked for.
struct ReconciliationBacklog: Sendable {
    struct Question: Sendable {
        var task: TaskID
        var agent: AgentID?
        /// It was not named: nothing is said if it is gone by the time it is looked at.
        var isImplicit: Bool
    }

    struct Batch: Sendable {
        var framework: FrameworkID
        /// The subscription that asked.
        var stream: StreamID
        var questions: ArraySlice<Question>
    }

    /// About 3 ms of work.
    static let answersPerStep = 1000
    /// Ten frameworks with everything they can have, or a client that asks faster than it can be answered.
    static let questionsMax = 1_000_000

    /// Whichever timer will go on with it.
    var timer: UInt64?
    private var batches: [Batch] = []
    private var count = 0

    var isEmpty: Bool { count == 0 }
    /// The subscriptions that still wait for answers.
    var streams: Set<StreamID> { Set(batches.map(\.stream)) }

    /// - Returns: Whether there was room.
    mutating func add(_ questions: [Question], of framework: FrameworkID, on stream: StreamID) -> Bool {
        if questions.isEmpty { return true }
        guard count + questions.count <= Self.questionsMax else { return false }
        batches.append(Batch(framework: framework, stream: stream, questions: questions[...]))
        count += questions.count
        return true
    }

    /// Takes the next piece, from the front.
    mutating func next() -> [Batch] {
        var room = Self.answersPerStep
        var taken: [Batch] = []
        var whole = 0
        for index in batches.indices where room > 0 {
            let piece = batches[index].questions.prefix(room)
            room -= piece.count
            taken.append(Batch(framework: batches[index].framework, stream: batches[index].stream, questions: piece))
            batches[index].questions = batches[index].questions.dropFirst(piece.count)
            if batches[index].questions.isEmpty { whole += 1 }
        }
        batches.removeFirst(whole)
        count -= taken.reduce(0) { $0 + $1.questions.count }
        return taken
    }
}
