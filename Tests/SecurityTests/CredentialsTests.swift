// The credentials files of Mesos, good and bad.
import Foundation
import Security
import Testing

@Suite struct CredentialsTests {
    private func parse(_ text: String) throws -> Credentials {
        try Credentials.parse(Array(text.utf8), source: "/etc/credentials")
    }

    private func fault(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `the JSON form names principals and secrets`() throws {
        let credentials = try parse(
            #"{"credentials": [{"principal": "ops", "secret": "s1"}, {"principal": "ci", "secret": "p:w/d "}]}"#)
        #expect(credentials.principals == [Principal("ci"), Principal("ops")])
        #expect(credentials.contain(Principal("ops"), Secret("s1")))
        #expect(credentials.contain(Principal("ci"), Secret("p:w/d ")))
    }

    @Test func `the older form has a principal and a secret on each line`() throws {
        let credentials = try parse("ops s1\n\n  ci\tp:w \r\n")
        #expect(credentials.contain(Principal("ops"), Secret("s1")))
        #expect(credentials.contain(Principal("ci"), Secret("p:w")))
    }

    @Test(arguments: ["", "s", "s2", "s11", "s1s1", "S1", "s1\0"])
    func `any other secret is wrong`(secret: String) throws {
        let credentials = try parse("ops s1")
        #expect(!credentials.contain(Principal("ops"), Secret(secret)))
        #expect(!credentials.contain(Principal("nobody"), Secret(secret)))
    }

    @Test func `the secret that unknown principals are compared with opens nothing`() throws {
        #expect(try !parse("ops s1").contain(Principal("x"), Secret("a secret of an ordinary length!!")))
    }

    @Test func `an empty secret can be configured and matches only itself`() throws {
        let credentials = try parse(#"{"credentials":[{"principal":"p","secret":""}]}"#)
        #expect(credentials.contain(Principal("p"), Secret("")))
        #expect(!credentials.contain(Principal("p"), Secret("\0")))
    }

    @Test(arguments: [
        (#"{"credentials": {}}"#, "credentials: expected an array of principals and secrets"),
        (#"{}"#, "credentials: expected an array of principals and secrets"),
        (#"{"credentials": [{"secret": "CANARY"}]}"#, "credentials[0].principal: expected a text that is not empty"),
        (#"{"credentials": [{"principal": "p", "secret": 3}]}"#, "credentials[0].secret: expected a text"),
        (#"{"credentials": [7]}"#, "credentials[0]: expected an object, found number"),
        (
            #"{"credentials":[{"principal":"p","secret":"a"},{"principal":"p","secret":"b"}]}"#,
            "credentials[1].principal: 'p' occurs twice"
        ),
        (#"{"credentials":[{"principal":"a:b","secret":"a"}]}"#, "credentials[0].principal: must not contain a colon"),
        ("ops s1\nci", "line 2: expected a principal, a space and a secret"),
        ("ops s1\nops s2", "line 2: 'ops' occurs twice"),
        ("  \n", "credentials: there are none"),
    ])
    func `a mistake is reported with its field`(text: String, reason: String) {
        #expect(fault(text) == "/etc/credentials: \(reason)")
    }

    @Test func `a broken document is reported without its text`() {
        let message = fault("{\"credentials\": [{\"principal\": \"p\", \"secret\": CANARY}]}")
        #expect(message == "/etc/credentials: line 1: not JSON")
    }

    @Test func `an agent's credential is one object, or one line`() throws {
        let json = try Credential.parse(Array(#"{"principal":"a","secret":"s"}"#.utf8), source: "f")
        let line = try Credential.parse(Array("a s\n".utf8), source: "f")
        #expect(json.principal == line.principal && json.secret.matches(line.secret))
        #expect(json.basicAuthorization == "Basic YTpz")
        #expect(throws: CredentialsError.self) { try Credential.parse(Array("a".utf8), source: "f") }
    }

    @Test func `no way of printing shows a secret`() throws {
        let credential = Credential(principal: Principal("p"), secret: Secret("CANARY"))
        let credentials = Credentials([credential])
        var dumped = ""
        dump(credential, to: &dumped)
        dump(credentials, to: &dumped)
        let texts = [
            "\(credential)", String(reflecting: credential), "\(credentials)", String(reflecting: credentials),
        ]
        #expect(!(texts + [dumped]).joined().contains("CANARY"))
    }

    @Test func `a file that everybody may read is worth a warning`() throws {
        let path = NSTemporaryDirectory() + "/credentials-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("p s".utf8).write(to: URL(filePath: path))
        for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            #expect((SecretFileCheck.warning(aboutFile: path, flag: "credentials") != nil) == warns, "\(mode)")
        }
    }
}
