// Notices when the engine hangs or is gone, and when it is back.

import Logging
import Mailbox

/// What is known of the engine's health, from one look to the next.
package struct EngineHealth: Hashable, Sendable {
    package enum Look: Hashable, Sendable {
        case answered
        /// Nobody listens on the socket.
        case absent(String)
        /// It took the connection, or a call, and does not answer.
        case silent(String)
    }

    /// Whether it has ever answered. A host may have no engine at all, and still runs processes.
    private var hasAnswered = false
    private var failures = 0
    /// Why it counts as stalled; nil while it does not.
    package private(set) var stall: String?

    package init() {}

    /// Two looks in a row must fail: a restart of the engine takes a second or two.
    static let failuresMax = 2

    package mutating func note(_ look: Look) {
        switch look {
        case .answered:
            hasAnswered = true
            failures = 0
            stall = nil
        case .absent(let reason):
            failures += 1
            if hasAnswered, failures >= Self.failuresMax { stall = stall ?? reason }
        case .silent(let reason):
            failures += 1
            if failures >= Self.failuresMax { stall = stall ?? reason }
        }
    }

    /// Whether the next look should come soon.
    package var isUncertain: Bool { failures > 0 && stall == nil }
}

/// Looks at the engine again and again.
struct EngineWatch: Sendable {
    struct Pace: Hashable, Sendable {
        var interval: Duration = .seconds(10)
        var whileUnwell: Duration = .seconds(1)
    }

    /// One of its own, whose silences are not noted as a suspicion: they are what is looked for.
    let engine: DockerEngine
    let pace: Pace
    let suspicion: EngineSuspicion
    let logger: Logger

    /// Until the task is cancelled.
    ///
    /// - Parameters:
    ///   - onChange: Told why the engine counts as stalled, and with nil when it answers again.
    ///   - onAnswer: Called after each look that was answered.
    func run(onChange: @Sendable (String?) -> Void, onAnswer: @Sendable () async -> Void) async {
        var health = EngineHealth()
        var next: TimerToken?
        suspicion.soon.yield()
        for await _ in suspicion.looks {
            next?.cancel()
            let before = health.stall
            health.note(await look(isThorough: before != nil || health.isUncertain))
            if Task.isCancelled { return }
            if health.stall != before {
                if let stall = health.stall {
                    logger.error("engine stalled: \(stall). No Docker tasks are taken until it answers again")
                } else {
                    logger.notice("the Docker engine answers again")
                }
                onChange(health.stall)
            }
            if health.stall == nil, !health.isUncertain { await onAnswer() }
            let isWell = health.stall == nil && !health.isUncertain
            next = Timers.shared.scheduleOnce(after: isWell ? pace.interval : pace.whileUnwell) {
                suspicion.soon.yield()
            }
        }
    }

    /// A ping asks only the engine itself; the thorough look also asks what it runs and connects containers with.
    private func look(isThorough: Bool) async -> EngineHealth.Look {
        let isSuspect = suspicion.take()
        do throws(DockerError) {
            guard isThorough || isSuspect else {
                try await engine.ping()
                return .answered
            }
            try await engine.negotiate()
        } catch {
            switch error {
            case .unreachable(let reason):
                return reason.hasPrefix("could not connect") ? .absent(reason) : .silent(reason)
            case .refused, .malformed: return .silent("\(error)")  // Unwell, or of a version that cannot be used.
            case .cancelled: return .answered
            }
        }
        do throws(DockerError) { try await engine.askNetworks() } catch {
            // Any answer will do: not everybody may ask for networks.
            if case .unreachable(let reason) = error { return .silent("its networks: \(reason)") }
        }
        return .answered
    }
}

/// Where silences are noted by those who meet them, so that the engine is looked at at once and thoroughly.
final class EngineSuspicion: Sendable {
    private let isSuspect = Locked(false)
    let looks: AsyncStream<Void>
    let soon: AsyncStream<Void>.Continuation

    init() { (looks, soon) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func note() {
        let isFirst = isSuspect.withLock { isSuspect in
            defer { isSuspect = true }
            return !isSuspect
        }
        if isFirst { soon.yield() }
    }

    func take() -> Bool {
        isSuspect.withLock { isSuspect in
            defer { isSuspect = false }
            return isSuspect
        }
    }
}
