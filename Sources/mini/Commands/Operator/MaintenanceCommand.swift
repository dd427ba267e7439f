// `mini maintenance`: taking machines down and up again with everybody told.

import ArgumentParser
import Foundation
import OperatorClient
import Resources

struct MaintenanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance", abstract: "Plan when machines are taken down; take them down and up.",
        discussion: """
            A machine is named by the host name or address of its agent, by the agent's id, or as HOST/IP. Frameworks are \
            asked to leave scheduled machines; those that are down run nothing.
            """,
        subcommands: [
            MaintenanceStatusCommand.self, MaintenanceScheduleCommand.self, MaintenanceCancelCommand.self,
            MaintenanceDownCommand.self, MaintenanceUpCommand.self,
        ], defaultSubcommand: MaintenanceStatusCommand.self)
}

struct MaintenanceStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the machines with planned or present maintenance.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("maintenance status") { try await $0.maintenance(now: Date().timeIntervalSince1970) })
    }
}

struct MaintenanceScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Plan to take machines down; a plan they had is replaced.")

    @Option(help: ArgumentHelp("From now on, how long until it begins.", valueName: "duration"))
    var start = FlagDuration("0secs")
    @Option(help: ArgumentHelp("How long they will be down; without end if not given.", valueName: "duration"))
    var duration: FlagDuration?
    @Argument(help: ArgumentHelp("The machines.", valueName: "machine")) var machines: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let now = Date().timeIntervalSince1970
        let begin = now + start.duration.inSeconds
        cluster.show(
            try await cluster.ask("maintenance schedule") { leader in
                let found = try await leader.machines(machines)
                try await leader.changeSchedule { schedule in
                    MaintenanceChange.schedule(found, start: begin, duration: duration?.duration, in: schedule)
                }
                return try await leader.maintenance(now: now)
            })
    }
}

struct MaintenanceCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take machines out of the plan.")

    @Argument(help: ArgumentHelp("The machines.", valueName: "machine")) var machines: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("maintenance cancel") { leader in
                let found = try await leader.machines(machines)
                try await leader.changeSchedule { MaintenanceChange.cancel(found, in: $0) }
                return try await leader.maintenance(now: Date().timeIntervalSince1970)
            })
    }
}

struct MaintenanceDownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Take scheduled machines down: their agents end, and their tasks are lost.")

    @Flag(help: "Do not ask.") var yes = false
    @Argument(help: ArgumentHelp("The machines.", valueName: "machine")) var machines: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        try Confirmation.ofThisTerminal.ask(ChangeQuestion.down(machines), "maintenance down", isGiven: yes)
        cluster.show(
            try await cluster.ask("maintenance down") { leader in
                try await leader.call(MaintenanceChange.down(try await leader.machines(machines)))
                return try await leader.maintenance(now: Date().timeIntervalSince1970)
            })
    }
}

struct MaintenanceUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Let machines that are down come back; their agents have to be started.")

    @Argument(help: ArgumentHelp("The machines.", valueName: "machine")) var machines: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        cluster.show(
            try await cluster.ask("maintenance up") { leader in
                try await leader.call(MaintenanceChange.up(try await leader.machines(machines)))
                return try await leader.maintenance(now: Date().timeIntervalSince1970)
            })
    }
}
