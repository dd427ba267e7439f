// Smooths a rush of large requests: beyond a measure, bodies wait in the kernel until earlier ones are dealt with.
import Mailbox
import NIOCore

/// Room that the bodies of all connections share.
///
/// After a change of leader every agent registers at the same moment, each with a body of tens of kilobytes. Read all at
/// once they are in memory all at once, twice, and what they leave behind are holes. A body that finds no room is read a
/// moment later; waiting ends after `waitMax` whatever the others do, so that slow senders cannot keep anybody out.
final class BodyRoom: Sendable {
    /// Somebody who waits, and how to tell them.
    private struct Guest: Sendable {
        var bytes: Int
        var admit: @Sendable (_ ticket: UInt64) -> Void
    }

    private struct State {
        var free: Int
        /// First come, first served; as many as there are connections at most. By ticket, so that leaving from the
        /// middle costs as little as from the front.
        var waiting: [UInt64: Guest] = [:]
        var firstTicket: UInt64 = 0
        var nextTicket: UInt64 = 0
    }

    /// Smaller bodies are not counted: they arrive with their head.
    static let smallBytesMax = 8 << 10
    static let waitMax = TimeAmount.seconds(2)

    private let bytesMax: Int
    private let state: Locked<State>

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
        state = Locked(State(free: bytesMax))
    }

    /// - Parameter admit: Called once there is room if there is none now; the room is taken then.
    /// - Returns: A ticket if the body must wait.
    fileprivate func enter(_ bytes: Int, admit: @escaping @Sendable (_ ticket: UInt64) -> Void) -> UInt64? {
        state.withLock { state in
            if state.waiting.isEmpty, bytes <= state.free {
                state.free -= bytes
                return nil
            }
            defer { state.nextTicket += 1 }
            state.waiting[state.nextTicket] = Guest(bytes: bytes, admit: admit)
            return state.nextTicket
        }
    }

    /// Waits no longer.
    ///
    /// - Returns: False if it has been admitted: then it holds the room.
    fileprivate func leave(_ ticket: UInt64) -> Bool {
        state.withLock { $0.waiting.removeValue(forKey: ticket) != nil }
    }

    fileprivate func giveBack(_ bytes: Int) {
        let admitted = state.withLock { state in
            state.free += bytes
            var admitted: [(ticket: UInt64, guest: Guest)] = []
            while state.firstTicket < state.nextTicket {
                if let guest = state.waiting[state.firstTicket] {
                    guard guest.bytes <= state.free else { break }
                    state.free -= guest.bytes
                    state.waiting[state.firstTicket] = nil
                    admitted.append((state.firstTicket, guest))
                }
                state.firstTicket += 1
            }
            return admitted
        }
        for (ticket, guest) in admitted { guest.admit(ticket) }
    }

    fileprivate func share(of bytes: Int) -> Int { min(bytes, bytesMax) }
}

/// What one connection's bodies take of the room.
struct BodyRoomClaim {
    private let room: BodyRoom
    private var held = 0
    private var awaited: (ticket: UInt64, bytes: Int)?

    init(_ room: BodyRoom) { self.room = room }

    /// Whether a body must not be read yet.
    var isWaiting: Bool { awaited != nil }

    /// - Parameter admit: Called from anywhere once there is room.
    /// - Returns: A ticket if the body must wait.
    mutating func claim(_ bytes: Int, admit: @escaping @Sendable (_ ticket: UInt64) -> Void) -> UInt64? {
        guard bytes > BodyRoom.smallBytesMax else { return nil }
        let share = room.share(of: bytes)
        guard let ticket = room.enter(share, admit: admit) else {
            held += share
            return nil
        }
        awaited = (ticket, share)
        return ticket
    }

    /// There is room, or enough waiting was done.
    ///
    /// - Returns: False if this ticket is an old one.
    mutating func proceed(_ ticket: UInt64) -> Bool {
        guard let awaited, awaited.ticket == ticket else { return false }
        if !room.leave(ticket) { held += awaited.bytes }
        self.awaited = nil
        return true
    }

    /// The bodies are dealt with.
    mutating func end() {
        if let awaited, !room.leave(awaited.ticket) { held += awaited.bytes }
        awaited = nil
        if held > 0 { room.giveBack(held) }
        held = 0
    }
}
