// What a command line asks for, by the name under which this program was started and by its first words.

/// Which part of this program is meant.
///
/// A link called `mesos-master`, `mesos-agent`, `mesos-slave` or `mesos-execute` makes it behave as that program, so that
/// scripts which start Apache Mesos by name keep working.
struct Invocation: Equatable {
    enum Part: Equatable {
        /// The process beside a process task.
        case supervisor
        case master
        case agent
        /// `mini config`
        case configuration
        /// `mesos-execute`
        case execute
        /// Everything else: the argument parser decides.
        case mini
    }

    var part: Part
    /// What stands before errors and in help: `mini master`, `mesos-master`.
    var program: String
    /// What is left of the command line.
    var arguments: [String]

    /// Whether it was started under a name of Apache Mesos.
    var isUnderMesosName: Bool { program.hasPrefix("mesos-") }

    private static let mesosNames: [String: Part] = [
        "mesos-master": .master, "mesos-agent": .agent, "mesos-slave": .agent, "mesos-execute": .execute,
    ]
    private static let commands: [String: Part] = ["master": .master, "agent": .agent, "config": .configuration]

    /// - Parameter commandLine: Including the program's own name or path.
    init(_ commandLine: [String]) {
        let name = commandLine.first.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "mini"
        let words = Array(commandLine.dropFirst())
        if words.first == "supervise" {
            self.init(part: .supervisor, program: "mini supervise", arguments: Array(words.dropFirst()))
        } else if let part = Self.mesosNames[name] {
            self.init(part: part, program: name, arguments: words)
        } else if let word = words.first, let part = Self.commands[word] {
            self.init(part: part, program: "mini \(word)", arguments: Array(words.dropFirst()))
        } else if words.count == 2, words[0] == "help", let part = Self.commands[words[1]] {
            self.init(part: part, program: "mini \(words[1])", arguments: ["--help"])
        } else {
            self.init(part: .mini, program: "mini", arguments: words)
        }
    }

    init(part: Part, program: String, arguments: [String]) {
        self.part = part
        self.program = program
        self.arguments = arguments
    }
}
