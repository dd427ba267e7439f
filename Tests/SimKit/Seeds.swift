// Which seeds a run tries: the ones that ever failed, then fresh ones.

import Foundation

/// The seeds of this run.
public enum Seeds {
    /// - Parameters:
    ///   - kept: Seeds that found a bug once; tried first, always.
    ///   - count: How many fresh ones, unless the environment variable SIM_SEEDS asks for another number.
    /// - Returns: With SIM_SEED (one number, decimal or 0x...), that seed alone: to look at one failure.
    ///   SIM_BASE moves the fresh seeds, so that a long campaign need not repeat itself.
    public static func forThisRun(kept: [UInt64] = [], count: Int) -> [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let text = environment["SIM_SEED"] {
            let one = text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
            if let one { return [one] }
        }
        let base = environment["SIM_BASE"].flatMap { UInt64($0) } ?? 1
        let fresh = environment["SIM_SEEDS"].flatMap { Int($0) } ?? count
        return kept + (0..<UInt64(max(0, fresh))).map { base &+ $0 }
    }
}
