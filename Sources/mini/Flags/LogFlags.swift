// Where a daemon's log lines go, and which.

import ArgumentParser
import Foundation
import Logging
import Settings

/// The flags of every daemon about its log.
struct LogFlags: ParsableArguments {
    @Option(
        name: .customLong("log_dir"),
        help: ArgumentHelp("Folder for a copy of the log, beside standard error.", valueName: "path"))
    var directory: String?
    @Option(name: .customLong("logging_level"), help: "Least level of a line: DEBUG, INFO, WARNING, ERROR.")
    var level = "INFO"

    /// A logger that writes readable lines to standard error and, with `--log_dir`, to a file there.
    ///
    /// - Throws: ``CommandFailure`` if the level is unknown or the folder cannot be written.
    func logger(_ label: String) throws -> Logger {
        guard let level = DaemonLog.levels[level.uppercased()] else {
            throw CommandFailure(
                description: "--logging_level: expected DEBUG, INFO, WARNING or ERROR, found '\(level)'")
        }
        return try DaemonLog.logger(label, level: level, directory: directory, isQuiet: false)
    }
}

/// Where the lines of a daemon go.
enum DaemonLog {
    static let levels: [String: Logger.Level] = [
        "DEBUG": .debug, "INFO": .info, "WARNING": .warning, "ERROR": .error,
    ]

    /// - Throws: `SettingsProblem` if the level is unknown, ``CommandFailure`` if the folder cannot be written.
    static func logger(_ label: String, _ settings: ResolvedSettings) throws -> Logger {
        guard let level = levels[settings.text("logging_level")?.uppercased() ?? "INFO"] else {
            throw settings.problem("logging_level", "expected DEBUG, INFO, WARNING or ERROR")
        }
        return try logger(
            label, level: level, directory: settings.text("log_dir"), isQuiet: settings.boolean("quiet"))
    }

    /// - Parameters:
    ///   - directory: Where a file gets a copy of each line; `nil`: nowhere.
    ///   - isQuiet: Whether standard error gets none.
    static func logger(_ label: String, level: Logger.Level, directory: String?, isQuiet: Bool) throws -> Logger {
        let file = try directory.map { try LogFile(directory: $0, name: "\(label).log") }
        var logger = Logger(label: label) { label in
            var handlers: [any LogHandler] = isQuiet ? [] : [StreamLogHandler.standardError(label: label)]
            if let file { handlers.append(FileLogHandler(file: file)) }
            switch handlers.count {
            case 0: return SwiftLogNoOpLogHandler()
            case 1: return handlers[0]
            default: return MultiplexLogHandler(handlers)
            }
        }
        logger.logLevel = level
        return logger
    }
}

/// A file that lines are appended to.
final class LogFile: Sendable {
    private let descriptor: Int32

    init(directory: String, name: String) throws {
        let path = "\(directory)/\(name)"
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(description: "--log_dir: cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// One write call a line, so that lines of several threads do not mix. A full disk loses the line, nothing else.
    func append(_ line: String) {
        let bytes = Array(line.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }
}

/// Writes each line with its time to a ``LogFile``.
struct FileLogHandler: LogHandler {
    let file: LogFile
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    init(file: LogFile) { self.file = file }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let extra = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }.joined()
        let time = Date.now.formatted(.iso8601.time(includingFractionalSeconds: true).dateTimeSeparator(.standard))
        file.append("\(time) \(event.level)\(extra): \(event.message)\n")
    }
}
