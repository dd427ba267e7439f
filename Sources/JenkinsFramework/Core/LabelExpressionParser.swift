// The recursive descent behind LabelExpression, with bounds: a queue item's label is text from outside.

struct LabelExpressionParser {
    private enum Token: Equatable {
        case atom(String), not, and, or, implies, equivalent, open, close
    }

    /// Longer text is not taken apart; no form field of the controller needs it.
    private static let charactersMax = 4_096
    private static let depthMax = 64

    private var tokens: [Token]
    private var position = 0
    private var depth = 0

    /// - Returns: nil if the text is not an expression.
    static func parse(_ text: String) -> LabelExpression? {
        guard text.utf8.count <= charactersMax, let tokens = tokenize(text) else { return nil }
        var parser = LabelExpressionParser(tokens: tokens)
        guard let expression = parser.equivalence(), parser.position == tokens.count else { return nil }
        return expression
    }

    /// Whether a name can stand in an expression without quotes.
    static func isAtom(_ name: String) -> Bool { tokenize(name) == [.atom(name)] }

    private init(tokens: [Token]) { self.tokens = tokens }

    // MARK: - Words

    private static func tokenize(_ text: String) -> [Token]? {
        let characters = Array(text.unicodeScalars)
        var tokens: [Token] = []
        var index = 0
        func has(_ mark: String) -> Bool { characters[index...].starts(with: mark.unicodeScalars) }
        while index < characters.count {
            if characters[index] == " " || characters[index] == "\t" {
                index += 1
            } else if has("<->") {
                tokens.append(.equivalent)
                index += 3
            } else if has("->") {
                tokens.append(.implies)
                index += 2
            } else if has("||") {
                tokens.append(.or)
                index += 2
            } else if has("&&") {
                tokens.append(.and)
                index += 2
            } else if has("!") {
                tokens.append(.not)
                index += 1
            } else if has("(") {
                tokens.append(.open)
                index += 1
            } else if has(")") {
                tokens.append(.close)
                index += 1
            } else if has("\"") {
                guard let name = quoted(characters, &index) else { return nil }
                tokens.append(.atom(name))
            } else {
                let name = bare(characters, &index)
                guard !name.isEmpty else { return nil }  // A lone & | < > or a line end.
                tokens.append(.atom(name))
            }
        }
        return tokens
    }

    private static func bare(_ characters: [Unicode.Scalar], _ index: inout Int) -> String {
        var name = String.UnicodeScalarView()
        while index < characters.count {
            let character = characters[index]
            if "&|!<>() \t\"'\r\n".unicodeScalars.contains(character) { break }
            if character == "-", index + 1 < characters.count, characters[index + 1] == ">" { break }
            name.append(character)
            index += 1
        }
        return String(name)
    }

    private static func quoted(_ characters: [Unicode.Scalar], _ index: inout Int) -> String? {
        var name = String.UnicodeScalarView()
        index += 1
        while index < characters.count {
            let character = characters[index]
            index += 1
            switch character {
            case "\"":
                return String(name)
            case "\\":
                guard index < characters.count, let meant = escapes[characters[index]] else { return nil }
                name.append(meant)
                index += 1
            case "\r", "\n":
                return nil
            default:
                name.append(character)
            }
        }
        return nil
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "b": "\u{8}", "t": "\t", "n": "\n", "f": "\u{c}", "r": "\r", "\"": "\"", "'": "'", "\\": "\\",
    ]

    // MARK: - Grammar

    private mutating func take(_ token: Token) -> Bool {
        guard position < tokens.count, tokens[position] == token else { return false }
        position += 1
        return true
    }

    private mutating func equivalence() -> LabelExpression? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax, var left = implication() else { return nil }
        while take(.equivalent) {
            guard let right = implication() else { return nil }
            left = .equivalent(left, right)
        }
        return left
    }

    private mutating func implication() -> LabelExpression? {
        guard let left = disjunction() else { return nil }
        guard take(.implies) else { return left }
        guard let right = disjunction() else { return nil }
        return .implies(left, right)
    }

    private mutating func disjunction() -> LabelExpression? {
        guard var left = conjunction() else { return nil }
        while take(.or) {
            guard let right = conjunction() else { return nil }
            left = .or(left, right)
        }
        return left
    }

    private mutating func conjunction() -> LabelExpression? {
        guard var left = negation() else { return nil }
        while take(.and) {
            guard let right = negation() else { return nil }
            left = .and(left, right)
        }
        return left
    }

    private mutating func negation() -> LabelExpression? {
        guard take(.not) else { return primary() }
        guard let inner = primary() else { return nil }
        return .not(inner)
    }

    private mutating func primary() -> LabelExpression? {
        if take(.open) {
            guard let inner = equivalence(), take(.close) else { return nil }
            return .parenthesized(inner)
        }
        guard position < tokens.count, case .atom(let name) = tokens[position] else { return nil }
        position += 1
        return .atom(name)
    }
}
