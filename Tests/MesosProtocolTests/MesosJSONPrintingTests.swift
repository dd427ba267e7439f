// How messages are printed as JSON.

import Foundation
import MesosProtocol
import SwiftProtobuf
import Testing

@Suite struct `Printing JSON` {
    @Test func `a subscribed event looks as Mesos prints it`() {
        let event = V1SchedulerEvent.with {
            $0.type = .subscribed
            $0.subscribed.frameworkID.value = "3f0c-0001"
            $0.subscribed.heartbeatIntervalSeconds = 15
            $0.subscribed.masterInfo.id = "3f0c"
            $0.subscribed.masterInfo.ip = 16_777_343
            $0.subscribed.masterInfo.port = 5050
            $0.subscribed.masterInfo.pid = "master@127.0.0.1:5050"
            $0.subscribed.masterInfo.hostname = "localhost"
            $0.subscribed.masterInfo.version = "1.11.0"
            $0.subscribed.masterInfo.address.hostname = "localhost"
            $0.subscribed.masterInfo.address.ip = "127.0.0.1"
            $0.subscribed.masterInfo.address.port = 5050
            $0.subscribed.masterInfo.capabilities = [.with { $0.type = .agentUpdate }]
        }
        let expected = #"""
            {"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"3f0c-0001"},"heartbeat_interval_seconds":15.0,
            "master_info":{"id":"3f0c","ip":16777343,"port":5050,"pid":"master@127.0.0.1:5050","hostname":"localhost",
            "version":"1.11.0","address":{"hostname":"localhost","ip":"127.0.0.1","port":5050},
            "capabilities":[{"type":"AGENT_UPDATE"}]}}}
            """#.replacing("\n", with: "")
        #expect(Fixtures.text(event) == expected)
    }

    @Test func `an offers event looks as Mesos prints it`() {
        let expected = #"""
            {"type":"OFFERS","offers":{"offers":[{"id":{"value":"3f0c-O1"},"framework_id":{"value":"3f0c-0001"},
            "agent_id":{"value":"3f0c-S1"},"hostname":"node-1.example","url":{"scheme":"http",
            "address":{"hostname":"node-1.example","ip":"10.0.0.7","port":5051},"path":"/slave(1)"},
            "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":8.0},"allocation_info":{"role":"ci"}},
            {"name":"mem","type":"SCALAR","scalar":{"value":15360.5},"allocation_info":{"role":"ci"}},
            {"name":"disk","type":"SCALAR","scalar":{"value":100000.0},"allocation_info":{"role":"ci"}},
            {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":32000}]},
            "allocation_info":{"role":"ci"}}],"attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}}],
            "allocation_info":{"role":"ci"}}]}}
            """#.replacing("\n", with: "")
        let event = V1SchedulerEvent.with {
            $0.type = .offers
            $0.offers.offers = [Fixtures.offer(1)]
        }
        #expect(Fixtures.text(event) == expected)
    }

    @Test func `an update event looks as Mesos prints it`() {
        let event = V1SchedulerEvent.with {
            $0.type = .update
            $0.update.status = .with {
                $0.taskID.value = "b0"
                $0.state = .taskFinished
                $0.message = "Command exited with status 0"
                $0.source = .executor
                $0.agentID.value = "3f0c-S0"
                $0.executorID.value = "b0"
                $0.timestamp = 1_795_452_882.293358
                $0.uuid = Data([
                    0x3C, 0xBA, 0xF0, 0xE8, 0x9F, 0x51, 0x44, 0x83, 0x80, 0xD3, 0x7B, 0xE0, 0x7B, 0x86, 0x6D, 0x65,
                ])
                $0.containerStatus.containerID.value = "5adff6f3"
                $0.containerStatus.networkInfos = [
                    .with { $0.ipAddresses = [.with { $0.ipAddress = "127.0.0.1" }] }
                ]
                $0.containerStatus.executorPid = 15600
            }
        }
        let expected = #"""
            {"type":"UPDATE","update":{"status":{"task_id":{"value":"b0"},"state":"TASK_FINISHED",
            "message":"Command exited with status 0","source":"SOURCE_EXECUTOR","agent_id":{"value":"3f0c-S0"},
            "executor_id":{"value":"b0"},"timestamp":1795452882.293358,"uuid":"PLrw6J9RRIOA03vge4ZtZQ==",
            "container_status":{"container_id":{"value":"5adff6f3"},
            "network_infos":[{"ip_addresses":[{"protocol":"IPv4","ip_address":"127.0.0.1"}]}],"executor_pid":15600}}}}
            """#.replacing("\n", with: "")
        #expect(Fixtures.text(event) == expected)
    }

    @Test func `heartbeats and errors look as Mesos prints them`() {
        #expect(Fixtures.text(V1SchedulerEvent.with { $0.type = .heartbeat }) == #"{"type":"HEARTBEAT"}"#)
        let error = V1SchedulerEvent.with {
            $0.type = .error
            $0.error.message = "Framework has been removed"
        }
        #expect(Fixtures.text(error) == #"{"type":"ERROR","error":{"message":"Framework has been removed"}}"#)
    }

    @Test func `unset fields with an explicit default are printed unless deprecated`() {
        let framework = V1FrameworkInfo.with {
            $0.user = "root"
            $0.name = "x"
        }
        #expect(
            Fixtures.text(framework) == #"{"user":"root","name":"x","failover_timeout":0.0,"checkpoint":false}"#)
        #expect(Fixtures.text(V1CommandInfo()) == #"{"shell":true}"#)
        #expect(Fixtures.text(V1ContainerInfo.DockerInfo()) == #"{"network":"HOST","privileged":false}"#)
        #expect(Fixtures.text(V1AgentInfo.with { $0.hostname = "h" }) == #"{"hostname":"h","port":5051}"#)
        #expect(Fixtures.text(V1Filters()) == #"{"refuse_seconds":5.0}"#)
        #expect(Fixtures.text(V1Image.with { $0.type = .docker }) == #"{"type":"DOCKER","cached":true}"#)
    }

    @Test func `defaults appear in nested messages too, at their declared place`() {
        let task = V1TaskInfo.with {
            $0.command.uris = [.with { $0.value = "http://h/f" }]
            $0.command.user = "me"
            $0.healthCheck.http.port = 80
        }
        #expect(
            Fixtures.text(task)
                == #"{"command":{"uris":[{"value":"http://h/f","extract":true}],"shell":true,"user":"me"},"#
                + #""health_check":{"delay_seconds":15.0,"interval_seconds":10.0,"timeout_seconds":20.0,"#
                + #""consecutive_failures":3,"grace_period_seconds":10.0,"http":{"protocol":"IPv4","port":80}}}"#)
    }

    @Test func `doubles always carry a point or an exponent`() {
        let texts: [(Double, String)] = [
            (1, "1.0"), (0, "0.0"), (-3, "-3.0"), (0.1, "0.1"), (1e300, "1e+300"), (1.5e-7, "1.5e-07"),
            (1_700_000_000.25, "1700000000.25"), (-0.0, "-0.0"), (9_007_199_254_740_992, "9007199254740992.0"),
            (.nan, "NaN"), (.infinity, "Infinity"), (-.infinity, "-Infinity"),
        ]
        for (value, text) in texts {
            #expect(Fixtures.text(V1Value.Scalar.with { $0.value = value }) == "{\"value\":\(text)}")
        }
    }

    @Test func `64-bit integers are bare numbers`() {
        #expect(Fixtures.text(V1TimeInfo.with { $0.nanoseconds = .min }) == #"{"nanoseconds":-9223372036854775808}"#)
        let range = V1Value.Range.with {
            $0.begin = 0
            $0.end = .max
        }
        #expect(Fixtures.text(range) == #"{"begin":0,"end":18446744073709551615}"#)
    }

    @Test func `strings are escaped where JSON demands it and nowhere else`() {
        let label = V1Label.with { $0.key = "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}é😀" }
        #expect(Fixtures.text(label) == #"{"key":"\"\\/\b\f\n\r\t\u0001\u001Fé😀"}"#)
    }

    @Test func `maps are objects with sorted keys, empty messages are empty objects, empty lists are left out`() {
        let task = V1TaskInfo.with {
            $0.limits = ["mem": .with { $0.value = 1 }, "cpus": .with { $0.value = .infinity }]
        }
        #expect(Fixtures.text(task) == #"{"limits":{"cpus":{"value":Infinity},"mem":{"value":1.0}}}"#)
        let resource = V1Resource.with {
            $0.revocable = .init()
            $0.set.item = []
        }
        #expect(Fixtures.text(resource) == #"{"set":{},"revocable":{}}"#)
    }

    @Test func `every message of the schema can be printed and reads back`() throws {
        let call = Fixtures.acceptCall
        #expect(try MesosJSON.decode(V1SchedulerCall.self, from: MesosJSON.encode(call)) == withDefaults(call))
        let event = Fixtures.offersEvent(3)
        #expect(try MesosJSON.decode(V1SchedulerEvent.self, from: MesosJSON.encode(event)) == event)
        #expect(Fixtures.text(LinkCall.with { $0.type = .pong }) == #"{"type":"PONG"}"#)
        #expect(Fixtures.text(V1ExecutorEvent.with { $0.type = .shutdown }) == #"{"type":"SHUTDOWN"}"#)
    }

    /// Printing sets the defaults of unset fields; nothing else may change on the way.
    private func withDefaults(_ call: V1SchedulerCall) -> V1SchedulerCall {
        var call = call
        call.accept.operations[0].launch.taskInfos[0].command.shell = true
        call.accept.operations[0].launch.taskInfos[0].command.environment.variables[0].type = .value
        call.accept.operations[0].launch.taskInfos[0].container.docker.network = .host
        call.accept.operations[0].launch.taskInfos[0].container.docker.privileged = false
        call.accept.operations[0].launch.taskInfos[0].healthCheck.delaySeconds = 15
        call.accept.operations[0].launch.taskInfos[0].healthCheck.intervalSeconds = 10
        call.accept.operations[0].launch.taskInfos[0].healthCheck.timeoutSeconds = 20
        call.accept.operations[0].launch.taskInfos[0].healthCheck.consecutiveFailures = 3
        call.accept.operations[0].launch.taskInfos[0].healthCheck.gracePeriodSeconds = 10
        call.accept.operations[0].launch.taskInfos[0].healthCheck.http.`protocol` = .ipv4
        return call
    }
}
