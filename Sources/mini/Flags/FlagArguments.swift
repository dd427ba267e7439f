// Brings Mesos's ways of writing a flag into the one form that the argument parser reads.

/// Rewrites the boolean spellings of Mesos flags (`--flag=true`, `--flag=0`, ...) to `--flag` and `--no-flag`.
///
/// Mesos flags are `--name=value` with underscores in the name; a boolean may carry its value. Everything after a lone
/// `--` is a command's own and is left alone.
///
/// - SeeAlso: The Apache Mesos configuration document, "How to pass configuration parameters".
struct FlagArguments {
    /// Names (without dashes) of the flags that are boolean in any of our commands.
    let booleans: Set<String>

    func canonical(_ arguments: [String]) -> [String] {
        var result: [String] = []
        var isOptions = true
        for argument in arguments {
            if argument == "--" { isOptions = false }
            result.append(isOptions ? canonical(argument) : argument)
        }
        return result
    }

    private func canonical(_ argument: String) -> String {
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return argument }
        let name = String(argument[argument.index(argument.startIndex, offsetBy: 2)..<equals])
        guard booleans.contains(name) else { return argument }
        switch argument[argument.index(after: equals)...] {
        case "true", "1", "": return "--\(name)"
        case "false", "0": return "--no-\(name)"
        default: return argument
        }
    }
}
