// Asks the status servers of build farms which builds wait for what.
import FoundationEssentials
import HTTPClient
import Resources

/// The farms that the configuration names.
public final class FarmWatch: Sendable {
    /// A farm that takes longer is not known this time.
    static let timeLimit = Duration.seconds(5)
    private static let bytesMax = 16 << 20
    private static let waitsMax = 10_000

    private let urls: [String]
    private let client: HTTPClient

    public init(_ urls: [String], client: HTTPClient = .shared) {
        self.urls = urls
        self.client = client
    }

    /// In the order of the configuration.
    public func look() async -> [ClusterSample.Farm] {
        await withTaskGroup(of: (Int, ClusterSample.Farm).self) { group in
            for (index, url) in urls.enumerated() { group.addTask { (index, await self.look(at: url)) } }
            var found: [(Int, ClusterSample.Farm)] = []
            for await farm in group { found.append(farm) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private struct State: Decodable {
        struct Entry: Decodable {
            var job: String?
            var label: String?
            var code: String?
            var since: Double?
        }
        var time: Double
        var queue: [Entry]
    }

    private func look(at url: String) async -> ClusterSample.Farm {
        let request = HTTPClientRequest(
            url: url + "/state", connectTimeout: Self.timeLimit, totalTimeout: Self.timeLimit)
        guard let reply = try? await client.fetch(request, bodyMax: Self.bytesMax), reply.status == 200,
            let state = try? JSONDecoder().decode(State.self, from: Data(reply.body))
        else { return .init(url: url, waits: nil) }
        let waits = state.queue.prefix(Self.waitsMax).map { entry in
            ClusterSample.Farm.Wait(
                job: entry.job ?? "", reason: entry.code ?? "", label: entry.label ?? "",
                seconds: max(0, state.time - (entry.since ?? state.time)))
        }
        return .init(url: url, waits: waits)
    }
}
