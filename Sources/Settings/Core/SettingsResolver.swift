// Brings all sources together: which value of each flag counts, and what is wrong.

/// What a program was started with.
public struct SettingsInput: Sendable {
    /// Without the program's name and its command.
    public var arguments: [String]
    public var environment: [String: String]
    public var files: any SettingsFiles

    public init(arguments: [String], environment: [String: String], files: any SettingsFiles) {
        self.arguments = arguments
        self.environment = environment
        self.files = files
    }
}

/// Finds the value of every flag of a table.
///
/// Sources in order of rank: command line, `MINI_*`, `MESOS_*`, folders of one-flag-per-file, `default/` files,
/// `mesos/zk`, `LIBPROCESS_*`. The same flag in several sources is no error; the command line giving it twice is.
///
/// - SeeAlso: The Apache Mesos document "Configuration"; `mesos-init-wrapper` of the Mesosphere packages.
public struct SettingsResolver {
    private let table: FlagTable
    private let input: SettingsInput
    private var notices: [SettingsNotice] = []
    private var problems: [SettingsProblem] = []
    private var unknownVariables: [SettingsNotice] = []

    /// Reads every source, and decides.
    public static func resolve(_ table: FlagTable, _ input: SettingsInput) -> ResolvedSettings {
        var resolver = SettingsResolver(table: table, input: input)
        return resolver.resolve()
    }

    private init(table: FlagTable, input: SettingsInput) {
        self.table = table
        self.input = input
    }

    private mutating func resolve() -> ResolvedSettings {
        let commandLine = CommandLineSource(table: table).read(input.arguments)
        var given = take(commandLine)
        // A program without a configuration directory, as mesos-execute, takes nothing from its surroundings.
        if table.flag(SettingsResolver.directoryFlag) != nil {
            given += take(EnvironmentSource().read(input.environment))
        }
        let directory = configurationDirectory(among: given)
        if let directory { given += readFiles(below: directory) }

        var candidates: [String: [GivenFlag]] = [:]
        for flag in given {
            if let known = table.flag(flag.name) {
                candidates[known.name, default: []].append(flag)
            } else {
                reportUnknown(flag)
            }
        }
        var settings: [String: Setting] = [:]
        for flag in table.flags {
            if let setting = decide(flag, candidates[flag.name] ?? []) { settings[flag.name] = setting }
        }
        demandRequired(settings, failed: Set(candidates.keys), directory)
        return ResolvedSettings(
            table: table, configurationDirectory: directory, settings: settings, notices: notices,
            problems: problems, unknownVariables: unknownVariables)
    }

    private mutating func take(_ source: GivenFlags) -> [GivenFlag] {
        notices += source.notices
        problems += source.problems
        return source.flags
    }

    // MARK: Sources

