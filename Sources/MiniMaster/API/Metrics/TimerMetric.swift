// A metric of durations: their number and sum, the last one, and how the last thousand were spread.
import Mailbox
import Metrics

/// Collects durations.
final class TimerMetric: Sendable {
    static let samplesMax = 1_000

    private struct State {
        /// Seconds, the newest at `next - 1`.
        var samples: [Double] = []
        var next = 0
        var count = 0
        var sum = 0.0
    }
    private let state = Locked(State())

    func record(_ duration: Duration) {
        let (whole, attoseconds) = duration.components
        let seconds = Double(whole) + Double(attoseconds) / 1e18
        state.withLock { state in
            state.count += 1
            state.sum += seconds
            if state.samples.count < Self.samplesMax {
                state.samples.append(seconds)
            } else {
                state.samples[state.next] = seconds
            }
            state.next = (state.next + 1) % Self.samplesMax
        }
    }

    /// Nil before the first sample.
    var summary: DurationSummary? {
        let state = state.withLock { $0 }
        guard !state.samples.isEmpty else { return nil }
        let last = state.samples[(state.next + Self.samplesMax - 1) % Self.samplesMax]
        return DurationSummary(count: state.count, sum: state.sum, last: last, newest: state.samples.sorted())
    }
}

/// The durations a running master measures.
struct MasterTimers: Sendable {
    let allocationRun = TimerMetric()
    /// From the wish for a round to its start.
    let allocationLatency = TimerMetric()
    let stateStore = TimerMetric()
    let stateFetch = TimerMetric()
}
