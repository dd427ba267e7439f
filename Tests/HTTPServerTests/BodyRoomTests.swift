// Large bodies that arrive together are read one after another; nobody is kept out for long.
import Mailbox
import Testing

@testable import HTTPServer

struct BodyRoomTests {
    @Test func `a body that finds no room waits for those before it`() throws {
        let room = BodyRoom(bytesMax: 100_000)
        let admitted = Locked<[UInt64]>([])
        let admit: @Sendable (UInt64) -> Void = { ticket in admitted.withLock { $0.append(ticket) } }
        var first = BodyRoomClaim(room)
        var second = BodyRoomClaim(room)
        var third = BodyRoomClaim(room)
        let atOnce = first.claim(60_000, admit: admit)
        #expect(atOnce == nil)
        let waitingTicket = second.claim(60_000, admit: admit)
        let waiting = try #require(waitingTicket)
        // It would fit, and does not overtake.
        let lastTicket = third.claim(20_000, admit: admit)
        let last = try #require(lastTicket)
        #expect(second.isWaiting && third.isWaiting)
        first.end()
        #expect(admitted.withLock { $0 } == [waiting, last])
        let bothProceed = second.proceed(waiting) && third.proceed(last)
        #expect(bothProceed)
        #expect(!second.isWaiting && !third.isWaiting)
    }

    @Test func `whoever has waited long enough reads on, and holds nothing`() throws {
        let room = BodyRoom(bytesMax: 50_000)
        var slow = BodyRoomClaim(room)
        var other = BodyRoomClaim(room)
        let atOnce = slow.claim(50_000, admit: { _ in })
        #expect(atOnce == nil)
        let given = other.claim(10_000, admit: { _ in })
        let ticket = try #require(given)
        let proceeds = other.proceed(ticket)
        #expect(proceeds)
        other.end()
        slow.end()
        var whole = BodyRoomClaim(room)
        let afterwards = whole.claim(50_000, admit: { _ in })
        #expect(afterwards == nil, "all of the room is free again")
    }

    @Test func `a connection that goes while it waits leaves no hole`() throws {
        let room = BodyRoom(bytesMax: 50_000)
        let admitted = Locked<[UInt64]>([])
        var first = BodyRoomClaim(room)
        var gone = BodyRoomClaim(room)
        var last = BodyRoomClaim(room)
        let atOnce = first.claim(50_000, admit: { _ in })
        #expect(atOnce == nil)
        let goneTicket = gone.claim(50_000, admit: { _ in })
        _ = try #require(goneTicket)
        let given = last.claim(50_000, admit: { ticket in admitted.withLock { $0.append(ticket) } })
        let ticket = try #require(given)
        gone.end()
        first.end()
        #expect(admitted.withLock { $0 } == [ticket])
    }

    @Test func `a connection that is admitted as it goes gives the room back`() throws {
        let room = BodyRoom(bytesMax: 50_000)
        var first = BodyRoomClaim(room)
        var gone = BodyRoomClaim(room)
        let atOnce = first.claim(50_000, admit: { _ in })
        #expect(atOnce == nil)
        let given = gone.claim(50_000, admit: { _ in })
        let ticket = try #require(given)
        first.end()
        gone.end()
        let proceeds = gone.proceed(ticket)
        #expect(!proceeds, "the ticket is an old one")
        var next = BodyRoomClaim(room)
        let afterwards = next.claim(50_000, admit: { _ in })
        #expect(afterwards == nil)
    }

    @Test func `small bodies are not counted, and one larger than all the room takes all of it`() {
        let room = BodyRoom(bytesMax: 50_000)
        var large = BodyRoomClaim(room)
        var small = BodyRoomClaim(room)
        let largeTicket = large.claim(1 << 30, admit: { _ in })
        #expect(largeTicket == nil)
        let smallTicket = small.claim(500, admit: { _ in })
        #expect(smallTicket == nil)
    }
}
