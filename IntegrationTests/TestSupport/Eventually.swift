// Waiting for a condition instead of a duration.

/// A condition did not become true in time.
public struct ConditionNotMet: Error, CustomStringConvertible {
    public var what: String
    public var within: Duration
    public var description: String { "not within \(within): \(what)" }
}

/// Asks again every 20 ms until the answer is not `nil`.
///
/// - Parameters:
///   - what: The awaited condition in words, for the failure message.
///   - within: Generous: it bounds a failing test and does not slow down a passing one.
public func eventually<Value>(
    _ what: String, within: Duration = .seconds(10), isolation: isolated (any Actor)? = #isolation,
    _ probe: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + within
    while true {
        if let value = try await probe() { return value }
        guard .now < deadline else { throw ConditionNotMet(what: what, within: within) }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// Asks again every 20 ms until the answer is yes.
public func eventually(
    _ what: String, within: Duration = .seconds(10), isolation: isolated (any Actor)? = #isolation,
    _ isTrue: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(what, within: within, isolation: isolation) { try await isTrue() ? () : nil }
}
