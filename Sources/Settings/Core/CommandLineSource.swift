// Flags on the command line, as Mesos reads them.

/// Reads `--name=value`, `--name`, `--no-name`.
///
/// `--name value` is read too, if the flag takes a value; Mesos refuses that form. What does not start with two dashes is
/// ignored, as in Mesos, and said to be; `--` ends the flags.
struct CommandLineSource {
    let table: FlagTable

    func read(_ arguments: [String]) -> GivenFlags {
        var result = GivenFlags()
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--" { break }
            guard argument.hasPrefix("--") else {
                result.notice("'\(argument)' on the command line is no flag, and is ignored")
                continue
            }
            var given = Self.split(argument)
            if given.isNegated, given.text != nil {
                result.problems.append(
                    SettingsProblem("\(argument): expected no value, because --no- is already false"))
                continue
            }
            if given.text == nil, !given.isNegated, let flag = table.flag(given.name), flag.kind != .boolean,
                flag.kind != .anything,
                index < arguments.count, !arguments[index].hasPrefix("--")
            {
                given.text = arguments[index]
                index += 1
            }
            result.flags.append(given)
        }
        return result
    }

    private static func split(_ argument: String) -> GivenFlag {
        let body = argument.dropFirst(2)
        let equals = body.firstIndex(of: "=")
        let name = body[..<(equals ?? body.endIndex)]
        let text = equals.map { String(body[body.index(after: $0)...]) }
        let isNegated = name.hasPrefix("no-")
        return GivenFlag(
            name: String(isNegated ? name.dropFirst(3) : name).lowercased(), text: text, isNegated: isNegated,
            source: .commandLine, origin: .commandLine("--\(name)"))
    }
}
