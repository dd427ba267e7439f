// Making a bag of resources smaller without touching what is set aside for somebody.

extension Resources {
    /// This bag with its unreserved scalars cut so that none exceeds its room; everything reserved, everything
    /// revocable, ports and sets stay whole.
    ///
    /// Divisible pieces are used first, in their order; then indivisible disks, the smallest first, until one does not
    /// fit: so a smaller room always leaves a part of what a larger one does.
    ///
    /// - Parameter room: The most there may be of a scalar, in thousandths; `Int64.max` for no bound. Never negative.
    /// - Returns: The cut bag, and whether it is smaller than this one.
    package func cuttingUnreserved(_ room: (String) -> Int64) -> (resources: Resources, isCut: Bool) {
        var result = self
        var isCut = false
        func cut(_ scalar: inout Scalar, to room: Int64) {
            if scalar.milli <= room { return }
            scalar.milli = room
            isCut = true
        }
        if !cpus.isZero { cut(&result.cpus, to: room("cpus")) }
        if !mem.isZero { cut(&result.mem, to: room("mem")) }
        if !disk.isZero { cut(&result.disk, to: room("disk")) }
        if !gpus.isZero { cut(&result.gpus, to: room("gpus")) }
        guard others.contains(where: Self.isCuttable) else { return (result, isCut) }
        var left: [String: Int64] = [:]
        for name in Set(others.filter(Self.isCuttable).map(\.name)) {
            let bound = room(name)
            left[name] = bound == .max ? .max : bound - result.plainAmount(of: name)
        }
        let inOrder = others.indices.filter { Self.isCuttable(others[$0]) }.sorted {
            Self.isUsed($0, before: $1, others)
        }
        for index in inOrder {
            let entry = others[index]
            guard case .scalar(let value) = entry.value, let bound = left[entry.name], bound != .max else { continue }
            var taken = min(value.milli, bound)
            let isWhole = entry.disk?.isIndivisible == true
            if isWhole, taken < value.milli { taken = 0 }
            left[entry.name] = bound - taken
            if taken < value.milli { isCut = true }
            result.others[index].value = .scalar(Scalar(milli: taken))
        }
        result.others.removeAll(where: \.value.isEmpty)
        return (result, isCut)
    }

    private static func isCuttable(_ entry: ResourceEntry) -> Bool {
        entry.reservations.isEmpty && !entry.isRevocable && entry.key.kind == .scalar
    }

    private static func isUsed(_ left: Int, before right: Int, _ others: [ResourceEntry]) -> Bool {
        let isMineWhole = others[left].disk?.isIndivisible == true
        let isTheirsWhole = others[right].disk?.isIndivisible == true
        if isMineWhole != isTheirsWhole { return isTheirsWhole }
        guard isMineWhole, case .scalar(let mine) = others[left].value, case .scalar(let theirs) = others[right].value,
            mine != theirs
        else { return left < right }
        return mine < theirs
    }

    private func plainAmount(of name: String) -> Int64 {
        switch name {
        case "cpus": cpus.milli
        case "mem": mem.milli
        case "disk": disk.milli
        case "gpus": gpus.milli
        default: 0
        }
    }
}
