// Keeps one framework subscribed: which master to call, when to give a stream up, when to try again, which call goes next.
import Resources

/// The pure core of a scheduler client: a conversation of events in and effects out.
///
/// It knows nothing of HTTP or protobuf. An *attempt* is one SUBSCRIBE request and the stream that answers it; events of
/// an attempt that was given up are ignored by their number. Calls leave one at a time, in the order they were submitted:
/// REVIVE overtaking SUPPRESS on another connection would silence a framework for ever.
package struct SubscriptionMachine: Equatable, Sendable {
    package enum Event: Equatable, Sendable {
        /// The detector named a leader by base URL, or says there is none.
        case masterDetected(String?)
        /// The master answered 200 to SUBSCRIBE.
        case streamOpened(attempt: Int, streamID: String?)
        /// SUBSCRIBE was answered with anything but 200, or not at all (`status` nil).
        case streamRefused(attempt: Int, status: Int?, location: String?, reason: String)
        case recordArrived(attempt: Int, Record)
        case streamEnded(attempt: Int, reason: String)
        case callSubmitted(CallNumber)
        case callAnswered(CallNumber, CallAnswer)
        case timerFired(TimerNumber)
        case stopRequested
    }

    /// What matters of an event on the stream to staying subscribed.
    package enum Record: Equatable, Sendable {
        case subscribed(FrameworkID, heartbeatInterval: Duration?)
        case heartbeat
        case error(String)
        case other
    }

    package enum CallAnswer: Equatable, Sendable {
        case answered(status: Int, message: String)
        case unreachable(reason: String)
    }

    package enum Effect: Equatable, Sendable {
        case openStream(attempt: Int, master: String, frameworkID: FrameworkID?)
        case closeStream(attempt: Int)
        case sendCall(CallNumber, master: String, streamID: String, frameworkID: FrameworkID)
        case completeCall(CallNumber, SchedulerCallError?)
        case announce(Notice)
        case scheduleTimer(TimerNumber, after: Duration)
        case finish
    }

    package enum Notice: Equatable, Sendable {
        case subscribed(FrameworkID, master: String)
        case disconnected(String)
        case refused(String)
    }

    package typealias CallNumber = UInt64
    package typealias TimerNumber = UInt64

    package enum Phase: Equatable, Sendable {
        /// No master is known.
        case detecting
        /// SUBSCRIBE was sent; the stream or its SUBSCRIBED event has not arrived.
        case subscribing(attempt: Int, master: String, streamID: String?, redirects: Int, timer: TimerNumber)
        case subscribed(Subscription)
        case backingOff(TimerNumber)
        case stopped
    }

    package struct Subscription: Equatable, Sendable {
        package var attempt: Int
        package var master: String
        package var streamID: String
        package var silenceMax: Duration
        package var lastHeard: Instant
        package var watchdog: TimerNumber
    }

    package private(set) var phase = Phase.detecting
    package private(set) var frameworkID: FrameworkID?
    private let settings: SubscriptionSettings
    private var random: SplitMix64
    private var detectedMaster: String?
    private var attempts = 0
    private var timers: TimerNumber = 0
    /// Failures since the last SUBSCRIBED event; the exponent of the backoff. Below zero after a new leader was detected.
    private var failuresInARow = 0
    /// A new leader answers 503 for the few milliseconds in which it reads the registry: the first waits are this many
    /// times halved.
    private static let freshLeaderHalvings = 3
    private var wasEverSubscribed = false
    private var waiting: [CallNumber] = []
    private var inFlight: InFlight?

    private struct InFlight: Equatable, Sendable {
        var call: CallNumber
        var tries: Int
        /// Set while the call waits to be sent again after a 503.
        var retryTimer: TimerNumber?
    }

    /// - Parameters:
    ///   - frameworkID: As saved from an earlier run; nil lets the master assign one.
    ///   - seed: Spreads the retries of many clients that lost the same master.
    package init(frameworkID: FrameworkID?, settings: SubscriptionSettings, seed: UInt64) {
        self.frameworkID = frameworkID
        self.settings = settings
        random = SplitMix64(seed: seed)
    }

    package mutating func step(_ event: Event, at now: Moment) -> [Effect] {
        if case .stopped = phase {
            if case .callSubmitted(let call) = event { return [.completeCall(call, .stopped)] }
            return []
        }
        switch event {
        case .masterDetected(let master):
            return masterDetected(master)
        case .streamOpened(let attempt, let streamID):
            return streamOpened(attempt, streamID)
        case .streamRefused(let attempt, let status, let location, let reason):
            return streamRefused(attempt, status, location, reason)
        case .recordArrived(let attempt, let record):
            return recordArrived(attempt, record, at: now)
        case .streamEnded(let attempt, let reason):
            guard attempt == currentAttempt else { return [] }
            return loseStream(because: reason, close: false)
        case .callSubmitted(let call):
            return callSubmitted(call)
        case .callAnswered(let call, let answer):
            return callAnswered(call, answer)
        case .timerFired(let timer):
            return timerFired(timer, at: now)
        case .stopRequested:
            return stop(refusal: nil)
        }
    }

    /// Whether events of this attempt's stream are the framework's now.
    package func isSubscribed(_ attempt: Int) -> Bool {
        if case .subscribed(let subscription) = phase { return subscription.attempt == attempt }
        return false
    }

    private var currentAttempt: Int? {
        switch phase {
        case .subscribing(let attempt, _, _, _, _): attempt
        case .subscribed(let subscription): subscription.attempt
        case .detecting, .backingOff, .stopped: nil
        }
    }

    private mutating func newTimer() -> TimerNumber {
        timers += 1
        return timers
    }
}

