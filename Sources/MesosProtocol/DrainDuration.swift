// The one duration of the operator API that is written as Google's and not as Mesos's own.

import SwiftProtobuf

extension V1OperatorCall.DrainAgent {
    /// `max_grace_period`; `nil` if it is not set. Clamped to what 64 bits of nanoseconds hold.
    public var maxGrace: Duration? {
        guard hasMaxGracePeriod else { return nil }
        return .seconds(max(-9_000_000_000, min(maxGracePeriod.seconds, 9_000_000_000)))
            + .nanoseconds(Int64(maxGracePeriod.nanos))
    }

    public mutating func setMaxGrace(seconds: Int64) { maxGracePeriod.seconds = seconds }
}
