// `mini alerts`: checks and tries the file of --alerts_config, and shows what fires.

import Alerts
import ArgumentParser
import Foundation
import OperatorClient
import Resources

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Check alert rules and receivers, try them, and list what fires.",
        subcommands: [AlertsListCommand.self, AlertsCheckCommand.self, AlertsTestCommand.self],
        defaultSubcommand: AlertsListCommand.self)
}

/// The file, or a failure that names all of its mistakes.
private func load(_ path: String) throws -> AlertsConfiguration {
    do throws(AlertsConfigurationError) { return try AlertsConfiguration.load(path) } catch {
        guard error.problems.count > 1 else { throw CommandFailure(description: "alerts: \(error)") }
        for problem in error.problems { FileHandle.standardError.write(Data("\(problem)\n".utf8)) }
        throw CommandFailure(description: "alerts: \(error.problems.count) problems in \(path)")
    }
}

struct AlertsCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a file is fit for --alerts_config; tell nobody.")

    @Argument(help: ArgumentHelp("The file (YAML).", valueName: "path")) var file: String

    func run() throws {
        let configuration = try load(file)
        let rules = configuration.book.rules.map(\.name).joined(separator: ", ")
        let receivers = configuration.receivers.map(\.name).joined(separator: ", ")
        print("\(file): \(configuration.book.rules.count) rules (\(rules))")
        print("receivers: \(receivers.isEmpty ? "none: nobody would be told" : receivers)")
        if !configuration.farms.isEmpty { print("farms: \(configuration.farms.joined(separator: ", "))") }
    }
}

struct AlertsTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send a test message to every receiver of a file, once each.")

    @Argument(help: ArgumentHelp("The file (YAML).", valueName: "path")) var file: String
    @Option(help: "Only to the receiver of this name.") var receiver: String?

    func run() async throws {
        let configuration = try load(file)
        let receivers = configuration.receivers.filter { receiver == nil || $0.name == receiver }
        guard !receivers.isEmpty else {
            throw CommandFailure(
                description:
                    "alerts: \(receiver.map { "no receiver is named \($0)" } ?? "there are no receivers") in \(file)")
        }
        let now = WallTime(nanoseconds: Int64(Date.now.timeIntervalSince1970 * 1e9))
        let news = AlertNews(
            .firing, AlertKey(rule: "Test", subject: ""), .info, summary: "This is a test of mini alerts.",
            description: "Nothing is wrong: somebody ran \"mini alerts test\".", since: now, at: now)
        let message = AlertMessage(cluster: "", news: [news])
        var failures = 0
        for receiver in receivers {
            let progress = Progress("sending to \(receiver.name)")
            let problem = await AlertDelivery.attempt(message, at: receiver)
            await progress.end()
            if problem != nil { failures += 1 }
            print("\(receiver.name): \(problem.map { "not reached: \($0)" } ?? "has taken it")")
        }
        guard failures == 0 else {
            throw CommandFailure(
                description: "alerts: \(failures) of \(receivers.count) receivers not reached", status: 1)
        }
    }
}

struct AlertsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what fires, and what would soon, as the leading master sees it.")

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let answer = try await cluster.ask("alerts list") { leader in try await leader.get("/alerts") }
        // The master's own document.
        if cluster.json { return print(String(decoding: answer, as: UTF8.self)) }
        let document = try JSONDecoder().decode(AlertsAnswer.self, from: Data(answer))
        print(document.text(at: Date.now.timeIntervalSince1970))
    }
}

/// `/alerts` as far as it is printed.
struct AlertsAnswer: Decodable {
    struct Item: Decodable {
        var alert: String
        var subject: String
        var state: String
        var severity: String
        var summary: String
        var description: String
        var since: Double
    }
    struct Receiver: Decodable {
        var name: String
        var waiting: Int
        var delivered: Int
        var dropped: Int
        var problem: String?
    }

    var alerts: [Item]
    var receivers: [Receiver]

    func text(at now: Double) -> String {
        var lines = alerts.isEmpty ? ["Nothing fires."] : []
        for item in alerts {
            let age = Int(max(0, now - item.since))
            lines.append(
                "\(item.state.padding(toLength: 8, withPad: " ", startingAt: 0)) \(item.severity) \(item.alert) for "
                    + "\(age / 60)m \(age % 60)s: \(item.summary)")
            if !item.description.isEmpty { lines.append("         \(item.description)") }
        }
        for receiver in receivers where receiver.problem != nil || receiver.waiting > 0 {
            lines.append(
                "receiver \(receiver.name): \(receiver.waiting) messages wait, \(receiver.dropped) were given up"
                    + (receiver.problem.map { ": \($0)" } ?? ""))
        }
        return lines.joined(separator: "\n")
    }
}
