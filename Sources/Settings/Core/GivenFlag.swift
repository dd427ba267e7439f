// A flag as one source gives it, before anybody looks at whether it makes sense.

/// The places where a flag can be given; the first one that gives it wins.
public enum SettingsSource: Int, Hashable, Comparable, Sendable, CaseIterable {
    case commandLine
    case miniEnvironment
    case mesosEnvironment
    case directory
    case defaultsFile
    case zooKeeperFile
    /// Mesos overwrites these variables whenever a flag says otherwise, so they are the last resort.
    case libprocessEnvironment

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A name and perhaps a text.
struct GivenFlag: Hashable {
    /// Lower case, as the source calls the flag: a name, an alias, or neither.
    var name: String
    /// `nil`: the name alone, `--name`.
    var text: String?
    /// `--no-name`
    var isNegated = false
    var source: SettingsSource
    var origin: Origin
    /// Why the source could not say the text.
    var failure: String?
}

/// What a source gives, and what is strange about it.
struct GivenFlags {
    var flags: [GivenFlag] = []
    var notices: [SettingsNotice] = []
    var problems: [SettingsProblem] = []

    mutating func notice(_ text: String) { notices.append(SettingsNotice(text)) }
}
