// Tokens of executors: what is signed is believed, and nothing else.

import HTTPServer
import Resources
import Testing

@testable import MiniAgent

struct ExecutorTokensTests {
    private let tokens = ExecutorTokens(key: Array("a key of some length".utf8))
    private let claims = ExecutorTokens.Claims(
        ExecutorKey(framework: FrameworkID("f1"), executor: ExecutorID("e \"1\"/ü")), ContainerID("c1"))

    @Test func `a token proves who it was made for, and says the same after a restart`() {
        let token = tokens.token(for: claims)
        #expect(tokens.claims(in: token) == claims)
        #expect(ExecutorTokens(key: Array("a key of some length".utf8)).token(for: claims) == token)
        #expect(token.split(separator: ".").first == "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9")
    }

    @Test func `a token that others sign the same way is understood`() {
        // Made with another implementation: {"cid":"c","eid":"e","fid":"f"} and the key "secret".
        let token =
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJjaWQiOiJjIiwiZWlkIjoiZSIsImZpZCI6ImYifQ."
            + "0CAWCOKdGOeTecjYxPGJ7wLp8OMagMEZ7a1-wslFvME"
        let known = ExecutorTokens(key: Array("secret".utf8))
        let claims = known.claims(in: token)
        #expect(claims?.key.framework.value == "f" && claims?.key.executor.value == "e")
        #expect(claims?.container.value == "c")
    }

    @Test func `one changed character anywhere, another key or another form is nothing`() {
        let token = Array(tokens.token(for: claims))
        for index in token.indices where index < token.count - 1 {
            var changed = token
            changed[index] = changed[index] == "A" ? "B" : "A"
            #expect(tokens.claims(in: String(changed)) == nil, "at \(index)")
        }
        #expect(ExecutorTokens(key: [1]).claims(in: String(token)) == nil)
        for text in [
            "", "..", "a.b", "a.b.c.d", String(token) + ".", String(token) + "=", String(repeating: "a", count: 9000),
        ] {
            #expect(tokens.claims(in: text) == nil, "\(text.prefix(20))")
        }
    }

    @Test func `a request brings its token as a bearer`() {
        func claims(_ field: String?) -> ExecutorTokens.Claims? {
            tokens.claims(
                in: HTTPRequest(
                    method: "POST", target: "/", path: "/", headers: field.map { [("Authorization", $0)] } ?? []))
        }
        let token = tokens.token(for: self.claims)
        #expect(claims("Bearer \(token)") == self.claims)
        #expect(claims("bearer  \(token) ") == self.claims)
        for field in [nil, token, "Basic \(token)", "Bearer", "Bearer x"] { #expect(claims(field) == nil) }
    }
}
