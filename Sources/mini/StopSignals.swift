// The signals with which people and systemd end a program.

@preconcurrency import Dispatch
import Foundation
import Mailbox
import Processes

/// Waits for the first signal that asks this process to stop: Ctrl-C, SIGTERM, or the death of its terminal.
final class StopSignals: Sendable {
    private let arrived = Mailbox<Int32>()
    // Kept so that the sources live as long as this object does.
    private let sources: Locked<[any DispatchSourceSignal]>

    /// From now on these signals end nothing by themselves.
    ///
    /// - Parameter hangup: Called with each SIGHUP, which then asks for something else than the end.
    init(hangup: (@Sendable () -> Void)? = nil) {
        var sources: [any DispatchSourceSignal] = []
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [arrived] in
                if number == SIGHUP, let hangup { hangup() } else { arrived.send(number) }
            }
            source.activate()
            sources.append(source)
        }
        self.sources = Locked(sources)
    }

    /// - Returns: The signal's number, or `nil` after ``giveUp()``.
    func next() async -> Int32? { await arrived.next().first }

    /// Makes a waiting ``next()`` return.
    func giveUp() { arrived.finish() }
}

/// Runs a daemon until it ends by itself or a signal asks it to stop.
///
/// - Parameters:
///   - manager: Told meanwhile how the daemon stands, if there is one.
///   - hangup: What SIGHUP asks for, if not for the end.
///   - standing: Answered by way of the daemon's working loop; `nil` if that shows no sign of life.
///   - run: Returns when the daemon has ended, for whatever reason.
///   - stop: Makes `run` return.
func untilStopped<Outcome: Sendable>(
    reportingTo manager: ServiceManager?, hangup: (@Sendable () -> Void)? = nil,
    _ standing: @escaping @Sendable () async -> ServiceManager.Standing?,
    run: () async -> Outcome, stop: @escaping @Sendable () async -> Void
) async -> Outcome {
    let signals = StopSignals(hangup: hangup)
    let stopping = Task {
        if await signals.next() != nil {
            manager?.reportStopping("stops")
            await stop()
        }
    }
    let reporting = manager.map { manager in Task { await manager.follow(standing) } }
    defer { reporting?.cancel() }
    let outcome = await run()
    signals.giveUp()
    await stopping.value
    return outcome
}

/// The same for a program that is no service.
func untilStopped<Outcome: Sendable>(
    _ run: () async -> Outcome, stop: @escaping @Sendable () async -> Void
) async -> Outcome {
    await untilStopped(reportingTo: nil, { nil }, run: run, stop: stop)
}
