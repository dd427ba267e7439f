// How many columns of a terminal a text takes, and texts that are fit to be shown on one.

/// Widths in columns of a terminal: most characters take one, East Asian ones and pictures two, marks none.
public enum DisplayWidth {
    /// What a terminal shows for `text`, which holds no line break.
    public static func of(_ text: String) -> Int {
        // Nearly every name is of plain characters.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    static func of(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if isWide(first.value) || character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return 1
        }
    }

    /// The blocks that the Unicode standard (UAX 11) calls wide or full width, as terminals draw them.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x25FD...0x25FE, 0x2614...0x2615,
        0x2648...0x2653, 0x26A1...0x26A1, 0x26D4...0x26D4, 0x2705...0x2705, 0x274C...0x274C, 0x2753...0x2755,
        0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F64F, 0x1F680...0x1F6FF, 0x1F7E0...0x1F7EB, 0x1F900...0x1FAFF,
        0x20000...0x3FFFD,
    ]

    private static func isWide(_ scalar: UInt32) -> Bool { scalar >= 0x1100 && wide.contains { $0.contains(scalar) } }

    /// `text` in at most `width` columns, with `…` where something is missing.
    ///
    /// - Parameter keepsEnd: Whether the end is kept and not the beginning.
    public static func shortened(_ text: String, to width: Int, keepsEnd: Bool = false) -> String {
        guard of(text) > width else { return text }
        let room = width > 1 ? width - 1 : width
        var (kept, used) = ([Character](), 0)
        for character in keepsEnd ? Array(text.reversed()) : Array(text) {
            used += of(character)
            guard used <= room else { break }
            kept.append(character)
        }
        guard width > 1 else { return String(kept) }
        return keepsEnd ? "…" + String(kept.reversed()) : String(kept) + "…"
    }

    /// Whether a character does something to a terminal instead of being shown: control characters, line breaks, marks
    /// that turn the direction of writing.
    public static func isDisruptive(_ character: Character) -> Bool {
        character.isNewline || character.unicodeScalars.contains { isDisruptive($0.value) }
    }

    private static func isDisruptive(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// A stranger's text as a line of a log, of mail or of an answer takes it: `escaped`, and no more than its beginning,
    /// with `…` where something is missing.
    ///
    /// - Parameter lengthMax: Unicode scalars of `text` that are looked at and kept at most.
    public static func line(_ text: String, atMost lengthMax: Int = 100) -> String {
        let scalars = text.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: lengthMax, limitedBy: scalars.endIndex),
            end < scalars.endIndex
        else { return escaped(text) }
        return escaped(String(scalars[..<end])) + "…"
    }

    /// `text` with everything disruptive written out, as `\u{1B}`: for text of strangers within our sentences.
    public static func escaped(_ text: String) -> String {
        guard text.contains(where: isDisruptive) else { return text }
        return text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\n": "\\n"
            case "\t": "\\t"
            case "\r": "\\r"
            default:
                isDisruptive(scalar.value)
                    ? "\\u{\(String(scalar.value, radix: 16, uppercase: true))}" : String(scalar)
            }
        }.joined()
    }
}
