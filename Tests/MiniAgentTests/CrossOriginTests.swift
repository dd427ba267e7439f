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
        let readers = CrossOriginReaders(master: master, needsCredentials: needsCredentials)
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
        ("POST", "/api/v1"), ("GET", "/api/v1"), ("GET", "/files/download"), ("POST", "/files/read"),
        ("GET", "/unknown"), ("GET", "/api/v1/executor"), ("OPTIONS", "/state"),
    ])
    func `only reads are opened`(method: String, path: String) {
        #expect(allowed(method, path, from: "http://10.0.0.7:5050", needsCredentials: false) == nil)
    }

    @Test func `a port that goes without saying is the same as one that is said`() {
        let plain = MasterAddress(id: "m", url: "http://[fe80::1]:80", hostname: "m")
        #expect(allowed(from: "http://[fe80::1]", master: plain) == "http://[fe80::1]")
        #expect(allowed(from: "http://m", master: plain) == "http://m")
        #expect(allowed(from: "https://m", master: plain) == nil)
    }
}
