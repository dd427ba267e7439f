// The newest of many: what a framework has completed.

/// Keeps its newest elements, oldest first.
///
/// To add one costs the same whether or not somebody holds a copy of the list, as readers of a framework do: an array of a
/// thousand completed tasks would be copied for each task that ends, and shifted for each that it forgets.
package struct RecentList<Element> {
    private static var blockMax: Int { 32 }

    /// All but the last are full, the first perhaps without what was forgotten.
    private var blocks: [ArraySlice<Element>] = []
    package private(set) var count = 0

    package init() {}

    /// - Parameter max: How many are kept; zero or less: none.
    package mutating func append(_ element: Element, keeping max: Int) {
        if let last = blocks.indices.last, blocks[last].endIndex < Self.blockMax {
            blocks[last].append(element)
        } else {
            var block: ArraySlice<Element> = []
            block.reserveCapacity(Self.blockMax)
            block.append(element)
            blocks.append(block)
        }
        count += 1
        while count > Swift.max(max, 0) { forgetOldest() }
    }

    package mutating func removeAll(where isUnwanted: (Element) throws -> Bool) rethrows {
        let kept = try filter { try !isUnwanted($0) }
        blocks = []
        count = 0
        for element in kept { append(element, keeping: kept.count) }
    }

    private mutating func forgetOldest() {
        blocks[0].removeFirst()
        count -= 1
        if blocks[0].isEmpty { blocks.removeFirst() }
    }
}

extension RecentList: Sequence {
    package func makeIterator() -> FlattenSequence<[ArraySlice<Element>]>.Iterator { blocks.joined().makeIterator() }

    package var underestimatedCount: Int { count }
}

extension RecentList: Sendable where Element: Sendable {}
