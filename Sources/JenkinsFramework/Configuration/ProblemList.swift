// What is noticed while a file is read: its problems, and which keys there are.
import Yams

/// Collects problems while a file is read, instead of stopping at the first.
final class ProblemList {
    private struct Unknown {
        var name: String
        var section: String
        var line: Int
        var known: Set<String>
    }

    private var noted: [ConfigurationProblem] = []
    private var unknown: [Unknown] = []
    /// Every key that some reader asked for: `templates[].container.image`.
    private(set) var keys: Set<String> = []

    func add(_ message: String, key: String, at node: Node?) {
        noted.append(ConfigurationProblem(line: node?.mark?.line ?? 0, key: key, message: message))
    }

    func addUnknown(_ name: String, in section: String, at node: Node?, known: Set<String>) {
        unknown.append(Unknown(name: name, section: section, line: node?.mark?.line ?? 0, known: known))
    }

    func register(_ key: String) { keys.insert(Self.general(key)) }

    func register(_ others: Set<String>) { keys.formUnion(others) }

    /// All problems in the order of the file. What an unknown key may have been meant to be is known only at the end, when
    /// every section has been read.
    var problems: [ConfigurationProblem] {
        let unknown = unknown.map { unknown in
            ConfigurationProblem(
                line: unknown.line, key: Self.join(unknown.section, unknown.name),
                message: "unknown key" + hint(for: unknown))
        }
        return (noted + unknown).sorted { ($0.line, $0.key, $0.message) < ($1.line, $1.key, $1.message) }
    }

    private func hint(for unknown: Unknown) -> String {
        // A key that is spelt well and stands in the wrong place.
        let places = keys.filter { $0.split(separator: ".").last.map(String.init) == unknown.name }
            .map { String($0.dropLast(unknown.name.count).reversed().drop { $0 == "." }.reversed()) }
        if let place = places.sorted().first {
            return place.isEmpty ? "; it belongs to the top of the file" : "; it belongs under '\(place)'"
        }
        return Spelling.nearest(to: unknown.name, among: unknown.known.sorted()).map { "; did you mean '\($0)'?" } ?? ""
    }

    static func join(_ section: String, _ key: String) -> String { section.isEmpty ? key : "\(section).\(key)" }

    /// `templates[3].name` as `templates[].name`.
    private static func general(_ key: String) -> String {
        var text = ""
        var isInBrackets = false
        for character in key {
            if character == "]" { isInBrackets = false }
            if !isInBrackets { text.append(character) }
            if character == "[" { isInBrackets = true }
        }
        return text
    }
}
