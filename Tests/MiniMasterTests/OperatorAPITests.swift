// The operator API over HTTP: checks, texts, every read in both encodings.
import Foundation
import HTTPClient
import MesosProtocol
import Security
import Testing

@testable import MiniMaster

@Suite(.timeLimit(.minutes(2))) struct OperatorAPITests {
    /// Calls that only look, with the body each needs.
    static let reads: [(type: V1OperatorCall.TypeEnum, name: String, body: String)] = [
        (.getHealth, "GET_HEALTH", ""), (.getFlags, "GET_FLAGS", ""), (.getVersion, "GET_VERSION", ""),
        (.getMetrics, "GET_METRICS", #","get_metrics":{"timeout":{"nanoseconds":5000000000}}"#),
        (.getLoggingLevel, "GET_LOGGING_LEVEL", ""), (.getState, "GET_STATE", ""), (.getAgents, "GET_AGENTS", ""),
        (.getFrameworks, "GET_FRAMEWORKS", ""), (.getExecutors, "GET_EXECUTORS", ""),
        (.getOperations, "GET_OPERATIONS", ""), (.getTasks, "GET_TASKS", ""), (.getRoles, "GET_ROLES", ""),
        (.getWeights, "GET_WEIGHTS", ""), (.getMaster, "GET_MASTER", ""),
        (.getMaintenanceStatus, "GET_MAINTENANCE_STATUS", ""),
        (.getMaintenanceSchedule, "GET_MAINTENANCE_SCHEDULE", ""), (.getQuota, "GET_QUOTA", ""),
    ]

    @Test func `every read is answered in JSON and in protobuf, under its own name`() async throws {
        try await RunningMaster.with { master in
            for read in Self.reads {
                let text = #"{"type":"\#(read.name)"\#(read.body)}"#
                let json = try await master.post("/api/v1", text)
                #expect(json.status == 200, "\(read.name): \(json.text)")
                #expect(json.header("Content-Type") == "application/json")
                #expect(json.text.hasPrefix(#"{"type":"\#(read.name)""#), "\(json.text.prefix(80))")

                let call: V1OperatorCall = try MediaType.json.decode(from: Array(text.utf8))
                let binary = try await HTTPClient.shared.fetch(
                    master.request(
                        "POST", "/master/api/v1",
                        [("Content-Type", "application/x-protobuf"), ("Accept", "application/x-protobuf")],
                        MediaType.protobuf.encode(call)))
                #expect(binary.status == 200, "\(read.name)")
                #expect(binary.header("Content-Type") == "application/x-protobuf")
                let answer = try MediaType.protobuf.decode(V1OperatorResponse.self, from: binary.body)
                #expect("\(answer.type)" == "\(read.type)")
                let again: V1OperatorResponse = try MediaType.json.decode(from: json.body)
                #expect(again.type == answer.type)
            }
        }
    }

    @Test func `an idle master's small answers are those of Apache Mesos`() async throws {
        try await RunningMaster.with { master in
            func answer(_ name: String) async throws -> String {
                try await master.post("/api/v1", #"{"type":"\#(name)"}"#).text
            }
            #expect(try await answer("GET_HEALTH") == #"{"type":"GET_HEALTH","get_health":{"healthy":true}}"#)
            #expect(
                try await answer("GET_LOGGING_LEVEL")
                    == #"{"type":"GET_LOGGING_LEVEL","get_logging_level":{"level":0}}"#)
            #expect(try await answer("GET_OPERATIONS") == #"{"type":"GET_OPERATIONS","get_operations":{}}"#)
            #expect(try await answer("GET_WEIGHTS") == #"{"type":"GET_WEIGHTS"}"#)
            #expect(try await answer("GET_QUOTA") == #"{"type":"GET_QUOTA","get_quota":{"status":{}}}"#)
            #expect(
                try await answer("GET_MAINTENANCE_STATUS")
                    == #"{"type":"GET_MAINTENANCE_STATUS","get_maintenance_status":{"status":{}}}"#)
            #expect(
                try await answer("GET_MAINTENANCE_SCHEDULE")
                    == #"{"type":"GET_MAINTENANCE_SCHEDULE","get_maintenance_schedule":{"schedule":{}}}"#)
            #expect(
                try await answer("GET_STATE")
                    == #"{"type":"GET_STATE","get_state":{"get_tasks":{"tasks":[],"unreachable_tasks":[],"#
                    + #""completed_tasks":[]},"get_executors":{"executors":[]},"get_frameworks":{"frameworks":[],"#
                    + #""completed_frameworks":[]},"get_agents":{"agents":[],"recovered_agents":[]}}}"#)
            for (call, shape) in [("GET_VERSION", "v1-get-version"), ("GET_MASTER", "v1-get-master")] {
                var bytes = try await master.post("/api/v1", #"{"type":"\#(call)"}"#).body
                if call == "GET_VERSION" { bytes = Array(String(decoding: bytes, as: UTF8.self).utf8) }
                try JSONShape.expect(bytes, hasShape: shape)
            }
            try JSONShape.expect(
                try await master.post("/api/v1", #"{"type":"GET_FLAGS"}"#).body, hasShape: "v1-get-flags")
            try JSONShape.expect(
                try await master.post("/api/v1", #"{"type":"GET_METRICS","get_metrics":{}}"#).body,
                hasShape: "v1-get-metrics")
        }
    }

    @Test func `a bad call is refused in Apache Mesos's order and words`() async throws {
        try await RunningMaster.with { master in
            let get = try await master.get("/api/v1")
            #expect(get.status == 405)
            #expect(get.header("Allow") == "POST")
            #expect(get.text == "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.")
            let untyped = try await master.post("/api/v1", "{}", type: nil)
            #expect(untyped.status == 400)
            #expect(untyped.text == "Expecting 'Content-Type' to be present")
            let foreign = try await master.post("/api/v1", "{}", type: "text/plain")
            #expect(foreign.status == 415)
            #expect(foreign.text == "Expecting 'Content-Type' of application/json or application/x-protobuf")
            for (body, text) in [
                ("{}", "Failed to validate master::Call: Expecting 'type' to be present"),
                (#"{"type":"NOPE"}"#, "Failed to validate master::Call: Expecting 'type' to be present"),
                (#"{"type":"GET_METRICS"}"#, "Failed to validate master::Call: Expecting 'get_metrics' to be present"),
                (
                    #"{"type":"DRAIN_AGENT","drain_agent":{}}"#,
                    "Failed to convert JSON into Call protobuf: Missing required fields: drain_agent.agent_id"
                ),
            ] {
                let reply = try await master.post("/api/v1", body)
                #expect(reply.status == 400)
                #expect(reply.text == text)
            }
            for body in ["", "{", "[]", "null", #"{"type":1}"#, String(repeating: "[", count: 100_000)] {
                let reply = try await master.post("/api/v1", body)
                #expect(reply.status == 400, "\(body.prefix(10))")
                #expect(reply.text.utf8.count < 1000)
            }
            let binary = try await master.post("/api/v1", "\u{7F}garbage", type: "application/x-protobuf")
            #expect(binary.status == 400)
            #expect(binary.text == "Failed to parse body into Call protobuf")
            let picky = try await master.post(
                "/api/v1", #"{"type":"GET_HEALTH"}"#, headers: [("Accept", "text/html")])
            #expect(picky.status == 406)
            #expect(
                picky.text == "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
            let unknown = try await master.post("/api/v1", #"{"type":"UNKNOWN"}"#)
            #expect(unknown.status == 501)
        }
    }

    /// Every call that needs a body says which one when it is missing.
    @Test func `a call without its body is refused by the body's name`() {
        let bodiless: Set<V1OperatorCall.TypeEnum> = [
            .unknown, .getHealth, .getFlags, .getVersion, .getLoggingLevel, .getState, .getAgents, .getFrameworks,
            .getExecutors, .getOperations, .getTasks, .getRoles, .getWeights, .getMaster, .subscribe,
            .getMaintenanceStatus, .getMaintenanceSchedule, .getQuota,
        ]
        for type in V1OperatorCall.TypeEnum.allCases {
            var call = V1OperatorCall()
            call.type = type
            let fault = OperatorCallValidation.fault(in: call)
            if bodiless.contains(type) {
                #expect(fault == nil, "\(type)")
            } else {
                #expect(fault?.hasPrefix("Expecting '") == true, "\(type)")
            }
        }
    }

    @Test func `the log level can be raised for a while`() async throws {
        try await RunningMaster.with { master in
            let set = try await master.post(
                "/api/v1",
                #"{"type":"SET_LOGGING_LEVEL","set_logging_level":{"level":2,"duration":{"nanoseconds":60000000000}}}"#)
            #expect(set.status == 200)
            #expect(set.body.isEmpty)
            #expect(set.header("Content-Type") == nil)
            let level = try await master.post("/api/v1", #"{"type":"GET_LOGGING_LEVEL"}"#)
            #expect(level.text == #"{"type":"GET_LOGGING_LEVEL","get_logging_level":{"level":2}}"#)
            #expect(try await master.get("/logging/toggle").text == "2\n")
            let half = try await master.get("/logging/toggle?level=1")
            #expect(half.status == 400)
            #expect(half.text == "Expecting 'duration=value' in query.\n")
            #expect(try await master.get("/logging/toggle?level=0&duration=1mins").status == 200)
            #expect(try await master.get("/logging/toggle").text == "0\n")
        }
    }

    @Test func `teardown says whether there was such a framework`() async throws {
        try await RunningMaster.with { master in
            let reply = try await master.post(
                "/api/v1/operator", #"{"type":"TEARDOWN","teardown":{"framework_id":{"value":"nope"}}}"#)
            #expect(reply.status == 400)
            #expect(reply.text == "No framework found with specified ID")
        }
    }

    @Test func `who may not read the log or the flags, or turn the log up, is refused`()
        async throws
    {
        try await RunningMaster.with { configuration in
            let nobody = [AccessControlList.Rule(subjects: .any, objects: .none)]
            configuration.security.acls = AccessControlList(
                isPermissive: true,
                rules: [.accessMesosLogs: nobody, .viewFlags: nobody, .setLogLevel: nobody])
        } _: { master in
            for body in [
                #"{"type":"GET_FLAGS"}"#,
                #"{"type":"READ_FILE","read_file":{"path":"/master/log","offset":0}}"#,
                #"{"type":"LIST_FILES","list_files":{"path":"/master/log"}}"#,
                #"{"type":"SET_LOGGING_LEVEL","set_logging_level":{"level":1,"duration":{"nanoseconds":1}}}"#,
            ] {
                let reply = try await master.post("/api/v1", body)
                #expect(reply.status == 403, "\(body)")
            }
            #expect(try await master.get("/files/read?path=/master/log").status == 403)
            #expect(try await master.post("/api/v1", #"{"type":"GET_AGENTS"}"#).status == 200)
        }
    }
}
