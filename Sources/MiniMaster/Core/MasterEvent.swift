// What can happen to a master: everything its core is ever told.
import MesosProtocol
import Resources
import Security

/// Something that happened outside the core. The shell, or a simulation, delivers them one at a time.
///
/// Order matters in two places. An election list must have been read after the `.electionJoined` that precedes it was
/// delivered, or a master would take its own absence from an older list for a deleted znode. Calls and the closing of
/// one stream arrive in the order in which they happened.
package enum MasterEvent: Sendable {
    /// The process is up and its HTTP port is bound. Always the first event.
    case started
    case timerFired(MasterTimer)

    // MARK: ZooKeeper

    /// The session is usable, for the first time or again.
    /// - Parameter timeout: What the server granted.
    case sessionConnected(SessionNumber, timeout: Duration)
    /// The connection broke; the session may survive.
    case sessionInterrupted(SessionNumber)
    /// The session is gone, and this master's election znode with it.
    case sessionExpired(SessionNumber)
    /// The session could not be opened at all.
    case sessionFailed(SessionNumber, reason: String)
    /// ZooKeeper refuses our credentials: no retry will help.
    case sessionRefused(SessionNumber, reason: String)
    /// The ensemble was certainly alive and in touch at that time. Report the moment a request was *sent* that was
    /// answered later, or the last byte received; never a guess into the future.
    case ensembleHeard(SessionNumber, Instant)
    case electionJoined(SessionNumber, Candidate)
    case electionJoinFailed(SessionNumber, reason: String)
    /// This master must not stand beside those who do.
    case electionRefused(SessionNumber, reason: String)
    /// All members now, in any order. Sent after joining and whenever they change.
    case electionChanged(SessionNumber, [Candidate])
    /// The document of a member. Nil: gone meanwhile, or not readable.
    /// - Parameter isForeign: It is a master of another product.
    case candidateRead(SessionNumber, Candidate, V1MasterInfo?, isForeign: Bool = false)

    // MARK: Registry

    /// The claim was written and everything was read after it.
    case registryRecovered(Term, RegistryState)
    /// The write of that number is durable.
    case registryWritten(Term, number: UInt64)
    case registryFailed(Term, RegistryFailure)

    // MARK: Frameworks

    case schedulerCalled(RequestNumber, SchedulerRequest)
    /// The peer closed the stream, or was cut because it did not read fast enough.
    case streamClosed(StreamID)

    // MARK: Agents

    case agentCalled(RequestNumber, AgentRequest)
    case linkClosed(LinkID)
    /// The hosts whose resources may be offered have changed, or are known for the first time.
    case whitelistRead(Set<String>)

    // MARK: Operators

    /// A call of the operator API that changes something, or that opens an event stream. Reads look at a snapshot
    /// instead.
    case operatorCalled(RequestNumber, OperatorRequest)
    case operatorStreamClosed(StreamID)
    /// Somebody asked why a role is offered what it is, and may ask again.
    case roleExplained(RoleName)
}

/// An operator's call as it came in, decoded; the older endpoints are turned into calls first.
package struct OperatorRequest: Equatable, Sendable {
    package var call: V1OperatorCall
    /// Whom HTTP authentication found behind it; nil if nobody had to say.
    package var principal: Principal?
    /// A fresh random id, used if this turns out to be a subscription.
    package var freshStreamID: StreamID

    package init(call: V1OperatorCall, principal: Principal? = nil, freshStreamID: StreamID = StreamID("")) {
        self.call = call
        self.principal = principal
        self.freshStreamID = freshStreamID
    }
}

/// A scheduler call as it came in, decoded.
package struct SchedulerRequest: Equatable, Sendable {
    package var call: V1SchedulerCall
    /// The request's `Mesos-Stream-Id` header.
    package var streamID: StreamID?
    /// Whether the `Accept` header allows a type we can stream.
    package var acceptsStream: Bool
    /// A fresh random id, used if this turns out to be a subscription.
    package var freshStreamID: StreamID
    /// Whom HTTP authentication found behind it; nil if nobody had to say.
    package var principal: Principal?

    package init(
        call: V1SchedulerCall, streamID: StreamID? = nil, acceptsStream: Bool = true, freshStreamID: StreamID,
        principal: Principal? = nil
    ) {
        self.principal = principal
        self.call = call
        self.streamID = streamID
        self.acceptsStream = acceptsStream
        self.freshStreamID = freshStreamID
    }
}

/// Tasks of a registration that were read straight into records, which is all that is kept of most of them.
package struct ReportedTasks: Equatable, Sendable {
    package var records: [TaskRecord] = []

    package init(_ records: [TaskRecord] = []) { self.records = records }

    package static func == (left: Self, right: Self) -> Bool {
        left.records.elementsEqual(right.records) { $0.key == $1.key && $0.state == $1.state }
    }
}

/// An agent's call as it came in, decoded.
package struct AgentRequest: Equatable, Sendable {
    /// A registration may come without its tasks, or without some of them: those are in `tasks`.
    package var call: LinkCall
    package var tasks = ReportedTasks()
    /// The request's `Mini-Link-Stream-Id` header.
    package var linkID: LinkID?
    /// A fresh random id, used if this turns out to be a registration.
    package var freshLinkID: LinkID
    /// The peer's IP address in text, without a port.
    package var remoteHost: String
    /// Whom HTTP authentication found behind it; nil if nobody had to say.
    package var principal: Principal?

    package init(
        call: LinkCall, linkID: LinkID? = nil, freshLinkID: LinkID, remoteHost: String, principal: Principal? = nil
    ) {
        self.principal = principal
        self.call = call
        self.linkID = linkID
        self.freshLinkID = freshLinkID
        self.remoteHost = remoteHost
    }
}

/// Why the registry could not be read or written. Either way the term is over.
package enum RegistryFailure: Equatable, Sendable {
    /// Our own election znode is gone: somebody else may lead, and nothing was written.
    case fenced
    /// The write may or may not have happened.
    case unavailable(String)
    /// ZooKeeper does not let this master's user in; no retry will help.
    case forbidden(String)
}
