// Exact dominant shares: quantities by dimension, fractions of a total, and their comparison without rounding.

import Resources

/// Quantities that count towards fairness: milli-units of every scalar, and the number of ports.
struct Amounts: Hashable, Sendable {
    var cpus: Int64 = 0
    var mem: Int64 = 0
    var disk: Int64 = 0
    var gpus: Int64 = 0
    var ports: Int64 = 0
    /// Other scalars, by the position `Dimensions` gave their name. May be shorter than the number of names.
    var custom: [Int64] = []

    static func += (left: inout Amounts, right: Amounts) {
        left.cpus += right.cpus
        left.mem += right.mem
        left.disk += right.disk
        left.gpus += right.gpus
        left.ports += right.ports
        for (index, amount) in right.custom.enumerated() { left.addCustom(amount, at: index) }
    }

    static func -= (left: inout Amounts, right: Amounts) {
        left.cpus -= right.cpus
        left.mem -= right.mem
        left.disk -= right.disk
        left.gpus -= right.gpus
        left.ports -= right.ports
        for (index, amount) in right.custom.enumerated() { left.addCustom(-amount, at: index) }
    }

    mutating func addCustom(_ amount: Int64, at index: Int) {
        while custom.count <= index { custom.append(0) }
        custom[index] += amount
    }

    /// A scalar by its dimension (see `Dimensions`); ports have none.
    subscript(dimension: Int) -> Int64 {
        get {
            switch dimension {
            case 0: cpus
            case 1: mem
            case 2: disk
            case 3: gpus
            default: dimension - 4 < custom.count ? custom[dimension - 4] : 0
            }
        }
        set {
            switch dimension {
            case 0: cpus = newValue
            case 1: mem = newValue
            case 2: disk = newValue
            case 3: gpus = newValue
            default: addCustom(newValue - self[dimension], at: dimension - 4)
            }
        }
    }

    /// Raises what is below zero to zero.
    mutating func clampAtZero() {
        cpus = max(0, cpus)
        mem = max(0, mem)
        disk = max(0, disk)
        gpus = max(0, gpus)
        ports = max(0, ports)
        for index in custom.indices where custom[index] < 0 { custom[index] = 0 }
    }

    var isZero: Bool {
        cpus == 0 && mem == 0 && disk == 0 && gpus == 0 && ports == 0 && custom.allSatisfy { $0 == 0 }
    }

    /// Whether some scalar is above zero in both.
    func sharesDimension(with other: Amounts) -> Bool {
        if cpus > 0 && other.cpus > 0 || mem > 0 && other.mem > 0 { return true }
        if disk > 0 && other.disk > 0 || gpus > 0 && other.gpus > 0 { return true }
        return zip(custom, other.custom).contains { $0 > 0 && $1 > 0 }
    }

    /// Whether the quantities agree, whatever the lengths of their tails of zeros.
    func equals(_ other: Amounts) -> Bool {
        var difference = self
        difference -= other
        return difference.cpus == 0 && difference.mem == 0 && difference.disk == 0 && difference.gpus == 0
            && difference.ports == 0 && difference.custom.allSatisfy { $0 == 0 }
    }

    /// The largest fraction of `total` held of any one dimension. A dimension whose total is zero does not count.
    func dominantShare(of total: Amounts) -> Share {
        var share = Share.zero
        share.raise(to: cpus, of: total.cpus)
        share.raise(to: mem, of: total.mem)
        share.raise(to: disk, of: total.disk)
        share.raise(to: gpus, of: total.gpus)
        share.raise(to: ports, of: total.ports)
        for index in 0..<min(custom.count, total.custom.count) {
            share.raise(to: custom[index], of: total.custom[index])
        }
        return share
    }
}

/// Which position in `Amounts.custom` belongs to which scalar. Names are few: the cluster's operators choose them.
struct Dimensions: Sendable {
    private var positions: [String: Int] = [:]

    mutating func amounts(of resources: Resources) -> Amounts {
        let ordinary = resources.ordinary
        var amounts = Amounts(
            cpus: ordinary.cpus.milli, mem: ordinary.mem.milli, disk: ordinary.disk.milli, gpus: ordinary.gpus.milli,
            ports: Self.portCount(ordinary.ports))
        for entry in resources.extraordinaryEntries {
            switch (entry.name, entry.value) {
            case ("cpus", .scalar(let value)): amounts.cpus += value.milli
            case ("mem", .scalar(let value)): amounts.mem += value.milli
            case ("disk", .scalar(let value)): amounts.disk += value.milli
            case ("gpus", .scalar(let value)): amounts.gpus += value.milli
            case ("ports", .ranges(let ranges)): amounts.ports += Self.portCount(ranges)
            case (let name, .scalar(let value)): amounts.addCustom(value.milli, at: position(of: name))
            default: break  // Custom ranges and sets have no size that could be compared.
            }
        }
        return amounts
    }

