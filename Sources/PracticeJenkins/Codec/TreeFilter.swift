/// What part of a bean a client wants: the `tree=` parameter, or a depth without it.

/// A parsed `tree=a,b[c,d[e]],f[*]{0,50}`.
struct TreeFilter: Equatable, Sendable {
    struct Branch: Equatable, Sendable {
        var name: String
        var children: TreeFilter?
        var range: Range<Int>?
    }
    var branches: [Branch] = []

    /// The branch for a property: by its name, else by `*`.
    func branch(_ name: String) -> Branch? {
        branches.first { $0.name == name } ?? branches.first { $0.name == "*" }
    }

    /// - Returns: `nil` for text that is not a tree expression, or nests deeper than 32.
    static func parse(_ text: String) -> TreeFilter? {
        var reader = TreeReader(text)
        guard let filter = reader.list(depth: 0), reader.isAtEnd else { return nil }
        return filter
    }
}

private struct TreeReader {
    private let text: [Character]
    private var position = 0

    init(_ text: String) { self.text = text.filter { $0 != " " } }

    var isAtEnd: Bool { position == text.count }

    private mutating func take(_ character: Character) -> Bool {
        guard position < text.count, text[position] == character else { return false }
        position += 1
        return true
    }

    private mutating func word() -> String {
        let start = position
        while position < text.count, !",[]{}".contains(text[position]) { position += 1 }
        return String(text[start..<position])
    }

    mutating func list(depth: Int) -> TreeFilter? {
        guard depth < 32 else { return nil }
        var filter = TreeFilter()
        repeat {
            var branch = TreeFilter.Branch(name: word())
            guard !branch.name.isEmpty else { return nil }
            if take("[") {
                guard let children = list(depth: depth + 1), take("]") else { return nil }
                branch.children = children
            }
            if take("{") {
                guard let range = range() else { return nil }
                branch.range = range
            }
            filter.branches.append(branch)
        } while take(",")
        return filter
    }

    /// `{from,to}`, `{from,}`, `{,to}` or `{index}`.
    private mutating func range() -> Range<Int>? {
        let first = word()
        guard take(",") else {
            guard let index = Int(first), index >= 0, index < .max, take("}") else { return nil }
            return index..<index + 1
        }
        let second = word()
        guard take("}"), let from = first.isEmpty ? 0 : Int(first), let to = second.isEmpty ? .max : Int(second),
            from >= 0, to >= from
        else { return nil }
        return from..<to
    }
}
