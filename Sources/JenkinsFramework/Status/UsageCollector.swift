// Asks Mesos agents what the containers of running builds use: one request for each agent that has any.
import FoundationEssentials
import HTTPClient
import JenkinsUsage

struct UsageCollector: Sendable {
    private static let timeout = Duration.seconds(3)
    private static let bodyMax = 16 << 20
    /// Agents asked at the same time.
    private static let parallelMax = 16

    private let http: HTTPClient
    private let authorization: String?

    /// - Parameter credentials: Sent to agents that want to know who asks.
    init(caFile: String?, credentials: (principal: String, secret: String)?) {
        http = caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared
        authorization = credentials.map {
            "Basic " + Data("\($0.principal):\($0.secret)".utf8).base64EncodedString()
        }
    }

    /// - Parameter urls: `http://host:port` of each agent.
    /// - Returns: The samples of all containers of all agents that answered, by the id of the task.
    func look(at urls: [String]) async -> [String: UsageSample] {
        await withTaskGroup(of: [String: UsageSample].self) { group in
            var rest = urls[...]
            for url in rest.prefix(Self.parallelMax) { group.addTask { await self.look(at: url) } }
            rest = rest.dropFirst(Self.parallelMax)
            var all: [String: UsageSample] = [:]
            while let samples = await group.next() {
                all.merge(samples) { first, _ in first }
                if let url = rest.popFirst() { group.addTask { await self.look(at: url) } }
            }
            return all
        }
    }

    /// An agent that does not answer leaves a gap in the samples, nothing worse.
    private func look(at url: String) async -> [String: UsageSample] {
        var request = HTTPClientRequest(url: url + "/monitor/statistics", totalTimeout: Self.timeout)
        if let authorization { request.headers.append(("Authorization", authorization)) }
        guard let reply = try? await http.fetch(request, bodyMax: Self.bodyMax), reply.status == 200 else { return [:] }
        return (try? ContainerStatistics.samples(reply.body)) ?? [:]
    }
}
