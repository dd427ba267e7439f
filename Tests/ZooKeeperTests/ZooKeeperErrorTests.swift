// Which errors may be tried again, and that sessions fail in typed ways without any server.

import Testing

@testable import ZooKeeper

struct ZooKeeperErrorTests {
    @Test func `only failures of the connection are worth another try`() {
        let codes: [Int32] = [-4, -7, -118]
        for code in codes { #expect(ZooKeeperError(code: code).isRetryable, "\(code)") }
        let finalCodes: [Int32] = [-101, -102, -103, -110, -111, -112, -114, -115, -116, -2, -8, -1]
        for code in finalCodes { #expect(!ZooKeeperError(code: code).isRetryable, "\(code)") }
    }

    @Test func `an unknown code is kept and named by the client library`() {
        #expect(ZooKeeperError(code: -127) == .other(-127))
        #expect(ZooKeeperError(code: -127).description.contains("-127"))
    }

    @Test func `names that do not resolve are refused before anything else`() async {
        await #expect(throws: ZooKeeperError.unresolvableServers("no-such-host.invalid:2181")) {
            _ = try await ZooKeeperSession.open(servers: ["no-such-host.invalid:2181"], timeout: .seconds(2))
        }
    }
}
