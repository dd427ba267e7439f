// Reads the keys of one YAML mapping, and remembers what was wrong instead of stopping at it.
import Resources
import Yams

/// Collects problems while a file is read.
final class ProblemList {
    private(set) var problems: [ConfigurationProblem] = []

    func add(_ message: String, key: String, at node: Node?) {
        problems.append(ConfigurationProblem(line: node?.mark?.line ?? 0, key: key, message: message))
    }
}

/// One mapping of the file. Each key is asked for once by the reader that knows it; `finish` reports the others.
struct ConfigurationSection {
    let path: String
    let problems: ProblemList
    private let node: Node?
    private var entries: [String: (key: Node, value: Node)] = [:]
    private var known: Set<String> = []
    private var later: Set<String> = []

    /// - Parameter node: nil stands for an absent mapping, in which every key is absent.
    init(_ node: Node?, path: String, problems: ProblemList) {
        self.node = node
        self.path = path
        self.problems = problems
        guard let node, !Self.isNull(node) else { return }
        guard case .mapping(let mapping) = node else {
            problems.add("expected a mapping of keys to values", key: path, at: node)
            return
        }
        for (key, value) in mapping {
            if let name = key.scalar?.string { entries[name] = (key, value) }
        }
    }

    private static func isNull(_ node: Node) -> Bool { node.tag == .init(.null) || node.scalar?.string == "~" }

    func fullKey(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func fail(_ key: String, _ message: String) {
        problems.add(message, key: fullKey(key), at: entries[key]?.key ?? node)
    }

    /// Whether the file has the key; asking makes it known.
    mutating func has(_ key: String) -> Bool { value(key) != nil }

    mutating func value(_ key: String) -> Node? {
        known.insert(key)
        guard let value = entries[key]?.value, !Self.isNull(value) else { return nil }
        return value
    }

    /// Keys of the specification that this version does not act on. Taking them silently would be a lie.
    mutating func notYet(_ keys: [String]) { later.formUnion(keys) }

    /// Reports keys nobody asked for.
    func finish() {
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
            if later.contains(name) {
                problems.add("not available in this version", key: fullKey(name), at: entry.key)
                continue
            }
            let hint =
                Spelling.nearest(to: name, among: known.union(later).sorted()).map { "; did you mean '\($0)'?" } ?? ""
            problems.add("unknown key" + hint, key: fullKey(name), at: entry.key)
        }
    }

    // MARK: - Scalars

    mutating func string(_ key: String) -> String? {
        guard let node = value(key) else { return nil }
        guard let text = node.scalar?.string else {
            fail(key, "expected text")
            return nil
        }
        return text
    }

    mutating func requiredString(_ key: String) -> String {
        if let text = string(key) {
            if text.trimmingBlanks.isEmpty { fail(key, "must not be empty") }
            return text
        }
        if value(key) == nil { fail(key, "required") }
        return ""
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
    mutating func scalar(_ key: String, unit: String) -> Scalar? {
        guard let text = string(key) else { return nil }
        guard let number = Double(text), let scalar = Scalar(number) else {
            fail(key, "expected \(unit), 0 or more, found '\(text)'")
            return nil
        }
        return scalar
    }

    mutating func duration(_ key: String) -> Duration? {
        guard let text = string(key) else { return nil }
        guard let duration = DurationText.parse(text) else {
            fail(key, "expected a duration such as 250ms, 30s, 5m, 2h or 7d, found '\(text)'")
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
        guard let node = value(key) else { return [] }
        guard case .sequence(let sequence) = node else {
            fail(key, "expected a list")
            return []
        }
        return sequence.enumerated().map { index, element in
            ConfigurationSection(element, path: "\(fullKey(key))[\(index)]", problems: problems)
        }
    }

    mutating func strings(_ key: String) -> [String]? {
        guard let node = value(key) else { return nil }
        if let text = node.scalar?.string { return [text] }
        guard case .sequence(let sequence) = node else {
            fail(key, "expected a list of texts")
            return nil
        }
        return sequence.compactMap { element in
            guard let text = element.scalar?.string else {
                problems.add("expected text", key: fullKey(key), at: element)
                return nil
            }
            return text
        }
    }

    /// A mapping of names to texts, sorted by name.
    mutating func map(_ key: String) -> [(name: String, value: String)] {
        guard let node = value(key) else { return [] }
        guard case .mapping(let mapping) = node else {
            fail(key, "expected a mapping of names to texts")
            return []
        }
        var pairs: [(name: String, value: String)] = []
        for (name, value) in mapping {
            guard let name = name.scalar?.string, let value = value.scalar?.string else {
                problems.add("expected text", key: fullKey(key), at: name)
                continue
            }
            pairs.append((name, value))
        }
        return pairs.sorted { $0.name < $1.name }
    }
}

enum DurationText {
    /// `250ms`, `30s`, `5m`, `2h`, `7d`; a bare `0`.
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count <= 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return .seconds(count * 60)
        case "h": return .seconds(count * 3_600)
        case "d": return .seconds(count * 86_400)
        default: return nil
        }
    }
}
