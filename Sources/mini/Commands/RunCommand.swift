// `mini run`: one command, somewhere in the cluster, as if it ran here.

import ArgumentParser
import Foundation
import Logging
import MasterDetection
import Resources
import TaskRun

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one command in the cluster; its output and exit status become this command's.",
        usage: "mini run [--master zk://host:port/path] [options] -- COMMAND [ARGUMENT ...]",
        discussion: """
            Ctrl-C and SIGTERM kill the task; a second one leaves at once, and the master ends the task. The status is that \
            of the command, 130 after Ctrl-C or SIGTERM, 125 if the command could not be run.
            """)

    struct Place: ParsableArguments {
        @OptionGroup var master: MasterFlag
        @Option(help: "Role under which to ask for resources.") var role = "*"
        @Option(
            name: .customLong("leader_timeout"),
            help: ArgumentHelp("How long to wait for a leading master.", valueName: "duration"))
        var leaderTimeout = FlagDuration("60secs")
    }

    struct Needs: ParsableArguments {
        @Option(help: "CPUs.") var cpus = 0.1
        @Option(help: "Memory in MB.") var mem = 32.0
    }

    struct What: ParsableArguments {
        @Option(name: .customLong("docker_image"), help: "Image to run in; a plain process if not given.")
        var dockerImage: String?
        @Option(help: "Name of the task.") var name = "run"
        @Option(help: ArgumentHelp("A variable for the command; may be repeated.", valueName: "NAME=VALUE"))
        var env: [String] = []
        @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.") var command: [String] = []
    }

    @OptionGroup(title: "Where") var place: Place
    @OptionGroup(title: "Resources") var needs: Needs
    @OptionGroup(title: "What") var what: What
    @OptionGroup(title: "Security") var security: ClientSecurityFlags

    func run() async throws {
        let masters = try place.master.locations("run")
        let role = try FlagCheck.role(place.role, "run: --role")
        let request = try taskRequest()
        let credentials = try security.credentials()
        let tls = try security.tls(isSecureURL: masters.isSecure)
        var logger = Logger(label: "mini-run", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        let signals = StopSignals()
        let (interruptions, asking) = AsyncStream.makeStream(of: Void.self)
        let watching = Task {
            while await signals.next() != nil { asking.yield() }
            asking.finish()
        }
        let status = await TaskRunner(
            masters: masters, request: request, role: role, leaderTimeout: place.leaderTimeout.duration,
            credentials: credentials, tls: tls
        )
        .run(interruptions: interruptions, logger: logger)
        signals.giveUp()
        await watching.value
        throw ExitCode(status)
    }

    private func taskRequest() throws -> TaskRequest {
        guard !what.command.isEmpty else {
            throw CommandFailure(
                description: "run: expected a command after --, as in: mini run --master M -- sh -c 'echo hi'")
        }
        guard let cpus = Scalar(needs.cpus), cpus.milli > 0 else {
            throw CommandFailure(description: "run: --cpus: expected a number above 0, found \(needs.cpus)")
        }
        guard let memory = Scalar(needs.mem), memory.milli > 0 else {
            throw CommandFailure(description: "run: --mem: expected a number of MB above 0, found \(needs.mem)")
        }
        let unfit = what.name.contains { $0 == "/" || $0 == "\\" || $0.isWhitespace }
        guard !what.name.isEmpty, what.name.utf8.count <= 200, !unfit else {
            throw CommandFailure(
                description: "run: --name: expected 1 to 200 bytes without blanks and slashes, found '\(what.name)'")
        }
        let environment = try ExecCommand.variables(what.env, "run")
        return TaskRequest(
            name: what.name, command: what.command, cpus: cpus, memory: memory, dockerImage: what.dockerImage,
            environment: environment)
    }
}
