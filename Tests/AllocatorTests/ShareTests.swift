// Shares are compared exactly, even where products do not fit 128 bits.

import Resources
import SimKit
import Testing

@testable import Allocator

@Suite struct `Exact shares` {
    @Test func `a difference that no Double can hold decides`() throws {
        let large = UInt64(Int64.max)
        let less = Share(amount: large - 2, total: large - 1)
        let more = Share(amount: large - 1, total: large)
        #expect(less.compare(over: .one, to: more, over: .one) < 0)
        #expect(more.compare(over: .one, to: less, over: .one) > 0)
        #expect(Double(less.amount) / Double(less.total) == Double(more.amount) / Double(more.total))
        let weight = try #require(Weight(1e9))
        #expect(less.compare(over: weight, to: more, over: weight) < 0)
        #expect(less.compare(over: .one, to: more, over: weight) > 0)
    }

    @Test func `equal fractions in other words are equal`() throws {
        let third = Share(amount: 1, total: 3)
        #expect(third.compare(over: .one, to: Share(amount: 333, total: 999), over: .one) == 0)
        let two = try #require(Weight(2))
        #expect(third.compare(over: .one, to: Share(amount: 2, total: 3), over: two) == 0)
        #expect(Share.zero.compare(over: two, to: .zero, over: .one) == 0)
    }

    @Test func `cross-multiplication agrees with Euclid on random fractions`() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let bits = Int.random(in: 1...62, using: &random)
            func draw() -> UInt64 { UInt64.random(in: 1...(1 << bits), using: &random) }
            let (a, b) = (draw(), draw())
            let c = random.chance(20) ? a : draw()
            let d = random.chance(20) ? b : draw()
            let left = Weight(Double.random(in: 0.001...1e9, using: &random)) ?? .one
            let right = random.chance(50) ? left : Weight(Double.random(in: 0.001...1e9, using: &random)) ?? .one
            let order = Share(amount: a, total: b).compare(over: left, to: Share(amount: c, total: d), over: right)
            let mine = ExactFraction(UInt128(a) * 1_000_000, over: UInt128(b) * UInt128(left.micro))
            let theirs = ExactFraction(UInt128(c) * 1_000_000, over: UInt128(d) * UInt128(right.micro))
            #expect(order == mine.compare(to: theirs), "\(a)/\(b)/\(left) against \(c)/\(d)/\(right)")
        }
    }

    @Test func `the dominant share is the largest and ignores what nobody has`() {
        let total = Amounts(cpus: 9_000, mem: 18_000, ports: 10, custom: [0, 4])
        let held = Amounts(cpus: 3_000, mem: 1_000, gpus: 5, ports: 4, custom: [7, 3, 9])
        #expect(held.dominantShare(of: total) == Share(amount: 3, total: 4))
        #expect(Amounts().dominantShare(of: total) == .zero)
    }
}

@Suite struct `The book of filters` {
    private let refused = Resources(cpus: Scalar(units: 2))

    @Test func `filters end in order of expiry and only once`() {
        var book = FilterBook()
        for agent in 0..<200 {
            book.add(
                refused: refused, agent: agent, client: 1, until: Instant(nanoseconds: Int64((agent * 37) % 200)))
        }
        var seen: [Int64] = []
        while let next = book.nextExpiry {
            #expect(book.expire(at: next).count == 1)
            seen.append(next.nanoseconds)
        }
        #expect(seen == Array(0..<200))
        #expect(book.isEmpty)
    }

    @Test func `cleared filters leave no deadline behind`() {
        var book = FilterBook()
        book.add(refused: refused, agent: 0, client: 1, until: Instant(nanoseconds: 5))
        book.add(refused: refused, agent: 1, client: 1, until: Instant(nanoseconds: 9))
        book.add(refused: refused, agent: 0, client: 2, until: Instant(nanoseconds: 7))
        book.clear(client: 1)
        #expect(book.nextExpiry == Instant(nanoseconds: 7))
        #expect(book.count == 1)
        book.clear(agent: 0)
        #expect(book.nextExpiry == nil)
        #expect(book.expire(at: .distantFuture).isEmpty)
    }

    @Test func `a filter that ends later is kept beside one that refuses more`() {
        var book = FilterBook()
        let less = Resources(cpus: Scalar(units: 1))
        book.add(refused: less, agent: 0, client: 1, until: Instant(nanoseconds: 50))
        book.add(refused: refused, agent: 0, client: 1, until: Instant(nanoseconds: 10))
        #expect(book.count == 2)
        #expect(book.expire(at: Instant(nanoseconds: 10)).count == 1)
        #expect(book.blocks(less, agent: 0, client: 1))
        #expect(!book.blocks(refused, agent: 0, client: 1))
    }

    @Test func `a pointless filter is not kept`() {
        var book = FilterBook()
        let less = Resources(cpus: Scalar(units: 1))
        book.add(refused: refused, agent: 0, client: 1, until: Instant(nanoseconds: 9))
        book.add(refused: less, agent: 0, client: 1, until: Instant(nanoseconds: 5))
        #expect(book.count == 1)
        book.add(refused: less, agent: 0, client: 1, until: Instant(nanoseconds: 20))
        #expect(book.count == 2)
        book.add(refused: refused, agent: 0, client: 1, until: Instant(nanoseconds: 30))
        #expect(book.count == 1)
        #expect(book.nextExpiry == Instant(nanoseconds: 30))
    }
}
