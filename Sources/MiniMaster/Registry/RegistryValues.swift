// The registry's values that are more than one protobuf message: a line of words, then a message.
import MesosProtocol
import Resources
import SwiftProtobuf

enum RegistryValues {
    /// A line that says where the agent stands and since when, then how it is drained.
    static func bytes(of standing: AgentStanding) -> [UInt8] {
        switch standing {
        case .deactivated: Array("deactivated\n".utf8)
        case .draining(let drain): bytes("draining", drain)
        case .drained(let drain): bytes("drained", drain)
        }
    }

    private static func bytes(_ word: String, _ drain: AgentStanding.Drain) -> [UInt8] {
        Array("\(word) \(drain.since.nanoseconds)\n".utf8) + MediaType.protobuf.encode(drain.config)
    }

    static func standing(_ bytes: [UInt8]) -> AgentStanding? {
        guard let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: bytes[..<newline], as: UTF8.self).split(separator: " ")
        if words == ["deactivated"] { return .deactivated }
        guard words.count == 2, let since = Int64(words[1]),
            let config = try? V1DrainConfig(serializedBytes: Array(bytes[(newline + 1)...]))
        else { return nil }
        let drain = AgentStanding.Drain(
            maxGracePeriod: config.hasMaxGracePeriod ? .nanoseconds(config.maxGracePeriod.nanoseconds) : nil,
            marksGone: config.markGone, since: WallTime(nanoseconds: since))
        switch words[0] {
        case "draining": return .draining(drain)
        case "drained": return .drained(drain)
        default: return nil
        }
    }

    /// A machine's name in the registry: both parts, either of which may be empty.
    static func name(of machine: Machine) -> String { "\(machine.hostname),\(machine.ip)" }
}
