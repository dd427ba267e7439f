// A master and an agent of different versions: each says so in its own log, and nothing is lost by it.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Mailbox
import MesosProtocol
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct StrangeVersionTests {
    /// What the agent says of itself on the way to the master: the version of the link, then its own.
    private static func said(linkVersion: UInt8, version: String) -> [UInt8] {
        [0x10, linkVersion, 0x1A, UInt8(version.utf8.count)] + Array(version.utf8)
    }

    @Test(arguments: [
        (1, "0.0.9", "The agent's version 0.0.9 is older than 0.1.0, the oldest this master works with"),
        (2, Versions.mini, "This master speaks version 1 of the agent link, the agent version 2"),
    ])
    func `an agent of another version is refused in both logs, and comes in once it is changed`(
        linkVersion: UInt8, version: String, reason: String
    ) async throws {
        let own = Self.said(linkVersion: 1, version: Versions.mini)
        let strange = Self.said(linkVersion: linkVersion, version: version)
        let directories = TemporaryDirectories()
        let masterPort = try LoopbackProxy.freePort()
        let isStrange = Locked(true)
        let proxy = try LoopbackProxy(toPort: masterPort) { bytes in
            isStrange.withLock { $0 } ? bytes.replacing(own, with: strange) : bytes
        }
        defer { proxy.close() }
        let master = try await ProgramRun.mini(
            "master", "--ip=127.0.0.1", "--port=\(masterPort)", "--advertise_port=\(proxy.port)",
            "--hostname=127.0.0.1", "--etc_dir=", "--work_dir=\(try directories.make(named: "master"))")
        let agent = try await ProgramRun.mini(
            "agent", "--master=127.0.0.1:\(proxy.port)", "--ip=127.0.0.1", "--port=0", "--hostname=127.0.0.1",
            "--etc_dir=", "--work_dir=\(try directories.make(named: "agent"))", "--containerizers=process",
            "--resources=cpus:1;mem:128;disk:128", "--registration_backoff_factor=100ms")
        defer {
            for run in [agent, master] {
                run.process.send(signal: SIGKILL)
                run.forget()
            }
        }
        try await eventually("both say why") { master.errorText.contains(reason) && agent.errorText.contains(reason) }
        #expect(master.errorText.contains("a new agent at 127.0.0.1 refused: \(reason)"))
        #expect(try await Self.agents(at: masterPort) == 0)

        isStrange.withLock { $0 = false }
        try await eventually("it comes in by itself") { try await Self.agents(at: masterPort) == 1 }
    }

    private static func agents(at port: UInt16) async throws -> Double? {
        var request = HTTPClientRequest(method: "GET", url: "http://127.0.0.1:\(port)/metrics/snapshot")
        request.totalTimeout = .seconds(5)
        let body = try await HTTPClient.shared.fetch(request).body
        return try JSONDecoder().decode([String: Double].self, from: Data(body))["master/slaves_active"]
    }
}
