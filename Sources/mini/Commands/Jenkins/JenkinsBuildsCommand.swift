// `mini jenkins builds`: recent builds and where their time went.

import ArgumentParser
import DatabaseFile
import Foundation
import JenkinsUsage
import TextTables

struct JenkinsBuildsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "builds", abstract: "List recent builds with the time each phase took.",
        discussion: """
            Phases: queued (for other reasons than an executor), offered, pulled, started, connected, assigned, ran; a \
            build on an agent that was there already has no middle ones but assigned. The master is asked where the \
            framework answers, unless --url, --config or --state-dir says it. Exit status: 0 answered, 1 could not be \
            answered, 2 wrong usage, 4 no master leads.
            """)

    @OptionGroup var source: BuildSource
    @Option(help: "Of this job only (with folders: folder/name).") var job: String?
    @Option(help: "The latest so many.") var limit = 30
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        try source.check("builds")
        guard limit > 0 else {
            throw CommandFailure(description: "jenkins builds: --limit: expected a number above zero, found '\(limit)'")
        }
        var query = [URLQueryItem(name: "limit", value: "\(limit)")]
        if let job { query.append(URLQueryItem(name: "job", value: job)) }
        let answer = try await source.answer("builds", "/builds", query, as: BuildsAnswer.self) { directory in
            BuildsAnswer(builds: try source.rows("builds", directory, job: job, limit: limit))
        }
        if json { return print(JSONText.of(answer)) }
        guard !answer.builds.isEmpty else { return print("no build is remembered\(job.map { " of \($0)" } ?? "")") }
        print(answer.table.text(width: TerminalWidth.current))
    }
}

/// Where remembered builds are read: from a running framework, or from its files.
struct BuildSource: ParsableArguments {
    @OptionGroup var question: FrameworkQuestion
    @Option(
        name: [.customLong("state-dir"), .customLong("state_dir")],
        help: ArgumentHelp("Read the store in this stateDir; no framework need run.", valueName: "path"))
    var stateDirectory: String?

    func check(_ command: String) throws {
        guard stateDirectory == nil else {
            guard question.url == nil, question.config == nil else {
                throw CommandFailure(
                    description: "jenkins \(command): --state-dir goes with neither --url nor --config")
            }
            return
        }
        try question.check(command)
    }

    /// Asks the running framework, or reads its files. A configuration whose framework does not answer leads to its files.
    func answer<Answer: Decodable>(
        _ command: String, _ path: String, _ query: [URLQueryItem], as type: Answer.Type,
        fromFiles read: (_ directory: String) throws -> Answer
    ) async throws -> Answer {
        if let stateDirectory { return try read(stateDirectory) }
        do {
            return try await question.ask(command, path, query, as: type)
        } catch let failure as CommandFailure where failure.status == 1 {
            guard let directory = try question.stateDirectory(command) else { throw failure }
            return try read(directory)
        }
    }

    func rows(_ command: String, _ directory: String, job: String?, limit: Int) throws -> [BuildRow] {
        do throws(DatabaseFileError) {
            return try UsageStore.openForReading(directory: directory).builds(job: job, limit: limit)
        } catch {
            throw CommandFailure(description: "jenkins \(command): \(error)", status: 1)
        }
    }
}
