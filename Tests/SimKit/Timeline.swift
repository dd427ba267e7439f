// Virtual time: what will happen, in the order of its due time.

import Resources

/// A queue of things that will happen, ordered by due time and then by when they were scheduled, so that one seed always
/// gives one history.
public struct Timeline<Happening> {
    private struct Entry {
        var due: Int64
        var order: UInt64
        var happening: Happening
    }

    /// Virtual nanoseconds since the simulation began.
    public private(set) var nanoseconds: Int64 = 0
    private var heap: [Entry] = []
    private var nextOrder: UInt64 = 0

    public init() {}

    public var isEmpty: Bool { heap.isEmpty }
    public var count: Int { heap.count }
    /// Virtual time as a core is told of it. The wall clock starts on some day in 2026.
    public var now: Moment {
        Moment(
            instant: Instant(nanoseconds: nanoseconds),
            wall: WallTime(nanoseconds: 1_780_000_000_000_000_000 + nanoseconds))
    }

    /// Schedules a happening; zero and negative delays mean as soon as what is already due has happened.
    public mutating func schedule(_ happening: Happening, after delay: Duration) {
        let (seconds, attoseconds) = delay.components
        let offset = max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        heap.append(Entry(due: nanoseconds + offset, order: nextOrder, happening: happening))
        nextOrder += 1
        siftUp(heap.count - 1)
    }

    /// Moves time to the next happening and takes it.
    public mutating func popNext() -> Happening? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let entry = heap.removeLast()
        siftDown(0)
        nanoseconds = max(nanoseconds, entry.due)
        return entry.happening
    }

    /// When the next happening is due, in virtual nanoseconds.
    public var nextDue: Int64? { heap.first?.due }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].due, heap[left].order) < (heap[right].due, heap[right].order)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
