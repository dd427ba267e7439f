// The outcome of the search for settings: a value for each flag, and what there is to say about it.

/// All settings of one daemon.
public struct ResolvedSettings: Sendable {
    public let table: FlagTable
    /// Where files were looked for; `nil` if nowhere.
    public let configurationDirectory: String?
    /// By flag name: those that were given, and those with a default.
    public let settings: [String: Setting]
    /// Worth a line in the log.
    public let notices: [SettingsNotice]
    /// Each one alone keeps the program from starting. In no particular order of importance.
    public let problems: [SettingsProblem]
    /// Variables with our prefixes that stand for no flag. Worth mentioning only to who asks.
    public let unknownVariables: [SettingsNotice]

    /// - Throws: The first problem.
    public func orFail() throws(SettingsProblem) -> ResolvedSettings {
        if let problem = problems.first { throw problem }
        return self
    }

    /// The flag's text; `nil` if it has none or an empty one, which for a flag without a default means the same.
    public func text(_ name: String) -> String? {
        precondition(table.flag(name)?.name == name, "the \(table.daemon) has no flag \(name)")
        guard let text = settings[name]?.text, !text.isEmpty else { return nil }
        return text
    }

    // The kinds were checked when the settings were resolved; what is `nil` here has not been given.

    public func boolean(_ name: String) -> Bool { text(name) == "true" }
    public func integer(_ name: String) -> Int? { text(name).flatMap(FlagText.integer) }
    public func number(_ name: String) -> Double? { text(name).flatMap(FlagText.number) }
    public func duration(_ name: String) -> Duration? { text(name).flatMap(FlagText.duration) }
    public func bytes(_ name: String) -> UInt64? { text(name).flatMap(FlagText.bytes) }
    public func list(_ name: String) -> [String]? { text(name).flatMap(FlagText.list) }

    /// A complaint about a value whose meaning only the caller knows: "--weights: expected …, found 'x' (origin)".
    public func problem(_ name: String, _ complaint: String) -> SettingsProblem {
        guard let setting = settings[name] else { return SettingsProblem("--\(name): \(complaint)") }
        return setting.problem(complaint)
    }

    /// Every value that may be shown, as `/flags` does.
    public var reported: [String: String] {
        settings.filter { name, setting in !setting.flag.isSecret && name != SettingsResolver.directoryFlag }
            .mapValues(\.shown)
    }
}

extension Setting {
    /// - Parameter complaint: "expected …".
    func problem(_ complaint: String) -> SettingsProblem {
        let found = flag.isSecret || flag.kind == .document ? "" : ", found '\(shortened(shown))'"
        return SettingsProblem("--\(flag.name): \(complaint)\(found) (\(origin))")
    }

    /// One line, and not a long one: it goes into an error message.
    private func shortened(_ text: String) -> String {
        let line = text.split(separator: "\n", omittingEmptySubsequences: false)[0]
        return line.count > 200 ? "\(line.prefix(200))..." : String(line)
    }
}
