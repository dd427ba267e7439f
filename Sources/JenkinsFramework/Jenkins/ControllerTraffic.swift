// How much the framework asks of the controller: requests and bytes, by what they were for.
import Mailbox

final class ControllerTraffic: Sendable {
    struct Count: Hashable, Sendable {
        var requests = 0
        /// Of answers, bodies only.
        var bytes = 0
    }

    private let counts = Locked<[String: Count]>([:])

    func add(_ lane: JenkinsClient.Lane, bytes: Int) {
        let name =
            switch lane {
            case .poll: "poll"
            case .change: "change"
            case .lookUp: "look_up"
            case .watch: "watch"
            case .urgent, .opening, .deletion: "change"
            }
        counts.withLock {
            $0[name, default: Count()].requests += 1
            $0[name, default: Count()].bytes += bytes
        }
    }

    var all: [String: Count] { counts.withLock { $0 } }
}
