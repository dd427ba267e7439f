// One value that a program runs with, and where it came from.

/// Where a value was given.
public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// As written there: `--quorum`, `--no-strict`.
    case commandLine(String)
    /// The variable's name.
    case environment(String)
    /// The file whose name is the flag's, or a file that holds nothing but this value.
    case file(String)
    /// A variable in a file of `NAME=value` lines.
    case variable(String, file: String)
    /// Nobody gave it.
    case builtIn

    public var description: String {
        switch self {
        case .commandLine(let flag): "\(flag) on the command line"
        case .environment(let name): "\(name) in the environment"
        case .file(let path): path
        case .variable(let name, let file): "\(name) in \(file)"
        case .builtIn: "default"
        }
    }
}

/// A flag's value with its history.
public struct Setting: Hashable, Sendable {
    public var flag: FlagDefinition
    /// Booleans are `true` or `false`; a `file://` value is the file's content.
    public var text: String
    public var origin: Origin
    /// The file that the value itself names as its place.
    public var contentPath: String?
    /// What else gave a value, and lost to `origin`; first the strongest.
    public var overridden: [Origin]

    /// The value as it may be shown: no secrets, no password of a `zk://` URL.
    public var shown: String {
        if flag.isSecret { return "(hidden)" }
        return flag.kind == .document && contentPath != nil ? "content of \(contentPath ?? "")" : Setting.masked(text)
    }

    /// Replaces the password of a `zk://user:password@…` URL.
    static func masked(_ text: String) -> String {
        guard text.hasPrefix("zk://"), let at = text.lastIndex(of: "@") else { return text }
        let credentials = text[..<at].dropFirst("zk://".count)
        guard let colon = credentials.firstIndex(of: ":") else { return text }
        return "zk://\(credentials[..<colon]):***\(text[at...])"
    }
}

/// Why a program cannot start with what it was given: one line that names flag, value and origin.
public struct SettingsProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// What an operator should know, although the program starts.
public struct SettingsNotice: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
