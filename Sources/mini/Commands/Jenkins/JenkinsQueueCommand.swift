// `mini jenkins queue`: why each queued build waits.

import ArgumentParser
import Foundation
import JenkinsUsage
import TextTables

struct JenkinsQueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "List every queued build with the reason why it waits.",
        discussion: """
            The master is asked where the framework answers, unless --url or --config says it. Exit status: 0 answered, 1 \
            the framework could not be asked, 2 wrong usage, 4 no master leads.
            """)

    @OptionGroup var question: FrameworkQuestion
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try question.check("queue")
        let answer = try await question.ask("queue", "/state", [], as: QueueAnswer.self)
        if json { return print(JSONText.of(answer)) }
        for warning in answer.warnings { print("warning: \(warning)") }
        guard !answer.queue.isEmpty else { return print("nothing waits") }
        print(answer.table(at: Date().timeIntervalSince1970).text(width: TerminalWidth.current))
    }
}
