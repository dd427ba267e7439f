// The master's HTTP side, over a real socket: status codes, headers, bodies and streams.
import HTTPClient
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

@Suite(.serialized, .timeLimit(.minutes(2)))
struct MasterAPITests {
    private static let subscribe = """
        {"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x","roles":["dev"],\
        "capabilities":[{"type":"MULTI_ROLE"}],"failover_timeout":60}}}
        """

    @Test func `scheduler requests are refused with the recorded codes and words`() async throws {
        try await RunningMaster.with { master in
            let get = try await master.get("/api/v1/scheduler")
            #expect(get.status == 405)
            #expect(get.header("Allow") == "POST")
            #expect(get.text == "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.")

            let rows: [(body: String, type: String?, status: Int, text: String)] = [
                ("{}", nil, 400, "Expecting 'Content-Type' to be present"),
                ("x", "text/plain", 415, "Expecting 'Content-Type' of application/json or application/x-protobuf"),
                ("\u{1}", "application/x-protobuf", 400, "Failed to parse body into Call protobuf"),
                ("{}", "application/json", 400, "Failed to validate scheduler::Call: Expecting 'type' to be present"),
                (
                    #"{"type":"FOO"}"#, "application/json", 400,
                    "Failed to validate scheduler::Call: Expecting 'type' to be present"
                ),
                (
                    #"{"type":"SUBSCRIBE"}"#, "application/json", 400,
                    "Failed to validate scheduler::Call: Expecting 'subscribe' to be present"
                ),
                (
                    #"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"name":"x"}}}"#, "application/json", 400,
                    "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info.user"
                ),
                (
                    #"{"type":"REVIVE","framework_id":{"value":"nope"}}"#, "application/json; charset=utf-8", 400,
                    "Framework cannot be found"
                ),
            ]
            for row in rows {
                let reply = try await master.post("/api/v1/scheduler", row.body, type: row.type)
                #expect(reply.status == row.status, "\(row.body)")
                #expect(reply.text == row.text)
            }
            let garbage = try await master.post("/master/api/v1/scheduler/", "{")
            #expect(garbage.status == 400)
            #expect(garbage.text.hasPrefix("Failed to parse body into JSON: "))
            let unacceptable = try await master.post(
                "/api/v1/scheduler", Self.subscribe, headers: [("Accept", "text/html")])
            #expect(unacceptable.status == 406)
        }
    }

