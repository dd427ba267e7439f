// The configuration in force, which a reload may replace while the framework runs.
import Mailbox

/// Read anew wherever it matters, so that nobody works with what was true at the start.
final class LiveConfiguration: Sendable {
    private let state: Locked<JenkinsConfiguration>

    init(_ configuration: JenkinsConfiguration) { state = Locked(configuration) }

    var current: JenkinsConfiguration {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
