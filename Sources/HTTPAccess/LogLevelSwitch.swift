// The log's level, which an operator may raise for a while.
import Logging
import Mailbox

/// Changes the level of every logger made through it, and puts it back after some time.
///
/// Levels are those of glog's `VLOG`, as Apache Mesos counts: 0 is what the master was started with, 1 shows debug lines,
/// 2 and more everything.
package final class LogLevelSwitch: Sendable {
    private struct State {
        var verbosity = 0
        /// Counts settings, so that an earlier one's end does not undo a later one.
        var settings: UInt64 = 0
    }
    private let state = Locked(State())

    package init() {}

    package var verbosity: Int { state.withLock { $0.verbosity } }

    /// Sets the level; after `duration` it goes back to what the master was started with.
    package func set(_ verbosity: Int, for duration: Duration) {
        let setting = state.withLock { state in
            state.verbosity = max(0, verbosity)
            state.settings += 1
            return state.settings
        }
        Timers.shared.scheduleOnce(after: max(.zero, duration)) { [self] in
            state.withLock { state in
                if state.settings == setting { state.verbosity = 0 }
            }
        }
    }

    /// The same logger, with a level that follows this switch.
    package func logger(_ logger: Logger) -> Logger {
        var followed = logger
        followed.handler = Handler(base: logger.handler, level: self)
        return followed
    }

    private struct Handler: LogHandler {
        var base: any LogHandler
        let level: LogLevelSwitch

        var metadata: Logger.Metadata {
            get { base.metadata }
            set { base.metadata = newValue }
        }

        var metadataProvider: Logger.MetadataProvider? {
            get { base.metadataProvider }
            set { base.metadataProvider = newValue }
        }

        var logLevel: Logger.Level {
            get {
                switch level.verbosity {
                case 0: base.logLevel
                case 1: min(base.logLevel, .debug)
                default: .trace
                }
            }
            set { base.logLevel = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { base[metadataKey: key] }
            set { base[metadataKey: key] = newValue }
        }

        func log(event: LogEvent) { base.log(event: event) }
    }
}
