// HTTP Basic as requests bring it, honest and not.
import Foundation
import Security
import Testing

@Suite struct BasicAuthenticatorTests {
    private let authenticator = BasicAuthenticator(
        realm: "mesos-master-readonly",
        credentials: Credentials([
            Credential(principal: Principal("Aladdin"), secret: Secret("open sesame")),
            Credential(principal: Principal("colon"), secret: Secret("a:b")),
            Credential(principal: Principal("grün"), secret: Secret("ä€")),
        ]))

    private func field(_ pair: String) -> String { "Basic " + Data(pair.utf8).base64EncodedString() }

    @Test func `the example of RFC 7617 is let in`() {
        #expect(
            authenticator.authenticate(authorization: ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="])
                == .authenticated(Principal("Aladdin")))
    }

    @Test func `the challenge names the realm`() {
        #expect(authenticator.challenge == #"Basic realm="mesos-master-readonly""#)
    }

    @Test func `a secret may contain colons, a principal and a secret any letters`() {
        #expect(authenticator.authenticate(authorization: [field("colon:a:b")]) == .authenticated(Principal("colon")))
        #expect(authenticator.authenticate(authorization: [field("grün:ä€")]) == .authenticated(Principal("grün")))
    }

    @Test(arguments: ["basic", "BASIC", "Basic  "]) func `the scheme's case does not matter`(scheme: String) {
        #expect(
            authenticator.authenticate(authorization: ["\(scheme) QWxhZGRpbjpvcGVuIHNlc2FtZQ=="])
                == .authenticated(Principal("Aladdin")))
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", "Basic ====", "Basic QWxhZGRpbg==", "Basic OnNlY3JldA==",
        "Basic QWxh\u{00}ZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==,Basic x", "Basic /w==Og==",
    ])
    func `anything but one well-formed pair is refused`(value: String) {
        #expect(
            authenticator.authenticate(authorization: [value])
                == .refused(claimed: nil, reason: "malformed Authorization field"))
    }

    @Test func `a field of megabytes is refused unread`() {
        let value = field("Aladdin:" + String(repeating: "x", count: 3_000_000))
        #expect(
            authenticator.authenticate(authorization: [value])
                == .refused(claimed: nil, reason: "malformed Authorization field"))
    }

    @Test func `two fields are refused even if one is right`() {
        let right = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        #expect(
            authenticator.authenticate(authorization: [right, right])
                == .refused(claimed: nil, reason: "several Authorization fields"))
        #expect(authenticator.authenticate(authorization: []) == .refused(claimed: nil, reason: "no credentials"))
    }

    @Test func `a wrong secret and an unknown principal look the same`() {
        let reason = "unknown principal or wrong secret"
        #expect(
            authenticator.authenticate(authorization: [field("Aladdin:shut")])
                == .refused(claimed: "Aladdin", reason: reason))
        #expect(
            authenticator.authenticate(authorization: [field("nobody:shut")])
                == .refused(claimed: "nobody", reason: reason))
    }

    @Test func `what somebody claims to be cannot break the log`() {
        let evil = "a\nERROR all is lost\u{1B}[31m" + String(repeating: "x", count: 500)
        guard case .refused(let claimed?, _) = authenticator.authenticate(authorization: [field("\(evil):s")]) else {
            Issue.record("not refused with a name")
            return
        }
        #expect(claimed.hasPrefix("a?ERROR all is lost?[31mxx") && claimed.count == 100)
    }

    @Test func `every byte string survives the way through an Authorization field`() {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<70 {
            let secret = String(
                (0..<length).map { _ in Character(Unicode.Scalar(UInt8.random(in: 32...126, using: &generator))) })
            let credential = Credential(principal: Principal("p"), secret: Secret(secret))
            let own = BasicAuthenticator(realm: "r", credentials: Credentials([credential]))
            #expect(
                own.authenticate(authorization: [credential.basicAuthorization]) == .authenticated(Principal("p")),
                "\(secret)")
            #expect(credential.basicAuthorization == field("p:\(secret)"))
        }
    }
}
