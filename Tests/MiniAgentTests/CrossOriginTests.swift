// Which pages of other hosts may read an agent's answers.
import HTTPServer
import Testing

@testable import MiniAgent

@Suite struct CrossOriginTests {
    private static let master = MasterAddress(id: "m", url: "http://10.0.0.7:5050", hostname: "Master1.example")

    private func header(
        _ name: String, _ method: String = "GET", _ path: String = "/files/read", from origin: String,
        master: MasterAddress? = Self.master, needsCredentials: Bool
    ) -> String? {
        let readers = CrossOriginPages(master: master, needsCredentials: needsCredentials)
        let request = HTTPRequest(method: method, target: path, path: path)
        let response = readers.marked(.empty(200), to: request, from: origin)
        return response.headers.first { $0.0 == name }?.1
    }

    private func allowed(
        _ method: String = "GET", _ path: String = "/files/read", from origin: String,
        master: MasterAddress? = Self.master, needsCredentials: Bool = true
    ) -> String? {
        header(
            "Access-Control-Allow-Origin", method, path, from: origin, master: master,
            needsCredentials: needsCredentials)
    }

    @Test(arguments: [
        "http://10.0.0.7:5050", "http://master1.example:5050", "https://master1.example:5050", "https://10.0.0.7:5050",
    ])
    func `the page of the leading master may read, whatever name it was reached by`(origin: String) {
        #expect(allowed(from: origin) == origin)
        #expect(header("Access-Control-Allow-Credentials", from: origin, needsCredentials: true) == "true")
    }

    @Test(arguments: [
        "http://evil.example", "http://evil.example:5050", "http://10.0.0.7", "http://10.0.0.7:5051", "null", "",
        "http://master1.example:5050.evil.example", "http://master1.example@evil.example:5050", "ftp://10.0.0.7:5050",
        "http://10.0.0.70:5050",
    ])
    func `no other page may read what needs a name and a password`(origin: String) {
        #expect(allowed(from: origin) == nil)
        #expect(header("Vary", from: origin, needsCredentials: true) == "Origin")
    }

    @Test func `what anybody may ask without a name any page may read`() {
        #expect(allowed(from: "http://ops.example", needsCredentials: false) == "http://ops.example")
        #expect(allowed(from: "http://ops.example", master: nil, needsCredentials: false) == "http://ops.example")
    }

    @Test func `while no master leads no page may use the user's password`() {
        #expect(allowed(from: "http://10.0.0.7:5050", master: nil) == nil)
    }

    @Test(arguments: [
        ("GET", "/api/v1"), ("GET", "/files/download"), ("POST", "/files/read"), ("POST", "/api/v1/executor"),
        ("GET", "/unknown"), ("GET", "/api/v1/executor"), ("OPTIONS", "/state"),
    ])
    func `only reads are opened`(method: String, path: String) {
        #expect(allowed(method, path, from: "http://10.0.0.7:5050", needsCredentials: false) == nil)
    }

    private func preflight(
        _ path: String = "/api/v1", for method: String = "POST", from origin: String
    ) -> HTTPResponse {
        let request = HTTPRequest(
            method: "OPTIONS", target: path, path: path,
            headers: [("Origin", origin), ("Access-Control-Request-Method", method)])
        #expect(request.isPreflight)
        return CrossOriginPages(master: Self.master, needsCredentials: false).preflight(request, from: origin)
    }

    @Test func `the page of the leading master may send calls, whoever must say who they are`() {
        let origin = "http://10.0.0.7:5050"
        let answer = preflight(from: origin)
        #expect(answer.status == 204)
        #expect(answer.headers.contains { $0 == ("Access-Control-Allow-Origin", origin) })
        #expect(answer.headers.contains { $0 == ("Access-Control-Allow-Methods", "POST") })
        for needsCredentials in [false, true] {
            #expect(allowed("POST", "/api/v1", from: origin, needsCredentials: needsCredentials) == origin)
        }
    }

    @Test func `no other page may send calls, even where nobody must say who they are`() {
        let answer = preflight(from: "http://evil.example:5050")
        #expect(answer.status == 403)
        #expect(!answer.headers.contains { $0.0.hasPrefix("Access-Control") })
        #expect(allowed("POST", "/api/v1", from: "http://evil.example:5050", needsCredentials: false) == nil)
    }

    @Test(arguments: [("/api/v1", "DELETE"), ("/state", "POST"), ("/api/v1/executor", "POST"), ("/files/read", "PUT")])
    func `nothing else may be sent`(path: String, method: String) {
        #expect(preflight(path, for: method, from: "http://10.0.0.7:5050").status == 403)
    }

    @Test func `a port that goes without saying is the same as one that is said`() {
        let plain = MasterAddress(id: "m", url: "http://[fe80::1]:80", hostname: "m")
        #expect(allowed(from: "http://[fe80::1]", master: plain) == "http://[fe80::1]")
        #expect(allowed(from: "http://m", master: plain) == "http://m")
        #expect(allowed(from: "https://m", master: plain) == nil)
    }
}
