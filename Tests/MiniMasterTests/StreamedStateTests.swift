// The state document of a cluster that is too large to be rendered as a whole.
import HTTPClient
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

@Suite(.timeLimit(.minutes(2)))
struct StreamedStateTests {
    @Test func `a large state is complete, has a tag, and is not sent again to who has it`() async throws {
        try await RunningMaster.with { master in
            let link = try await Self.register(tasks: 2_500, with: master)
            let reply = try await master.get("/master/state")
            #expect(reply.status == 200)
            let tag = try #require(reply.header("ETag"))
            let value = try JSONValue(parsing: reply.body, limits: JSONLimits(bytesMax: 64 << 20))
            guard case .object(let members) = value,
                case .array(let frameworks)? = members.first(where: { $0.key == "frameworks" })?.value,
                case .object(let framework)? = frameworks.first,
                case .array(let tasks)? = framework.first(where: { $0.key == "tasks" })?.value
            else { return #expect(Bool(false), "no list of tasks") }
            #expect(tasks.count == 2_500)

            let again = try await HTTPClient.shared.fetch(
                master.request("GET", "/master/state", [("If-None-Match", tag)]))
            #expect(again.status == 304)
            #expect(again.body.isEmpty)

            let packed = try await HTTPClient.shared.fetch(
                master.request("GET", "/master/state", [("Accept-Encoding", "gzip")]))
            #expect(packed.header("Content-Encoding") == "gzip")
            #expect(packed.body.prefix(2) == [0x1F, 0x8B])
            #expect(packed.body.count < reply.body.count / 5)
            _ = link
        }
    }

    private static func register(tasks: Int, with master: RunningMaster) async throws -> HTTPClientResponse {
        let id = AgentID("old-S1")
        var call = LinkCall()
        call.type = .register
        call.register = Samples.agent(
            "a", id: id.value,
            tasks: (0..<tasks).map { number in
                Samples.heldTask(
                    Samples.task("t\(number)", on: id, resources: "cpus:0.001;mem:1"), of: "f", .taskRunning)
            })
        var framework = Samples.framework(id: "f")
        framework.id.value = "f"
        call.register.frameworks = [framework]
        let response = try await master.stream(
            "/api/v1/agent-link", MediaType.protobuf.encode(call),
            headers: [("Content-Type", MediaType.protobuf.rawValue)])
        #expect(response.status == 200)
        return response
    }
}
