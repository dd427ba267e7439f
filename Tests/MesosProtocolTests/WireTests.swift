// The binary form, ids, uuids and states.

import Foundation
import MesosProtocol
import Resources
import SwiftProtobuf
import Testing

@Suite struct `The binary form` {
    @Test func `fields from the future pass through unharmed`() throws {
        // Field 2000 of a TaskInfo inside a call, as a newer client would send it.
        var task = Fixtures.task
        task = try V1TaskInfo(serializedBytes: try task.serializedBytes() + [0x82, 0x7D, 0x03, 0x61, 0x62, 0x63])
        var call = Fixtures.acceptCall
        call.accept.operations[0].launch.taskInfos = [task]
        let received = try MediaType.protobuf.decode(V1SchedulerCall.self, from: MediaType.protobuf.encode(call))
        let passed = received.accept.operations[0].launch.taskInfos[0]
        #expect(passed == task)
        let bytes: [UInt8] = try passed.serializedBytes()
        #expect(bytes.suffix(6) == [0x82, 0x7D, 0x03, 0x61, 0x62, 0x63])
    }

    @Test func `an unknown value of an optional enum reads as unset and is kept`() throws {
        let bytes: [UInt8] = [0x10, 0x63]
        let call = try MediaType.protobuf.decode(V1SchedulerCall.self, from: bytes)
        #expect(!call.hasType)
        #expect(MediaType.protobuf.encode(call) == bytes)
    }

    @Test func `presence survives`() throws {
        let status = V1TaskStatus.with {
            $0.taskID.value = "t"
            $0.state = .taskRunning
            $0.healthy = false
        }
        let back = try MediaType.protobuf.decode(V1TaskStatus.self, from: MediaType.protobuf.encode(status))
        #expect(back.hasHealthy && !back.healthy)
        #expect(!back.hasUuid)
    }

    @Test func `a missing required field is a decoding error, an empty id is not`() throws {
        #expect(throws: MessageDecodingError.protobuf(message: "Call")) {
            try MediaType.protobuf.decode(V1SchedulerCall.self, from: [0x0A, 0x00])
        }
        let call = try MediaType.protobuf.decode(V1SchedulerCall.self, from: [0x0A, 0x02, 0x0A, 0x00])
        #expect(call.hasFrameworkID && call.frameworkID.value.isEmpty)
    }

    @Test func `field numbers that clients rely on`() throws {
        let acknowledge = V1SchedulerCall.with {
            $0.type = .acknowledge
            $0.acknowledge.agentID.value = "a"
            $0.acknowledge.taskID.value = "t"
            $0.acknowledge.uuid = Data([1])
        }
        #expect(
            MediaType.protobuf.encode(acknowledge)
                == [0x10, 8, 0x42, 13, 0x0A, 3, 0x0A, 1, 97, 0x12, 3, 0x0A, 1, 116, 0x1A, 1, 1])
        #expect(V1TaskState.taskStaging.rawValue == 6)
        #expect(V1TaskState.taskUnknown.rawValue == 13)
        #expect(V1TaskStatus.Reason.reconciliation.rawValue == 9)
    }
}

@Suite struct `Identifiers and uuids` {
    @Test func `ids convert both ways`() {
        let id: AgentID = "3f0c-S1"
        #expect(V1AgentID(id).value == "3f0c-S1")
        #expect(AgentID(V1AgentID(id)) == id)
        #expect(TaskID(V1TaskID(TaskID("t"))) == "t")
    }

    @Test func `a uuid is sixteen bytes or its text`() {
        let bytes = Array<UInt8>(0..<16)
        let uuid = WireUUID(bytes: bytes)
        #expect(uuid?.bytes == bytes)
        #expect(uuid?.description == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(WireUUID(text: "00010203-0405-0607-0809-0A0B0C0D0E0F") == uuid)
        #expect(WireUUID(bytes: bytes.dropLast()) == nil)
        #expect(WireUUID(bytes: bytes + [0]) == nil)
        for text in ["", "x", "00010203-0405-0607-0809-0a0b0c0d0e0g", "000102030405060708090a0b0c0d0e0f"] {
            #expect(WireUUID(text: text) == nil)
        }
    }

    @Test func `random uuids follow the generator and are version 4`() {
        var first = SeededGenerator(seed: 7)
        var second = SeededGenerator(seed: 7)
        let uuid = WireUUID.random(using: &first)
        #expect(uuid == WireUUID.random(using: &second))
        #expect(uuid != WireUUID.random(using: &first))
        #expect(uuid.bytes[6] >> 4 == 4)
        #expect(uuid.bytes[8] >> 6 == 2)
    }

    @Test func `the uuid of an update is nil unless it can be acknowledged`() {
        var status = V1TaskStatus()
        #expect(status.updateUUID == nil)
        status.uuid = Data([1, 2])
        #expect(status.updateUUID == nil)
        status.updateUUID = WireUUID(bytes: 0..<16)
        #expect(status.uuid == Data(0..<16))
        status.updateUUID = nil
        #expect(!status.hasUuid)
    }

    @Test func `eight states are terminal and every state knows its name`() {
        let terminal = V1TaskState.allCases.filter(\.isTerminal)
        #expect(
            Set(terminal) == [
                .taskFinished, .taskFailed, .taskKilled, .taskError, .taskLost, .taskDropped, .taskGone,
                .taskGoneByOperator,
            ])
        for state in V1TaskState.allCases {
            let status = V1TaskStatus.with { $0.state = state }
            #expect(Fixtures.text(status) == "{\"state\":\"\(state.name)\"}")
        }
    }

    @Test func `the reported version is digits and dots`() {
        #expect(Versions.mesosAPI.allSatisfy { $0.isNumber || $0 == "." })
    }
}
