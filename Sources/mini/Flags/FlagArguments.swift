// Brings Mesos's ways of writing a flag into the one form that the argument parser reads.

import Foundation
import Settings

/// Rewrites the boolean spellings of Mesos flags (`--flag=true`, `--flag=0`, ...) to `--flag` and `--no-flag`.
///
/// Mesos flags are `--name=value` with underscores in the name; a boolean may carry its value. Everything after a lone
/// `--` is a command's own and is left alone.
///
/// - SeeAlso: The Apache Mesos configuration document, "How to pass configuration parameters".
struct FlagArguments {
    /// Names (without dashes) of the flags that are boolean in any of our commands.
    let booleans: Set<String>

    /// - Throws: ``CommandFailure`` if a `file://` value cannot be read.
    func canonical(_ arguments: [String]) throws -> [String] {
        var result: [String] = []
        var isOptions = true
        for argument in arguments {
            if argument == "--" { isOptions = false }
            result.append(isOptions ? try canonical(argument) : argument)
        }
        return result
    }

    private func canonical(_ argument: String) throws -> String {
        // The parser calls the opposite of --flag --no_flag; Mesos, and our help, call it --no-flag.
        if argument.hasPrefix("--no-"), booleans.contains(String(argument.dropFirst(5))) {
            return "--no_\(argument.dropFirst(5))"
        }
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return argument }
        let name = String(argument[argument.index(argument.startIndex, offsetBy: 2)..<equals])
        let value = argument[argument.index(after: equals)...]
        if value.hasPrefix("file://") { return "--\(name)=\(try content(of: value.dropFirst(7), flag: name))" }
        guard booleans.contains(name) else { return argument }
        switch value {
        case "true", "1", "": return "--\(name)"
        case "false", "0": return "--no_\(name)"
        default: return argument
        }
    }

    /// Mesos reads any flag's value from a file if told so, which keeps passwords out of `ps`.
    private func content(of path: Substring, flag: String) throws -> String {
        let found: String?
        do { found = try HostFiles().content(of: String(path), bytesMax: 65_536) } catch {
            throw CommandFailure(description: "--\(flag): \(error)")
        }
        guard let content = found else {
            throw CommandFailure(description: "--\(flag): cannot read \(path): No such file or directory")
        }
        return content.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
