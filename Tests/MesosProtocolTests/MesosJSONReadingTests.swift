// What JSON is accepted, and what is refused with which reason.

import Foundation
import MesosProtocol
import Testing

@Suite struct `Reading JSON` {
    @Test func `a subscribe call is read`() throws {
        let call = try Fixtures.decode(
            V1SchedulerCall.self,
            #"""
            {"type": "SUBSCRIBE",
             "subscribe": {"framework_info": {"user": "root", "name": "example", "roles": ["dev"],
               "failover_timeout": 3600, "checkpoint": true, "capabilities": [{"type": "MULTI_ROLE"}]}}}
            """#)
        #expect(call.type == .subscribe)
        #expect(call.subscribe.frameworkInfo.failoverTimeout == 3600)
        #expect(call.subscribe.frameworkInfo.capabilities.map(\.type) == [.multiRole])
        #expect(!call.hasFrameworkID)
    }

    @Test func `unknown keys are ignored`() throws {
        let id = try Fixtures.decode(V1TaskID.self, #"{"value":"t","other":{"deep":[1,{"x":null}]},"Value":"no"}"#)
        #expect(id.value == "t")
    }

    @Test func `null means not set`() throws {
        let call = try Fixtures.decode(
            V1SchedulerCall.self, #"{"type":"REVIVE","framework_id":null,"revive":{"roles":[null,"a"]}}"#)
        #expect(!call.hasFrameworkID)
        #expect(call.revive.roles == ["a"])
    }

    @Test func `integers may have fractions, which are cut off, and may be strings`() throws {
        #expect(try Fixtures.decode(V1TimeInfo.self, #"{"nanoseconds":2.9}"#).nanoseconds == 2)
        #expect(try Fixtures.decode(V1TimeInfo.self, #"{"nanoseconds":-2.9}"#).nanoseconds == -2)
        #expect(try Fixtures.decode(V1TimeInfo.self, #"{"nanoseconds":1e3}"#).nanoseconds == 1000)
        #expect(try Fixtures.decode(V1TimeInfo.self, #"{"nanoseconds":"-5"}"#).nanoseconds == -5)
        #expect(
            try Fixtures.decode(V1Value.Range.self, #"{"begin":"5","end":18446744073709551615}"#).end == UInt64.max)
    }

    @Test func `doubles may be integers and strings, infinities by name`() throws {
        let values: [(String, Double)] = [
            ("7", 7), ("0.25", 0.25), (#""5""#, 5), (#""2.5""#, 2.5), (#""Infinity""#, .infinity),
            (#""-Infinity""#, -.infinity), ("1E2", 100), ("Infinity", .infinity), ("-Infinity", -.infinity),
        ]
        for (text, value) in values {
            #expect(try Fixtures.decode(V1Value.Scalar.self, "{\"value\":\(text)}").value == value)
        }
    }

    @Test func `booleans may be strings but not numbers`() throws {
        #expect(try Fixtures.decode(V1CommandInfo.self, #"{"shell":false}"#).shell == false)
        #expect(try Fixtures.decode(V1CommandInfo.self, #"{"shell":"false"}"#).shell == false)
        #expect(try Fixtures.decode(V1CommandInfo.self, #"{"shell":"true"}"#).shell == true)
        #expect(throws: MesosJSONError.mismatch("Not expecting a JSON number for field 'shell'")) {
            try Fixtures.decode(V1CommandInfo.self, #"{"shell":1}"#)
        }
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1CommandInfo.self, #"{"shell":"yes"}"#) }
    }

    @Test(arguments: [
        #"{"value":5}"#, #"{"value":true}"#, #"{"value":["a"]}"#, #"{"value":{"a":1}}"#,
    ])
    func `anything but a string is refused for a string`(json: String) {
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1TaskID.self, json) }
    }

    @Test func `a lone value stands for a list of one`() throws {
        let framework = try Fixtures.decode(
            V1FrameworkInfo.self, #"{"user":"","name":"","roles":"dev","capabilities":{"type":"MULTI_ROLE"}}"#)
        #expect(framework.roles == ["dev"])
        #expect(framework.capabilities.map(\.type) == [.multiRole])
    }

    @Test func `a list is refused where one value belongs`() {
        #expect(throws: MesosJSONError.mismatch("Not expecting a JSON array for field 'type'")) {
            try Fixtures.decode(V1SchedulerCall.self, #"{"type":["REVIVE"]}"#)
        }
        #expect(throws: MesosJSONError.mismatch("Not expecting a JSON array for field 'revive.roles[0]'")) {
            try Fixtures.decode(V1SchedulerCall.self, #"{"revive":{"roles":[["a"]]}}"#)
        }
    }

    @Test func `an unknown enum name leaves an optional field unset`() throws {
        let call = try Fixtures.decode(V1SchedulerCall.self, #"{"type":"FLY"}"#)
        #expect(!call.hasType)
        let framework = try Fixtures.decode(
            V1FrameworkInfo.self, #"{"user":"","name":"","capabilities":[{"type":"FROM_THE_FUTURE"}]}"#)
        #expect(framework.capabilities.count == 1)
        #expect(framework.capabilities[0].type == .unknown)
        // Case counts.
        #expect(try !Fixtures.decode(V1SchedulerCall.self, #"{"type":"revive"}"#).hasType)
    }

    @Test func `an unknown enum name in a required field is an error`() {
        #expect(throws: MesosJSONError.mismatch("Failed to find enum for 'SCALER'")) {
            try Fixtures.decode(V1Resource.self, #"{"name":"cpus","type":"SCALER"}"#)
        }
    }

    @Test func `an enum is never a number`() {
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1SchedulerCall.self, #"{"type":1}"#) }
    }

    @Test func `base64 may hold white space, ends at padding, and is not URL-safe`() throws {
        func bytes(_ text: String) throws -> [UInt8] {
            Array(try Fixtures.decode(V1UUID.self, "{\"value\":\"\(text)\"}").value)
        }
        #expect(try bytes("AP8QgwE=") == [0, 255, 16, 131, 1])
        #expect(try bytes("AP8\\n Qg wE") == [0, 255, 16, 131, 1])
        #expect(try bytes("AP8=QgwE") == [0, 255])
        #expect(try bytes("") == [])
        #expect(try bytes("A") == [])
        #expect(throws: MesosJSONError.mismatch("Failed to decode base64 for field 'value'")) { try bytes("AP8-") }
        #expect(throws: MesosJSONError.self) { try bytes("AP8_") }
    }

    @Test func `numbers that do not fit are refused`() {
        let texts = [
            #"{"port":4294967296}"#, #"{"port":-2147483649}"#, #"{"port":1e300}"#, #"{"port":"x"}"#, #"{"port":""}"#,
            #"{"port":"1.5"}"#, #"{"port":true}"#, #"{"port":{}}"#, #"{"port":NaN}"#, #"{"port":"99999999999"}"#,
        ]
        for text in texts {
            #expect(throws: MesosJSONError.self, "\(text)") { try Fixtures.decode(V1Address.self, text) }
        }
        #expect(throws: MesosJSONError.mismatch("Number out of range for field 'begin'")) {
            try Fixtures.decode(V1Value.Range.self, #"{"begin":-1,"end":1}"#)
        }
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1Value.Scalar.self, #"{"value":"nan"}"#) }
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1Value.Scalar.self, #"{"value":""}"#) }
    }

    @Test func `the last of two equal keys wins`() throws {
        #expect(try Fixtures.decode(V1TaskID.self, #"{"value":"a","value":"b"}"#).value == "b")
        #expect(
            try Fixtures.decode(V1SchedulerCall.Revive.self, #"{"roles":["a"],"roles":["b","c"]}"#).roles == ["b", "c"])
    }

    @Test func `maps are objects`() throws {
        let json =
            #"{"name":"","task_id":{"value":"t"},"agent_id":{"value":"a"},"limits":{"mem":{"value":"Infinity"}}}"#
        #expect(try Fixtures.decode(V1TaskInfo.self, json).limits["mem"]?.value == .infinity)
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1TaskInfo.self, #"{"limits":[]}"#) }
    }

    @Test func `missing required fields are listed with their paths`() {
        #expect(throws: MesosJSONError.missingRequiredFields(["subscribe.framework_info.user"])) {
            try Fixtures.decode(V1SchedulerCall.self, #"{"subscribe":{"framework_info":{"name":"x"}}}"#)
        }
        let error = #expect(throws: MesosJSONError.self) {
            try Fixtures.decode(
                V1SchedulerCall.self,
                #"""
                {"framework_id":{},"accept":{"operations":[{"launch":{"task_infos":[{"name":"a","limits":{"cpus":{}},
                "agent_id":{"value":"s"}}]}}]}}
                """#)
        }
        #expect(
            error?.description
                == "Missing required fields: framework_id.value, accept.operations[0].launch.task_infos[0].task_id, "
                + "accept.operations[0].launch.task_infos[0].limits[cpus].value")
    }

    @Test func `an endless list of missing fields is cut`() {
        let tasks = Array(repeating: "{}", count: 1000).joined(separator: ",")
        let error = #expect(throws: MesosJSONError.self) {
            try Fixtures.decode(V1TaskGroupInfo.self, "{\"tasks\":[\(tasks)]}")
        }
        guard case .missingRequiredFields(let paths) = error else { return }
        #expect(paths.count == 20)
    }

    @Test func `what is not JSON names the place`() {
        let cases: [(String, String)] = [
            ("{", "syntax error at line 1 near: "), ("", "syntax error at line 1 near: "),
            ("x", "syntax error at line 1 near: x"), ("{\n\"a\" 1}\n", "syntax error at line 2 near: 1}"),
            ("{} x", "syntax error at line 1 near: x"),
        ]
        for (text, reason) in cases {
            let error = #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1SchedulerCall.self, text) }
            #expect(error?.description == reason)
        }
    }

    @Test(arguments: [
        "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":+1}", "{\"a\":1,}", "[1,]", "{,}",
        "{\"a\":\"\u{1}\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":tru}", "{'a':1}", "{\"a\"}", "[", "\"", "nul", "{\"a\":1}{", "{\"a\":Inf}",
    ])
    func `grammar is strict`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func `escapes and surrogate pairs are understood`() throws {
        let value = try JSONValue(parsing: Array(#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00""#.utf8))
        #expect(value == .string("a\"\\/\u{8}\u{c}\n\r\té😀"))
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xC0, 0x80, 0x22]) }
    }

    @Test func `depth and size are limited`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONSyntaxError.tooDeep(levelsMax: 100)) { try JSONValue(parsing: Array(deep.utf8)) }
        let nested = String(repeating: #"{"parent":"#, count: 99) + "{" + String(repeating: "}", count: 100)
        #expect(throws: MesosJSONError.self) { try Fixtures.decode(V1ContainerID.self, nested) }
        #expect(throws: JSONSyntaxError.tooLarge(bytes: 5, bytesMax: 4)) {
            try JSONValue(parsing: Array("12345".utf8), limits: JSONLimits(bytesMax: 4))
        }
    }

    @Test func `the deepest message that JSON can bring is decoded or refused, never a crash`() {
        let open = #"{"value":"v","parent":"#
        for depth in [10, 90, 98, 99, 100] {
            let text = String(repeating: open, count: depth) + #"{"value":"v"}"# + String(repeating: "}", count: depth)
            let id = try? Fixtures.decode(V1ContainerID.self, text)
            #expect((id != nil) == (depth < 100))
        }
    }

    @Test func `a body that is no object is a parse error`() {
        let error = #expect(throws: MessageDecodingError.self) {
            try MediaType.json.decode(V1SchedulerCall.self, from: Array("[1]".utf8))
        }
        #expect(error?.description == "Failed to parse body into JSON: expected a JSON object, found a JSON array")
    }

    @Test func `the texts of 400 answers are those of Mesos`() {
        func reason(_ media: MediaType, _ body: String) -> String? {
            let error = #expect(throws: MessageDecodingError.self) {
                try media.decode(V1SchedulerCall.self, from: Array(body.utf8))
            }
            return error?.description
        }
        #expect(reason(.json, "{") == "Failed to parse body into JSON: syntax error at line 1 near: ")
        #expect(
            reason(.json, #"{"subscribe":{"framework_info":{"name":"x"}}}"#)
                == "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info.user")
        #expect(reason(.protobuf, "{") == "Failed to parse body into Call protobuf")
    }
}
