// Flags in folders of one-flag-per-file, as the Mesosphere packages keep them.

/// Reads `/etc/mesos-master/quorum` and its like.
///
/// A file's name is the flag, its content without trailing line ends the value. `?name` stands for `--name`, `?no-name`
/// for `--no-name`. The files of `attributes/` and `resources/` are joined as `file:content;file:content`. Hidden files
/// and other folders are ignored.
struct DirectorySource {
    let table: FlagTable
    let files: any SettingsFiles

    func read(_ directory: String) -> GivenFlags {
        var result = GivenFlags()
        let entries: [SettingsDirectoryEntry]
        do throws(SettingsFileError) {
            guard let found = try files.entries(of: directory) else { return result }
            entries = found.filter { !$0.name.hasPrefix(".") }.sorted { $0.name < $1.name }
        } catch {
            result.problems.append(SettingsProblem("\(error)"))
            return result
        }
        for entry in entries {
            let path = "\(directory)/\(entry.name)"
            if !entry.isDirectory {
                result.flags.append(flag(entry.name, path))
            } else if table.places.joinedDirectories.contains(entry.name) {
                if let joined = joined(entry.name, path) { result.flags.append(joined) }
            }
        }
        return result
    }

    private func flag(_ fileName: String, _ path: String) -> GivenFlag {
        if fileName.hasPrefix("?") {
            let name = fileName.dropFirst()
            let isNegated = name.hasPrefix("no-")
            return GivenFlag(
                name: String(isNegated ? name.dropFirst(3) : name).lowercased(), isNegated: isNegated,
                source: .directory, origin: .file(path))
        }
        var flag = GivenFlag(name: fileName.lowercased(), source: .directory, origin: .file(path))
        // A file that stands for no flag may be anything, and is left alone.
        guard table.flag(flag.name) != nil else { return flag }
        do throws(SettingsFileError) {
            flag.text = FlagText.withoutTrailingNewlines(try files.required(path))
        } catch {
            flag.failure = "\(error)"
        }
        return flag
    }

    private func joined(_ name: String, _ directory: String) -> GivenFlag? {
        var flag = GivenFlag(name: name, source: .directory, origin: .file("\(directory)/*"))
        do throws(SettingsFileError) {
            let entries = try files.entries(of: directory) ?? []
            let names = entries.filter { !$0.isDirectory && !$0.name.hasPrefix(".") }.map(\.name).sorted()
            var pieces: [String] = []
            for name in names {
                let content = FlagText.withoutTrailingNewlines(try files.required("\(directory)/\(name)"))
                if !content.isEmpty { pieces.append("\(name):\(content)") }
            }
            if pieces.isEmpty { return nil }
            flag.text = pieces.joined(separator: ";")
        } catch {
            flag.failure = "\(error)"
        }
        return flag
    }
}
