// The older endpoints over HTTP: reads, writes, their texts, versions of documents, compression.
import Foundation
import HTTPClient
import MesosProtocol
import Testing

@testable import MiniMaster

@Suite(.timeLimit(.minutes(2))) struct LegacyEndpointTests {
    @Test func `an idle master answers as Apache Mesos does`() async throws {
        try await RunningMaster.with { master in
            for (path, text) in [
                ("/weights", "[]"), ("/quota", "{}"), ("/maintenance/schedule", "{}"), ("/maintenance/status", "{}"),
                ("/roles", #"{"roles":[]}"#), ("/tasks", #"{"tasks":[]}"#),
                ("/frameworks", #"{"frameworks":[],"completed_frameworks":[],"unregistered_frameworks":[]}"#),
                ("/slaves?slave_id=none", #"{"slaves":[],"recovered_slaves":[]}"#),
                ("/master/weights.json?jsonp=cb", "cb([])"), ("/files/debug", "{}"),
            ] {
                let reply = try await master.get(path)
                #expect(reply.status == 200, "\(path)")
                #expect(reply.text == text, "\(path)")
            }
            let stats = try JSONValue(parsing: try await master.get("/system/stats.json").body)
            #expect(stats["cpus_total"] != nil && stats["avg_load_15min"] != nil && stats["mem_free_bytes"] != nil)
            #expect(try await master.get("/registrar(1)/registry").status == 200)
            #expect(try await master.get("/registrar%281%29/registry").status == 200)
            #expect(try await master.get("/").status == 200)
        }
    }

    @Test func `a write without what it needs is refused in Apache Mesos's words`() async throws {
        try await RunningMaster.with { master in
            let form = "application/x-www-form-urlencoded"
            for (path, body, text) in [
                ("/teardown", "", "Missing 'frameworkId' query parameter in the request body"),
                ("/teardown", "frameworkId=nope", "No framework found with specified ID"),
                ("/reserve", "", "Missing 'slaveId' query parameter in the request body"),
                ("/unreserve", "slaveId=s", "Missing 'resources' query parameter in the request body"),
                ("/create-volumes", "slaveId=s", "Missing 'volumes' query parameter in the request body"),
                ("/destroy-volumes", "", "Missing 'slaveId' query parameter in the request body"),
            ] {
                let reply = try await master.post(path, body, type: form)
                #expect(reply.status == 400, "\(path) \(body)")
                #expect(reply.text == text, "\(path) \(body)")
            }
            let broken = try await master.post("/reserve", "slaveId=%zz", type: form)
            #expect(broken.status == 400)
            let noJSON = try await master.post("/reserve", "slaveId=s&resources=%7B", type: form)
            #expect(noJSON.status == 400)
            #expect(noJSON.text.hasPrefix("Error in parsing 'resources' query parameter in the request body: "))
            let put = try await HTTPClient.shared.fetch(master.request("PUT", "/weights", [], Array("x".utf8)))
            #expect(put.status == 400)
            #expect(put.text.hasPrefix("Failed to parse update weights request JSON 'x': "))
            let quota = try await HTTPClient.shared.fetch(master.request("DELETE", "/quota", [], []))
            #expect(quota.status == 400)
            for path in ["/machine/down", "/machine/up", "/maintenance/schedule", "/quota"] {
                #expect(try await master.post(path, "{").status == 400, "\(path)")
            }
        }
    }

    @Test func `wrong methods are refused where Apache Mesos refuses them`() async throws {
        try await RunningMaster.with { master in
            for (method, path, allow) in [
                ("GET", "/teardown", "POST"), ("POST", "/weights", "GET, PUT"), ("PUT", "/quota", "GET, POST, DELETE"),
                ("DELETE", "/maintenance/schedule", "GET, POST"), ("POST", "/maintenance/status", "GET"),
                ("GET", "/machine/up", "POST"), ("GET", "/reserve", "POST"), ("POST", "/flags", "GET"),
            ] {
                let reply = try await HTTPClient.shared.fetch(master.request(method, path, [], []))
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.header("Allow") == allow, "\(method) \(path)")
            }
            #expect(try await HTTPClient.shared.fetch(master.request("PUT", "/state", [], [])).status == 200)
        }
    }

    @Test func `an unchanged document is not sent again`() async throws {
        try await RunningMaster.with { master in
            for path in ["/state", "/state-summary", "/slaves", "/frameworks", "/tasks", "/roles"] {
                let first = try await master.get(path)
                let tag = try #require(first.header("ETag"), "\(path)")
                let second = try await HTTPClient.shared.fetch(
                    master.request("GET", path, [("If-None-Match", "\"old\", \(tag)")]))
                #expect(second.status == 304, "\(path)")
                #expect(second.body.isEmpty)
                #expect(second.header("ETag") == tag)
                let other = try await HTTPClient.shared.fetch(
                    master.request("GET", path, [("If-None-Match", "W/\"other\"")]))
                #expect(other.status == 200)
                #expect(other.body == first.body)
            }
            let tag = try #require(try await master.get("/state").header("ETag"))
            let stream = try await master.stream(
                "/api/v1/scheduler",
                Array(#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}}"#.utf8),
                headers: [("Content-Type", "application/json")])
            var records = RecordReader(stream)
            _ = try await records.next()
            let changed = try await HTTPClient.shared.fetch(
                master.request("GET", "/state", [("If-None-Match", tag)]))
            #expect(changed.status == 200)
            #expect(changed.text.contains(#""name":"x""#))
        }
    }

    @Test func `large answers are compressed for whom can read it`() async throws {
        try await RunningMaster.with { master in
            let plain = try await master.get("/metrics/snapshot")
            #expect(plain.header("Content-Encoding") == nil)
            let packed = try await HTTPClient.shared.fetch(
                master.request("GET", "/flags", [("Accept-Encoding", "gzip")]))
            #expect(packed.header("Content-Encoding") == "gzip")
            #expect(packed.body.prefix(2) == [0x1F, 0x8B])
            let small = try await HTTPClient.shared.fetch(
                master.request("GET", "/version", [("Accept-Encoding", "gzip")]))
            #expect(small.header("Content-Encoding") == nil)
        }
    }

    @Test func `tasks can be cut, and only with numbers`() async throws {
        try await RunningMaster.with { master in
            for (query, status) in [("order=asc&limit=-1", 200), ("limit=ten", 400), ("offset=x", 400)] {
                let reply = try await master.get("/tasks?\(query)")
                #expect(reply.status == status, "\(query)")
            }
        }
    }

    @Test func `the log can be read as a file if there is one`() async throws {
        let directory = NSTemporaryDirectory() + "mini-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Data("line one\nline two\n".utf8).write(to: URL(fileURLWithPath: directory + "/the.log"))
        try await RunningMaster.with { configuration in
            configuration.externalLogFile = directory + "/the.log"
        } _: { master in
            #expect(
                try await master.get("/files/read?path=/master/log&offset=5&length=3").text
                    == #"{"data":"one","offset":5}"#)
            #expect(try await master.get("/files/read?path=/master/log").text == #"{"data":"","offset":18}"#)
            #expect(
                try await master.get("/files/read?path=/master/log&offset=99").text == #"{"data":"","offset":18}"#)
            let missing = try await master.get("/files/read?offset=0")
            #expect(missing.status == 400)
            #expect(missing.text == "Expecting 'path=value' in query.\n")
            #expect(try await master.get("/files/read?path=/etc/passwd&offset=0").status == 404)
            #expect(try await master.get("/files/browse?path=/master/log").text == "[]")
            #expect(try await master.get("/files/browse?path=/nope").status == 404)
            #expect(try await master.get("/files/read?path=/master/log&offset=-2").status == 400)
            let download = try await master.get("/files/download?path=/master/log")
            #expect(download.text == "line one\nline two\n")
            #expect(download.header("Content-Disposition") == "attachment; filename=the.log")
            let read = try await master.post(
                "/api/v1", #"{"type":"READ_FILE","read_file":{"path":"/master/log","offset":9}}"#)
            #expect(
                read.text == #"{"type":"READ_FILE","read_file":{"size":18,"data":"bGluZSB0d28K"}}"#)
            let list = try await master.post(
                "/api/v1", #"{"type":"LIST_FILES","list_files":{"path":"/master/log"}}"#)
            #expect(list.status == 200)
            let none = try await master.post("/api/v1", #"{"type":"LIST_FILES","list_files":{"path":"/x"}}"#)
            #expect(none.status == 404)
        }
    }

    @Test func `an operator's stream over HTTP begins with the state, in both encodings`() async throws {
        try await RunningMaster.with { master in
            for media in MediaType.allCases {
                var call = V1OperatorCall()
                call.type = .subscribe
                let response = try await master.stream(
                    "/api/v1", media.encode(call),
                    headers: [("Content-Type", media.rawValue), ("Accept", media.rawValue)])
                #expect(response.status == 200)
                #expect(response.header("Content-Type") == media.rawValue)
                #expect(response.header("Mesos-Stream-Id") == nil)
                var records = RecordReader(response)
                let first: V1OperatorEvent = try media.decode(from: try #require(try await records.next()))
                #expect(first.type == .subscribed)
                #expect(first.subscribed.heartbeatIntervalSeconds == 15)
                #expect(first.subscribed.hasGetState)
                let second: V1OperatorEvent = try media.decode(from: try #require(try await records.next()))
                #expect(second.type == .heartbeat)
                let framework = try await master.stream(
                    "/api/v1/scheduler",
                    Array(
                        #"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"\#(media)"}}}"#.utf8),
                    headers: [("Content-Type", "application/json")])
                #expect(framework.status == 200)
                var name = ""
                while name != "\(media)" {
                    let next: V1OperatorEvent = try media.decode(from: try #require(try await records.next()))
                    name = next.frameworkAdded.framework.frameworkInfo.name
                }
            }
        }
    }
}
