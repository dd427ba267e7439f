// Dividing a large agent among several hungry frameworks in one round, as `--offer_split` has it.

import Resources

/// With `offerSplit` above 1, the first of an agent's takers in a round gets one part of so many, the next one part of
/// what is then left of them, and so on; the last gets all that is left. Who has a part is not asked again before
/// everybody else was, and then takes whatever is left, as a second offer.
///
/// A framework whose filter refuses the part is offered the whole: what was too small for it is not offered for ever.
struct OfferSplit: Sendable {
    private let parts: Int
    /// Clients that have a part of the agent.
    private(set) var takers: [Int] = []
    private var isOver: Bool

    /// A part is not made smaller than this: no task of use would fit.
    private static let cpusMin = Scalar(units: 1)

    init(parts: Int) {
        self.parts = parts
        isOver = parts < 2
    }

    func skips(_ client: Int) -> Bool { !takers.isEmpty && takers.contains(client) }

    /// Nobody new was found: those who have a part may take more.
    ///
    /// - Returns: Whether there are any.
    mutating func end() -> Bool {
        isOver = true
        defer { takers = [] }
        return !takers.isEmpty
    }

    mutating func note(_ client: Int) {
        if !isOver { takers.append(client) }
    }

    /// The next taker's part of what it could take; `nil` if it is to take all.
    func part(of resources: Resources) -> Resources? {
        let left = parts - takers.count
        if isOver || left < 2 || !resources.isOrdinary { return nil }
        let part = resources.part(of: left)
        return part.ordinary.cpus < Self.cpusMin ? nil : part
    }
}

extension Resources {
    /// One of `count` parts of what is ordinary: GPUs by whole ones, ports from the lowest.
    fileprivate func part(of count: Int) -> Resources {
        let whole = ordinary
        func share(_ scalar: Scalar, _ unit: Int64 = 1) -> Scalar {
            Scalar(milli: scalar.milli / unit / Int64(count) * unit)
        }
        var part = Resources(
            cpus: share(whole.cpus), mem: share(whole.mem), disk: share(whole.disk), gpus: share(whole.gpus, 1_000))
        if let ports = whole.ports.lowest(whole.ports.count / count), !ports.isEmpty {
            part.add(ResourceEntry(name: "ports", value: .ranges(ports)))
        }
        return part
    }
}
