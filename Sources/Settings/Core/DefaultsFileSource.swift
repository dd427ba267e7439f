// Flags in the files that a service's start script would source: /etc/default/mesos-master and its like.

/// Reads lines `NAME=value`, `export NAME="value"` and the idiom ``ZK=`cat /etc/mesos/zk` ``.
///
/// No shell runs. A line that needs one is left out, and said to be.
struct DefaultsFileSource {
    let table: FlagTable
    let files: any SettingsFiles
    /// What stands for `/etc`: a path `/etc/x` in the `cat` idiom is looked for there.
    let configurationDirectory: String

    func read(_ path: String) -> GivenFlags {
        var result = GivenFlags()
        do throws(SettingsFileError) {
            guard let content = try files.content(of: path) else { return result }
            for (index, line) in content.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .enumerated()
            {
                read(FlagText.trimmed(line), place: "\(path), line \(index + 1)", path, into: &result)
            }
        } catch {
            result.problems.append(SettingsProblem("\(error)"))
        }
        return result
    }

    private func read(_ line: String, place: String, _ path: String, into result: inout GivenFlags) {
        if line.isEmpty || line.hasPrefix("#") { return }
        let assignment = line.hasPrefix("export ") ? FlagText.trimmed(line.dropFirst("export ".count)) : line
        // `export NAME` alone is what a script does after `NAME=value`.
        if assignment != line, Self.isName(assignment[...]) { return }
        guard let equals = assignment.firstIndex(of: "="), Self.isName(assignment[..<equals]) else {
            result.notice("\(place): only NAME=value is understood, not the language of a shell; the line is ignored")
            return
        }
        let variable = String(assignment[..<equals])
        guard let name = flagName(variable) else { return }
        let written = String(assignment[assignment.index(after: equals)...])
        var flag = GivenFlag(name: name, source: .defaultsFile, origin: .variable(variable, file: path))
        switch Self.value(written) {
        case .text(let text):
            // The start script passes on only what is not empty.
            if text.isEmpty { return }
            flag.text = text
        case .contentOf(let asWritten):
            let file = asWritten.hasPrefix("/etc/") ? configurationDirectory + asWritten.dropFirst(4) : asWritten
            do throws(SettingsFileError) {
                let text = FlagText.withoutTrailingNewlines(try files.required(file))
                if text.isEmpty { return }
                flag.text = text
                flag.origin = .file(file)
            } catch {
                result.notice("\(place): \(variable) is not set: \(error)")
                return
            }
        case .shell:
            result.notice("\(place): \(variable) needs a shell to be understood, and is ignored")
            return
        }
        result.flags.append(flag)
    }

    private func flagName(_ variable: String) -> String? {
        if let name = table.places.variables[variable] { return name }
        for prefix in ["MESOS_", "MINI_"] where variable.hasPrefix(prefix) {
            return variable.dropFirst(prefix.count).lowercased()
        }
        return nil
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && !isDigit(text.utf8[text.utf8.startIndex])
            && text.utf8.allSatisfy { byte in
                isDigit(byte) || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private enum Value {
        case text(String)
        case contentOf(String)
        case shell
    }

    private static func value(_ written: String) -> Value {
        var text = written[...]
        if let quote = text.first, quote == "\"" || quote == "'" {
            let rest = text.dropFirst()
            guard let end = rest.firstIndex(of: quote), isEnd(rest[rest.index(after: end)...]) else { return .shell }
            text = rest[..<end]
            if quote == "'" { return .text(String(text)) }
        } else if let path = catPath(text) {
            return .contentOf(path)
        } else {
            // An unquoted value ends at the first blank; a comment may follow it.
            let end = text.firstIndex(where: \.isWhitespace) ?? text.endIndex
            guard isEnd(text[end...]) else { return .shell }
            text = text[..<end]
            if text.contains(where: { "\"';&|<>()".contains($0) }) { return .shell }
        }
        if let path = catPath(text) { return .contentOf(path) }
        return text.contains(where: { "$`\\".contains($0) }) ? .shell : .text(String(text))
    }

    private static func isEnd(_ rest: Substring) -> Bool {
        rest.isEmpty || rest.first?.isWhitespace == true && [nil, "#"].contains(FlagText.trimmed(rest).first)
    }

    /// The path in `` `cat /path` `` or `$(cat /path)`, or `$(</path)`.
    private static func catPath(_ text: Substring) -> String? {
        var command: Substring
        if text.hasPrefix("`"), text.hasSuffix("`"), text.count > 2 {
            command = text.dropFirst().dropLast()
        } else if text.hasPrefix("$("), text.hasSuffix(")") {
            command = text.dropFirst(2).dropLast()
        } else {
            return nil
        }
        command = Substring(FlagText.trimmed(command))
        if command.hasPrefix("cat ") {
            command = command.dropFirst(4)
        } else if command.hasPrefix("<") {
            command = command.dropFirst()
        } else {
            return nil
        }
        let path = FlagText.trimmed(command)
        return path.hasPrefix("/") && !path.contains(where: { $0.isWhitespace || "*?[$`;|&\"'\\".contains($0) })
            ? path : nil
    }
}
