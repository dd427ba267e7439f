// The two Docker Engine calls that a teardown needs.

import Foundation
import HTTPClient

/// Finds and removes containers by label through the Engine's socket.
struct DockerCleaner: Sendable {
    struct Container: Equatable, Sendable {
        var id: String
        /// The value of the label that was asked for.
        var labelValue: String
    }

    /// The Engine answered with something else than expected.
    struct EngineError: Error, CustomStringConvertible {
        var description: String
    }

    var socketPath: String

    /// Whether an engine answers on the socket.
    func answers() async -> Bool { (try? await call("GET", "/_ping"))?.status == 200 }

    /// Every container, running or not, that carries `label`.
    ///
    /// - Throws: ``EngineError``, or `HTTPClientError` when the engine does not answer.
    func containers(labelled label: String) async throws -> [Container] {
        let filters =
            #"{"label":["\#(label)"]}"#
            .addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let reply = try await call("GET", "/containers/json?all=1&filters=\(filters)")
        guard reply.status == 200,
            let list = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]]
        else { throw EngineError(description: "unexpected answer \(reply.status) to a list of containers") }
        return list.compactMap { object in
            guard let id = object["Id"] as? String, let labels = object["Labels"] as? [String: String],
                let value = labels[label]
            else { return nil }
            return Container(id: id, labelValue: value)
        }
    }

    /// Kills and removes one container with its anonymous volumes; one that is gone already is fine.
    ///
    /// - Throws: ``EngineError``, or `HTTPClientError` when the engine does not answer.
    func remove(_ id: String) async throws {
        let reply = try await call("DELETE", "/containers/\(id)?force=1&v=1")
        // 409: somebody else is removing it at this moment; the next round sees whether it is gone.
        guard [204, 404].contains(reply.status) else {
            throw EngineError(
                description: "answer \(reply.status): \(String(decoding: reply.body.prefix(200), as: UTF8.self))")
        }
    }

    private func call(_ method: String, _ path: String) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)")
        request.unixSocketPath = socketPath
        request.totalTimeout = .seconds(20)
        return try await HTTPClient.shared.fetch(request)
    }
}
