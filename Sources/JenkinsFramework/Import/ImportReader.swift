// Reads elements of a controller's configuration, and remembers what became of each.
import XML

/// What happened to something of the old configuration that is not simply carried over.
public struct ImportNote: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// It has no counterpart.
        case dropped
        /// It means something else here, or more.
        case changed
        /// The file does not say it, and the new configuration needs it.
        case missing
    }

    public var kind: Kind
    /// `cloud/declineOfferDuration`, `template 'linux'/jvmArgs`.
    public var place: String
    public var reason: String

    public var description: String { "\(kind.rawValue): \(place): \(reason)" }
}

/// One element whose children are asked for by name. What nobody asks for is noted as dropped.
struct ImportReader {
    let element: XMLElement
    let place: String
    private(set) var notes: [ImportNote] = []
    private var known: Set<String> = []

    init(_ element: XMLElement, place: String) {
        self.element = element
        self.place = place
    }

    mutating func note(_ kind: ImportNote.Kind, _ name: String, _ reason: String) {
        notes.append(ImportNote(kind: kind, place: "\(place)/\(name)", reason: reason))
    }

    mutating func take(_ other: [ImportNote]) { notes += other }

    mutating func child(_ name: String) -> XMLElement? {
        known.insert(name)
        return element[name]
    }

    /// nil if the element is missing or empty.
    mutating func text(_ names: String...) -> String? {
        var found: String?
        for name in names {
            known.insert(name)
            if found == nil, let text = element.childText(name), !text.isEmpty { found = text }
        }
        return found
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let text = text(name) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default:
            note(.dropped, name, "expected true or false, found '\(text.prefix(60))'")
            return nil
        }
    }

    /// A number of 0 or more, in its shortest form.
    mutating func number(_ name: String) -> Double? {
        guard let text = text(name) else { return nil }
        guard let number = Double(text), number >= 0, number <= 1e9 else {
            note(.dropped, name, "expected a number of 0 or more, found '\(text.prefix(60))'")
            return nil
        }
        return number
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let number = number(name) else { return nil }
        guard let integer = Int(exactly: number.rounded()), range.contains(integer) else {
            note(.dropped, name, "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return integer
    }

    /// For what is known and has no counterpart.
    mutating func drop(_ name: String, _ reason: String) {
        known.insert(name)
        guard let found = element[name], !found.children.isEmpty || !found.text.allSatisfy(\.isWhitespace) else {
            return
        }
        note(.dropped, name, reason)
    }

    /// Notes what nobody asked for.
    mutating func finish() {
        for child in element.children where !known.contains(child.name) {
            known.insert(child.name)
            note(.dropped, child.name, "unknown")
        }
    }

    static func shortest(_ number: Double) -> String {
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
