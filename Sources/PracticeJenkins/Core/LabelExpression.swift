/// Label expressions: what a job says about the nodes it may run on.

/// A parsed expression over label names. Loosest to tightest: `<->`, `->`, `||`, `&&`, `!`, parentheses.
indirect enum LabelExpression: Hashable, Sendable {
    case atom(String)
    case not(LabelExpression)
    case and(LabelExpression, LabelExpression)
    case or(LabelExpression, LabelExpression)
    case implies(LabelExpression, LabelExpression)
    case equivalent(LabelExpression, LabelExpression)
    case grouped(LabelExpression)

    /// Reads what a job's label field holds.
    ///
    /// A text that does not parse is one atom as a whole, which is what Jenkins does with it.
    ///
    /// - Returns: `nil` for a blank text: the job may run anywhere.
    static func parse(_ text: String) -> LabelExpression? {
        let trimmed = text.trimmingBlanks()
        if trimmed.isEmpty { return nil }
        var parser = LabelParser(trimmed)
        return parser.whole() ?? .atom(trimmed)
    }

    /// Whether a node that carries these atoms satisfies the expression.
    func matches(_ atoms: Set<String>) -> Bool {
        switch self {
        case .atom(let name): atoms.contains(name)
        case .not(let inner): !inner.matches(atoms)
        case .and(let left, let right): left.matches(atoms) && right.matches(atoms)
        case .or(let left, let right): left.matches(atoms) || right.matches(atoms)
        case .implies(let left, let right): !left.matches(atoms) || right.matches(atoms)
        case .equivalent(let left, let right): left.matches(atoms) == right.matches(atoms)
        case .grouped(let inner): inner.matches(atoms)
        }
    }

    /// The spelling Jenkins shows: operators without blanks, parentheses as typed, a lone atom unquoted.
    var canonical: String {
        if case .atom(let name) = self { return name }
        return spelled
    }

    private var spelled: String {
        switch self {
        case .atom(let name): Self.quotedIfNeeded(name)
        case .not(let inner): "!" + inner.spelled
        case .and(let left, let right): left.spelled + "&&" + right.spelled
        case .or(let left, let right): left.spelled + "||" + right.spelled
        case .implies(let left, let right): left.spelled + "->" + right.spelled
        case .equivalent(let left, let right): left.spelled + "<->" + right.spelled
        case .grouped(let inner): "(" + inner.spelled + ")"
        }
    }

    private static func quotedIfNeeded(_ name: String) -> String {
        let needsQuotes = name.contains { "&|!<>()\"' \t\\".contains($0) } || name.contains("->")
        guard needsQuotes else { return name }
        var quoted = "\""
        for character in name {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }

    /// A node's label words: separated by blanks, quotes group.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var inWord = false
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                inWord = true
            } else if character == " " || character == "\t" || character.isNewline {
                if inWord { words.append(word) }
                (word, inWord) = ("", false)
            } else {
                word.append(character)
                inWord = true
            }
        }
        if inWord { words.append(word) }
        return words
    }
}

/// Recursive descent over the grammar above. Nesting is bounded, so that hostile text cannot exhaust the stack.
private struct LabelParser {
    private let text: [Character]
    private var position = 0
    private var depth = 0
    private static let depthMax = 64

    init(_ text: String) { self.text = Array(text) }

    mutating func whole() -> LabelExpression? {
        guard let expression = equivalence() else { return nil }
        skipBlanks()
        return position == text.count ? expression : nil
    }

    private mutating func equivalence() -> LabelExpression? {
        guard var left = implication() else { return nil }
        while take("<->") {
            guard let right = implication() else { return nil }
            left = .equivalent(left, right)
        }
        return left
    }

    /// At most one arrow: `a->b->c` does not parse.
    private mutating func implication() -> LabelExpression? {
        guard let left = disjunction() else { return nil }
        guard take("->") else { return left }
        guard let right = disjunction() else { return nil }
        return .implies(left, right)
    }

    private mutating func disjunction() -> LabelExpression? {
        guard var left = conjunction() else { return nil }
        while take("||") {
            guard let right = conjunction() else { return nil }
            left = .or(left, right)
        }
        return left
    }

    private mutating func conjunction() -> LabelExpression? {
        guard var left = negation() else { return nil }
        while take("&&") {
            guard let right = negation() else { return nil }
            left = .and(left, right)
        }
        return left
    }

    /// One `!` only, before an atom or a parenthesis.
    private mutating func negation() -> LabelExpression? {
        guard take("!") else { return primary() }
        guard let inner = primary() else { return nil }
        return .not(inner)
    }

    private mutating func primary() -> LabelExpression? {
        guard take("(") else { return atom() }
        guard depth < Self.depthMax else { return nil }
        depth += 1
        defer { depth -= 1 }
        guard let inner = equivalence(), take(")") else { return nil }
        return .grouped(inner)
    }

    private mutating func atom() -> LabelExpression? {
        skipBlanks()
        guard position < text.count else { return nil }
        if text[position] == "\"" { return quotedAtom() }
        var name = ""
        while position < text.count, !"&|!<>() \t\"'".contains(text[position]) {
            if text[position] == "-", position + 1 < text.count, text[position + 1] == ">" { break }
            name.append(text[position])
            position += 1
        }
        return name.isEmpty ? nil : .atom(name)
    }

    private mutating func quotedAtom() -> LabelExpression? {
        var name = ""
        position += 1
        while position < text.count, text[position] != "\"" {
            if text[position] == "\\" {
                position += 1
                guard position < text.count, let meant = Self.escapes[text[position]] else { return nil }
                name.append(meant)
            } else {
                name.append(text[position])
            }
            position += 1
        }
        guard position < text.count else { return nil }
        position += 1
        return .atom(name)
    }

    private static let escapes: [Character: Character] = [
        "b": "\u{8}", "t": "\t", "n": "\n", "f": "\u{c}", "r": "\r", "\"": "\"", "'": "'", "\\": "\\",
    ]

    private mutating func take(_ token: String) -> Bool {
        skipBlanks()
        let characters = Array(token)
        guard position + characters.count <= text.count,
            Array(text[position..<position + characters.count]) == characters
        else { return false }
        position += characters.count
        return true
    }

    private mutating func skipBlanks() {
        while position < text.count, text[position] == " " || text[position] == "\t" { position += 1 }
    }
}

extension String {
    /// The text without blanks, tabs and line ends at both ends.
    func trimmingBlanks() -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" || character.isNewline }
        let head = drop(while: isBlank)
        guard let last = head.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(head[...last])
    }
}
