// The messages of the operator API, of maintenance and of quotas, in both encodings.

import Foundation
import MesosProtocol
import SwiftProtobuf
import Testing

@Suite struct `Operator messages` {
    @Test func `the agents of a master look as Mesos prints them`() {
        let response = V1OperatorResponse.with {
            $0.type = .getAgents
            $0.getAgents.agents = [
                .with {
                    $0.agentInfo.hostname = "node-1"
                    $0.agentInfo.id.value = "3f0c-S1"
                    $0.active = true
                    $0.deactivated = false
                    $0.version = "1.11.0"
                    $0.pid = "slave(1)@10.0.0.7:5051"
                    $0.registeredTime.nanoseconds = 1_795_452_882_293_358_080
                    $0.totalResources = [Fixtures.scalar("cpus", 8)]
                    $0.capabilities = [.with { $0.type = .agentDraining }]
                    $0.drainInfo.state = .draining
                    $0.drainInfo.config = .init()
                    $0.estimatedDrainStartTime.nanoseconds = 9_007_199_254_740_993
                }
            ]
        }
        let expected = #"""
            {"type":"GET_AGENTS","get_agents":{"agents":[{"agent_info":{"hostname":"node-1","port":5051,
            "id":{"value":"3f0c-S1"}},"active":true,"deactivated":false,"version":"1.11.0",
            "pid":"slave(1)@10.0.0.7:5051","registered_time":{"nanoseconds":1795452882293358080},
            "total_resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":8.0}}],
            "capabilities":[{"type":"AGENT_DRAINING"}],
            "drain_info":{"state":"DRAINING","config":{"mark_gone":false}},
            "estimated_drain_start_time":{"nanoseconds":9007199254740993}}]}}
            """#.replacing("\n", with: "")
        #expect(Fixtures.text(response) == expected)
    }

    @Test func `an updated task looks as Mesos prints it`() {
        let event = V1OperatorEvent.with {
            $0.type = .taskUpdated
            $0.taskUpdated.frameworkID.value = "3f0c-0001"
            $0.taskUpdated.status.taskID.value = "t"
            $0.taskUpdated.status.state = .taskRunning
            $0.taskUpdated.state = .taskFinished
        }
        #expect(
            Fixtures.text(event)
                == #"{"type":"TASK_UPDATED","task_updated":{"framework_id":{"value":"3f0c-0001"},"#
                + #""status":{"task_id":{"value":"t"},"state":"TASK_RUNNING"},"state":"TASK_FINISHED"}}"#)
    }

    @Test func `a duration is an object with both numbers, even a zero`() {
        func text(seconds: Int64, nanos: Int32) -> String {
            Fixtures.text(
                V1OperatorCall.DrainAgent.with {
                    $0.agentID.value = "a"
                    $0.maxGracePeriod = .init(seconds: seconds, nanos: nanos)
                })
        }
        let cases: [(Int64, Int32)] = [(600, 0), (0, 0), (0, 5), (-1, -500_000_000), (.max, 999_999_999)]
        for (seconds, nanos) in cases {
            #expect(
                text(seconds: seconds, nanos: nanos)
                    == #"{"agent_id":{"value":"a"},"max_grace_period":{"seconds":\#(seconds),"nanos":\#(nanos)},"#
                    + #""mark_gone":false}"#)
        }
        #expect(
            Fixtures.text(V1OperatorCall.DrainAgent.with { $0.agentID.value = "a" })
                == #"{"agent_id":{"value":"a"},"mark_gone":false}"#)
    }

    @Test(arguments: [
        (#"{"seconds":600,"nanos":0}"#, 600, 0), (#"{"seconds":600}"#, 600, 0), ("{}", 0, 0),
        (#"{"seconds":"600","nanos":7.9}"#, 600, 7), (#""600s""#, 600, 0), (#""1.5s""#, 1, 500_000_000),
        (#""-0.25s""#, 0, -250_000_000),
    ])
    func `a duration is read as an object or as text`(json: String, seconds: Int64, nanos: Int32) throws {
        let call = try Fixtures.decode(
            V1OperatorCall.self,
            #"{"type":"DRAIN_AGENT","drain_agent":{"agent_id":{"value":"a"},"max_grace_period":\#(json)}}"#)
        #expect(call.drainAgent.hasMaxGracePeriod)
        #expect(call.drainAgent.maxGracePeriod == .init(seconds: seconds, nanos: nanos))
    }

    @Test(arguments: ["\"\"", "\"600\"", "\"s\"", "\"1m\"", "\"1s,2s\"", "\"1s\\\"\"", "600", "true", "[]"])
    func `what is no duration is refused`(json: String) {
        let error = #expect(throws: MesosJSONError.self) {
            try Fixtures.decode(
                V1OperatorCall.self, #"{"drain_agent":{"agent_id":{"value":"a"},"max_grace_period":\#(json)}}"#)
        }
        #expect(error?.description.contains("drain_agent.max_grace_period") == true)
    }

    @Test func `only durations may be text`() {
        #expect(throws: MesosJSONError.mismatch("Not expecting a JSON string for field 'get_metrics.timeout'")) {
            try Fixtures.decode(V1OperatorCall.self, #"{"get_metrics":{"timeout":"600s"}}"#)
        }
    }

    @Test func `64-bit numbers are bare in answers`() {
        let file = V1OperatorResponse.ReadFile.with {
            $0.size = .max
            $0.data = Data("hi".utf8)
        }
        #expect(Fixtures.text(file) == #"{"size":18446744073709551615,"data":"aGk="}"#)
        let usage = V1ResourceStatistics.with {
            $0.timestamp = 1.5
            $0.memRssBytes = 9_007_199_254_740_993
            $0.memTotalBytes = 2
            $0.cpusUserTimeSecs = 0.25
        }
        #expect(
            Fixtures.text(usage)
                == #"{"timestamp":1.5,"cpus_user_time_secs":0.25,"mem_total_bytes":2,"mem_rss_bytes":9007199254740993}"#
        )
    }

    @Test func `quotas and maintenance are printed and read`() throws {
        let quota = #"""
            {"type":"UPDATE_QUOTA","update_quota":{"force":true,"quota_configs":[{"role":"dev",
            "guarantees":{"cpus":{"value":2.0}},"limits":{"cpus":{"value":4.0},"mem":{"value":1024.0}}}]}}
            """#.replacing("\n", with: "")
        let call = try Fixtures.decode(V1OperatorCall.self, quota)
        #expect(call.updateQuota.quotaConfigs.first?.limits["mem"]?.value == 1024)
        #expect(Fixtures.text(call) == quota)
        let maintenance = #"""
            {"type":"GET_MAINTENANCE_STATUS","get_maintenance_status":{"status":{"draining_machines":[{
            "id":{"hostname":"node-1","ip":"10.0.0.7"},"statuses":[{"status":"ACCEPT",
            "framework_id":{"value":"3f0c-0001"},"timestamp":{"nanoseconds":1795452882293358080}}]}],
            "down_machines":[{"hostname":"node-2"}]}}}
            """#.replacing("\n", with: "")
        let response = try Fixtures.decode(V1OperatorResponse.self, maintenance)
        #expect(response.getMaintenanceStatus.status.drainingMachines.first?.statuses.first?.status == .accept)
        #expect(Fixtures.text(response) == maintenance)
        let schedule = try Fixtures.decode(
            V1OperatorCall.self,
            #"{"update_maintenance_schedule":{"schedule":{"windows":[{"machine_ids":[{"ip":"10.0.0.7"}],"#
                + #""unavailability":{"start":{"nanoseconds":5}}}]}}}"#)
        #expect(schedule.updateMaintenanceSchedule.schedule.windows.first?.unavailability.start.nanoseconds == 5)
    }

    @Test func `what runs in a container is base64 and its frames know their stream`() throws {
        let frame = V1AgentAPIProcessIO.with {
            $0.type = .data
            $0.data.type = .stdout
            $0.data.data = Data([0, 255, 16])
        }
        #expect(Fixtures.text(frame) == #"{"type":"DATA","data":{"type":"STDOUT","data":"AP8Q"}}"#)
        let call = try Fixtures.decode(
            V1AgentAPICall.self,
            #"{"type":"LAUNCH_NESTED_CONTAINER_SESSION","launch_nested_container_session":{"#
                + #""container_id":{"value":"c","parent":{"value":"p"}},"command":{"value":"sh"}}}"#)
        #expect(call.launchNestedContainerSession.containerID.parent.value == "p")
        #expect(Fixtures.text(V1AgentAPIResponse.with { $0.type = .getAgent }) == #"{"type":"GET_AGENT"}"#)
    }

    @Test func `missing fields of an operator's call are named`() {
        #expect(throws: MesosJSONError.missingRequiredFields(["mark_agent_gone.agent_id"])) {
            try Fixtures.decode(V1OperatorCall.self, #"{"type":"MARK_AGENT_GONE","mark_agent_gone":{}}"#)
        }
    }

    @Test func `field numbers that operators' tools rely on`() {
        let drain = V1OperatorCall.with {
            $0.type = .drainAgent
            $0.drainAgent.agentID.value = "a"
            $0.drainAgent.maxGracePeriod = .init(seconds: 600, nanos: 0)
            $0.drainAgent.markGone = true
        }
        #expect(
            MediaType.protobuf.encode(drain)
                == [0x08, 37, 0xAA, 0x01, 12, 0x0A, 3, 0x0A, 1, 97, 0x12, 3, 0x08, 0xD8, 0x04, 0x18, 1])
        #expect(V1OperatorCall.TypeEnum.subscribe.rawValue == 18)
        #expect(V1OperatorResponse.TypeEnum.getOperations.rawValue == 19)
        #expect(V1OperatorEvent.TypeEnum.heartbeat.rawValue == 9)
        #expect(V1AgentAPICall.TypeEnum.pruneImages.rawValue == 30)
        #expect(V1AgentAPIResponse.TypeEnum.waitContainer.rawValue == 15)
    }

    @Test(arguments: [0, 1, -1, 256, .max, .min] as [Int32])
    func `a signed status of an executor survives both encodings`(status: Int32) throws {
        let call = LinkCall.with {
            $0.type = .exitedExecutor
            $0.exitedExecutor.frameworkID.value = "f"
            $0.exitedExecutor.executorID.value = "e"
            $0.exitedExecutor.status = status
        }
        for media in MediaType.allCases {
            #expect(try media.decode(LinkCall.self, from: media.encode(call)) == call)
        }
        #expect(Fixtures.text(call).hasSuffix(#""status":\#(status)}}"#))
    }
}
