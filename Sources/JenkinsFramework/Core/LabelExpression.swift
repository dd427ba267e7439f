// Label expressions as Jenkins reads them: which nodes a build accepts.

/// An expression over label atoms.
///
/// Grammar, loosest to tightest: `<->` (left associative), `->` (at most one), `||`, `&&`, `!` (one, before an atom or a
/// parenthesis), `( )`. Atoms are runs of characters other than `& | ! < > ( )`, blanks and quotes; a `-` that starts `->`
/// ends one. `"..."` is an atom too. Text that does not parse is one atom as a whole, as the controller does it.
public indirect enum LabelExpression: Hashable, Sendable {
    case atom(String)
    case not(LabelExpression)
    case parenthesized(LabelExpression)
    case and(LabelExpression, LabelExpression)
    case or(LabelExpression, LabelExpression)
    case implies(LabelExpression, LabelExpression)
    case equivalent(LabelExpression, LabelExpression)

    /// - Returns: nil if the text is blank: such a build accepts any node in mode NORMAL.
    public init?(_ text: String) {
        let trimmed = text.trimmingBlanks
        guard !trimmed.isEmpty else { return nil }
        self = LabelExpressionParser.parse(trimmed) ?? .atom(trimmed)
    }

    /// Whether a node with these atoms (its labels and its own name) will do.
    public func matches(_ atoms: Set<String>) -> Bool {
        switch self {
        case .atom(let name): atoms.contains(name)
        case .not(let inner): !inner.matches(atoms)
        case .parenthesized(let inner): inner.matches(atoms)
        case .and(let left, let right): left.matches(atoms) && right.matches(atoms)
        case .or(let left, let right): left.matches(atoms) || right.matches(atoms)
        case .implies(let left, let right): !left.matches(atoms) || right.matches(atoms)
        case .equivalent(let left, let right): left.matches(atoms) == right.matches(atoms)
        }
    }

    /// Every name the expression mentions. Whether a node matches depends on its other atoms in nothing.
    public var names: Set<String> {
        switch self {
        case .atom(let name): [name]
        case .not(let inner), .parenthesized(let inner): inner.names
        case .and(let left, let right), .or(let left, let right), .implies(let left, let right),
            .equivalent(let left, let right):
            left.names.union(right.names)
        }
    }
}

extension LabelExpression: CustomStringConvertible {
    /// The canonical text of the controller: no blanks, parentheses kept, unsafe names quoted inside an expression.
    public var description: String {
        if case .atom(let name) = self { return name }
        return text
    }

    private var text: String {
        switch self {
        case .atom(let name): Self.quotedIfUnsafe(name)
        case .not(let inner): "!" + inner.text
        case .parenthesized(let inner): "(" + inner.text + ")"
        case .and(let left, let right): left.text + "&&" + right.text
        case .or(let left, let right): left.text + "||" + right.text
        case .implies(let left, let right): left.text + "->" + right.text
        case .equivalent(let left, let right): left.text + "<->" + right.text
        }
    }

    private static func quotedIfUnsafe(_ name: String) -> String {
        let isSafe = !name.isEmpty && LabelExpressionParser.isAtom(name)
        guard !isSafe else { return name }
        var quoted = "\""
        for character in name {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }
}

/// A node's labels as typed into its form: words separated by blanks, where quotes keep blanks inside a word.
package enum LabelWords {
    package static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}

extension String {
    /// Without blanks, tabs and line ends at both ends. The standard library alone has nothing for it.
    package var trimmingBlanks: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
