// What a master's core asks of the world around it.
import Allocator
import MesosProtocol
import Resources

/// Work for the shell, in the order given.
package enum MasterEffect: Equatable, Sendable {
    // MARK: Answers

    /// Answers a waiting request. `.stream` and `.link` keep the response open for what is sent later.
    case answer(RequestNumber, MasterAnswer)

    // MARK: Streams

    case sendEvent(StreamID, V1SchedulerEvent)
    /// Ends the stream after what was sent on it.
    case closeStream(StreamID)
    case sendCommand(LinkID, LinkCommand)
    case closeLink(LinkID)
    /// Opens an operator's event stream with the whole state as it is now; everything sent on it later comes after.
    case sendOperatorState(StreamID)
    /// Sends one event on each of these streams.
    case sendOperatorEvent([StreamID], V1OperatorEvent)
    case closeOperatorStream(StreamID, reason: String)
    /// Leadership ended: every scheduler stream and agent link is closed, whoever holds it.
    case closeEverything(reason: String)

    // MARK: Time

    case scheduleTimer(MasterTimer, after: Duration)

    // MARK: Election

    case openSession(SessionNumber)
    /// Gives the session up at once, so that its election znode vanishes without waiting for the timeout.
    case closeSession(SessionNumber)
    /// Creates this master's election znode (or finds the one this session already has), reports `.electionJoined`,
    /// then watches the members and reports each list.
    case joinElection(SessionNumber)
    case readCandidate(SessionNumber, Candidate)

    // MARK: Registry

    /// Writes this master's claim, fenced by the term's election znode, and then reads everything. The write comes
    /// first because it also brings the server we read from up to date.
    case recoverRegistry(Term, claim: V1MasterInfo)
    /// Applies all operations or none, fenced by the term's election znode.
    case writeRegistry(Term, RegistryWrite)

    // MARK: Operations

    /// Adds to the record of the allocator, if there is one.
    case recordAllocator([AllocatorCall])
    /// Nothing this process can do will help; leave with this message.
    case exit(reason: String)
    case note(MasterNote)
}

/// How a waiting request is answered.
package enum MasterAnswer: Equatable, Sendable {
    /// 202.
    case accepted
    /// 200, empty.
    case done
    /// 200, followed by a framework's events for as long as the stream lives.
    case stream(StreamID)
    /// 200, followed by commands to an agent for as long as the link lives.
    case link(LinkID)
    /// 200, followed by an operator's events for as long as the stream lives.
    case operatorStream(StreamID)
    case refused(status: Int, reason: String)
    /// 307 to the leader.
    case redirected(V1MasterInfo)
}

/// A line for the log. Names come from outside, so what would break or forge a line is replaced in it.
package struct MasterNote: Equatable, Sendable {
    package enum Level: Equatable, Sendable { case info, warning, error }

    package let level: Level
    package let text: String

    package init(_ level: Level, _ text: String) {
        self.level = level
        self.text = Self.line(text)
    }

    private static let bytesMax = 4096

    private static func line(_ text: String) -> String {
        let isPlain = text.utf8.count <= bytesMax && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        if isPlain { return text }
        let scalars = text.unicodeScalars.prefix(bytesMax).map { scalar in
            scalar.properties.generalCategory == .control ? "?" : String(scalar)
        }
        return scalars.joined()
    }
}
