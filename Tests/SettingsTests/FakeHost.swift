// A host in memory, and questions to the settings found there.

import Settings

/// Files by path; folders follow from them.
struct FakeFiles: SettingsFiles {
    var files: [String: String] = [:]
    /// Paths that exist and cannot be read.
    var forbidden: Set<String> = []

    func content(of path: String, bytesMax: Int) throws(SettingsFileError) -> String? {
        if forbidden.contains(path) { throw .unreadable(path: path, reason: "Permission denied") }
        guard let content = files[path] else { return nil }
        if content.utf8.count > bytesMax { throw .tooLarge(path: path, bytesMax: bytesMax) }
        return content
    }

    func entries(of path: String) throws(SettingsFileError) -> [SettingsDirectoryEntry]? {
        if forbidden.contains(path) { throw .unreadable(path: path, reason: "Permission denied") }
        var entries: Set<SettingsDirectoryEntry> = []
        for file in Array(files.keys) + forbidden where file.hasPrefix(path + "/") {
            let parts = file.dropFirst(path.count + 1).split(separator: "/", maxSplits: 1)
            entries.insert(SettingsDirectoryEntry(name: String(parts[0]), isDirectory: parts.count > 1))
        }
        return entries.isEmpty ? nil : Array(entries)
    }
}

/// A host with its files and its environment.
struct FakeHost {
    var files: [String: String] = [:]
    var environment: [String: String] = [:]
    var forbidden: Set<String> = []

    /// What a master would run with. The work directory, which is always needed, is given.
    func master(_ arguments: String...) -> ResolvedSettings {
        resolve(.master, arguments + ["--work_dir=/w"])
    }

    /// What an agent would run with. The work directory, which is always needed, is given.
    func agent(_ arguments: String...) -> ResolvedSettings {
        resolve(.agent, arguments + ["--work_dir=/w"])
    }

    func resolve(_ table: FlagTable, _ arguments: [String]) -> ResolvedSettings {
        SettingsResolver.resolve(
            table,
            SettingsInput(
                arguments: arguments, environment: environment,
                files: FakeFiles(files: files, forbidden: forbidden)))
    }
}

extension ResolvedSettings {
    func origin(_ name: String) -> String? { settings[name].map { "\($0.origin)" } }
    var warnings: [String] { notices.map(\.description) }
    var errors: [String] { problems.map(\.description) }
}
