// How the framework is registered: through a list of masters, only while builds wait, and several in one process.
import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import LoadTest
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)))
struct RegistrationTests {
    private let linux = FarmPlan([FarmTemplate("linux", "idleTimeout: 1s")])

    /// The ids under which the farm's framework is registered now.
    private func registrations(_ farm: JenkinsFarm) async throws -> [String] {
        struct State: Decodable {
            struct Framework: Decodable {
                var id: String
                var name: String
                var active: Bool
            }
            var frameworks: [Framework]
        }
        guard let leader = await farm.cluster.leaderURL() else { return [] }
        var request = HTTPClientRequest(method: "GET", url: leader + "/master/state")
        request.totalTimeout = .seconds(5)
        let reply = try await HTTPClient.shared.fetch(request)
        return try JSONDecoder().decode(State.self, from: Data(reply.body)).frameworks
            .filter { $0.name == farm.plan.frameworkName && $0.active }.map(\.id)
    }

    @Test func `without ZooKeeper a list of masters is enough, and builds outlive the one that leads`() async throws {
        try await withFarm(linux, isServed: false) { farm in
            let zooKeeper = try #require(farm.cluster.zooKeeperURL)
            let masters = farm.cluster.masters.map(\.url).joined(separator: ",")
            try farm.reconfigure { $0.replacing("master: \"\(zooKeeper)\"", with: "master: \"\(masters)\"") }
            try await farm.framework.start()
            try await farm.createJob("app", label: "linux", seconds: 4)
            try await farm.createJob("next", label: "linux")
            try await farm.build("app")
            try await farm.start(of: "app")
            let url = await farm.cluster.leaderURL()
            let leader = try #require(farm.cluster.masters.first { $0.url == url })
            leader.kill()
            await leader.waitForEnd()
            do {
                try await farm.build("next")
                #expect(try await farm.end(of: "next").result == "SUCCESS")
                #expect(try await farm.end(of: "app").result == "SUCCESS")
                #expect(farm.ledger.lines(of: "app").count { $0.kind == .start } == 1)
            } catch {
                try await leader.start()
                throw error
            }
            try await leader.start()
            try await farm.expectIdle()
        }
    }

    @Test func `on demand the framework is registered while builds wait or run, and is then torn down`() async throws {
        try await withFarm(linux, isServed: false) { farm in
            try farm.reconfigure {
                $0.replacing(
                    "failoverTimeout: 10m",
                    with: "failoverTimeout: 10m\n  onDemandRegistration: true\n  onDemandLinger: 1s")
            }
            try await farm.framework.start()
            try await eventually("the framework runs", within: .seconds(30)) { await farm.frameworkState() != nil }
            #expect(try await registrations(farm) == [])
            var ids: [String] = []
            for round in ["first", "second"] {
                try await farm.createJob(round, label: "linux")
                try await farm.build(round)
                try await farm.start(of: round)
                ids += try await registrations(farm)
                #expect(try await farm.end(of: round).result == "SUCCESS")
                try await eventually("it is torn down", within: .seconds(30)) {
                    try await registrations(farm).isEmpty
                }
                try await farm.expectIdle()
            }
            #expect(ids.count == 2 && Set(ids).count == 2, "each time it is another framework: \(ids)")
        }
    }

    @Test func `of two frameworks in one process one fails, the other serves, and the first is tried again`()
        async throws
    {
        try await withFarm(linux, isServed: false) { farm in
            let blocker = try Blocker()
            let port = try #require(farm.frameworkURL.split(separator: ":").last)
            let path = farm.directory + "/second.yaml"
            let text = try String(contentsOfFile: farm.directory + "/jenkins.yaml", encoding: .utf8)
                .replacing("port: \(port)", with: "port: \(blocker.port)")
                .replacing("\(farm.directory)/framework", with: "\(farm.directory)/second")
                .replacing("frameworkName: \"", with: "frameworkName: \"second-")
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let process = try await farm.cluster.launch(
                name: "\(farm.plan.frameworkName)-both",
                arguments: ["jenkins", "--config=\(farm.directory)/jenkins.yaml", "--config=\(path)"])
            do {
                try await farm.createJob("app", label: "linux")
                try await farm.build("app")
                #expect(try await farm.end(of: "app").result == "SUCCESS")
                #expect(await health(blocker.port) == nil)
                blocker.release()
                try await eventually("the second is tried again", within: .seconds(60)) {
                    await health(blocker.port) != nil
                }
                try await farm.expectIdle()
            } catch {
                await end(process)
                throw error
            }
            await end(process)
        }
    }

    private func health(_ port: Int) async -> String? {
        var request = HTTPClientRequest(method: "GET", url: "http://127.0.0.1:\(port)/health")
        request.totalTimeout = .seconds(2)
        return try? await HTTPClient.shared.fetch(request).text
    }

    private func end(_ process: LoggedProcess) async {
        process.signal(SIGTERM)
        if await process.waitForEnd(deadline: .seconds(10)) == nil { process.signal(SIGKILL) }
    }

    /// A socket that listens and accepts nothing, so that nobody else can have its port.
    private final class Blocker {
        let port: Int
        private var descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let socket = descriptor
            let code = withUnsafeMutablePointer(to: &place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(socket, address, length) == 0 && listen(socket, 1) == 0
                        ? getsockname(socket, address, &length) : -1
                }
            }
            port = Int(UInt16(bigEndian: place.sin_port))
            try #require(code == 0)
        }

        func release() {
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }

        deinit { release() }
    }
}
