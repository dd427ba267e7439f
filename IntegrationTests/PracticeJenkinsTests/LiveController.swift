// A practice controller on a free port of this host, and the few requests the tests make themselves.
import Foundation
import HTTPClient
import IntegrationSupport
import Logging
import PracticeJenkins

struct LiveController: Sendable {
    static let user = "ann"
    static let password = "ann's password"
    static let token = "1f0b7d2c"

    let server: PracticeJenkinsServer
    var url: String { server.url }

    /// Lends a controller to `body` and stops it afterwards, whatever happens.
    static func lend(
        isolation: isolated (any Actor)? = #isolation, _ body: (LiveController) async throws -> Void
    ) async throws {
        var configuration = PracticeJenkinsConfiguration()
        configuration.port = 0
        configuration.users = [PracticeUser(name: user, password: password, token: token)]
        configuration.quietPeriod = .milliseconds(50)
        var logger = Logger(label: "practice-jenkins")
        logger.logLevel = .error
        let controller = LiveController(server: try await PracticeJenkinsServer.start(configuration, logger: logger))
        do {
            try await body(controller)
            await controller.server.stop()
        } catch {
            await controller.server.stop()
            throw error
        }
    }

    @discardableResult
    func send(_ method: String, _ path: String, body: String? = nil) async throws -> HTTPClientReply {
        let credentials = Data("\(Self.user):\(Self.token)".utf8).base64EncodedString()
        var request = HTTPClientRequest(method: method, url: url + path)
        request.headers = [("Authorization", "Basic \(credentials)"), ("Content-Type", "application/xml")]
        request.body = body.map { Array($0.utf8) } ?? (method == "POST" ? [] : nil)
        request.totalTimeout = .seconds(20)
        return try await HTTPClient.shared.fetch(request)
    }

    func text(_ path: String) async throws -> String { try await send("GET", path).text }

    /// A member of a bean: text, number or bool as text; `nil` for null and for what is not there.
    func value(_ name: String, of path: String) async throws -> String? {
        let reply = try await send("GET", path + "/api/json?tree=\(name)")
        guard let bean = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] else { return nil }
        if let text = bean[name] as? String { return text }
        return (bean[name] as? NSNumber).map { CFGetBool($0) ?? "\($0)" }
    }

    func control(_ query: String) async throws {
        let reply = try await send("POST", "/standin/control?\(query)")
        guard reply.status == 200 else { throw UnexpectedAnswer(what: "control \(query)", reply: reply) }
    }

    func createJob(_ name: String, command: String) async throws {
        let escaped = command.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        let xml = """
            <project><assignedNode>practice</assignedNode><canRoam>false</canRoam><builders><hudson.tasks.Shell>\
            <command>\(escaped)</command></hudson.tasks.Shell></builders></project>
            """
        let reply = try await send("POST", "/createItem?name=\(name)", body: xml)
        guard reply.status == 200 else { throw UnexpectedAnswer(what: "create \(name)", reply: reply) }
    }

    /// - Returns: The node's secret.
    func createNode(_ name: String, executors: Int = 1) async throws -> String {
        let json = "%7B%22numExecutors%22:\(executors),%22labelString%22:%22practice%22%7D"
        try await send("POST", "/computer/doCreateItem?name=\(name)&type=hudson.slaves.DumbSlave&json=\(json)")
        let file = try await text("/computer/\(name)/jenkins-agent.jnlp")
        guard let start = file.firstRange(of: "<argument>"),
            let end = file[start.upperBound...].firstRange(of: "</argument>")
        else { throw UnexpectedText(text: file) }
        return String(file[start.upperBound..<end.lowerBound])
    }

    /// Queues a build and waits until it runs.
    func startBuild(_ job: String, number: Int = 1) async throws {
        try await send("POST", "/job/\(job)/build")
        try await eventually("\(job) #\(number) runs") {
            try await send("GET", "/job/\(job)/\(number)/api/json").status == 200
        }
    }

    /// - Returns: The result of a build that has ended.
    func result(_ job: String, number: Int = 1) async throws -> String {
        try await eventually("\(job) #\(number) ends", within: .seconds(20)) {
            try await value("result", of: "/job/\(job)/\(number)")
        }
    }

    func console(_ job: String, number: Int = 1) async throws -> String {
        try await text("/job/\(job)/\(number)/consoleText")
    }

    func environment(agent name: String, secret: String) -> [String: String] {
        ["JENKINS_URL": url + "/", "JENKINS_AGENT_NAME": name, "JENKINS_SECRET": secret]
    }
}

/// `true` and `false` for JSON's booleans, `nil` for numbers.
private func CFGetBool(_ number: NSNumber) -> String? {
    String(cString: number.objCType) == "c" ? "\(number.boolValue)" : nil
}

struct UnexpectedAnswer: Error {
    var what: String
    var reply: HTTPClientReply
}

struct UnexpectedText: Error {
    var text: String
}

/// Lends the practice agent's script as a file.
func withAgentScript(
    isolation: isolated (any Actor)? = #isolation, _ body: (_ path: String) async throws -> Void
) async throws {
    let folder = try makeTemporaryDirectory(named: "agent")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/practice-agent"
    try PracticeAgentScript.text.write(toFile: path, atomically: true, encoding: .utf8)
    try await body(path)
}
