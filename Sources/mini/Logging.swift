// Where the daemons' log lines go: readable lines on standard error.

import Foundation
import Logging

/// Sets up logging for a daemon.
enum LogSetup {
    /// - Parameter level: As Mesos's `--logging_level`: INFO, WARNING, ERROR; also DEBUG.
    static func logger(_ label: String, level: String) throws -> Logger {
        let levels: [String: Logger.Level] = ["DEBUG": .debug, "INFO": .info, "WARNING": .warning, "ERROR": .error]
        guard let chosen = levels[level.uppercased()] else {
            throw CommandFailure(
                description: "--logging_level must be DEBUG, INFO, WARNING or ERROR, not '\(level)'")
        }
        var logger = Logger(label: label, factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = chosen
        return logger
    }
}
