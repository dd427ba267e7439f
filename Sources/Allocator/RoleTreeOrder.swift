// In which order the role tree's clients are served.

import Resources

extension RoleTree {
    /// The children of a node with something hungry in them, in the order in which they are served.
    ///
    /// - Parameter isWithExhausted: Whether exhausted ones are among them.
    /// - Precondition: Settled.
    func order(below index: Int, _ lots: Lots, isWithExhausted: Bool) -> [Int] {
        let isComplete = !isWithExhausted || nodes[index].aside.isEmpty
        if isComplete, lots.isEmpty { return nodes[index].ranked }
        if !isComplete, lots.isEmpty { return (nodes[index].ranked + nodes[index].aside).sorted(by: precedes) }
        return drawn(isComplete ? nodes[index].ranked : nodes[index].ranked + nodes[index].aside, below: index, lots)
    }

    /// The two siblings that decide which of two clients comes first.
    func siblings(above left: Int, _ right: Int) -> (mine: Int, theirs: Int) {
        var (mine, theirs) = (left, right)
        var (height, otherHeight) = (depth(of: mine), depth(of: theirs))
        while nodes[mine].parent != nodes[theirs].parent {
            let isMineDeeper = height >= otherHeight
            if height <= otherHeight {
                theirs = nodes[theirs].parent
                otherHeight -= 1
            }
            if isMineDeeper {
                mine = nodes[mine].parent
                height -= 1
            }
        }
        return (mine, theirs)
    }

    /// Whether the first of two hungry clients is served before the second.
    func serves(_ left: Int, before right: Int, _ lots: Lots) -> Bool {
        let (mine, theirs) = siblings(above: left, right)
        if mine == theirs { return false }
        if isByLot(nodes[mine].parent, lots) {
            let (lot, otherLot) = (lot(of: mine, lots), lot(of: theirs, lots))
            return lot != otherLot ? lot < otherLot : nodes[mine].name < nodes[theirs].name
        }
        return precedes(mine, theirs)
    }

    private func depth(of index: Int) -> Int {
        var (depth, next) = (0, index)
        while next != Self.root {
            depth += 1
            next = nodes[next].parent
        }
        return depth
    }

    func isClient(_ index: Int) -> Bool { nodes[index].framework >= 0 }

    private func drawn(_ ranked: [Int], below index: Int, _ lots: Lots) -> [Int] {
        if ranked.count < 2 { return ranked }
        if !isByLot(index, lots) { return nodes[index].aside.isEmpty ? ranked : ranked.sorted(by: precedes) }
        let keyed = ranked.map { child in (lot: lot(of: child, lots), child: child) }
        return keyed.sorted { left, right in
            left.lot != right.lot ? left.lot < right.lot : nodes[left.child].name < nodes[right.child].name
        }.map(\.child)
    }

    func isByLot(_ parent: Int, _ lots: Lots) -> Bool {
        if case .ownFrameworks = nodes[parent].kind { return lots.amongFrameworks }
        return lots.amongRoles
    }

    private func lot(of index: Int, _ lots: Lots) -> Double {
        lots.draw(pathHash: nodes[index].pathHash, weight: nodes[index].weight)
    }
}