// MARK: - Finding and holding a stream

extension SubscriptionMachine {
    private mutating func masterDetected(_ master: String?) -> [Effect] {
        let isNews = master != detectedMaster
        detectedMaster = master
        // A detector that lost sight of the leader is no reason to leave a stream that works.
        guard let master else { return [] }
        // What failed with the last leader says nothing of this one.
        if isNews, wasEverSubscribed { failuresInARow = -Self.freshLeaderHalvings }
        switch phase {
        case .detecting:
            return open(master, redirects: 0)
        case .backingOff:
            // A new leader is worth an immediate call; the same one again is not.
            return isNews ? open(master, redirects: 0) : []
        case .subscribing(let attempt, let current, _, _, _):
            guard isNews, current != master else { return [] }
            return [.closeStream(attempt: attempt)] + open(master, redirects: 0)
        case .subscribed(let subscription):
            guard isNews, subscription.master != master else { return [] }
            let effects = abandonSubscription(because: "another master leads: \(master)")
            return [.closeStream(attempt: subscription.attempt)] + effects + open(master, redirects: 0)
        case .stopped:
            return []
        }
    }

    private mutating func open(_ master: String, redirects: Int) -> [Effect] {
        attempts += 1
        let timer = newTimer()
        phase = .subscribing(attempt: attempts, master: master, streamID: nil, redirects: redirects, timer: timer)
        return [
            .openStream(attempt: attempts, master: master, frameworkID: frameworkID),
            .scheduleTimer(timer, after: settings.subscribeTimeout),
        ]
    }

    private mutating func streamOpened(_ attempt: Int, _ streamID: String?) -> [Effect] {
        guard case .subscribing(attempt, let master, _, let redirects, let timer) = phase else { return [] }
        guard let streamID, !streamID.isEmpty else {
            return loseStream(because: "\(master) answered SUBSCRIBE without a Mesos-Stream-Id", close: true)
        }
        phase = .subscribing(
            attempt: attempt, master: master, streamID: streamID, redirects: redirects, timer: timer)
        return []
    }

    private mutating func streamRefused(
        _ attempt: Int, _ status: Int?, _ location: String?, _ reason: String
    ) -> [Effect] {
        guard case .subscribing(attempt, let master, _, let redirects, _) = phase else { return [] }
        switch status {
        case 307:
            guard let location, redirects < settings.redirectsMax else {
                return backOff(because: "\(master) redirects without end")
            }
            return open(location, redirects: redirects + 1)
        case 400, 401, 403, 405, 406, 415:
            // The request itself is wrong; repeating it cannot help.
            return stop(refusal: "\(master) refused SUBSCRIBE with status \(status ?? 0): \(reason)")
        default:
            return backOff(because: reason)
        }
    }

