// Calls that were submitted and not yet answered, by number.
import MesosProtocol

struct CallTable {
    struct Entry {
        var call: V1SchedulerCall
        var completion: @Sendable (SchedulerCallError?) -> Void
    }

    private var entries: [SubscriptionMachine.CallNumber: Entry] = [:]
    private var lastNumber: SubscriptionMachine.CallNumber = 0
    private var isClosed = false

    /// - Returns: The call's number, or nil if the client has stopped.
    mutating func add(
        _ call: V1SchedulerCall, _ completion: @escaping @Sendable (SchedulerCallError?) -> Void
    ) -> SubscriptionMachine.CallNumber? {
        if isClosed { return nil }
        lastNumber += 1
        entries[lastNumber] = Entry(call: call, completion: completion)
        return lastNumber
    }

    func call(_ number: SubscriptionMachine.CallNumber) -> V1SchedulerCall? { entries[number]?.call }

    mutating func remove(_ number: SubscriptionMachine.CallNumber) -> Entry? { entries.removeValue(forKey: number) }

    /// Takes no more calls and hands out those still waiting, oldest first.
    mutating func close() -> [Entry] {
        isClosed = true
        defer { entries = [:] }
        return entries.sorted { $0.key < $1.key }.map(\.value)
    }
}
