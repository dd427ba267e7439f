// The requests to a Jenkins controller that a farm's driver makes: jobs, builds, and what came of them.
import Foundation
import HTTPClient

/// A job of a farm.
package struct FarmJob: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// `nil`: any node will do.
        case freestyle(label: String?)
        /// One step, in the practice controller's own notation.
        case pipeline(label: String?)
    }

    package var name: String
    package var kind: Kind
    /// A shell script.
    package var command: String
    package var isConcurrent = false

    package init(_ name: String, _ kind: Kind, command: String, isConcurrent: Bool = false) {
        self.name = name
        self.kind = kind
        self.command = command
        self.isConcurrent = isConcurrent
    }

    var configurationXML: String {
        switch kind {
        case .freestyle(let label):
            """
            <?xml version='1.1' encoding='UTF-8'?>
            <project>
              \(label.map { "<assignedNode>\(Self.escaped($0))</assignedNode>" } ?? "")
              <canRoam>\(label == nil)</canRoam>
              <concurrentBuild>\(isConcurrent)</concurrentBuild>
              <builders><hudson.tasks.Shell><command>\(Self.escaped(command))</command></hudson.tasks.Shell></builders>
            </project>
            """
        case .pipeline(let label):
            """
            <flow-definition><stages><stage><step>\(label.map { "<label>\(Self.escaped($0))</label>" } ?? "")\
            <command>\(Self.escaped(command))</command></step></stage></stages></flow-definition>
            """
        }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}

/// A build as the controller shows it.
package struct FarmBuild: Hashable, Sendable {
    package var job: String
    package var number: Int
    /// `nil` while it runs.
    package var result: String?
    package var node: String
    /// Milliseconds since the Unix epoch.
    package var startedAt: Int64
    package var durationMilliseconds: Int64
}

/// A line of the practice controller's history.
package struct FarmEvent: Sendable {
    package var sequence: Int
    package var at: Int64
    package var kind: String
    package var job: String
    package var build: String
    package var node: String
    package var result: String
    /// Of a request: `POST /computer/…`.
    package var request: String
    package var user: String
    package var bytes: Int
}

