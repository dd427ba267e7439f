// One flag of a daemon: what it is called, what it takes, and what becomes of it here.

/// A row of a ``FlagTable``.
///
/// Names, defaults and meanings are those of the Apache Mesos configuration document.
public struct FlagDefinition: Hashable, Sendable {
    /// What a flag's text must be.
    public enum Kind: Hashable, Sendable {
        case boolean
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// A number and one of `ns us ms secs mins hrs days weeks`.
        case duration(ClosedRange<Duration>)
        /// A whole number and one of `B KB MB GB TB`, powers of 1024.
        case bytes
        case text
        case choice([String])
        /// Items separated by commas.
        case list
        /// JSON or lines: in place, or in a file that `file:///path` or `/path` names.
        case document
        /// A path, also written `file:///path`: not the file's content, because that is looked at again and again.
        case path
        /// Whatever is given, also nothing, also `--no-name`: for flags without effect.
        case anything
    }

    /// What becomes of the flag.
    public enum Support: Hashable, Sendable {
        case honoured
        /// It may be given, and changes nothing; the text says why.
        case accepted(String)
        /// Ignoring it would be unsafe, so the program does not start, except with one of these values.
        case refused(unless: [String], String)
    }

    /// When a value must be given.
    public enum Requirement: Hashable, Sendable {
        case never
        case always
        /// If that other flag is given.
        case with(String)
    }

    public var name: String
    public var kind: Kind
    /// As text; `nil`: not set, or found out at start.
    public var defaultText: String?
    /// Names of earlier versions of Mesos. Using one is worth a warning.
    public var aliases: [String]
    public var support: Support
    public var requirement: Requirement
    /// Whether the value may hold a password, and is therefore never shown.
    public var isSecret: Bool
    /// How the value is written, for help: `10secs`, `path`.
    public var valueName: String
    public var help: String

    public init(
        _ name: String, _ kind: Kind, default defaultText: String? = nil, aliases: [String] = [],
        support: Support = .honoured, requirement: Requirement = .never, isSecret: Bool = false,
        value valueName: String? = nil, _ help: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.aliases = aliases
        self.support = support
        self.requirement = requirement
        self.isSecret = isSecret
        self.valueName = valueName ?? kind.valueName
        self.help = help
    }
}

extension FlagDefinition.Kind {
    public static let anyDuration = Self.duration(.zero...FlagText.durationMax)
    public static let count = Self.integer(0...Int(Int32.max))
    public static let port = Self.integer(0...65_535)

    var valueName: String {
        switch self {
        case .boolean: "true|false"
        case .integer: "n"
        case .number: "number"
        case .duration: "duration"
        case .bytes: "bytes"
        case .text: "text"
        case .choice(let choices): choices.joined(separator: "|")
        case .list: "item,..."
        case .document: "JSON|path"
        case .anything: "text"
        case .path: "path"
        }
    }

    /// What is wrong with `text`, as "expected …"; `nil` if it is as it should be. An empty text, which an empty file
    /// gives, is no value of a kind that has a syntax.
    func complaint(about text: String) -> String? {
        switch self {
        case .boolean:
            return FlagText.boolean(text) == nil ? "expected true or false" : nil
        case .integer(let range):
            guard let value = FlagText.integer(text), range.contains(value) else {
                return range == 0...65_535
                    ? "expected a port from 0 to 65535"
                    : "expected a whole number from \(range.lowerBound) to \(range.upperBound)"
            }
            return nil
        case .number(let range):
            guard let value = FlagText.number(text), range.contains(value) else {
                return "expected a number from \(range.lowerBound) to \(range.upperBound)"
            }
            return nil
        case .duration(let range):
            guard let value = FlagText.duration(text) else { return "expected a duration such as 10secs or 5mins" }
            if range.contains(value) { return nil }
            let least = FlagText.text(range.lowerBound)
            return range.upperBound == FlagText.durationMax
                ? "expected at least \(least)" : "expected \(least) to \(FlagText.text(range.upperBound))"
        case .bytes:
            return FlagText.bytes(text) == nil ? "expected a size such as 512MB or 2GB" : nil
        case .choice(let choices):
            return choices.contains(text) ? nil : "expected \(choices.joined(separator: " or "))"
        case .list:
            return FlagText.list(text) == nil ? "expected items separated by commas" : nil
        case .text, .document, .path, .anything:
            return nil
        }
    }
}
