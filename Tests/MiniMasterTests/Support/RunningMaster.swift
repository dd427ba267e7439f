// A real standalone master on a loopback port, for tests of its HTTP side.
import Foundation
import HTTPClient
import Logging
import MesosProtocol
import Testing

@testable import MiniMaster

/// Starts a master in a temporary directory, lets the test talk to it, and stops it.
struct RunningMaster {
    let server: MasterServer
    var url: String { server.url }

    /// - Parameter configure: Changes the configuration it starts with.
    static func with(
        _ configure: (inout MasterConfiguration) -> Void = { _ in }, _ body: (RunningMaster) async throws -> Void
    ) async throws {
        let directory = NSTemporaryDirectory() + "mini-master-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var configuration = MasterConfiguration(workDir: directory)
        configuration.ip = "127.0.0.1"
        configuration.port = 0
        configuration.hostnameLookup = false
        configure(&configuration)
        let server = try await MasterServer.start(
            configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            let master = RunningMaster(server: server)
            try await master.waitUntilLeading()
            try await body(master)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private func waitUntilLeading() async throws {
        for _ in 0..<500 {
            let status = try await get("/master/state").status
            // A master that asks who is there says nothing about the cluster.
            if status == 200 || (status == 401 && server.shell.availability == .leading) { return }
            await Task.yield()
        }
        Issue.record("the master does not lead")
    }

    func get(_ path: String) async throws -> HTTPClientReply {
        try await HTTPClient.shared.fetch(request("GET", path))
    }

    func post(
        _ path: String, _ body: String, type: String? = "application/json",
        headers: [(String, String)] = []
    ) async throws -> HTTPClientReply {
        var all = headers
        if let type { all.append(("Content-Type", type)) }
        return try await HTTPClient.shared.fetch(request("POST", path, all, Array(body.utf8)))
    }

    /// Opens an event stream.
    func stream(
        _ path: String, _ body: [UInt8], headers: [(String, String)]
    ) async throws -> HTTPClientResponse {
        try await HTTPClient.shared.execute(request("POST", path, headers, body))
    }

    func request(
        _ method: String, _ path: String, _ headers: [(String, String)] = [], _ body: [UInt8]? = nil
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(method: method, url: url + path)
        request.headers = headers
        request.body = body
        request.idleTimeout = .seconds(20)
        return request
    }
}

/// Reads records from a response until there are as many as wanted.
struct RecordReader {
    private var decoder = RecordIODecoder()
    private var chunks: HTTPClientBody.AsyncIterator

    init(_ response: HTTPClientResponse) { chunks = response.body.makeAsyncIterator() }

    mutating func next() async throws -> [UInt8]? {
        while true {
            if let record = try decoder.next() { return record }
            guard let chunk = try await chunks.next() else { return nil }
            decoder.append(chunk)
        }
    }
}
