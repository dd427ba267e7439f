// The bytes of a simulated agent's registration: what a real agent of the same shape would send.
import Foundation
import MesosProtocol
import Resources
import SwiftProtobuf

/// Writes registrations. The part with the tasks is made ahead of time, so that a measured rush of registrations costs
/// the fleet little and the master everything.
struct RegistrationWriter: Sendable {
    let plan: FleetPlan
    /// Stands for the master that handed out the ids of a fleet that `areKnown`, and for the one that admitted the
    /// frameworks.
    static let origin = "0b9ed5a4-52c1-4b4f-9f43-d2a7ab1f6c2e"

    static func knownID(_ agent: Int) -> AgentID { AgentID("\(origin)-S\(agent)") }
    static func framework(_ number: Int) -> FrameworkID { FrameworkID("\(origin)-\(fourDigits(number))") }

    private static func fourDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// A whole REGISTER call.
    ///
    /// - Parameter tasks: From `tasks(of:id:)`.
    func call(agent: Int, id: AgentID?, tasks: [UInt8]) -> [UInt8] {
        var register = LinkCall.Register()
        register.agent = description(agent, id)
        register.linkVersion = 1
        register.version = Versions.mini
        let head = MediaType.protobuf.encode(register)
        var call = LinkCall()
        call.type = .register
        var bytes = MediaType.protobuf.encode(call)
        bytes.reserveCapacity(bytes.count + head.count + tasks.count + 8)
        // Field 2, a message: fields of one message may come in any order and pieces.
        bytes.append(2 << 3 | 2)
        Self.append(varint: UInt64(head.count + tasks.count), to: &bytes)
        bytes.append(contentsOf: head)
        bytes.append(contentsOf: tasks)
        return bytes
    }

    private static func append(varint value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private func description(_ agent: Int, _ id: AgentID?) -> V1AgentInfo {
        var info = V1AgentInfo()
        info.hostname = "agent-\(agent).example.org"
        info.port = 5051
        if let id { info.id = V1AgentID(id) }
        let perAgent = Double(max(1, plan.tasks(of: agent - plan.firstAgent)))
        info.resources = [
            Self.scalar("cpus", max(8, perAgent * 0.1 + 4)), Self.scalar("mem", max(16_384, perAgent * 32 + 4_096)),
            Self.scalar("disk", 200_000), Self.ports(31_000, 32_000),
        ]
        var rack = V1Attribute()
        rack.name = "rack"
        rack.type = .text
        rack.text.value = "r\(agent % 40)"
        info.attributes = [rack]
        return info
    }

    // MARK: Tasks

    /// The fields of a registration that describe an agent's tasks and their frameworks.
    func tasks(of agent: Int, id: AgentID) -> [UInt8] {
        let offset = agent - plan.firstAgent
        let count = plan.tasks(of: offset)
        guard count > 0 else { return [] }
        var register = LinkCall.Register()
        register.tasks.reserveCapacity(count)
        var used: Set<Int> = []
        for number in 0..<count {
            let framework = (agent + number) % plan.frameworks
            used.insert(framework)
            register.tasks.append(task(number, of: agent, id: id, framework: framework))
        }
        register.frameworks = used.sorted().map(Self.description(ofFramework:))
        return MediaType.protobuf.encode(register)
    }

    static func description(ofFramework number: Int) -> V1FrameworkInfo {
        var info = V1FrameworkInfo()
        info.user = "nobody"
        info.name = "framework-\(number)"
        info.id = V1FrameworkID(framework(number))
        info.failoverTimeout = 604_800
        info.checkpoint = true
        info.hostname = "scheduler.example.org"
        info.roles = ["bench"]
        let kinds: [V1FrameworkInfo.Capability.TypeEnum] = [.multiRole, .partitionAware]
        info.capabilities = kinds.map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        return info
    }

    /// Runs, and its update was acknowledged.
    private func task(_ number: Int, of agent: Int, id: AgentID, framework: Int) -> LinkTask {
        var task = LinkTask()
        task.frameworkID = V1FrameworkID(Self.framework(framework))
        task.state = .taskRunning
        task.info.name = "web.instance-\(number)"
        task.info.taskID.value = "web.agent-\(agent).\(Self.uuid(agent, number))"
        task.info.agentID = V1AgentID(id)
        task.info.resources = [Self.scalar("cpus", 0.1, role: "bench"), Self.scalar("mem", 32, role: "bench")]
        task.info.command.value = "exec ./server --port=$PORT0"
        var status = V1TaskStatus()
        status.taskID = task.info.taskID
        status.state = .taskRunning
        status.agentID = task.info.agentID
        status.timestamp = 1_790_000_000 + Double(agent) + Double(number) / 1_000
        status.source = .executor
        status.containerStatus.containerID.value = Self.uuid(number, agent)
        var address = V1NetworkInfo.IPAddress()
        address.ipAddress = "10.\(agent >> 16 & 255).\(agent >> 8 & 255).\(agent & 255)"
        var network = V1NetworkInfo()
        network.ipAddresses = [address]
        status.containerStatus.networkInfos = [network]
        task.statuses = [status]
        return task
    }

    /// 36 characters, different for every pair.
    private static func uuid(_ first: Int, _ second: Int) -> String {
        var generator = SplitMix64(seed: UInt64(truncatingIfNeeded: first << 20 ^ second))
        var digits = String(generator.next() | 1 << 63, radix: 16) + String(generator.next() | 1 << 63, radix: 16)
        for offset in [20, 16, 12, 8] { digits.insert("-", at: digits.index(digits.startIndex, offsetBy: offset)) }
        return digits
    }

    private static func scalar(_ name: String, _ value: Double, role: String? = nil) -> V1Resource {
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = value
        if let role { resource.allocationInfo.role = role }
        return resource
    }

    private static func ports(_ first: UInt64, _ last: UInt64) -> V1Resource {
        var resource = V1Resource()
        resource.name = "ports"
        resource.type = .ranges
        var range = V1Value.Range()
        range.begin = first
        range.end = last
        resource.ranges.range = [range]
        return resource
    }
}