    @Test func `a subscription is a chunked stream of records in the type asked for`() async throws {
        try await RunningMaster.with { master in
            for media in MediaType.allCases {
                let response = try await master.stream(
                    "/api/v1/scheduler", Array(Self.subscribe.utf8),
                    headers: [("Content-Type", "application/json"), ("Accept", media.rawValue)])
                #expect(response.status == 200)
                #expect(response.header("Content-Type") == media.rawValue)
                #expect(response.header("Content-Length") == nil)
                let stream = try #require(response.header("Mesos-Stream-Id"))
                #expect(WireUUID(text: stream) != nil)
                var records = RecordReader(response)
                let first = try media.decode(V1SchedulerEvent.self, from: try #require(try await records.next()))
                #expect(first.type == .subscribed)
                #expect(first.subscribed.masterInfo.version == "1.11.0")
                let second = try media.decode(V1SchedulerEvent.self, from: try #require(try await records.next()))
                #expect(second.type == .heartbeat)

                let id = first.subscribed.frameworkID.value
                let call = #"{"type":"REVIVE","framework_id":{"value":"\#(id)"}}"#
                let good = try await master.post("/api/v1/scheduler", call, headers: [("mesos-stream-id", stream)])
                #expect(good.status == 202)
                #expect(good.header("Content-Type") == nil)
                #expect(good.body.isEmpty)
                let stale = try await master.post("/api/v1/scheduler", call, headers: [("Mesos-Stream-Id", "abc")])
                #expect(stale.status == 400)
                #expect(
                    stale.text
                        == "The stream ID 'abc' included in this request didn't match the stream ID currently "
                        + "associated with framework ID \(id)")
                let torn = try await master.post(
                    "/api/v1/scheduler", #"{"type":"TEARDOWN","framework_id":{"value":"\#(id)"}}"#,
                    headers: [("Mesos-Stream-Id", stream)])
                #expect(torn.status == 202)
                #expect(try await records.next() == nil)
            }
        }
    }

    @Test func `an agent's link carries its registration, a launched task and the way back`() async throws {
        try await RunningMaster.with { master in
            let protobuf = [("Content-Type", "application/x-protobuf")]
            var register = LinkCall()
            register.type = .register
            register.register = Samples.agent()
            let link = try await master.stream(
                "/api/v1/agent-link", MediaType.protobuf.encode(register), headers: protobuf)
            #expect(link.status == 200)
            let linkID = try #require(link.header("Mini-Link-Stream-Id"))
            var commands = RecordReader(link)
            let registered = try MediaType.protobuf.decode(
                LinkCommand.self, from: try #require(try await commands.next()))
            #expect(registered.type == .registered)
            let agent = AgentID(registered.registered.agentID)
            let ping = try MediaType.protobuf.decode(LinkCommand.self, from: try #require(try await commands.next()))
            #expect(ping.type == .ping)
            var pong = LinkCall()
            pong.type = .pong
            pong.pong.sequence = ping.ping.sequence
            let ponged = try await master.stream(
                "/api/v1/agent-link", MediaType.protobuf.encode(pong),
                headers: protobuf + [("Mini-Link-Stream-Id", linkID)])
            #expect(ponged.status == 202)

            let stream = try await master.stream(
                "/api/v1/scheduler", Array(Self.subscribe.utf8), headers: [("Content-Type", "application/json")])
            let streamID = try #require(stream.header("Mesos-Stream-Id"))
            var events = RecordReader(stream)
            var offer: V1Offer?
            var framework = ""
            while offer == nil {
                let event = try MediaType.json.decode(
                    V1SchedulerEvent.self, from: try #require(try await events.next()))
                if event.type == .subscribed { framework = event.subscribed.frameworkID.value }
                offer = event.offers.offers.first
            }
            var accept = V1SchedulerCall()
            accept.type = .accept
            accept.frameworkID.value = framework
            accept.accept.offerIds = [try #require(offer).id]
            var launch = V1Offer.Operation()
            launch.type = .launch
            launch.launch.taskInfos = [Samples.task("t1", on: agent)]
            accept.accept.operations = [launch]
            let accepted = try await master.stream(
                "/api/v1/scheduler", MediaType.protobuf.encode(accept),
                headers: protobuf + [("Mesos-Stream-Id", streamID)])
            #expect(accepted.status == 202)
            let run = try MediaType.protobuf.decode(LinkCommand.self, from: try #require(try await commands.next()))
            #expect(run.runTask.task.taskID.value == "t1")

            var update = LinkCall()
            update.type = .update
            update.update.frameworkID.value = framework
            update.update.latestState = .taskFinished
            update.update.status = Samples.status("t1", on: agent, .taskFinished, uuid: 3)
            let updated = try await master.stream(
                "/api/v1/agent-link", MediaType.protobuf.encode(update),
                headers: protobuf + [("Mini-Link-Stream-Id", linkID)])
            #expect(updated.status == 202)
            var heard: V1TaskStatus?
            while heard == nil {
                let event = try MediaType.json.decode(
                    V1SchedulerEvent.self, from: try #require(try await events.next()))
                if event.type == .update { heard = event.update.status }
            }
            #expect(heard?.state == .taskFinished)
            let strange = try await master.stream(
                "/api/v1/agent-link", MediaType.protobuf.encode(update),
                headers: protobuf + [("Mini-Link-Stream-Id", "old")])
            #expect(strange.status == 403)
        }
    }

    @Test func `the read endpoints answer under both prefixes, with and without the old suffix`() async throws {
        try await RunningMaster.with { master in
            for path in [
                "/state", "/master/state", "/master/state.json", "/state/", "/state-summary", "/slaves",
                "/master/frameworks", "/tasks", "/roles", "/flags", "/version", "/master/version",
                "/metrics/snapshot",
            ] {
                let reply = try await master.get(path)
                #expect(reply.status == 200, "\(path)")
                #expect(reply.header("Content-Type") == "application/json", "\(path)")
                _ = try JSONValue(parsing: reply.body)
            }
            let health = try await master.get("/health")
            #expect(health.status == 200)
            #expect(health.body.isEmpty)
            let missing = try await master.get("/nope")
            #expect(missing.status == 404)
            #expect(missing.text == "404 Not Found.")
            let wrapped = try await master.get("/version?jsonp=cb")
            #expect(wrapped.header("Content-Type") == "text/javascript")
            #expect(wrapped.text.hasPrefix("cb({") && wrapped.text.hasSuffix("})"))
        }
    }

    @Test func `version and state tell the API's version and our own apart`() async throws {
        try await RunningMaster.with { master in
            let bytes = try await master.get("/version").body
            try JSONShape.expect(bytes, hasShape: "version")
            let version = try JSONValue(parsing: bytes)
            #expect(version["version"] == .string("1.11.0"))
            #expect(version["mini_version"] == .string(Versions.mini))
        }
    }

    @Test func `redirect leads to the leader's address, and nowhere with more of a path`() async throws {
        try await RunningMaster.with { master in
            let reply = try await master.get("/master/redirect")
            #expect(reply.status == 307)
            #expect(reply.header("Location") == String(master.url.dropFirst("http:".count)))
            #expect(try await master.get("/redirect/x").status == 404)
        }
    }

    @Test func `the metrics include every name a standby has, and count what happens`() async throws {
        try await RunningMaster.with { master in
            let metrics = try JSONValue(parsing: try await master.get("/metrics/snapshot").body)
            #expect(metrics["master/elected"] == .number(.double(1)))
            #expect(metrics["master/tasks_running"] == .number(.double(0)))
            #expect(metrics["master/slaves_connected"] == .number(.double(0)))
        }
    }

    @Test func `teardown by an operator needs a framework that exists`() async throws {
        try await RunningMaster.with { master in
            let missing = try await master.post("/teardown", "", type: nil)
            #expect(missing.text == "Missing 'frameworkId' query parameter in the request body")
            let unknown = try await master.post("/master/teardown", "frameworkId=nope", type: nil)
            #expect(unknown.status == 400)
            #expect(unknown.text == "No framework found with specified ID")
        }
    }
}
