// Order, batches and ends of the mailbox.
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MailboxTests {
    @Test func `everything that waits is taken in one batch, in order`() async {
        let mailbox = Mailbox<Int>()
        for number in 1...5 { mailbox.send(number) }
        #expect(mailbox.depth == 5)
        #expect(await mailbox.next() == [1, 2, 3, 4, 5])
        #expect(mailbox.depth == 0)
    }

    @Test func `a waiting receiver is woken by the first event`() async {
        let mailbox = Mailbox<Int>()
        async let batch = mailbox.next()
        mailbox.send(7)
        #expect(await batch == [7])
    }

    @Test func `events of each sender keep their order, and none is lost`() async {
        let mailbox = Mailbox<(sender: Int, number: Int)>()
        let senders = Task {
            await withTaskGroup(of: Void.self) { group in
                for sender in 0..<4 {
                    group.addTask {
                        for number in 0..<10_000 { mailbox.send((sender, number)) }
                    }
                }
            }
            mailbox.finish()
        }
        var nextNumber = [0, 0, 0, 0]
        while case let batch = await mailbox.next(), !batch.isEmpty {
            for event in batch {
                #expect(event.number == nextNumber[event.sender])
                nextNumber[event.sender] += 1
            }
        }
        await senders.value
        #expect(nextNumber == [10_000, 10_000, 10_000, 10_000])
    }

    @Test func `a finished mailbox delivers what it has and then nothing for ever`() async {
        let mailbox = Mailbox<Int>()
        mailbox.send(1)
        mailbox.finish()
        mailbox.send(2)
        #expect(await mailbox.next() == [1])
        #expect(await mailbox.next() == [])
        #expect(await mailbox.next() == [])
    }

    @Test func `finishing wakes a receiver that waits`() async {
        let mailbox = Mailbox<Int>()
        async let batch = mailbox.next()
        mailbox.finish()
        #expect(await batch == [])
    }
}

@Suite(.timeLimit(.minutes(1)))
struct TimersTests {
    @Test func `timers go off in the order they are due`() async {
        let fired = Mailbox<Int>()
        // When each is due lies between these: this thread may be kept waiting anywhere.
        var due: [ClosedRange<ContinuousClock.Instant>] = []
        for (number, milliseconds) in [60, 20, 40, -5].enumerated() {
            let delay = Duration.milliseconds(max(milliseconds, 0))
            let before = ContinuousClock.now
            Timers.shared.scheduleOnce(after: .milliseconds(milliseconds)) { fired.send(number) }
            due.append(before.advanced(by: delay)...ContinuousClock.now.advanced(by: delay))
        }
        var order: [Int] = []
        while order.count < due.count { order += await fired.next() }
        #expect(order.sorted() == [0, 1, 2, 3])
        for (place, number) in order.enumerated() {
            for later in order[(place + 1)...] { #expect(due[later].upperBound >= due[number].lowerBound, "\(order)") }
        }
    }

    @Test func `a timer does not go off early`() async {
        let fired = Mailbox<ContinuousClock.Instant>()
        let start = ContinuousClock.now
        Timers.shared.scheduleOnce(after: .milliseconds(30)) { fired.send(.now) }
        let end = await fired.next()[0]
        #expect(end - start >= .milliseconds(30))
    }

    @Test func `a cancelled timer stays silent`() async {
        let fired = Mailbox<String>()
        let token = Timers.shared.scheduleOnce(after: .milliseconds(20)) { fired.send("cancelled") }
        #expect(token.cancel())
        #expect(!token.cancel())
        Timers.shared.scheduleOnce(after: .milliseconds(40)) { fired.send("later") }
        #expect(await fired.next() == ["later"])
    }

    @Test func `many timers set and cancelled leave the others in order`() async {
        let fired = Mailbox<Int>()
        for number in 0..<2000 {
            let token = Timers.shared.scheduleOnce(after: .milliseconds(50)) { fired.send(number) }
            if number % 3 != 0 { token.cancel() }
        }
        var order: [Int] = []
        while order.count < 667 { order += await fired.next() }
        #expect(order == Array(stride(from: 0, to: 2000, by: 3)))
    }

    @Test func `a delay beyond all bounds is no reason to crash`() {
        #expect(Timers.shared.scheduleOnce(after: .seconds(Int64.max)) {}.cancel())
    }
}

struct LockedTests {
    private struct Refused: Error {}

    @Test func `no change is lost`() async {
        let count = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 { count.withLock { $0 += 1 } }
                }
            }
        }
        #expect(count.withLock { $0 } == 80_000)
    }

    @Test func `an error passes and the lock is free again`() {
        let value = Locked(1)
        #expect(throws: Refused.self) { try value.withLock { _ throws(Refused) in throw Refused() } }
        #expect(value.withLock { $0 } == 1)
    }
}
