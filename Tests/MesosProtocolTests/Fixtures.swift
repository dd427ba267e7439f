// Messages and helpers that several suites use.

import Foundation
import MesosProtocol
import SwiftProtobuf

/// A small generator with a seed, so that a failing random test can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

enum Fixtures {
    static func text(_ message: some Message) -> String {
        String(decoding: MesosJSON.encode(message), as: UTF8.self)
    }

    static func decode<M: Message>(_ type: M.Type, _ json: String) throws(MesosJSONError) -> M {
        try MesosJSON.decode(type, from: Array(json.utf8))
    }

    static func scalar(_ name: String, _ value: Double) -> V1Resource {
        .with {
            $0.name = name
            $0.type = .scalar
            $0.scalar.value = value
        }
    }

    static func offer(_ number: Int) -> V1Offer {
        .with {
            $0.id.value = "3f0c-O\(number)"
            $0.frameworkID.value = "3f0c-0001"
            $0.agentID.value = "3f0c-S\(number)"
            $0.hostname = "node-\(number).example"
            $0.url.scheme = "http"
            $0.url.address.hostname = "node-\(number).example"
            $0.url.address.ip = "10.0.0.7"
            $0.url.address.port = 5051
            $0.url.path = "/slave(1)"
            $0.resources = [scalar("cpus", 8), scalar("mem", 15360.5), scalar("disk", 100_000)]
            $0.resources.append(
                .with {
                    $0.name = "ports"
                    $0.type = .ranges
                    $0.ranges.range = [
                        .with {
                            $0.begin = 31000
                            $0.end = 32000
                        }
                    ]
                })
            for index in $0.resources.indices { $0.resources[index].allocationInfo.role = "ci" }
            $0.attributes = [
                .with {
                    $0.name = "rack"
                    $0.type = .text
                    $0.text.value = "r1"
                }
            ]
            $0.allocationInfo.role = "ci"
        }
    }

    static func offersEvent(_ count: Int) -> V1SchedulerEvent {
        .with {
            $0.type = .offers
            $0.offers.offers = (0..<count).map(offer)
        }
    }

    /// A message with most kinds of fields, three levels of nesting and a map.
    static let acceptCall: V1SchedulerCall = .with {
        $0.frameworkID.value = "3f0c-0001"
        $0.type = .accept
        $0.accept.offerIds = [.with { $0.value = "3f0c-O1" }]
        $0.accept.filters.refuseSeconds = 1.5
        $0.accept.operations = [
            .with {
                $0.type = .launch
                $0.launch.taskInfos = [task]
            }
        ]
    }

    static let task: V1TaskInfo = .with {
        $0.name = "build \"7\"\n"
        $0.taskID.value = "t-1"
        $0.agentID.value = "3f0c-S1"
        $0.resources = [scalar("cpus", 0.1), scalar("mem", 32)]
        $0.command.value = "echo hi"
        $0.command.environment.variables = [
            .with {
                $0.name = "PATH"
                $0.value = "/bin"
            }
        ]
        $0.container.type = .docker
        $0.container.docker.image = "busybox"
        $0.container.docker.portMappings = [
            .with {
                $0.hostPort = 31000
                $0.containerPort = 80
            }
        ]
        $0.healthCheck.http.port = 80
        $0.healthCheck.http.statuses = [200, 204]
        $0.data = Data([0, 255, 16, 131])
        $0.labels.labels = [.with { $0.key = "flag" }]
        $0.killPolicy.gracePeriod.nanoseconds = 9_007_199_254_740_993
        $0.limits = ["mem": .with { $0.value = .infinity }, "cpus": .with { $0.value = 2 }]
    }
}
