// Containers through the agent, compared with the engine alone.
import Foundation
import HTTPClient
import Resources

extension AgentBench {
    /// One after another, in turn, so that both see the same engine.
    func dockerPairs(_ agent: MeasuredAgent) async throws {
        let engine = BareEngine(options)
        try await engine.whileThere {
            let work = TaskWork.container(options.image, ["true"])
            for number in 0..<5 {
                _ = try await engine.start("warm-\(number)")
                _ = try await agent.runOne("warm-\(number)", work)
            }
            var bare: [Double] = []
            var launched: [Double] = []
            let before = agent.ownProcessorSeconds
            for number in 0..<options.samples {
                bare.append(try await engine.start("pair-\(number)"))
                let times = try await agent.runOne("pair-\(number)", work)
                launched.append(times.running - times.accepted)
            }
            let spent = agent.ownProcessorSeconds - before
            show(BenchResult("docker-bare", unit: "ms", bare.map { $0 * 1e3 }))
            show(BenchResult("docker-running", unit: "ms", launched.map { $0 * 1e3 }))
            show(
                BenchResult(
                    "docker-added", unit: "ms", zip(launched, bare).map { ($0 - $1) * 1e3 }, atMost: 10))
            show(BenchResult("docker-cpu", unit: "ms", value: spent / Double(options.samples) * 1e3, atMost: 5))
        }
    }

    /// Blocks of both kinds in turn; the engine alone gets as many requests at a time as serve it best.
    func containerRate(_ agent: MeasuredAgent) async throws {
        let engine = BareEngine(options)
        try await engine.whileThere {
            let work = TaskWork.container(options.image, ["true"])
            let blocks = 6
            let count = max(1, options.containers / blocks)
            try await agent.runMany((0..<10).map { "warm-\($0)" }, work, atOnce: 10)
            try await engine.run((0..<10).map { "warm-\($0)" }, atOnce: 8)
            var rounds: [(reference: Double, measured: Double)] = []
            for block in 0..<blocks {
                let names = (0..<count).map { "block-\(block)-\($0)" }
                var round = (reference: 0.0, measured: 0.0)
                // Who comes second finds more containers in the engine.
                for isBare in block.isMultiple(of: 2) ? [true, false] : [false, true] {
                    let start = MonotonicClock.seconds
                    if isBare {
                        try await engine.run(names, atOnce: 8)
                        round.reference = MonotonicClock.seconds - start
                    } else {
                        try await agent.runMany(names, work, atOnce: count)
                        round.measured = MonotonicClock.seconds - start
                    }
                }
                rounds.append(round)
            }
            let all = Double(blocks * count)
            let bare = rounds.reduce(0) { $0 + $1.reference }
            let launched = rounds.reduce(0) { $0 + $1.measured }
            show(BenchResult("containers-bare", unit: "per second", value: all / bare))
            show(BenchResult("containers-rate", unit: "per second", value: all / launched))
            show(BenchResult("containers-ratio", unit: "of the engine's own", rounds: rounds, atLeast: 0.95))
        }
    }
}

/// The Docker Engine, asked for the same containers without anybody in between.
private struct BareEngine: Sendable {
    private let socket: String
    private let image: String
    private let prefix = "mini-bench-\(UUID().uuidString.prefix(8).lowercased())"
    private let directory: String

    init(_ options: AgentBenchOptions) {
        socket = options.dockerSocket
        image = options.image
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(prefix).path
    }

    /// Runs `body`, then removes every container of this measurement.
    func whileThere(_ body: () async throws -> Void) async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let result: Result<Void, any Error>
        do {
            try await body()
            result = .success(())
        } catch { result = .failure(error) }
        let filter = #"{"label":["org.mini-mesos.bench=\#(prefix)"]}"#
        let escaped = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let list = try await call("GET", "/containers/json?all=1&filters=\(escaped)")
        struct Entry: Decodable { var Id: String }
        for entry in try JSONDecoder().decode([Entry].self, from: Data(list.body)) {
            _ = try? await call("DELETE", "/containers/\(entry.Id)?force=1")
        }
        try? FileManager.default.removeItem(atPath: directory)
        try result.get()
    }

    /// Creates and starts a container, and lets it end.
    ///
    /// - Returns: Seconds until it was started.
    func start(_ name: String) async throws -> Double {
        let start = MonotonicClock.seconds
        try await launch(name)
        let seconds = MonotonicClock.seconds - start
        try await end(name)
        return seconds
    }

    /// Runs containers to their ends, so many at a time.
    func run(_ names: [String], atOnce: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, name) in names.enumerated() {
                if index >= atOnce { try await group.next() }
                group.addTask {
                    try await launch(name)
                    try await end(name)
                }
            }
            try await group.waitForAll()
        }
    }

    private func launch(_ name: String) async throws {
        // What the agent asks for, too: a directory, the host's network, the same shares and memory, and no swap.
        let body = """
            {"Image": "\(image)", "Cmd": ["true"], "Labels": {"org.mini-mesos.bench": "\(prefix)"},
             "HostConfig": {"NetworkMode": "host", "Binds": ["\(directory):/mnt/mesos/sandbox:rw"],
                            "CpuShares": 10, "Memory": 67108864, "MemorySwap": 67108864}}
            """
        try await call("POST", "/containers/create?name=\(prefix)-\(name)", body: body)
        try await call("POST", "/containers/\(prefix)-\(name)/start")
    }

    private func end(_ name: String) async throws { try await call("POST", "/containers/\(prefix)-\(name)/wait") }

    @discardableResult
    private func call(_ method: String, _ path: String, body: String? = nil) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)", unixSocketPath: socket)
        request.totalTimeout = .seconds(60)
        if let body {
            request.body = Array(body.utf8)
            request.headers = [("Content-Type", "application/json")]
        }
        let reply = try await HTTPClient.shared.fetch(request, bodyMax: 16 << 20)
        guard (200..<300).contains(reply.status) else {
            throw LoadTestError.host("the engine answered \(reply.status) to \(method) \(path): \(reply.text)")
        }
        return reply
    }
}