    /// `nil`: nothing but the command line and the environment counts.
    private func configurationDirectory(among given: [GivenFlag]) -> String? {
        if table.flag(SettingsResolver.directoryFlag) == nil { return nil }
        let flags = given.filter { $0.name == SettingsResolver.directoryFlag }
        let text = flags.min { $0.source < $1.source }?.text ?? "/etc"
        if text.isEmpty { return nil }
        return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// The flag that names the configuration directory.
    public static let directoryFlag = "etc_dir"

    private mutating func readFiles(below directory: String) -> [GivenFlag] {
        var given: [GivenFlag] = []
        // Of two folders the later one has the higher rank, so it is put first: candidates of one source keep order.
        let folders = DirectorySource(table: table, files: input.files)
        for name in table.places.directories.reversed() { given += take(folders.read("\(directory)/\(name)")) }
        let defaults = DefaultsFileSource(table: table, files: input.files, configurationDirectory: directory)
        for name in table.places.defaultsFiles.reversed() {
            // Within one file, as in a shell, the last assignment counts.
            given += take(defaults.read("\(directory)/default/\(name)")).reversed()
        }
        guard let zooKeeperFlag = table.places.zooKeeperFlag else { return given }
        let zooKeeperFile = "\(directory)/mesos/zk"
        do throws(SettingsFileError) {
            if let content = try input.files.content(of: zooKeeperFile) {
                let text = FlagText.trimmed(content)
                if !text.isEmpty {
                    given.append(
                        GivenFlag(
                            name: zooKeeperFlag, text: text, source: .zooKeeperFile,
                            origin: .file(zooKeeperFile)))
                }
            }
        } catch {
            problems.append(SettingsProblem("\(error)"))
        }
        return given
    }

    private mutating func reportUnknown(_ given: GivenFlag) {
        let nearest = table.nearest(to: given.name)
        let name = given.isNegated ? "no-\(given.name)" : given.name
        switch given.source {
        case .commandLine:
            let hint = nearest.map { "; the nearest known flag is --\($0)" } ?? ""
            problems.append(SettingsProblem("Failed to load unknown flag '\(name)' (\(given.origin))\(hint)"))
        case .miniEnvironment, .mesosEnvironment, .libprocessEnvironment:
            // Mesos ignores these: its own executors' variables are among them.
            let hint = nearest.map { "; the nearest known flag is \($0)" } ?? ""
            unknownVariables.append(SettingsNotice("\(given.origin): unknown flag '\(name)', ignored\(hint)"))
        case .directory, .defaultsFile, .zooKeeperFile:
            let hint = nearest.map { "; the nearest known flag is \($0)" } ?? ""
            notices.append(SettingsNotice("\(given.origin): unknown flag '\(name)', ignored\(hint)"))
        }
    }

    // MARK: One flag

    private mutating func decide(_ flag: FlagDefinition, _ candidates: [GivenFlag]) -> Setting? {
        // A stable sort: within one source the order is that of rank.
        let ranked = candidates.enumerated().sorted { left, right in
            (left.element.source.rawValue, left.offset) < (right.element.source.rawValue, right.offset)
        }.map(\.element)
        guard var winner = ranked.first else {
            return flag.defaultText.map {
                Setting(flag: flag, text: $0, origin: .builtIn, contentPath: nil, overridden: [])
            }
        }
        let rivals = ranked.filter { $0.source == winner.source }
        if rivals.count > 1 { winner = settle(flag, rivals) ?? winner }
        if winner.name != flag.name {
            notices.append(
                SettingsNotice("\(winner.origin): '\(winner.name)' is a deprecated name of the flag '\(flag.name)'"))
        }
        guard let value = value(of: flag, winner) else { return nil }
        let others = ranked.map(\.origin).filter { $0 != winner.origin }
        let setting = Setting(
            flag: flag, text: value.text, origin: winner.origin, contentPath: value.path, overridden: others)
        return judge(setting) ? setting : nil
    }

    /// Chooses among several of one source.
    private mutating func settle(_ flag: FlagDefinition, _ rivals: [GivenFlag]) -> GivenFlag? {
        if rivals[0].source == .commandLine {
            problems.append(
                SettingsProblem(
                    "Flag '\(rivals[1].name)' is already loaded via name '\(rivals[0].name)': "
                        + rivals.map { "\($0.origin)" }.joined(separator: ", ")))
            return nil
        }
        // The present name rather than an old one; among equals the source has ordered them.
        let winner = rivals.first { $0.name == flag.name } ?? rivals[0]
        let others = rivals.filter { $0.origin != winner.origin }.map { "\($0.origin)" }
        if !others.isEmpty {
            notices.append(
                SettingsNotice(
                    "'\(flag.name)' is given more than once: \(winner.origin) counts, not "
                        + others.joined(separator: ", ")))
        }
        return winner
    }

    private mutating func value(of flag: FlagDefinition, _ given: GivenFlag) -> (text: String, path: String?)? {
        if let failure = given.failure {
            problems.append(SettingsProblem("--\(flag.name): \(failure)"))
            return nil
        }
        if flag.kind == .boolean || flag.kind == .anything {
            guard let text = given.text, !given.isNegated else { return (given.isNegated ? "false" : "true", nil) }
            if flag.kind == .anything { return (text, nil) }
            if let value = FlagText.boolean(text) { return ("\(value)", nil) }
        } else if given.isNegated {
            problems.append(
                SettingsProblem(
                    "Failed to load non-boolean flag '\(flag.name)' via '\(Self.no(flag.name))' (\(given.origin))"))
            return nil
        }
        guard let text = given.text else {
            problems.append(
                SettingsProblem("Failed to load non-boolean flag '\(flag.name)': Missing value (\(given.origin))"))
            return nil
        }
        do throws(SettingsFileError) {
            if text.hasPrefix("file://") {
                let path = String(text.dropFirst("file://".count))
                if flag.kind == .path { return (path, nil) }
                return (FlagText.trimmed(try input.files.required(path)), path)
            }
            if flag.kind == .document, text.hasPrefix("/") {
                return (FlagText.trimmed(try input.files.required(text)), text)
            }
        } catch {
            problems.append(SettingsProblem("--\(flag.name): \(error) (\(given.origin))"))
            return nil
        }
        return (text, nil)
    }

    private static func no(_ name: String) -> String { "no-\(name)" }

    /// Whether the value is one of the flag's kind, and may be used.
    private mutating func judge(_ setting: Setting) -> Bool {
        if let complaint = setting.flag.kind.complaint(about: setting.text) {
            problems.append(setting.problem(complaint))
            return false
        }
        switch setting.flag.support {
        case .honoured: break
        case .accepted(let reason):
            notices.append(SettingsNotice("--\(setting.flag.name) has no effect: \(reason) (\(setting.origin))"))
        case .refused(let harmless, let reason):
            if harmless.contains(setting.text) { break }
            problems.append(SettingsProblem("--\(setting.flag.name): \(reason) (\(setting.origin))"))
            return false
        }
        return true
    }

    /// Where a flag can be given.
    private func places(of flag: FlagDefinition, _ directory: String?) -> String {
        guard let folder = table.places.directories.first else { return "Give it on the command line." }
        let file = directory.map { ", or in \($0)/\(folder)/\(flag.name)" } ?? ""
        return "Give it on the command line, as MESOS_\(flag.name.uppercased())\(file)."
    }

    private mutating func demandRequired(
        _ settings: [String: Setting], failed given: Set<String>, _ directory: String?
    ) {
        for flag in table.flags where settings[flag.name] == nil && !given.contains(flag.name) {
            switch flag.requirement {
            case .never: break
            case .always:
                problems.append(
                    SettingsProblem(
                        "--\(flag.name) is required: \(flag.help.first?.lowercased() ?? "")\(flag.help.dropFirst()) "
                            + places(of: flag, directory)))
            case .with(let other):
                if let cause = settings[other] {
                    problems.append(
                        SettingsProblem("--\(flag.name) is required when --\(other) is given (\(cause.origin))"))
                }
            }
        }
    }
}
