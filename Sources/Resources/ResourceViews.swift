// Parts and totals of a bag of resources: by name, by reservation, and pieces cut from it.

extension Resources {
    /// The total of a scalar over all reservations, volumes and revocable parts; zero if there is none.
    public subscript(name: String) -> Scalar {
        var sum: Scalar
        switch name {
        case "cpus": sum = cpus
        case "mem": sum = mem
        case "disk": sum = disk
        case "gpus": sum = gpus
        default: sum = .zero
        }
        for entry in others {
            if case .scalar(let value) = entry.value, entry.name == name { sum += value }
        }
        return sum
    }

    /// Totals of all scalars by name, in the order of `entries`.
    public var scalars: [(name: String, value: Scalar)] {
        var result: [(name: String, value: Scalar)] = []
        for entry in entries {
            guard case .scalar(let value) = entry.value else { continue }
            if let last = result.indices.last, result[last].name == entry.name {
                result[last].value += value
            } else {
                result.append((entry.name, value))
            }
        }
        return result
    }

    /// All ports, whoever they are reserved for.
    public var ports: Ranges { ranges(named: "ports") }

    public func ranges(named name: String) -> Ranges {
        var all = name == "ports" ? plainPorts : Ranges()
        for entry in others {
            if case .ranges(let ranges) = entry.value, entry.name == name { all = all.union(ranges) }
        }
        return all
    }

    /// What a framework in `role` may use: what is unreserved, and what is reserved to the role or one of its ancestors.
    public func allocatable(to role: RoleName) -> Resources {
        filtered { key in
            guard let reserved = key.role else { return true }
            return reserved == role || reserved.isAncestor(of: role)
        }
    }

    public var unreserved: Resources { filtered { $0.reservations.isEmpty } }

    /// What is reserved to exactly `role` (ancestors' and descendants' reservations are not in it).
    public func reserved(for role: RoleName) -> Resources {
        var result = Resources()
        result.others = others.filter { $0.role == role }
        return result
    }

    /// Roles something is reserved to, sorted.
    public var reservedRoles: [RoleName] { Set(others.compactMap(\.role)).sorted() }

    public var revocable: Resources {
        var result = Resources()
        result.others = others.filter(\.isRevocable)
        return result
    }

    public var nonRevocable: Resources { filtered { !$0.isRevocable } }

    /// The same quantities with reservations dropped. Volumes and the revocable flag stay.
    public var flattened: Resources {
        if others.isEmpty { return self }
        var result = self
        result.others = []
        for var entry in others {
            entry.key.reservations = []
            result.add(entry)
        }
        return result
    }

    /// The entries whose key satisfies `isIncluded`. Unreserved ordinary resources are asked for under their own names
    /// only if the bag has them.
    public func filtered(_ isIncluded: (ResourceKey) -> Bool) -> Resources {
        var result = self
        result.others = others.filter { isIncluded($0.key) }
        if !cpus.isZero, !isIncluded(ResourceKey(name: "cpus", kind: .scalar)) { result.cpus = .zero }
        if !mem.isZero, !isIncluded(ResourceKey(name: "mem", kind: .scalar)) { result.mem = .zero }
        if !disk.isZero, !isIncluded(ResourceKey(name: "disk", kind: .scalar)) { result.disk = .zero }
        if !gpus.isZero, !isIncluded(ResourceKey(name: "gpus", kind: .scalar)) { result.gpus = .zero }
        if !plainPorts.isEmpty, !isIncluded(ResourceKey(name: "ports", kind: .ranges)) { result.plainPorts = Ranges() }
        return result
    }

    /// What is left when as much of `other` as is here is taken away; for totals that shrank below what is in use.
    public func without(_ other: Resources) -> Resources {
        if contains(other) { return self - other }
        var rest = Resources()
        var theirs: [ResourceKey: ResourceValue] = [:]
        for entry in other.entries { theirs[entry.key] = entry.value }
        for entry in entries {
            guard let taken = theirs[entry.key] else {
                rest.add(entry)
                continue
            }
            let isWhole = entry.disk?.isIndivisible == true
            let piece = isWhole ? entry.value : entry.value.common(taken)
            rest.add(ResourceEntry(key: entry.key, value: entry.value.subtracting(piece)))
        }
        return rest
    }

