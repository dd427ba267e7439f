// Drives the practice Jenkins of a demo as a person's script would: creates jobs, builds them, asks how it went.

import Foundation
import HTTPClient
import IntegrationSupport

struct PracticeDriver: Sendable {
    struct Refused: Error {
        var what: String
        var status: Int
    }
    struct Build: Decodable, Equatable, Sendable {
        var number: Int
        var result: String?
        var building: Bool
    }

    let url: String
    let token: String

    init(_ document: ClusterDocument) throws {
        url = document.jenkins?.url ?? ""
        token = try String(contentsOfFile: "\(document.workDirectory)/jenkins-token", encoding: .utf8)
            .trimmingCharacters(in: .newlines)
    }

    /// Creates a job that prints a line at its begin and at its end, and queues one build.
    func build(_ job: String, label: String, seconds: Int) async throws {
        let xml = """
            <project><assignedNode>\(label)</assignedNode><canRoam>false</canRoam><builders><hudson.tasks.Shell>\
            <command>echo begins; sleep \(seconds); echo ends</command></hudson.tasks.Shell></builders></project>
            """
        for (path, body) in [("/createItem?name=\(job)", xml), ("/job/\(job)/build", "")] {
            let reply = try await send("POST", path, body)
            guard (200..<400).contains(reply.status) else { throw Refused(what: path, status: reply.status) }
        }
    }

    /// All builds of a job; none while it is queued.
    func builds(of job: String) async throws -> [Build] {
        struct Job: Decodable { var builds: [Build] }
        let reply = try await send("GET", "/job/\(job)/api/json?tree=builds%5Bnumber,result,building%5D")
        guard reply.status == 200 else { throw Refused(what: job, status: reply.status) }
        return try JSONDecoder().decode(Job.self, from: Data(reply.body)).builds
    }

    /// Console lines that the job's own command printed.
    func consoleWords(of job: String) async throws -> [String] {
        let text = try await send("GET", "/job/\(job)/1/consoleText").text
        return text.split(whereSeparator: \.isNewline).map(String.init).filter { ["begins", "ends"].contains($0) }
    }

    private func send(_ method: String, _ path: String, _ body: String = "") async throws -> HTTPClientReply {
        let credentials = Data("demo:\(token)".utf8).base64EncodedString()
        var request = HTTPClientRequest(method: method, url: url + path)
        request.headers = [("Authorization", "Basic \(credentials)"), ("Content-Type", "application/xml")]
        if method == "POST" { request.body = Array(body.utf8) }
        request.totalTimeout = .seconds(10)
        return try await HTTPClient.shared.fetch(request)
    }
}
