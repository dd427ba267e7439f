// When outstanding offers expire: one timer for all of them, however fast offers come and go.
import Resources

/// Offers in the order they were made, which is the order they expire in, since all live equally long.
struct OfferDeadlines: Sendable {
    private struct Deadline: Sendable {
        var offer: OfferID
        var due: Instant
    }

    private var queue: [Deadline] = []
    /// Before it, the queue is used up.
    private var first = 0
    /// Number of the timer that is running.
    private(set) var timer: UInt64?

    mutating func add(_ offer: OfferID, due: Instant) { queue.append(Deadline(offer: offer, due: due)) }

    /// Removes and returns what is due and still out.
    mutating func due(at now: Instant, _ offers: OfferBook) -> [OfferID] {
        var due: [OfferID] = []
        while first < queue.count, queue[first].due <= now {
            if offers[queue[first].offer] != nil { due.append(queue[first].offer) }
            first += 1
        }
        return due
    }

    /// When the next offer that is still out expires. Forgets those that were answered.
    mutating func next(_ offers: OfferBook) -> Instant? {
        while first < queue.count, offers[queue[first].offer] == nil { first += 1 }
        if queue.count - first > 2 * offers.count + 64 {
            queue = queue[first...].filter { offers[$0.offer] != nil }
            first = 0
        } else if first > 1_024, first * 2 > queue.count {
            queue.removeFirst(first)
            first = 0
        }
        return first < queue.count ? queue[first].due : nil
    }

    mutating func started(_ number: UInt64) { timer = number }
    mutating func fired() { timer = nil }
}
