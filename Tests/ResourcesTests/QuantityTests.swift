// Scalars and ranges: exact, and equal to what a set of numbers would say.

import Resources
import SimKit
import Testing

@Suite struct `Scalars` {
    @Test func `a number is rounded to three decimals, halves away from zero`() {
        #expect(Scalar(0.1)?.milli == 100)
        #expect(Scalar(1.0005)?.milli == 1_001 || Scalar(1.0005)?.milli == 1_000)  // 1.0005 has no exact double.
        #expect(Scalar(2.5)?.milli == 2_500)
        #expect(Scalar(0.0004)?.milli == 0)
        #expect(Scalar(0.0625 / 125)?.milli == 1)  // 0.0005
        #expect(Scalar(1e12)?.milli == 1_000_000_000_000_000)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -0.001, -1, 1.1e12, 1e300])
    func `what is no amount is refused`(number: Double) {
        #expect(Scalar(number) == nil)
    }

    @Test(arguments: [
        (0, "0"), (1, "0.001"), (10, "0.01"), (500, "0.5"), (1_000, "1"), (1_234_560, "1234.56"), (-1_500, "-1.5"),
    ])
    func `a scalar prints as the shortest decimal`(milli: Int64, text: String) {
        #expect(Scalar(milli: milli).description == text)
    }

    @Test func `tenths add up to one, which doubles do not`() {
        var sum = Scalar.zero
        for _ in 0..<10 { sum += Scalar(milli: 100) }
        #expect(sum == Scalar(units: 1))
        #expect(sum.doubleValue == 1.0)
    }
}

@Suite struct `Ranges of numbers` {
    @Test func `ranges are sorted and neighbours are joined`() {
        #expect(Ranges([5...6, 1...2, 3...4, 9...9]).ranges == [1...6, 9...9])
        #expect(Ranges([1...5, 3...8]).description == "[1-8]")
    }

    @Test func `the largest number is no trap`() {
        let all = Ranges([0...UInt64.max])
        #expect(all.count == .max)
        #expect(all.subtracting(Ranges([UInt64.max...UInt64.max])).ranges == [0...(UInt64.max - 1)])
        #expect(all.union(Ranges([UInt64.max...UInt64.max])) == all)
        #expect(Ranges([0...0]).union(Ranges([UInt64.max...UInt64.max])).ranges.count == 2)
        #expect(all.subtracting(all).isEmpty)
    }

    @Test func `the lowest numbers are taken across gaps`() {
        let ports = Ranges([10...11, 20...29])
        #expect(ports.lowest(3)?.ranges == [10...11, 20...20])
        #expect(ports.lowest(12) == ports)
        #expect(ports.lowest(13) == nil)
        #expect(ports.lowest(0)?.isEmpty == true)
    }

    @Test(arguments: 0..<40)
    func `set operations agree with sets of numbers`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let (left, leftSet) = Self.draw(&random)
            let (right, rightSet) = Self.draw(&random)
            #expect(Self.numbers(left) == leftSet)
            #expect(Self.numbers(left.union(right)) == leftSet.union(rightSet))
            #expect(Self.numbers(left.subtracting(right)) == leftSet.subtracting(rightSet))
            #expect(Self.numbers(left.intersection(right)) == leftSet.intersection(rightSet))
            #expect(left.contains(right) == rightSet.isSubset(of: leftSet))
            #expect(left.overlaps(right) == !leftSet.isDisjoint(with: rightSet))
            #expect(left.count == leftSet.count)
            for result in [left.union(right), left.subtracting(right), left.intersection(right)] {
                let isCanonical = zip(result.ranges, result.ranges.dropFirst())
                    .allSatisfy { $0.upperBound + 1 < $1.lowerBound }
                #expect(isCanonical, "\(result) is not sorted and coalesced")
            }
        }
    }

    private static func draw(_ random: inout SeededRandom) -> (Ranges, Set<UInt64>) {
        var list: [ClosedRange<UInt64>] = []
        var numbers: Set<UInt64> = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let low = UInt64.random(in: 0...30, using: &random)
            let range = low...(low + UInt64.random(in: 0...6, using: &random))
            list.append(range)
            numbers.formUnion(range)
        }
        return (Ranges(list), numbers)
    }

    private static func numbers(_ ranges: Ranges) -> Set<UInt64> {
        ranges.ranges.reduce(into: []) { $0.formUnion($1) }
    }
}
