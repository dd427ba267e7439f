// The few Jenkins calls of the demo: create a job, build it, look how it goes.

import Foundation
import HTTPClient

/// A Jenkins controller as the demo uses it.
public struct DemoController: Sendable {
    public var url: String
    public var user: String
    public var token: String

    /// - Parameter url: Of the controller's root, with or without a trailing slash.
    public init(url: String, user: String, token: String) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.user = user
        self.token = token
    }

    /// One build as the controller shows it.
    public enum BuildView: Hashable, Sendable {
        case queued
        case running(node: String)
        case ended(result: String, milliseconds: Int, node: String)
    }

    /// The controller refused or did not answer.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// - Throws: ``Failure`` naming the call and the answer.
    func create(_ job: DemoJob) async throws {
        try await post(
            "/createItem?name=\(job.name)", body: job.configurationXML, type: "application/xml; charset=utf-8")
    }

    /// - Throws: ``Failure``.
    func build(_ job: DemoJob) async throws { try await post("/job/\(job.name)/build") }

    /// - Throws: ``Failure``.
    func delete(_ job: DemoJob) async throws { try await post("/job/\(job.name)/doDelete") }

    /// - Throws: ``Failure``.
    func view(of job: DemoJob) async throws -> BuildView {
        let tree = "lastBuild[building,result,duration,builtOn]"
        let object = try await get("/job/\(job.name)/api/json?tree=\(tree)")
        guard let build = object["lastBuild"] as? [String: Any] else { return .queued }
        let node = build["builtOn"] as? String ?? ""
        guard build["building"] as? Bool == false, let result = build["result"] as? String else {
            return .running(node: node)
        }
        return .ended(
            result: result, milliseconds: (build["duration"] as? NSNumber)?.intValue ?? 0, node: node)
    }

    /// Names of the controller's nodes.
    ///
    /// - Throws: ``Failure``.
    func nodes() async throws -> [String] {
        let object = try await get("/computer/api/json?tree=computer[displayName]")
        return (object["computer"] as? [[String: Any]] ?? []).compactMap { $0["displayName"] as? String }
    }

    /// Whether it answers at all.
    func answers() async -> Bool { (try? await get("/api/json?tree=mode")) != nil }

    private func get(_ path: String) async throws -> [String: Any] {
        let reply = try await send("GET", path, body: nil, type: nil)
        guard reply.status == 200,
            let object = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
        else { throw Failure(description: "GET \(path) answered \(reply.status)") }
        return object
    }

    private func post(_ path: String, body: String = "", type: String? = nil) async throws {
        let reply = try await send("POST", path, body: Array(body.utf8), type: type)
        guard (200..<400).contains(reply.status) else {
            throw Failure(description: "POST \(path) answered \(reply.status)")
        }
    }

    private func send(_ method: String, _ path: String, body: [UInt8]?, type: String?) async throws -> HTTPClientReply {
        // A token, unlike a password, needs no crumb.
        let credentials = Data("\(user):\(token)".utf8).base64EncodedString()
        var request = HTTPClientRequest(
            method: method, url: url + path.replacing("[", with: "%5B").replacing("]", with: "%5D"))
        request.headers = [("Authorization", "Basic \(credentials)")]
        if let type { request.headers.append(("Content-Type", type)) }
        request.body = body
        request.totalTimeout = .seconds(10)
        do { return try await HTTPClient.shared.fetch(request) } catch {
            throw Failure(description: "\(method) \(url)\(path): \(error)")
        }
    }
}
