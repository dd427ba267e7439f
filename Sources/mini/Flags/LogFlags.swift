// The flags of a program about its log, where it is not a daemon with Mesos's flags.

import ArgumentParser
import Foundation
import Logging

/// The flags of every such program about its log.
struct LogFlags: ParsableArguments {
    @Option(
        name: .customLong("log_dir"),
        help: ArgumentHelp("Folder for a copy of the log, beside standard error.", valueName: "path"))
    var directory: String?
    @Option(name: .customLong("logging_level"), help: "Least level of a line: DEBUG, INFO, WARNING, ERROR.")
    var level = "INFO"
    @Option(
        name: .customLong("log_format"),
        help: "How lines are written: text, json. Without it, what MINI_LOG_FORMAT in the environment says, or text.")
    var format: LogFormat?

    /// A logger that writes to standard error and, with `--log_dir`, to a file there.
    ///
    /// - Throws: ``CommandFailure`` if the level is unknown or the folder cannot be written.
    func logger(_ label: String) throws -> Logger {
        guard let level = DaemonLog.levels[level.uppercased()] else {
            throw CommandFailure(
                description: "--logging_level: expected DEBUG, INFO, WARNING or ERROR, found '\(level)'")
        }
        return try DaemonLog.logger(
            label, LogChoice(level: level, format: format ?? Self.environmentFormat, directory: directory))
    }

    /// Masters and agents take their flags from the environment, too.
    private static var environmentFormat: LogFormat {
        ProcessInfo.processInfo.environment["MINI_LOG_FORMAT"].flatMap(LogFormat.init) ?? .text
    }
}

extension LogFormat: ExpressibleByArgument {}