    private mutating func recordArrived(_ attempt: Int, _ record: Record, at now: Moment) -> [Effect] {
        switch phase {
        case .subscribing(attempt, let master, let streamID?, _, _):
            switch record {
            case .subscribed(let id, let heartbeatInterval):
                return subscribed(attempt, master, streamID, id, heartbeatInterval, at: now)
            case .error(let message):
                return refused(message, attempt)
            case .heartbeat, .other:
                return loseStream(because: "\(master) did not begin its stream with SUBSCRIBED", close: true)
            }
        case .subscribed(var subscription) where subscription.attempt == attempt:
            if case .error(let message) = record { return refused(message, attempt) }
            subscription.lastHeard = now.instant
            phase = .subscribed(subscription)
            return []
        case .subscribing, .subscribed, .detecting, .backingOff, .stopped:
            return []
        }
    }

    private mutating func subscribed(
        _ attempt: Int, _ master: String, _ streamID: String, _ id: FrameworkID, _ heartbeatInterval: Duration?,
        at now: Moment
    ) -> [Effect] {
        let watchdog = newTimer()
        let interval = max(heartbeatInterval ?? .seconds(15), .milliseconds(10))
        let silenceMax = interval * settings.missedHeartbeatsMax
        frameworkID = id
        failuresInARow = 0
        wasEverSubscribed = true
        phase = .subscribed(
            Subscription(
                attempt: attempt, master: master, streamID: streamID, silenceMax: silenceMax,
                lastHeard: now.instant, watchdog: watchdog))
        return [.announce(.subscribed(id, master: master)), .scheduleTimer(watchdog, after: silenceMax)]
            + sendNextCall()
    }

    /// An ERROR event: the master will not have this framework. Only a removed framework may start afresh, if told so.
    private mutating func refused(_ message: String, _ attempt: Int) -> [Effect] {
        let isRemoved = message.hasPrefix("Framework has been removed") && frameworkID != nil
        guard isRemoved, settings.subscribesAnewWhenRemoved else {
            return [.closeStream(attempt: attempt)] + stop(refusal: message)
        }
        frameworkID = nil
        return loseStream(because: message, close: true)
    }

    private mutating func loseStream(because reason: String, close: Bool) -> [Effect] {
        guard let attempt = currentAttempt else { return [] }
        var effects: [Effect] = close ? [.closeStream(attempt: attempt)] : []
        if case .subscribed = phase { effects += abandonSubscription(because: reason) }
        return effects + backOff(because: reason)
    }

    /// Fails every call that was meant for the stream just lost, and says that it is lost.
    private mutating func abandonSubscription(because reason: String) -> [Effect] {
        var effects: [Effect] = [.announce(.disconnected(reason))]
        if let call = inFlight?.call { effects.append(.completeCall(call, .notSubscribed)) }
        inFlight = nil
        effects += waiting.map { .completeCall($0, .notSubscribed) }
        waiting = []
        return effects
    }

    private mutating func backOff(because reason: String) -> [Effect] {
        failuresInARow += 1
        let doublings = min(failuresInARow - 1, 20)
        let ceiling =
            doublings < 0
            ? settings.backoffMin / (1 << -doublings) : min(settings.backoffMin * (1 << doublings), settings.backoffMax)
        let timer = newTimer()
        phase = .backingOff(timer)
        // Between half and all of it, so that a thousand frameworks do not return in one instant.
        let delay = ceiling / 2 + ceiling / 2 * Double(random.next() % 1_000) / 1_000
        return [.scheduleTimer(timer, after: delay)]
    }

