// Which agent, framework or task a person means who gives a part of its id.

import TextTables

/// Why a text names nothing, or more than one thing.
public enum LookupFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// - kind: `agent`
    case notFound(kind: String, text: String, hint: String)
    /// The first few of those that it might be.
    case ambiguous(kind: String, text: String, candidates: [String], count: Int)

    public var description: String {
        switch self {
        case .notFound(let kind, let text, let hint):
            return "no \(kind) is called '\(DisplayWidth.escaped(text))': \(hint)"
        case .ambiguous(let kind, let text, let candidates, let count):
            let shown = candidates.map(DisplayWidth.escaped).joined(separator: ", ")
            let more = count > candidates.count ? " and \(count - candidates.count) more" : ""
            return "'\(DisplayWidth.escaped(text))' is ambiguous: \(count) \(kind)s are called so: \(shown)\(more): "
                + "give more of the id"
        }
    }
}

/// Finds by exact id; else by name; else by the beginning of the id, or by the piece behind its last dash, which is what
/// tells ids of one master apart (`S3`, `0012`).
public struct Lookup: Sendable {
    private static let candidatesMax = 5

    /// `agent`, as sentences name one.
    var kind: String
    /// What to do about one that is not found.
    var hint: String

    func find<Item>(
        _ text: String, among items: [Item], id: @escaping (Item) -> String,
        names: @escaping (Item) -> [String]
    ) throws(LookupFailure) -> Item {
        let rules: [(Item) -> Bool] = [
            { id($0) == text },
            { names($0).contains(text) },
            { id($0).hasPrefix(text) || id($0).hasSuffix("-\(text)") },
        ]
        for rule in rules where !text.isEmpty {
            let found = items.filter(rule)
            if found.count == 1, let item = found.first { return item }
            guard found.isEmpty else {
                throw .ambiguous(
                    kind: kind, text: text, candidates: found.prefix(Self.candidatesMax).map(id), count: found.count)
            }
        }
        throw .notFound(kind: kind, text: text, hint: hint)
    }

    /// By id, host name, or `host:port`.
    public static func agent(_ text: String, among agents: [ClusterAgent]) throws(LookupFailure) -> ClusterAgent {
        try Lookup(kind: "agent", hint: "`mini agents` lists them").find(
            text, among: agents, id: \.id, names: { [$0.hostname, $0.address] })
    }

    /// By id or name; those that are over count only if none that lives is meant.
    public static func framework(
        _ text: String, among frameworks: [ClusterFramework]
    ) throws(LookupFailure) -> ClusterFramework {
        let lookup = Lookup(kind: "framework", hint: "`mini frameworks --all` lists them")
        let living = frameworks.filter { $0.state != .completed }
        do throws(LookupFailure) {
            return try lookup.find(text, among: living, id: \.id, names: { [$0.name] })
        } catch {
            guard case .notFound = error else { throw error }
            return try lookup.find(text, among: frameworks, id: \.id, names: { [$0.name] })
        }
    }

    /// By id or name; those that are over count only if none that lives is meant.
    ///
    /// - Parameter onlyLiving: Whether those that are over do not count at all.
    public static func task(
        _ text: String, among tasks: [ClusterTask], onlyLiving: Bool = false
    ) throws(LookupFailure) -> ClusterTask {
        let living = tasks.filter { !$0.isTerminal }
        let lookup = Lookup(
            kind: "task", hint: onlyLiving ? "`mini ps` lists those that run" : "`mini tasks --all` lists them")
        do throws(LookupFailure) {
            return try lookup.find(text, among: living, id: \.id, names: { [$0.name] })
        } catch {
            guard case .notFound = error, !onlyLiving else { throw error }
            return try lookup.find(text, among: tasks, id: \.id, names: { [$0.name] })
        }
    }
}
