// A metric of durations: the last one, and how the last thousand were spread.
import Mailbox

/// Collects durations and shows them under the names that Apache Mesos gives to timers.
final class TimerMetric: Sendable {
    static let samplesMax = 1_000

    private struct State {
        /// Milliseconds, the newest at `next - 1`.
        var samples: [Double] = []
        var next = 0
    }
    private let state = Locked(State())

    func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Double(seconds) * 1e3 + Double(attoseconds) / 1e15
        state.withLock { state in
            if state.samples.count < Self.samplesMax {
                state.samples.append(milliseconds)
            } else {
                state.samples[state.next] = milliseconds
            }
            state.next = (state.next + 1) % Self.samplesMax
        }
    }

    /// `<name>` and `<name>/count`, `/max`, `/min`, `/p50` ... `/p9999`; nothing before the first sample.
    func add(_ name: String, to metrics: inout [String: Double]) {
        let (samples, last) = state.withLock { state -> ([Double], Double?) in
            guard !state.samples.isEmpty else { return ([], nil) }
            return (state.samples, state.samples[(state.next + Self.samplesMax - 1) % Self.samplesMax])
        }
        guard let last else { return }
        let sorted = samples.sorted()
        metrics[name] = last
        metrics["\(name)/count"] = Double(sorted.count)
        metrics["\(name)/min"] = sorted[0]
        metrics["\(name)/max"] = sorted[sorted.count - 1]
        for (suffix, share) in [
            ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999),
        ] {
            metrics["\(name)/\(suffix)"] = Self.quantile(share, of: sorted)
        }
    }

    /// Between two samples, in proportion.
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let position = share * Double(sorted.count - 1)
        let below = Int(position)
        guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
        return sorted[below] + (position - Double(below)) * (sorted[below + 1] - sorted[below])
    }
}

/// The durations a running master measures.
struct MasterTimers: Sendable {
    let allocationRun = TimerMetric()
    /// From the wish for a round to its start.
    let allocationLatency = TimerMetric()
    let stateStore = TimerMetric()
    let stateFetch = TimerMetric()

    func add(to metrics: inout [String: Double]) {
        allocationRun.add("allocator/mesos/allocation_run_ms", to: &metrics)
        allocationLatency.add("allocator/mesos/allocation_run_latency_ms", to: &metrics)
        stateStore.add("registrar/state_store_ms", to: &metrics)
        stateFetch.add("registrar/state_fetch_ms", to: &metrics)
    }
}