    private mutating func timerFired(_ timer: TimerNumber, at now: Moment) -> [Effect] {
        if inFlight?.retryTimer == timer {
            inFlight?.retryTimer = nil
            return resendCall()
        }
        switch phase {
        case .backingOff(timer):
            guard let detectedMaster else {
                phase = .detecting
                return []
            }
            return open(detectedMaster, redirects: 0)
        case .subscribing(_, let master, _, _, timer):
            return loseStream(because: "\(master) did not answer SUBSCRIBE in time", close: true)
        case .subscribed(var subscription) where subscription.watchdog == timer:
            let deadline = subscription.lastHeard.advanced(by: subscription.silenceMax)
            guard now.instant < deadline else {
                return loseStream(because: "\(subscription.master) sent no heartbeat", close: true)
            }
            subscription.watchdog = newTimer()
            phase = .subscribed(subscription)
            return [.scheduleTimer(subscription.watchdog, after: now.instant.duration(to: deadline))]
        case .detecting, .backingOff, .subscribing, .subscribed, .stopped:
            return []  // A timer of something given up.
        }
    }

    private mutating func stop(refusal: String?) -> [Effect] {
        var effects: [Effect] = []
        if refusal == nil, let attempt = currentAttempt { effects.append(.closeStream(attempt: attempt)) }
        if let call = inFlight?.call { effects.append(.completeCall(call, .stopped)) }
        effects += waiting.map { .completeCall($0, .stopped) }
        inFlight = nil
        waiting = []
        phase = .stopped
        if let refusal { effects.append(.announce(.refused(refusal))) }
        return effects + [.finish]
    }
}

// MARK: - Calls

extension SubscriptionMachine {
    private mutating func callSubmitted(_ call: CallNumber) -> [Effect] {
        if case .subscribed = phase {
            guard waiting.count < settings.callsQueuedMax else { return [.completeCall(call, .queueFull)] }
            waiting.append(call)
            return sendNextCall()
        }
        // Before the first subscription a call can only be early. Later it speaks of offers and updates of a stream
        // that is gone, so its sender must hear that.
        guard !wasEverSubscribed else { return [.completeCall(call, .notSubscribed)] }
        guard waiting.count < settings.callsQueuedMax else { return [.completeCall(call, .queueFull)] }
        waiting.append(call)
        return []
    }

    private mutating func sendNextCall() -> [Effect] {
        guard inFlight == nil, !waiting.isEmpty, case .subscribed = phase else { return [] }
        inFlight = InFlight(call: waiting.removeFirst(), tries: 0)
        return resendCall()
    }

    private mutating func resendCall() -> [Effect] {
        guard case .subscribed(let subscription) = phase, let frameworkID, let call = inFlight?.call else { return [] }
        inFlight?.tries += 1
        return [
            .sendCall(
                call, master: subscription.master, streamID: subscription.streamID, frameworkID: frameworkID)
        ]
    }

    private mutating func callAnswered(_ call: CallNumber, _ answer: CallAnswer) -> [Effect] {
        guard let current = inFlight, current.call == call, current.retryTimer == nil else { return [] }
        switch answer {
        case .answered(let status, _) where (200..<300).contains(status):
            return complete(call, nil)
        case .answered(503, let message):
            // A leader between two states. If it lost its office the stream ends by itself.
            guard current.tries < settings.callTriesMax else {
                return complete(call, .rejected(status: 503, message: message))
            }
            let timer = newTimer()
            inFlight?.retryTimer = timer
            let delay = settings.backoffMin * (1 << min(current.tries - 1, 20))
            return [.scheduleTimer(timer, after: min(delay, settings.backoffMax))]
        case .answered(let status, let message) where Self.meansStreamIsStale(status: status, message: message):
            return loseStream(because: "status \(status): \(message)", close: true)
        case .answered(let status, let message):
            return complete(call, .rejected(status: status, message: message))
        case .unreachable(let reason):
            return complete(call, .unreachable(reason))
        }
    }

    private mutating func complete(_ call: CallNumber, _ error: SchedulerCallError?) -> [Effect] {
        inFlight = nil
        return [.completeCall(call, error)] + sendNextCall()
    }

    /// Whether an answer says that the stream we believe in is not ours any more, rather than that the call was bad.
    private static func meansStreamIsStale(status: Int, message: String) -> Bool {
        switch status {
        case 307, 403: true
        case 400: message.hasPrefix("The stream ID") || message.hasPrefix("Framework cannot be found")
        default: false
        }
    }
}
