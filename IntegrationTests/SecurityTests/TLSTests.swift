// TLS between our server and our client: who is let in, who is refused by whom, and what is said about it.

import Foundation
import HTTPClient
import HTTPServer
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) final class TLSTests {
    private let directories = TemporaryDirectories()

    private func withListener<Result>(
        client: Bool = false, days: Int = 2, names: String = "DNS:localhost,IP:127.0.0.1",
        limits: HTTPServerLimits = HTTPServerLimits(), _ body: (TLSListener, TestAuthority) async throws -> Result
    ) async throws -> Result {
        let authority = try await TestAuthority.make(in: try directories.make(named: "authority"))
        let pair = try await authority.issue("server", names: names, days: days)
        let listener = try await TLSListener.start(
            ServerTLS(
                certificateChainFile: pair.certificate, keyFile: pair.key, caFile: client ? authority.certificate : nil,
                requireClientCertificate: client), limits: limits)
        do {
            let result = try await body(listener, authority)
            await listener.server.stop(within: .seconds(1))
            return result
        } catch {
            await listener.server.stop(within: .zero)
            throw error
        }
    }

    private func failure(_ url: String, _ tls: ClientTLS?) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            _ = try await HTTPClient(tls: tls).fetch(HTTPClientRequest(url: url, totalTimeout: .seconds(10)))
            return nil
        } catch {
            return error
        }
    }

    @Test func `a client that trusts the authority is served, also large bodies and many requests`() async throws {
        try await withListener { listener, authority in
            let client = HTTPClient(tls: ClientTLS(caFile: authority.certificate))
            for size in [0, 1, 100_000, 5_000_000] {
                let reply = try await client.fetch(
                    HTTPClientRequest(
                        method: "POST", url: listener.url, body: [UInt8](repeating: 7, count: size),
                        totalTimeout: .seconds(20)))
                #expect(reply.text == "POST \(size)")
            }
            #expect(listener.faults == [])
            #expect(listener.server.connectionCount == 1)
        }
    }

    @Test func `a client refuses an authority it does not know, and the server says so`() async throws {
        try await withListener { listener, _ in
            let other = try await TestAuthority.make(in: try directories.make(named: "other"), named: "stranger")
            for tls in [ClientTLS(caFile: other.certificate), nil] {
                guard case .notSecure(let reason) = await failure(listener.url, tls) else {
                    Issue.record("not refused")
                    return
                }
                #expect(reason.contains("certificate"), "\(reason)")
            }
            let fault = try await listener.onlyFault()
            #expect(fault.contains(/127\.0\.0\.1:\d+ refuses our certificate/), "\(fault)")
        }
    }

    @Test func `an expired certificate is refused by the client, and both sides name it`() async throws {
        try await withListener(days: -1) { listener, authority in
            #expect(listener.faults.first?.contains("the certificate of 'server' has expired") == true)
            let error = await failure(listener.url, ClientTLS(caFile: authority.certificate))
            guard case .notSecure(let reason) = error else {
                Issue.record("not refused: \(String(describing: error))")
                return
            }
            #expect(reason.contains("certificate has expired"), "\(reason)")
            try await eventually("the server hears of it") {
                listener.faults.contains { $0.contains("refuses our certificate: it has expired") }
            }
        }
    }

    @Test func `a certificate for another host is refused unless the client does not care`() async throws {
        try await withListener(names: "DNS:elsewhere.example") { listener, authority in
            let error = await failure(listener.url, ClientTLS(caFile: authority.certificate))
            guard case .notSecure(let reason) = error else {
                Issue.record("not refused: \(String(describing: error))")
                return
            }
            #expect(reason.contains("127.0.0.1"), "\(reason)")
            #expect(await failure(listener.url, ClientTLS(caFile: authority.certificate, verifyHost: false)) == nil)
        }
    }

    @Test func `a port that requires certificates lets in those of its authority only`() async throws {
        try await withListener(client: true) { listener, authority in
            let good = try await authority.issue("agent-7")
            let late = try await authority.issue("late", days: -1)
            let other = try await TestAuthority.make(in: try directories.make(named: "other"), named: "stranger")
            let forged = try await other.issue("agent-7")
            func tls(_ pair: TestAuthority.Pair?) -> ClientTLS {
                ClientTLS(caFile: authority.certificate, certificateFile: pair?.certificate, keyFile: pair?.key)
            }
            #expect(await failure(listener.url, tls(good)) == nil)
            #expect(listener.faults == [])
            for pair in [nil, late, forged] { #expect(await failure(listener.url, tls(pair)) != nil) }
            try await eventually("three faults are reported: \(listener.faults)") { listener.faults.count >= 3 }
            let text = listener.faults.joined(separator: "\n")
            #expect(text.contains("was refused: it has no certificate, and this port requires one"), "\(text)")
            #expect(text.contains("was refused: the certificate of 'late' has expired"), "\(text)")
            #expect(text.contains("'agent-7' was not signed by an authority we trust"), "\(text)")
        }
    }

    @Test func `a handshake that does not go on is ended, and others are served meanwhile`() async throws {
        try await withListener { listener, authority in
            // The head of a record that never comes, and nothing at all.
            let slow = try SilentClient(port: listener.server.port, sending: [22, 3, 1, 0])
            let mute = try SilentClient(port: listener.server.port)
            #expect(await failure(listener.url, ClientTLS(caFile: authority.certificate)) == nil)
            async let slowEnd = slow.isClosed(withinSeconds: 20)
            async let muteEnd = mute.isClosed(withinSeconds: 20)
            #expect(await slowEnd)
            #expect(await muteEnd)
            #expect(listener.faults.contains { $0.contains("did not finish the TLS handshake in time") })
            #expect(await failure(listener.url, ClientTLS(caFile: authority.certificate)) == nil)
        }
    }

    @Test func `a client without TLS is told so in plain text`() async throws {
        try await withListener { listener, authority in
            let reply = try await HTTPClient.shared.fetch(
                HTTPClientRequest(url: "http://127.0.0.1:\(listener.server.port)/state", totalTimeout: .seconds(10)))
            #expect(reply.status == 400)
            #expect(reply.text == "Client sent an HTTP request to an HTTPS server.\n")
            #expect(try await listener.onlyFault().contains("sent plain text to a TLS port"))
            #expect(await failure(listener.url, ClientTLS(caFile: authority.certificate)) == nil)
        }
    }

    @Test func `a client with TLS on a plain port fails cleanly, and the server lives on`() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0) { _ in .text(200, "plain") }
        let error = await failure("https://127.0.0.1:\(server.port)/", ClientTLS())
        guard case .notSecure = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        let reply = try await HTTPClient.shared.fetch(HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/"))
        #expect(reply.text == "plain")
        await server.stop(within: .zero)
    }

    @Test func `versions before TLS 1_2 are refused`() async throws {
        try await withListener { listener, _ in
            let old = try await runCommand(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(listener.server.port)", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                within: .seconds(20))
            #expect(old.output.contains("alert protocol version"), "\(old.output)")
            let fault = try await listener.onlyFault()
            #expect(fault.contains("speaks no version of TLS that is still safe"), "\(fault)")
        }
    }

    @Test func `files that cannot be used are named at start`() async throws {
        let directory = try directories.make(named: "files")
        let authority = try await TestAuthority.make(in: directory)
        let (one, two) = (try await authority.issue("one"), try await authority.issue("two"))
        let garbage = try write("no PEM", to: directory + "/garbage")
        let cases: [(ServerTLS, String)] = [
            (ServerTLS(certificateChainFile: "/none", keyFile: one.key), "/none: No such file or directory"),
            (ServerTLS(certificateChainFile: garbage, keyFile: one.key), "\(garbage): it holds no PEM certificate"),
            (
                ServerTLS(certificateChainFile: one.certificate, keyFile: garbage),
                "\(garbage): it is not a PEM private key"
            ),
            (ServerTLS(certificateChainFile: one.certificate, keyFile: two.key), "do not fit together"),
            (
                ServerTLS(certificateChainFile: one.certificate, keyFile: one.key, caFile: garbage),
                "\(garbage): it holds no PEM certificate"
            ),
        ]
        for (tls, text) in cases {
            await #expect {
                _ = try await TLSListener.start(tls)
            } throws: {
                "\($0)".contains(text)
            }
        }
    }
}
