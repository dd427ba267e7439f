// Decides what a detector does next: when to look, what to believe, and when to give up a session.

import MesosProtocol
import ZooKeeper

/// The detector's decisions. Sessions are numbered from 1, and whatever concerns an earlier one is ignored.
struct DetectionCore: Equatable, Sendable {
    enum Timer: Hashable, Sendable {
        /// Time to open session `session`.
        case open(session: Int)
        /// The session has been cut off for a whole timeout, if it still is on its `outage`-th outage.
        case cutOff(session: Int, outage: Int)
        case retry(session: Int, attempt: Int)
        case poll(session: Int)
    }

    /// What a look into the election directory found.
    enum Finding: Equatable, Sendable {
        case leader(DetectedMaster)
        case nobody
        /// There is a leader, but what it wrote cannot be understood.
        case unreadable(String)
        case failed(ZooKeeperError)
    }

    enum Event: Equatable, Sendable {
        case started
        case sessionOpened(session: Int)
        case openFailed(session: Int, ZooKeeperError)
        case stateChanged(session: Int, SessionState)
        case watchFired(session: Int)
        /// - Parameter isWatching: Whether the look has set the watch it was asked to set.
        case looked(session: Int, Finding, isWatching: Bool)
        case timerFired(Timer)
    }

    enum Effect: Equatable, Sendable {
        case openSession(Int)
        case closeSession(Int)
        /// - Parameter setWatch: Not while one is set: the client library would collect them.
        case look(session: Int, setWatch: Bool)
        case report(DetectedMaster?)
        case schedule(Timer, after: Duration)
        case warn(String)
    }

    /// Insurance against a watch that got lost, however that may be.
    static let pollInterval: Duration = .seconds(60)
    /// Mesos's retry intervals, but starting lower: a lookup costs the ensemble two reads.
    static let retryMin: Duration = .milliseconds(500)
    static let retryMax: Duration = .seconds(60)

    private let requestedTimeout: Duration
    private var session = 0
    private var isOpen = false
    private var isConnected = false
    private var timeout: Duration
    private var outage = 0
    private var isLooking = false
    private var mustLookAgain = false
    private var isWatching = false
    private var attempt = 0
    private var openingsFailed = 0
    private(set) var reported: DetectedMaster?

    init(sessionTimeout: Duration) {
        requestedTimeout = sessionTimeout
        timeout = sessionTimeout
    }

    mutating func step(_ event: Event) -> [Effect] {
        switch event {
        case .started, .timerFired(.open(session + 1)):
            return open()
        case .openFailed(session, let error):
            openingsFailed += 1
            outage += 1  // The backoff decides when to try again, not the timer for being cut off.
            return report(nil) + [
                .warn("cannot open a ZooKeeper session: \(error)"),
                .schedule(.open(session: session + 1), after: backoff(openingsFailed)),
            ]
        case .sessionOpened(session):
            isOpen = true
            openingsFailed = 0
            return [.schedule(.poll(session: session), after: Self.pollInterval)] + look()
        case .stateChanged(session, let state):
            return step(state)
        case .watchFired(session):
            isWatching = false
            return look()
        case .looked(session, let finding, let nowWatching):
            return digest(finding, isWatching: nowWatching)
        case .timerFired(.cutOff(session, outage)) where !isConnected:
            return replaceSession(because: "no contact with ZooKeeper for \(timeout)")
        case .timerFired(.retry(session, attempt)):
            return look()
        case .timerFired(.poll(session)):
            return [.schedule(.poll(session: session), after: Self.pollInterval)] + look()
        case .sessionOpened(let stale):
            return [.closeSession(stale)]  // Took so long that it was given up meanwhile.
        case .openFailed, .stateChanged, .watchFired, .looked, .timerFired:
            return []  // Of an earlier session, an outage that is over, or an attempt that was overtaken.
        }
    }

    private mutating func step(_ state: SessionState) -> [Effect] {
        switch state {
        case .connected(_, let negotiated):
            isConnected = true
            timeout = negotiated
            return look()
        case .connecting:
            isConnected = false
            outage += 1
            return [.schedule(.cutOff(session: session, outage: outage), after: timeout)]
        case .expired:
            return replaceSession(because: "the ZooKeeper session expired")
        case .authenticationFailed:
            // A new session at once would fail the same way.
            openingsFailed += 1
            let given = giveUpSession(because: "ZooKeeper refused the credentials")
            return given + [.schedule(.open(session: session + 1), after: backoff(openingsFailed))]
        case .closed:
            return []
        }
    }

    private mutating func open() -> [Effect] {
        let close: [Effect] = isOpen ? [.closeSession(session)] : []
        session += 1
        isOpen = false
        isConnected = false
        isLooking = false
        mustLookAgain = false
        isWatching = false
        timeout = requestedTimeout
        outage += 1
        attempt += 1
        return close + [
            .openSession(session), .schedule(.cutOff(session: session, outage: outage), after: timeout),
        ]
    }

    /// Without waiting for the ensemble's word, which does not come while we are cut off. The new session also
    /// resolves the servers' names afresh.
    private mutating func replaceSession(because reason: String) -> [Effect] {
        giveUpSession(because: reason) + open()
    }

    private mutating func giveUpSession(because reason: String) -> [Effect] {
        let close: [Effect] = isOpen ? [.closeSession(session)] : []
        isOpen = false
        isConnected = false
        outage += 1
        return report(nil) + [.warn(reason)] + close
    }

    private mutating func look() -> [Effect] {
        guard isOpen, isConnected else { return [] }
        if isLooking {
            mustLookAgain = true
            return []
        }
        isLooking = true
        mustLookAgain = false
        attempt += 1
        return [.look(session: session, setWatch: !isWatching)]
    }

    private mutating func digest(_ finding: Finding, isWatching nowWatching: Bool) -> [Effect] {
        isLooking = false
        // A watch that fired during the look has asked for another look, which sets it again.
        isWatching = (isWatching || nowWatching) && !mustLookAgain
        var effects: [Effect]
        switch finding {
        case .leader(let master):
            openingsFailed = 0
            effects = report(master)
        case .nobody:
            openingsFailed = 0
            effects = report(nil)
        case .unreadable(let reason):
            effects = report(nil) + [.warn(reason)]
        case .failed(let error) where error.isRetryable:
            // The last leader stands: a blip shorter than the session timeout changes nothing.
            effects = [.schedule(.retry(session: session, attempt: attempt), after: Self.retryMin)]
        case .failed(.closing), .failed(.sessionExpired):
            effects = []  // The state change says so, too.
        case .failed(let error):
            effects = report(nil) + [.warn("cannot look for the leading master: \(error)")]
        }
        if mustLookAgain { effects += look() }
        return effects
    }

    private mutating func report(_ master: DetectedMaster?) -> [Effect] {
        guard master != reported else { return [] }
        reported = master
        return [.report(master)]
    }

    private func backoff(_ failures: Int) -> Duration {
        min(Self.retryMax, Self.retryMin * (1 << min(failures - 1, 10)))
    }
}