    /// The unreserved scalars that are not revocable: what counts against quotas when somebody holds it.
    mutating func unreserved(of resources: Resources) -> Amounts {
        let ordinary = resources.ordinary
        var amounts = Amounts(
            cpus: ordinary.cpus.milli, mem: ordinary.mem.milli, disk: ordinary.disk.milli, gpus: ordinary.gpus.milli)
        for entry in resources.extraordinaryEntries where entry.reservations.isEmpty && !entry.isRevocable {
            if case .scalar(let value) = entry.value { amounts[dimension(of: entry.name)] += value.milli }
        }
        return amounts
    }

    /// The reserved scalars that are not revocable, by the top-level role they are reserved below.
    mutating func reserved(of resources: Resources) -> [(top: RoleName, amounts: Amounts)] {
        var result: [(top: RoleName, amounts: Amounts)] = []
        for entry in resources.extraordinaryEntries where !entry.isRevocable {
            guard let role = entry.role, case .scalar(let value) = entry.value else { continue }
            var amounts = Amounts()
            amounts[dimension(of: entry.name)] = value.milli
            result.append((role.top, amounts))
        }
        return result
    }

    /// Where `Amounts` keeps a scalar of this name.
    mutating func dimension(of name: String) -> Int {
        switch name {
        case "cpus": 0
        case "mem": 1
        case "disk": 2
        case "gpus": 3
        default: 4 + position(of: name)
        }
    }

    /// The dimension of a name that was met before; `nil` if nobody ever had such a scalar.
    func knownDimension(of name: String) -> Int? {
        switch name {
        case "cpus": 0
        case "mem": 1
        case "disk": 2
        case "gpus": 3
        default: positions[name].map { 4 + $0 }
        }
    }

    /// Every name met so far, with its dimension.
    var names: [(name: String, dimension: Int)] {
        [("cpus", 0), ("mem", 1), ("disk", 2), ("gpus", 3)]
            + positions.sorted { $0.value < $1.value }.map { ($0.key, 4 + $0.value) }
    }

    /// `amounts` without the dimensions in `excluded`.
    func without(_ excluded: Set<String>, _ amounts: Amounts) -> Amounts {
        if excluded.isEmpty { return amounts }
        var result = amounts
        if excluded.contains("cpus") { result.cpus = 0 }
        if excluded.contains("mem") { result.mem = 0 }
        if excluded.contains("disk") { result.disk = 0 }
        if excluded.contains("gpus") { result.gpus = 0 }
        if excluded.contains("ports") { result.ports = 0 }
        for (name, position) in positions where excluded.contains(name) && position < result.custom.count {
            result.custom[position] = 0
        }
        return result
    }

    private mutating func position(of name: String) -> Int {
        if let known = positions[name] { return known }
        positions[name] = positions.count
        return positions.count - 1
    }

    /// Numbers above 65535 are no ports; leaving them out keeps the sums of any number of agents in range.
    private static func portCount(_ ranges: Ranges) -> Int64 {
        var count: Int64 = 0
        for range in ranges.ranges where range.lowerBound <= 65_535 {
            count += Int64(min(range.upperBound, 65_535) - range.lowerBound) + 1
        }
        return count
    }
}

/// A fraction held of a total, not reduced.
struct Share: Hashable, Sendable {
    var amount: UInt64
    var total: UInt64

    static let zero = Share(amount: 0, total: 1)

    /// Takes the other fraction if it is larger.
    mutating func raise(to otherAmount: Int64, of otherTotal: Int64) {
        guard otherAmount > 0, otherTotal > 0 else { return }
        let (mine, theirs) = (UInt64(otherAmount), UInt64(otherTotal))
        if UInt128(mine) * UInt128(total) > UInt128(amount) * UInt128(theirs) {
            amount = mine
            total = theirs
        }
    }

    /// Compares `self / weight` with `other / otherWeight`, exactly.
    ///
    /// - Returns: Negative, zero or positive, as the first is less than, equal to or greater than the second.
    func compare(over weight: Weight, to other: Share, over otherWeight: Weight) -> Int {
        if total == other.total, weight == otherWeight {
            return amount == other.amount ? 0 : amount < other.amount ? -1 : 1
        }
        // a/t/w < b/u/v  <=>  a·(u·v) < b·(t·w). Totals stay below 2^63 and weights below 2^50, so the inner products
        // fit 128 bits; the outer ones may not and are then compared at double width.
        let right = UInt128(other.total) * UInt128(UInt64(otherWeight.micro))
        let left = UInt128(total) * UInt128(UInt64(weight.micro))
        let mine = right.multipliedFullWidth(by: UInt128(amount))
        let theirs = left.multipliedFullWidth(by: UInt128(other.amount))
        if mine.high != theirs.high { return mine.high < theirs.high ? -1 : 1 }
        return mine.low == theirs.low ? 0 : mine.low < theirs.low ? -1 : 1
    }
}
