// Dense numbering: ids become small integers once, at the boundary, and everything inside is an array index.

/// Values in numbered slots that are found by key and reused after removal.
struct SlotTable<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    /// By slot. Vacant slots hold a blank; only `slot(of:)` says which are in use.
    var values: [Value] = []
    private var slots: [Key: Int] = [:]
    private var vacant: [Int] = []

    var count: Int { slots.count }

    func slot(of key: Key) -> Int? { slots[key] }

    /// Occupied slots in the order of their keys; for inspection, not for decisions that happen often.
    var occupied: [(key: Key, slot: Int)] {
        slots.map { (key: $0.key, slot: $0.value) }.sorted { $0.key < $1.key }
    }

    /// - Precondition: `key` is not in the table.
    mutating func insert(_ key: Key, _ value: Value) -> Int {
        let slot: Int
        if let reused = vacant.popLast() {
            values[reused] = value
            slot = reused
        } else {
            slot = values.count
            values.append(value)
        }
        let previous = slots.updateValue(slot, forKey: key)
        precondition(previous == nil, "\(key) has a slot already")
        return slot
    }

    mutating func remove(_ key: Key, leaving blank: Value) {
        guard let slot = slots.removeValue(forKey: key) else { return }
        values[slot] = blank
        vacant.append(slot)
    }
}

/// A set of slots with constant-time insertion and removal, walked as an array.
struct SlotSet: Sendable {
    private(set) var members: [Int] = []
    /// By slot: the position in `members`, or -1.
    private var positions: [Int] = []

    func contains(_ slot: Int) -> Bool { slot < positions.count && positions[slot] >= 0 }

    mutating func insert(_ slot: Int) {
        while positions.count <= slot { positions.append(-1) }
        guard positions[slot] < 0 else { return }
        positions[slot] = members.count
        members.append(slot)
    }

    mutating func remove(_ slot: Int) {
        guard contains(slot), let last = members.last else { return }
        members[positions[slot]] = last
        positions[last] = positions[slot]
        positions[slot] = -1
        members.removeLast()
    }

    mutating func removeAll() {
        for slot in members { positions[slot] = -1 }
        members.removeAll(keepingCapacity: true)
    }
}
