// Every request has a name, in its answer and while it is answered.
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RequestIDTests {
    private func ids(_ requests: String, count: Int) async throws -> [(answered: String, seen: String)] {
        let handler: HTTPServer.Handler = { request in
            let isCurrent = RequestID.current == request.id
            return .text(200, "<\(isCurrent ? request.id?.description ?? "none" : "another")>")
        }
        var answers: [String] = []
        try await withServer(handler: handler) { server in
            let port = server.port
            answers = try await offPool {
                let client = try RawClient(port: port)
                client.send(requests)
                return try (0..<count).map { _ in try client.read(through: ">") }
            }
        }
        return answers.map { answer in
            let header = answer.split(separator: "\r\n").first { $0.hasPrefix("X-Request-Id: ") }
            return (String(header?.dropFirst(14) ?? ""), String(answer.split(separator: "<").last?.dropLast() ?? ""))
        }
    }

    @Test func `the caller's id comes back and is known while the request is answered`() async throws {
        let found = try await ids("GET / HTTP/1.1\r\nx-request-id: 6f1c9e7a-build/7\r\n\r\n", count: 1)
        #expect(found.map(\.answered) == ["6f1c9e7a-build/7"] && found.map(\.seen) == ["6f1c9e7a-build/7"])
    }

    @Test func `requests without one each get one of their own`() async throws {
        let found = try await ids(String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 20), count: 20)
        #expect(Set(found.map(\.answered)).count == 20)
        #expect(found.allSatisfy { $0.answered == $0.seen && $0.answered.utf8.count == 15 }, "\(found)")
    }

    @Test(arguments: ["", "a b", "a;b", "ü", "a\"b", String(repeating: "x", count: 129)])
    func `an id that could forge a line is replaced`(text: String) async throws {
        let found = try await ids("GET / HTTP/1.1\r\nX-Request-Id: \(text)\r\n\r\n", count: 1)
        #expect(found.allSatisfy { $0.answered.utf8.count == 15 && $0.answered == $0.seen }, "\(found)")
    }
}
