// Reads the keys of one YAML mapping, and remembers what was wrong instead of stopping at it.
import Resources
import Yams

/// One mapping of the file. Each key is asked for by the reader that knows it; `finish` reports the others.
struct ConfigurationSection {
    /// Longer texts and lists are taken for mistakes.
    static let textBytesMax = 16 << 10
    static let entriesMax = 1_000

    let path: String
    let problems: ProblemList
    private let node: Node?
    private var entries: [String: (key: Node, value: Node)] = [:]
    private var known: Set<String> = []

    /// - Parameter node: nil stands for an absent mapping, in which every key is absent.
    init(_ node: Node?, path: String, problems: ProblemList) {
        self.node = node
        self.path = path
        self.problems = problems
        guard let node, !Self.isNull(node) else { return }
        guard case .mapping(let mapping) = node else {
            problems.add("expected a mapping of keys to values, found \(Self.kind(node))", key: path, at: node)
            return
        }
        for (key, value) in mapping {
            if let name = key.scalar?.string {
                entries[name] = (key, value)
            } else {
                problems.add("expected a word as key, found \(Self.kind(key))", key: path, at: key)
            }
        }
    }

    private static func isNull(_ node: Node) -> Bool { node.tag == .init(.null) || node.scalar?.string == "~" }

    static func kind(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): "'\(scalar.string.prefix(60))'"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    func fullKey(_ key: String) -> String { ProblemList.join(path, key) }

    func fail(_ key: String, _ message: String) {
        problems.add(message, key: fullKey(key), at: entries[key]?.key ?? node)
    }

    /// Whether the file has the key; asking makes it known.
    mutating func has(_ key: String) -> Bool { value(key) != nil }

    mutating func value(_ key: String) -> Node? {
        known.insert(key)
        problems.register(fullKey(key))
        guard let value = entries[key]?.value, !Self.isNull(value) else { return nil }
        return value
    }

    /// Reports keys nobody asked for.
    func finish() {
        for (name, entry) in entries where !known.contains(name) {
            problems.addUnknown(name, in: path, at: entry.key, known: known)
        }
    }

    // MARK: - Scalars

    mutating func string(_ key: String) -> String? {
        guard let node = value(key) else { return nil }
        guard let text = node.scalar?.string else {
            fail(key, "expected text, found \(Self.kind(node))")
            return nil
        }
        guard isFit(text) else {
            fail(key, "expected at most \(Self.textBytesMax) bytes of text without zero bytes")
            return nil
        }
        return text
    }

    private func isFit(_ text: String) -> Bool {
        text.utf8.count <= Self.textBytesMax && !text.utf8.contains(0)
    }

    mutating func requiredString(_ key: String) -> String {
        if let text = string(key) {
            if text.trimmingBlanks.isEmpty { fail(key, "must not be empty") }
            return text
        }
        if value(key) == nil { fail(key, "required") }
        return ""
    }

    /// A text without line ends, for what becomes part of a header, a name or a command.
    mutating func line(_ key: String) -> String? {
        guard let text = string(key) else { return nil }
        guard !text.contains(where: \.isNewline) else {
            fail(key, "expected one line")
            return nil
        }
        return text
    }

    mutating func absolutePath(_ key: String) -> String? {
        guard let text = line(key) else { return nil }
        guard text.hasPrefix("/") else {
            fail(key, "expected a path that begins with '/', found '\(text)'")
            return nil
        }
        return text
    }

    mutating func bool(_ key: String) -> Bool? {
        guard let text = string(key) else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default:
            fail(key, "expected true or false, found '\(text)'")
            return nil
        }
    }

    mutating func int(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = string(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            fail(key, "expected a whole number from \(range.lowerBound) to \(range.upperBound), found '\(text)'")
            return nil
        }
        return number
    }

    /// A quantity in thousandths.
    mutating func scalar(_ key: String, unit: String, max: Double = 1e9) -> Scalar? {
        guard let text = string(key) else { return nil }
        guard let number = Double(text), number <= max, let scalar = Scalar(number) else {
            fail(key, "expected \(unit), 0 or more, found '\(text)'")
            return nil
        }
        return scalar
    }

    /// - Parameter range: What the program can work with; zero is judged by it, too.
    mutating func duration(
        _ key: String, in range: ClosedRange<Duration> = .zero ... .seconds(10 * 365 * 86_400)
    ) -> Duration? {
        guard let text = string(key) else { return nil }
        guard let duration = DurationText.parse(text) else {
            fail(key, "expected a duration such as 250ms, 30s, 5m, 2h or 7d, found '\(text)'")
            return nil
        }
        guard range.contains(duration) else {
            let (least, most) = (DurationText.text(range.lowerBound), DurationText.text(range.upperBound))
            fail(key, "must lie between \(least) and \(most), found '\(text)'")
            return nil
        }
        return duration
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = string(key) else { return nil }
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        fail(key, "expected one of \(names), found '\(text)'")
        return nil
    }

    // MARK: - Collections

    mutating func section(_ key: String) -> ConfigurationSection {
        ConfigurationSection(value(key), path: fullKey(key), problems: problems)
    }

    mutating func sections(_ key: String) -> [ConfigurationSection] {
        list(key, of: "mappings").enumerated().map { index, element in
            ConfigurationSection(element, path: "\(fullKey(key))[\(index)]", problems: problems)
        }
    }

    mutating func strings(_ key: String) -> [String]? {
        guard let node = value(key) else { return nil }
        if let text = node.scalar?.string { return isFit(text) ? [text] : nil }
        return list(key, of: "texts").compactMap { element in
            guard let text = element.scalar?.string, isFit(text) else {
                problems.add("expected text, found \(Self.kind(element))", key: fullKey(key), at: element)
                return nil
            }
            return text
        }
    }

    private mutating func list(_ key: String, of what: String) -> [Node] {
        guard let node = value(key) else { return [] }
        guard case .sequence(let sequence) = node else {
            fail(key, "expected a list of \(what), found \(Self.kind(node))")
            return []
        }
        guard sequence.count <= Self.entriesMax else {
            fail(key, "expected at most \(Self.entriesMax) entries, found \(sequence.count)")
            return []
        }
        return Array(sequence)
    }

    /// A mapping of names to texts, sorted by name.
    mutating func map(_ key: String) -> [(name: String, value: String)] {
        guard let node = value(key) else { return [] }
        guard case .mapping(let mapping) = node, mapping.count <= Self.entriesMax else {
            fail(key, "expected a mapping of at most \(Self.entriesMax) names to texts, found \(Self.kind(node))")
            return []
        }
        var pairs: [(name: String, value: String)] = []
        for (name, value) in mapping {
            guard let name = name.scalar?.string, let text = value.scalar?.string, isFit(name), isFit(text) else {
                problems.add("expected text, found \(Self.kind(value))", key: fullKey(key), at: name)
                continue
            }
            pairs.append((name, text))
        }
        return pairs.sorted { $0.name < $1.name }
    }
}
