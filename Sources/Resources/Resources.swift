/// A bag of resources: exact arithmetic on scalars, ranges and sets, kept apart by who may use them.
///
/// Unreserved cpus, mem, disk, gpus and ports, which is nearly everything in a real cluster, are plain fields; the rest
/// is a small sorted array. Adding and comparing ordinary bags touches no heap.
public struct Resources: Hashable, Sendable, CustomStringConvertible {
    var cpus = Scalar.zero
    var mem = Scalar.zero
    var disk = Scalar.zero
    var gpus = Scalar.zero
    var plainPorts = Ranges()
    /// Sorted by key, one entry a key, none empty, none that belongs into the fields above.
    var others: [ResourceEntry] = []

    public init() {}

    /// Unreserved resources in the units of Mesos: whole or fractional CPUs, and MB.
    public init(cpus: Scalar = .zero, mem: Scalar = .zero, disk: Scalar = .zero, gpus: Scalar = .zero) {
        self.cpus = cpus
        self.mem = mem
        self.disk = disk
        self.gpus = gpus
    }

    /// Adds up entries in any order; entries with one key are merged.
    public init(entries: [ResourceEntry]) {
        for entry in entries { add(entry) }
    }

    /// Every entry in a fixed order: cpus, mem, disk, gpus, ports, then other names; unreserved before reserved.
    public var entries: [ResourceEntry] {
        var result: [ResourceEntry] = []
        result.reserveCapacity(others.count + 5)
        for (name, value) in [("cpus", cpus), ("mem", mem), ("disk", disk), ("gpus", gpus)] where !value.isZero {
            result.append(ResourceEntry(name: name, value: .scalar(value)))
        }
        if !plainPorts.isEmpty { result.append(ResourceEntry(name: "ports", value: .ranges(plainPorts))) }
        if others.isEmpty { return result }
        result.append(contentsOf: others)
        return result.sorted { $0.key < $1.key }
    }

    public var isEmpty: Bool {
        cpus.isZero && mem.isZero && disk.isZero && gpus.isZero && plainPorts.isEmpty && others.isEmpty
    }

    public var description: String { entries.map(\.description).joined(separator: ";") }

    /// Whether everything in `other` is here, entry by entry: same reservations, same volume, at least as much.
    /// Indivisible disks are contained only as a whole.
    public func contains(_ other: Resources) -> Bool {
        guard cpus >= other.cpus, mem >= other.mem, disk >= other.disk, gpus >= other.gpus else { return false }
        guard plainPorts.contains(other.plainPorts) else { return false }
        var mine = 0
        for wanted in other.others {
            while mine < others.count, others[mine].key < wanted.key { mine += 1 }
            guard mine < others.count, others[mine].key == wanted.key else { return false }
            if wanted.disk?.isIndivisible == true {
                guard others[mine].value == wanted.value else { return false }
            } else if !others[mine].value.contains(wanted.value) {
                return false
            }
        }
        return true
    }

    public static func += (left: inout Resources, right: Resources) {
        left.cpus += right.cpus
        left.mem += right.mem
        left.disk += right.disk
        left.gpus += right.gpus
        if !right.plainPorts.isEmpty { left.plainPorts = left.plainPorts.union(right.plainPorts) }
        if !right.others.isEmpty {
            left.others = left.others.isEmpty ? right.others : merged(left.others, right.others)
        }
    }

    /// - Precondition: `left` contains `right`.
    public static func -= (left: inout Resources, right: Resources) {
        precondition(left.contains(right), "cannot take \(right) from \(left)")
        left.cpus -= right.cpus
        left.mem -= right.mem
        left.disk -= right.disk
        left.gpus -= right.gpus
        if !right.plainPorts.isEmpty { left.plainPorts = left.plainPorts.subtracting(right.plainPorts) }
        if !right.others.isEmpty { left.others = remainder(left.others, right.others) }
    }

    public static func + (left: Resources, right: Resources) -> Resources {
        var sum = left
        sum += right
        return sum
    }

    /// - Precondition: `left` contains `right`.
    public static func - (left: Resources, right: Resources) -> Resources {
        var rest = left
        rest -= right
        return rest
    }

    /// Adds one entry.
    public mutating func add(_ entry: ResourceEntry) {
        if entry.value.isEmpty { return }
        if entry.key.isPlain {
            switch (entry.name, entry.value) {
            case ("cpus", .scalar(let value)): return cpus += value
            case ("mem", .scalar(let value)): return mem += value
            case ("disk", .scalar(let value)): return disk += value
            case ("gpus", .scalar(let value)): return gpus += value
            case ("ports", .ranges(let value)): return plainPorts = plainPorts.union(value)
            default: break
            }
        }
        others = Self.merged(others, [entry])
    }

    private static func merged(_ left: [ResourceEntry], _ right: [ResourceEntry]) -> [ResourceEntry] {
        var result: [ResourceEntry] = []
        result.reserveCapacity(left.count + right.count)
        var (mine, theirs) = (0, 0)
        while mine < left.count, theirs < right.count {
            if left[mine].key == right[theirs].key {
                let sum = left[mine].value.adding(right[theirs].value)
                result.append(ResourceEntry(key: left[mine].key, value: sum))
                mine += 1
                theirs += 1
            } else if left[mine].key < right[theirs].key {
                result.append(left[mine])
                mine += 1
            } else {
                result.append(right[theirs])
                theirs += 1
            }
        }
        result.append(contentsOf: left[mine...])
        result.append(contentsOf: right[theirs...])
        return result
    }

    private static func remainder(_ left: [ResourceEntry], _ right: [ResourceEntry]) -> [ResourceEntry] {
        var result: [ResourceEntry] = []
        result.reserveCapacity(left.count)
        var theirs = 0
        for entry in left {
            guard theirs < right.count, right[theirs].key == entry.key else {
                result.append(entry)
                continue
            }
            let rest = entry.value.subtracting(right[theirs].value)
            if !rest.isEmpty { result.append(ResourceEntry(key: entry.key, value: rest)) }
            theirs += 1
        }
        return result
    }
}
