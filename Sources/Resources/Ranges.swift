/// A set of whole numbers kept as sorted, disjoint, coalesced closed ranges (ports, mostly).
public struct Ranges: Hashable, Sendable, CustomStringConvertible {
    public private(set) var ranges: [ClosedRange<UInt64>]

    public init() { ranges = [] }

    /// Sorts and coalesces; overlaps are merged.
    public init(_ unordered: [ClosedRange<UInt64>]) {
        ranges = []
        ranges.reserveCapacity(unordered.count)
        for range in unordered.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(range) }
    }

    public var isEmpty: Bool { ranges.isEmpty }

    /// How many numbers there are; `Int.max` if there are more than that.
    public var count: Int {
        var sum: UInt64 = 0
        for range in ranges {
            let width = range.upperBound - range.lowerBound
            guard width < UInt64(Int.max), sum + width < UInt64(Int.max) else { return .max }
            sum += width + 1
        }
        return Int(sum)
    }

    public var first: UInt64? { ranges.first?.lowerBound }

    /// As Mesos prints it: `[31000-31005, 31010-31010]`.
    public var description: String {
        "[" + ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ", ") + "]"
    }

    public func contains(_ number: UInt64) -> Bool {
        ranges.contains { $0.contains(number) }
    }

    /// Whether every number of `other` is here.
    public func contains(_ other: Ranges) -> Bool {
        var mine = 0
        for wanted in other.ranges {
            while mine < ranges.count, ranges[mine].upperBound < wanted.lowerBound { mine += 1 }
            guard mine < ranges.count, ranges[mine].lowerBound <= wanted.lowerBound,
                ranges[mine].upperBound >= wanted.upperBound
            else { return false }
        }
        return true
    }

    public func overlaps(_ other: Ranges) -> Bool { !intersection(other).isEmpty }

    public func union(_ other: Ranges) -> Ranges {
        if other.isEmpty { return self }
        if isEmpty { return other }
        return Ranges(ranges + other.ranges)
    }

    public func subtracting(_ other: Ranges) -> Ranges {
        if other.isEmpty || isEmpty { return self }
        var result = Ranges()
        var first = 0
        for range in ranges {
            var low = range.lowerBound
            var isSpent = false
            while first < other.ranges.count, other.ranges[first].upperBound < low { first += 1 }
            var index = first
            while index < other.ranges.count, other.ranges[index].lowerBound <= range.upperBound {
                let hole = other.ranges[index]
                if hole.lowerBound > low { result.append(low...(hole.lowerBound - 1)) }
                if hole.upperBound >= range.upperBound {
                    isSpent = true
                    break
                }
                low = hole.upperBound + 1
                index += 1
            }
            if !isSpent { result.append(low...range.upperBound) }
        }
        return result
    }

    public func intersection(_ other: Ranges) -> Ranges {
        var result = Ranges()
        var mine = 0
        var theirs = 0
        while mine < ranges.count, theirs < other.ranges.count {
            let low = max(ranges[mine].lowerBound, other.ranges[theirs].lowerBound)
            let high = min(ranges[mine].upperBound, other.ranges[theirs].upperBound)
            if low <= high { result.append(low...high) }
            if ranges[mine].upperBound < other.ranges[theirs].upperBound { mine += 1 } else { theirs += 1 }
        }
        return result
    }

    /// The lowest `count` numbers, or `nil` if there are fewer.
    public func lowest(_ count: Int) -> Ranges? {
        var missing = UInt64(max(count, 0))
        var result = Ranges()
        for range in ranges where missing > 0 {
            let width = range.upperBound - range.lowerBound
            let taken = min(width, missing - 1)
            result.append(range.lowerBound...(range.lowerBound + taken))
            missing -= taken + 1
        }
        return missing == 0 ? result : nil
    }

    /// Adds a range that starts no earlier than the last one.
    private mutating func append(_ range: ClosedRange<UInt64>) {
        guard let last = ranges.last,
            last.upperBound >= range.lowerBound || last.upperBound + 1 == range.lowerBound
        else { return ranges.append(range) }
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
    }
}
