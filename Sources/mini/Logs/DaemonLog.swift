// Where the lines of a daemon go, and in which shape.

import Foundation
import HTTPServer
import Logging
import Settings

/// What flags say of a log.
struct LogChoice {
    var level = Logger.Level.info
    var format = LogFormat.text
    /// Where a file gets a copy of each line; nil: nowhere.
    var directory: String?
    var rotation = LogRotation()
    /// Whether standard error gets none.
    var isQuiet = false
}

enum DaemonLog {
    static let levels: [String: Logger.Level] = [
        "DEBUG": .debug, "INFO": .info, "WARNING": .warning, "ERROR": .error,
    ]

    /// - Throws: `SettingsProblem` if the level is unknown, ``CommandFailure`` if the folder cannot be written.
    static func logger(_ label: String, _ settings: ResolvedSettings) throws -> Logger {
        guard let level = levels[settings.text("logging_level")?.uppercased() ?? "INFO"] else {
            throw settings.problem("logging_level", "expected DEBUG, INFO, WARNING or ERROR")
        }
        var choice = LogChoice(level: level)
        choice.format = LogFormat(rawValue: settings.text("log_format") ?? "") ?? .text
        choice.directory = settings.text("log_dir")
        if let bytes = settings.bytes("log_file_size") { choice.rotation.bytesMax = max(64 << 10, Int(bytes)) }
        if let count = settings.integer("log_files_kept") { choice.rotation.keptMax = count }
        choice.isQuiet = settings.boolean("quiet")
        return try logger(label, choice)
    }

    static func logger(_ label: String, _ choice: LogChoice) throws -> Logger {
        let file = try choice.directory.map {
            try LogFile(directory: $0, name: "\(label).log", rotation: choice.rotation)
        }
        let target = standardErrorTarget()
        let journal = target == .journal ? JournalSocket() : nil
        var logger = Logger(label: label) { label in
            var sinks: [LineLogHandler.Sink] = []
            if !choice.isQuiet {
                sinks.append { line in
                    if let journal, journal.send(line.journalEntry(choice.format)) { return }
                    let bytes = Array(line.text(choice.format, for: target).utf8)
                    _ = write(STDERR_FILENO, bytes, bytes.count)
                }
            }
            if let file { sinks.append { file.append($0.text(choice.format, for: .file)) } }
            return LineLogHandler(program: label, sinks: sinks)
        }
        logger.logLevel = choice.level
        return logger
    }

    /// systemd says in `JOURNAL_STREAM` which file of which device its journal reads: a child whose standard error goes
    /// elsewhere inherits the variable all the same.
    static func standardErrorTarget(
        journal: String? = ProcessInfo.processInfo.environment["JOURNAL_STREAM"], descriptor: Int32 = STDERR_FILENO
    ) -> LogTarget {
        if isatty(descriptor) == 1 { return .terminal }
        var status = stat()
        guard let journal, fstat(descriptor, &status) == 0 else { return .file }
        return journal == "\(status.st_dev):\(status.st_ino)" ? .journal : .file
    }
}

/// Hands each line to its sinks.
struct LineLogHandler: LogHandler {
    typealias Sink = @Sendable (LogLine) -> Void

    let program: String
    let sinks: [Sink]
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    init(program: String, sinks: [Sink]) {
        self.program = program
        self.sinks = sinks
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if sinks.isEmpty { return }
        var fields = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        if let request = RequestID.current { fields["request_id"] = "\(request)" }
        let line = LogLine(event.level, "\(event.message)", fields, program: program)
        for sink in sinks { sink(line) }
    }
}
