// The timers the master's core asks for. None is ever cancelled: each carries a number, and a stale one is ignored.
import Resources

/// Names one timer. The shell sends it back unchanged as `.timerFired`.
package enum MasterTimer: Hashable, Sendable {
    /// Looks whether ZooKeeper was heard from lately enough to go on leading.
    case fence(UInt64)
    /// A session that was not connected in time is given up for a new one.
    case sessionPatience(UInt64)
    case reopenSession(UInt64)
    case rejoinElection(UInt64)
    /// The pause after a failed registry access before this master tries to lead again.
    case reclaim(UInt64)
    case registryPatience(UInt64)
    /// Fires at once when little happens, after what is already waiting in the inbox; later under load. One allocation
    /// serves a burst of events.
    case allocate(UInt64)
    case filterExpiry(UInt64)
    /// The oldest outstanding offer may be due.
    case offerExpiry(UInt64)
    case inverseOfferExpiry(OfferID)
    case heartbeat(FrameworkID, UInt64)
    /// Goes on while the stream is open.
    case operatorHeartbeat(StreamID)
    case frameworkFailover(FrameworkID, UInt64)
    case ping(AgentID, UInt64)
    case agentReturn(AgentID, UInt64)
    /// Agents of the registry that have not come back under this leader by then are unreachable.
    case recoveryDeadline(UInt64)
    case registryCollection(UInt64)
    /// A new leader with quotas no longer waits for agents before it makes offers.
    case quotaRecovery(UInt64)
    /// A framework said that it does not want to be asked to leave an agent before then.
    case inverseOffers(UInt64)
    /// The rate limit lets the next silent agent be removed.
    case removalPermit(UInt64)
    /// While the removal brake is engaged: looks whether it may be released, and says that it is not.
    case removalBrake(UInt64)
    /// Another master has had this one's address for so long that it cannot be a leftover of an earlier life.
    case addressConflict(UInt64)
    /// Fires at once, after what is already waiting in the inbox: a long RECONCILE is answered in pieces.
    case reconcile(UInt64)
}