    /// Whether there is nothing but unreserved cpus, mem, disk, gpus and ports that anybody may use.
    package var isOrdinary: Bool { others.isEmpty }

    /// The unreserved, ordinary part as plain numbers.
    package var ordinary: (cpus: Scalar, mem: Scalar, disk: Scalar, gpus: Scalar, ports: Ranges) {
        (cpus, mem, disk, gpus, plainPorts)
    }

    /// Everything that is not in `ordinary`.
    package var extraordinaryEntries: [ResourceEntry] { others }

    /// The ordinary part and those other entries whose key satisfies `isIncluded`.
    package func keepingOrdinary(and isIncluded: (ResourceKey) -> Bool) -> Resources {
        if others.isEmpty { return self }
        var result = self
        result.others = others.filter { isIncluded($0.key) }
        return result
    }

    /// Pieces of this bag that add up to `wanted` when reservations are ignored; reserved pieces go first, so that
    /// what everybody could use is left.
    ///
    /// Volumes, revocable and shared parts are not cut up; they can only be named outright.
    /// - Parameter wanted: Quantities by name, as a task asks for them. Its own reservations are ignored.
    /// - Returns: `nil` if there is not enough of something.
    public func taking(_ wanted: Resources) -> Resources? {
        if wanted.others.isEmpty, others.isEmpty { return contains(wanted) ? wanted : nil }
        var pool = entries.filter { $0.disk == nil && !$0.isRevocable && !$0.isShared }
        pool.sort { left, right in
            let (mine, theirs) = (left.reservations.count, right.reservations.count)
            return mine != theirs ? mine > theirs : left.key < right.key
        }
        var taken = Resources()
        for want in wanted.flattened.entries {
            var missing = want.value
            for entry in pool where entry.name == want.name && entry.key.kind == want.key.kind && !missing.isEmpty {
                let piece = missing.common(entry.value)
                taken.add(ResourceEntry(key: entry.key, value: piece))
                missing = missing.subtracting(piece)
            }
            if !missing.isEmpty { return nil }
        }
        return taken
    }

    /// The lowest `count` ports of this bag, with their reservations, reserved ones first.
    /// - Returns: `nil` if there are fewer.
    public func takingPorts(_ count: Int) -> Resources? {
        var taken = Resources()
        var missing = count
        let pool = entries.filter { $0.name == "ports" && !$0.isRevocable && !$0.isShared }
        for entry in pool.sorted(by: { $0.reservations.count > $1.reservations.count }) where missing > 0 {
            guard case .ranges(let ranges) = entry.value,
                let piece = ranges.lowest(min(missing, ranges.count))
            else { continue }
            taken.add(ResourceEntry(key: entry.key, value: .ranges(piece)))
            missing -= piece.count
        }
        return missing <= 0 ? taken : nil
    }
}

extension ResourceValue {
    /// The most of `self` that `other` can give.
    func common(_ other: ResourceValue) -> ResourceValue {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): .scalar(min(mine, theirs))
        case (.ranges(let mine), .ranges(let theirs)): .ranges(mine.intersection(theirs))
        case (.set(let mine), .set(let theirs)): .set(mine.subtracting(mine.subtracting(theirs)))
        default: preconditionFailure("values of one name differ in kind: \(self), \(other)")
        }
    }
}

extension Resources {
    /// Whether there is nothing but unreserved cpus, mem, disk and gpus, of which two holders can never claim the same.
    package var isPlainScalars: Bool { others.isEmpty && plainPorts.isEmpty }

    /// Whether there is nothing but unreserved cpus, mem, disk, gpus and ports.
    package var isPlain: Bool { others.isEmpty }
}
