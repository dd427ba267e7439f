// Reads the text form of resources that `--resources` and `mini run` take: `cpus:2;mem(eng):512;ports:[31000-32000]`.

/// Why a text is not a list of resources. `piece` is the part between semicolons; the rest says what was expected.
public enum ResourceParseError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingColon(piece: String)
    case emptyName(piece: String)
    case unclosedRole(piece: String)
    case invalidRole(piece: String, cause: RoleNameError)
    case notAValue(name: String, found: String)
    case notPositive(name: String, found: String)
    case tooLarge(name: String, found: String)
    case unclosed(name: String, found: String, expected: Character)
    case invalidRange(name: String, found: String)
    case reversedRange(name: String, found: String)
    case overlappingRanges(name: String, found: String)
    case duplicateElement(name: String, element: String)
    case emptyElement(name: String)

    public var description: String {
        switch self {
        case .missingColon(let piece): "'\(piece)': expected name:value or name(role):value"
        case .emptyName(let piece): "'\(piece)': expected a resource name before the value"
        case .unclosedRole(let piece): "'\(piece)': expected the role between parentheses, as in mem(eng):512"
        case .invalidRole(let piece, let cause): "'\(piece)': \(cause)"
        case .notAValue(let name, let found):
            "\(name): expected a number, [begin-end,...] or {item,...}, found '\(found)'"
        case .notPositive(let name, let found):
            "\(name): expected zero or at least 0.001, found '\(found)'"
        case .tooLarge(let name, let found): "\(name): expected at most 10^12, found '\(found)'"
        case .unclosed(let name, let found, let expected): "\(name): expected '\(expected)' at the end of '\(found)'"
        case .invalidRange(let name, let found): "\(name): expected a range begin-end, found '\(found)'"
        case .reversedRange(let name, let found): "\(name): expected begin <= end, found '\(found)'"
        case .overlappingRanges(let name, let found): "\(name): expected ranges that do not overlap, found '\(found)'"
        case .duplicateElement(let name, let element): "\(name): expected '\(element)' only once"
        case .emptyElement(let name): "\(name): expected no empty item between commas"
        }
    }
}

extension Resources {
    /// Reads `name(role):value` pieces separated by semicolons or line ends. Spaces around names, roles and values do
    /// not matter; pieces of one name add up; a value of exactly zero means nothing.
    ///
    /// - Parameter defaultRole: The role of pieces that name none; `*` leaves them unreserved.
    public static func parse(
        _ text: String, defaultRole: RoleName = .any
    ) throws(ResourceParseError) -> Resources {
        var result = Resources()
        for raw in text.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
            let piece = trimmed(raw)
            if piece.isEmpty { continue }
            let entry = try parsePiece(piece, defaultRole: defaultRole)
            if case .ranges(let ranges) = entry.value, result.ranges(named: entry.name).overlaps(ranges) {
                throw .overlappingRanges(name: entry.name, found: piece)
            }
            result.add(entry)
        }
        return result
    }

    private static func parsePiece(
        _ piece: String, defaultRole: RoleName
    ) throws(ResourceParseError) -> ResourceEntry {
        guard let colon = piece.firstIndex(of: ":") else { throw .missingColon(piece: piece) }
        var name = trimmed(piece[..<colon])
        var role = defaultRole
        if let open = name.firstIndex(of: "(") {
            guard name.last == ")" else { throw .unclosedRole(piece: piece) }
            do {
                role = try RoleName(trimmed(name[name.index(after: open)...].dropLast()))
            } catch {
                throw .invalidRole(piece: piece, cause: error)
            }
            name = trimmed(name[..<open])
        } else if name.contains(")") {
            throw .unclosedRole(piece: piece)
        }
        if name.isEmpty { throw .emptyName(piece: piece) }
        let value = try parseValue(trimmed(piece[piece.index(after: colon)...]), name: name)
        let reservations = role == .any ? [] : [Reservation(kind: .static, role: role)]
        return ResourceEntry(name: name, value: value, reservations: reservations)
    }

    private static func parseValue(_ text: String, name: String) throws(ResourceParseError) -> ResourceValue {
        switch text.first {
        case "[":
            guard text.last == "]" else { throw .unclosed(name: name, found: text, expected: "]") }
            return .ranges(try parseRanges(text.dropFirst().dropLast(), name: name))
        case "{":
            guard text.last == "}" else { throw .unclosed(name: name, found: text, expected: "}") }
            return .set(try parseSet(text.dropFirst().dropLast(), name: name))
        default:
            return .scalar(try parseScalar(text, name: name))
        }
    }

    private static func parseScalar(_ text: String, name: String) throws(ResourceParseError) -> Scalar {
        // Swift also reads hexadecimal, "inf" and "nan"; none of them is an amount.
        let isDecimal = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        guard isDecimal, let number = Double(text) else { throw .notAValue(name: name, found: text) }
        guard number <= Scalar.valueMax else { throw .tooLarge(name: name, found: text) }
        guard let scalar = Scalar(number), !scalar.isZero || number == 0 else {
            throw .notPositive(name: name, found: text)
        }
        return scalar
    }

    private static func parseRanges(_ text: Substring, name: String) throws(ResourceParseError) -> Ranges {
        if trimmed(text).isEmpty { return Ranges() }
        var list: [ClosedRange<UInt64>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, let begin = UInt64(trimmed(ends[0])), let end = UInt64(trimmed(ends[1])) else {
                throw .invalidRange(name: name, found: trimmed(part))
            }
            guard begin <= end else { throw .reversedRange(name: name, found: trimmed(part)) }
            list.append(begin...end)
        }
        list.sort { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(list, list.dropFirst()) where left.upperBound >= right.lowerBound {
            throw .overlappingRanges(name: name, found: trimmed(text))
        }
        return Ranges(list)
    }

    private static func parseSet(_ text: Substring, name: String) throws(ResourceParseError) -> NameSet {
        if trimmed(text).isEmpty { return NameSet([]) }
        var names: Set<String> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let element = trimmed(part)
            if element.isEmpty { throw .emptyElement(name: name) }
            guard names.insert(element).inserted else { throw .duplicateElement(name: name, element: element) }
        }
        return NameSet(names)
    }
}

/// Without white space at both ends (the standard library has no such thing without Foundation).
private func trimmed(_ text: some StringProtocol) -> String {
    var slice = text[...]
    while slice.first?.isWhitespace == true { slice = slice.dropFirst() }
    while slice.last?.isWhitespace == true { slice = slice.dropLast() }
    return String(slice)
}
