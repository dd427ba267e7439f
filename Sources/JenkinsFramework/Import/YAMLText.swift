// Writes YAML: mappings and lists in block style, every text in double quotes.

/// Grows line by line.
struct YAMLText {
    private(set) var text = ""
    private var depth = 0
    private var isFirstOfItem = false

    mutating func comment(_ words: String) {
        for line in words.split(separator: "\n", omittingEmptySubsequences: false) { put("# " + line) }
    }

    mutating func field(_ key: String, _ value: String) { put("\(key): \(Self.quoted(value))") }

    /// A number, a truth value or a duration: as it is.
    mutating func plain(_ key: String, _ value: String) { put("\(key): \(value)") }

    mutating func list(_ key: String, _ values: [String]) {
        put("\(key): [" + values.map(Self.quoted).joined(separator: ", ") + "]")
    }

    mutating func map(_ key: String, _ pairs: [(name: String, value: String)]) {
        put(
            "\(key): {" + pairs.map { Self.quoted($0.name) + ": " + Self.quoted($0.value) }.joined(separator: ", ")
                + "}")
    }

    mutating func section(_ key: String, _ body: (inout YAMLText) -> Void) {
        put("\(key):")
        depth += 1
        body(&self)
        depth -= 1
    }

    mutating func items<Item>(_ key: String, _ items: [Item], _ body: (inout YAMLText, Item) -> Void) {
        guard !items.isEmpty else { return }
        put("\(key):")
        for item in items {
            depth += 2
            isFirstOfItem = true
            body(&self, item)
            isFirstOfItem = false
            depth -= 2
        }
    }

    private mutating func put(_ line: String) {
        if isFirstOfItem {
            text += String(repeating: "  ", count: depth - 1) + "- " + line + "\n"
            isFirstOfItem = false
        } else {
            text += String(repeating: "  ", count: depth) + line + "\n"
        }
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default:
                let isPrintable =
                    scalar.value >= 0x20 && scalar.value != 0x7f && !(0x80...0x9f).contains(scalar.value)
                    && !(0xfffe...0xffff).contains(scalar.value) && scalar.value != 0xfeff
                if isPrintable {
                    quoted.unicodeScalars.append(scalar)
                } else {
                    let hex = String(scalar.value, radix: 16)
                    quoted += "\\u" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
                }
            }
        }
        return quoted + "\""
    }
}
