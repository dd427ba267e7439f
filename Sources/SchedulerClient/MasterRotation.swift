// Finds a master that answers among several addresses, for sites without ZooKeeper in reach.
import HTTPClient
import Logging
import MasterDetection

/// Asks one address after the other, and stays with the first that answers for as long as it does.
struct MasterRotation: Sendable {
    private static let lookInterval = Duration.seconds(2)
    private static let askTimeout = Duration.seconds(2)

    let masters: [MasterLocation]
    let http: HTTPClient
    let logger: Logger

    /// Reports the base URL of each new choice, and nil when none answers, until the task is cancelled.
    func run(_ report: @Sendable (String?) -> Void) async {
        var current: String?
        while !Task.isCancelled {
            var found: String?
            if let current, await answers(current) { found = current }
            for url in urls where found == nil && url != current {
                if await answers(url) { found = url }
            }
            if Task.isCancelled { return }
            if found != current {
                if found == nil { logger.warning("none of the masters answers: \(urls.joined(separator: ", "))") }
                report(found)
                current = found
            }
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    private var urls: [String] {
        masters.compactMap { master in
            guard case .address(let host, let port) = master else { return nil }
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(http.tls == nil ? "http" : "https")://\(name):\(port)"
        }
    }

    /// Whatever it says, also that it wants credentials: it is there.
    private func answers(_ url: String) async -> Bool {
        let request = HTTPClientRequest(url: url + "/health", totalTimeout: Self.askTimeout)
        guard let reply = try? await http.fetch(request, bodyMax: 64 << 10) else { return false }
        return reply.status < 500
    }
}