/// A controller as a client with a token sees it.
package struct FarmController: Sendable {
    package var url: String
    package var user: String
    package var token: String
    package var timeout = Duration.seconds(10)

    package init(url: String, user: String, token: String) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.user = user
        self.token = token
    }

    /// The controller refused or did not answer.
    package struct Failure: Error, CustomStringConvertible {
        /// 0 without an answer.
        package var status: Int
        package var description: String
    }

    // MARK: Jobs and builds

    package func create(_ job: FarmJob) async throws(Failure) {
        try await post("/createItem?name=\(job.name)", body: job.configurationXML)
    }

    /// - Parameter delaySeconds: Instead of the controller's quiet period.
    package func build(_ job: String, delaySeconds: Int? = nil) async throws(Failure) {
        try await post("/job/\(job)/build" + (delaySeconds.map { "?delay=\($0)sec" } ?? ""))
    }

    func delete(job: String) async throws(Failure) { try await post("/job/\(job)/doDelete") }

    package func stop(_ job: String, _ number: Int = 1) async throws(Failure) {
        try await post("/job/\(job)/\(number)/stop")
    }

    /// Whether a build of the job has been asked for and not been forgotten.
    package func knowsBuild(of job: String) async throws(Failure) -> Bool {
        let bean = try await object("/job/\(job)/api/json?tree=nextBuildNumber,inQueue")
        return bean["inQueue"] as? Bool == true || (bean["nextBuildNumber"] as? Int ?? 1) > 1
    }

    package func builds(of job: String) async throws(Failure) -> [FarmBuild] {
        let tree = "builds[number,result,builtOn,timestamp,duration]"
        return Self.builds(try await object("/job/\(job)/api/json?tree=\(tree)"), job: job)
    }

    /// Every build of every job.
    package func allBuilds() async throws(Failure) -> [FarmBuild] {
        let tree = "jobs[name,builds[number,result,builtOn,timestamp,duration]]"
        let root = try await object("/api/json?tree=\(tree)")
        return (root["jobs"] as? [[String: Any]] ?? []).flatMap { job in
            Self.builds(job, job: job["name"] as? String ?? "")
        }
    }

    private static func builds(_ bean: [String: Any], job: String) -> [FarmBuild] {
        (bean["builds"] as? [[String: Any]] ?? []).map { build in
            FarmBuild(
                job: job, number: build["number"] as? Int ?? 0, result: build["result"] as? String,
                node: build["builtOn"] as? String ?? "",
                startedAt: (build["timestamp"] as? NSNumber)?.int64Value ?? 0,
                durationMilliseconds: (build["duration"] as? NSNumber)?.int64Value ?? 0)
        }
    }

    /// How many items wait.
    package func queueLength() async throws(Failure) -> Int {
        (try await object("/queue/api/json?tree=items[id]")["items"] as? [Any] ?? []).count
    }

    // MARK: Nodes

    /// Names of all nodes but the built-in one.
    package func nodes() async throws(Failure) -> [String] {
        let bean = try await object("/computer/api/json?tree=computer[_class,displayName]")
        return (bean["computer"] as? [[String: Any]] ?? []).compactMap { computer in
            let isBuiltIn = (computer["_class"] as? String ?? "").hasSuffix("MasterComputer")
            return isBuiltIn ? nil : computer["displayName"] as? String
        }
    }

    /// Names of the nodes that run builds or may: beacons left out.
    package func agents() async throws(Failure) -> [String] {
        try await nodes().filter { $0.hasPrefix("mj-") && !$0.hasPrefix("mj-beacon-") }
    }

    package func isOnline(_ node: String) async throws(Failure) -> Bool {
        try await object("/computer/\(node)/api/json?tree=offline")["offline"] as? Bool == false
    }

    func delete(node: String) async throws(Failure) { try await post("/computer/\(node)/doDelete") }

    // MARK: The practice controller's own

    /// Asks for a fault or another control of the practice controller.
    package func control(_ query: String) async throws(Failure) { try await post("/standin/control?\(query)") }

    package func events(after sequence: Int) async throws(Failure) -> [FarmEvent] {
        let list = try await value("/standin/events?after=\(sequence)") as? [[String: Any]] ?? []
        return list.map { entry in
            let text = { (name: String) in entry[name] as? String ?? "" }
            return FarmEvent(
                sequence: entry["seq"] as? Int ?? 0, at: (entry["at"] as? NSNumber)?.int64Value ?? 0,
                kind: text("kind"), job: text("job"), build: text("build"), node: text("node"),
                result: text("result"), request: "\(text("method")) \(text("target"))", user: text("user"),
                bytes: entry["bytes"] as? Int ?? 0)
        }
    }

    package func answers() async -> Bool { (try? await value("/api/json?tree=mode")) != nil }

    // MARK: Requests

    private func object(_ path: String) async throws(Failure) -> [String: Any] {
        guard let object = try await value(path) as? [String: Any] else {
            throw Failure(status: 200, description: "GET \(path) answered something else")
        }
        return object
    }

    private func value(_ path: String) async throws(Failure) -> Any {
        let reply = try await send("GET", path, body: nil)
        guard reply.status == 200, let value = try? JSONSerialization.jsonObject(with: Data(reply.body)) else {
            throw Failure(status: reply.status, description: "GET \(path) answered \(reply.status)")
        }
        return value
    }

    private func post(_ path: String, body: String = "") async throws(Failure) {
        let reply = try await send("POST", path, body: Array(body.utf8))
        guard (200..<400).contains(reply.status) else {
            throw Failure(status: reply.status, description: "POST \(path) answered \(reply.status)")
        }
    }

    private func send(_ method: String, _ path: String, body: [UInt8]?) async throws(Failure) -> HTTPClientReply {
        // A token, unlike a password, needs no crumb.
        let credentials = Data("\(user):\(token)".utf8).base64EncodedString()
        let escaped = path.replacing("[", with: "%5B").replacing("]", with: "%5D")
        var request = HTTPClientRequest(method: method, url: url + escaped)
        request.headers = [("Authorization", "Basic \(credentials)")]
        if body != nil { request.headers.append(("Content-Type", "application/xml; charset=utf-8")) }
        request.body = body
        request.totalTimeout = timeout
        do { return try await HTTPClient.shared.fetch(request) } catch {
            throw Failure(status: 0, description: "\(method) \(url)\(path): \(error)")
        }
    }
}
