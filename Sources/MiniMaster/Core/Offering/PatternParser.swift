// Reads the text of a pattern into a tree.

struct PatternParser {
    private var rest: Substring.UnicodeScalarView
    private var depth = 0

    private static let depthMax = 50
    private static let repeatMax = 1_000

    init(_ text: String) { rest = Substring(text).unicodeScalars }

    mutating func parse() throws(LinearPatternError) -> PatternNode {
        let node = try alternatives()
        guard rest.isEmpty else { throw .unexpected(")") }
        return node
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func alternatives() throws(LinearPatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw .tooLarge(size: depth, max: Self.depthMax) }
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(LinearPatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next = rest.first, next != "|", next != ")" { nodes.append(try repeated(try one())) }
        return nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func repeated(_ node: PatternNode) throws(LinearPatternError) -> PatternNode {
        var least = 0
        var most: Int?
        switch rest.first {
        case "*": rest.removeFirst()
        case "+":
            rest.removeFirst()
            least = 1
        case "?":
            rest.removeFirst()
            most = 1
        case "{":
            guard let bounds = try bounds() else { return node }
            (least, most) = bounds
        default: return node
        }
        // Whether as much or as little as possible is taken makes no difference to a match of the whole text.
        _ = take("?")
        if let next = rest.first, next == "*" || next == "+" || next == "?" {
            throw .unexpected("repetition operator: \(next)")
        }
        // A part that can be empty, repeated without end, is the same as what is in it.
        return .repeated(node, least, most)
    }

    /// `{2}`, `{2,}` or `{2,5}`; nil if the brace is an ordinary character.
    private mutating func bounds() throws(LinearPatternError) -> (Int, Int?)? {
        guard let end = rest.firstIndex(of: "}") else { return nil }
        let text = String(String.UnicodeScalarView(rest[rest.index(after: rest.startIndex)..<end]))
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard let least = Int(parts[0]), least >= 0, parts[0].allSatisfy(\.isNumber) else { return nil }
        var most: Int? = least
        if parts.count == 2 {
            if parts[1].isEmpty {
                most = nil
            } else if let given = Int(parts[1]), parts[1].allSatisfy(\.isNumber) {
                most = given
            } else {
                return nil
            }
        }
        guard least <= Self.repeatMax, (most ?? 0) <= Self.repeatMax, most.map({ $0 >= least }) ?? true else {
            throw .unexpected("repetition size: {\(text)}")
        }
        rest = rest[rest.index(after: end)...]
        return (least, most)
    }

    private mutating func one() throws(LinearPatternError) -> PatternNode {
        guard let next = rest.popFirst() else { return .empty }
        switch next {
        case "^": return .begin
        case "$": return .end
        case ".": return .one(.any)
        case "[": return .one(try characterClass())
        case "(": return try group()
        case "\\": return try escape()
        case "*", "+", "?": throw .missing("argument to repetition operator: \(next)")
        default: return .one(ScalarSet(ranges: [next.value...next.value]))
        }
    }

    private mutating func group() throws(LinearPatternError) -> PatternNode {
        if take("?") {
            guard take(":") else { throw .unsupported("(?") }
        }
        let node = try alternatives()
        guard take(")") else { throw .missing("closing )") }
        return node
    }

    private mutating func escape() throws(LinearPatternError) -> PatternNode {
        guard let next = rest.first else { throw .unexpected("trailing \\") }
        switch next {
        case "A":
            rest.removeFirst()
            return .begin
        case "z":
            rest.removeFirst()
            return .end
        default: return .one(try escapedSet())
        }
    }

    /// What an escape stands for, inside a class or outside.
    private mutating func escapedSet() throws(LinearPatternError) -> ScalarSet {
        guard let next = rest.popFirst() else { throw .unexpected("trailing \\") }
        func only(_ code: UInt32) -> ScalarSet { ScalarSet(ranges: [code...code]) }
        func inverted(_ set: ScalarSet) -> ScalarSet { ScalarSet(ranges: set.ranges, isInverted: true) }
        switch next {
        case "d": return .digits
        case "D": return inverted(.digits)
        case "w": return .words
        case "W": return inverted(.words)
        case "s": return .spaces
        case "S": return inverted(.spaces)
        case "n": return only(0x0A)
        case "r": return only(0x0D)
        case "t": return only(0x09)
        case "f": return only(0x0C)
        case "v": return only(0x0B)
        default:
            let isWord = ScalarSet.words.contains(next)
            guard !isWord else { throw .unsupported("\\\(next)") }
            return only(next.value)
        }
    }

    private mutating func characterClass() throws(LinearPatternError) -> ScalarSet {
        var set = ScalarSet()
        let isInverted = take("^")
        var isFirst = true
        while true {
            guard let next = rest.first else { throw .missing("closing ]") }
            if next == "]", !isFirst {
                rest.removeFirst()
                break
            }
            isFirst = false
            if next == "[", rest.dropFirst().first == ":" { throw .unsupported("[:class:]") }
            let low = try classItem()
            // A dash between two characters makes a range; at the end, or behind a class, it stands for itself.
            let isRange = rest.first == "-" && rest.dropFirst().first != "]" && rest.dropFirst().first != nil
            guard isRange, let from = low.single else {
                set.ranges += low.plain
                continue
            }
            rest.removeFirst()
            let high = try classItem()
            guard let to = high.single, from <= to else { throw .unexpected("range in a character class") }
            set.ranges.append(from...to)
        }
        set.isInverted = isInverted
        return set
    }

    private mutating func classItem() throws(LinearPatternError) -> ScalarSet {
        guard let next = rest.popFirst() else { throw .missing("closing ]") }
        if next == "\\" { return try escapedSet() }
        return ScalarSet(ranges: [next.value...next.value])
    }
}

extension ScalarSet {
    /// The only character in it.
    fileprivate var single: UInt32? {
        guard !isInverted, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
