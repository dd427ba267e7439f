// The registry's entries as names and bytes: one small entry per agent, framework, mark and weight.
import Allocator
import MesosProtocol
import Resources
import SwiftProtobuf

/// A change to one entry.
enum RegistryChange: Equatable, Sendable {
    case put(key: String, [UInt8])
    case delete(key: String)

    var key: String {
        switch self {
        case .put(let key, _), .delete(let key): key
        }
    }
}

/// Keys are `<group>/<name>`; names are escaped so that they are good znode names.
enum RegistryCodec {
    /// A group that a newer version knows is not read and not touched.
    static let groups = [
        "agents", "unreachable", "gone", "frameworks", "weights", "quotas", "standings", "windows", "down", "cluster",
    ]

    private static let capabilitiesName = "minimum_capabilities"

    /// The last change to a key wins, so that one write touches each entry once.
    static func changes(for operations: [RegistryOperation]) -> [RegistryChange] {
        var last: [String: Int] = [:]
        let all = operations.flatMap(changes(for:))
        for (index, change) in all.enumerated() { last[change.key] = index }
        return all.enumerated().filter { last[$0.element.key] == $0.offset }.map(\.element)
    }

    private static func changes(for operation: RegistryOperation) -> [RegistryChange] {
        switch operation {
        case .admitAgent(let id, let info):
            [.put(key: key("agents", id.value), bytes(of: info)), .delete(key: key("unreachable", id.value))]
        case .markUnreachable(let id, let time):
            [
                .delete(key: key("agents", id.value)),
                .put(key: key("unreachable", id.value), text("\(time.nanoseconds)")),
            ]
        case .removeAgent(let id):
            [.delete(key: key("agents", id.value)), .delete(key: key("standings", id.value))]
        case .markGone(let id, let time):
            [
                .delete(key: key("agents", id.value)), .delete(key: key("unreachable", id.value)),
                .delete(key: key("standings", id.value)),
                .put(key: key("gone", id.value), text("\(time.nanoseconds)")),
            ]
        case .forgetUnreachable(let id):
            [.delete(key: key("unreachable", id.value)), .delete(key: key("standings", id.value))]
        case .forgetGone(let id): [.delete(key: key("gone", id.value))]
        case .putFramework(let id, let record): [.put(key: key("frameworks", id.value), bytes(of: record))]
        case .forgetFramework(let id): [.delete(key: key("frameworks", id.value))]
        case .setWeight(let role, let weight?): [.put(key: key("weights", role.value), text("\(weight.doubleValue)"))]
        case .nameCluster(let name): [.put(key: key("cluster", "id"), text(name))]
        case .setMinimumCapabilities(let names) where names.isEmpty:
            [.delete(key: key("cluster", capabilitiesName))]
        case .setMinimumCapabilities(let names):
            [.put(key: key("cluster", capabilitiesName), text(names.sorted().joined(separator: ",")))]
        case .setWeight(let role, nil): [.delete(key: key("weights", role.value))]
        case .setQuota(let role, let quota?):
            [.put(key: key("quotas", role.value), bytes(of: QuotaRules.message(quota, of: role)))]
        case .setQuota(let role, nil): [.delete(key: key("quotas", role.value))]
        case .setStanding(let id, let standing?):
            [.put(key: key("standings", id.value), RegistryValues.bytes(of: standing))]
        case .setStanding(let id, nil): [.delete(key: key("standings", id.value))]
        case .setSchedule(let windows, let count):
            windows.enumerated().map { .put(key: key("windows", "\($0.offset)"), bytes(of: $0.element)) }
                + stride(from: windows.count, to: count, by: 1).map { .delete(key: key("windows", "\($0)")) }
        case .setMachineDown(let machine, true):
            [.put(key: key("down", RegistryValues.name(of: machine)), bytes(of: machine.message))]
        case .setMachineDown(let machine, false): [.delete(key: key("down", RegistryValues.name(of: machine)))]
        }
    }

    /// - Returns: Whether the entry was understood.
    static func decode(_ key: String, _ bytes: [UInt8], into state: inout RegistryState) -> Bool {
        guard let slash = key.firstIndex(of: "/") else { return false }
        let group = key[..<slash]
        guard let name = unescaped(key[key.index(after: slash)...]) else { return false }
        switch group {
        case "agents":
            guard let info = try? V1AgentInfo(serializedBytes: bytes), info.hasID, info.id.value == name else {
                return false
            }
            state.agents[AgentID(name)] = info
        case "unreachable":
            guard let time = time(bytes) else { return false }
            state.unreachable[AgentID(name)] = time
        case "gone":
            guard let time = time(bytes) else { return false }
            state.gone[AgentID(name)] = time
        case "frameworks":
            guard let record = record(bytes) else { return false }
            state.frameworks[FrameworkID(name)] = record
        case "weights":
            guard let role = try? RoleName(name),
                let weight = Double(String(decoding: bytes, as: UTF8.self)).flatMap({ Weight($0) })
            else { return false }
            state.weights[role] = weight
        case "quotas":
            guard let config = try? V1QuotaQuotaConfig(serializedBytes: bytes),
                let (role, quota) = QuotaRules.quota(config), role.value == name
            else { return false }
            state.quotas[role] = quota
        case "standings":
            guard let standing = RegistryValues.standing(bytes) else { return false }
            state.standings[AgentID(name)] = standing
        case "windows":
            guard let place = Int(name), place >= 0, let window = try? V1MaintenanceWindow(serializedBytes: bytes),
                !window.machineIds.isEmpty
            else { return false }
            state.windows[place] = window
        case "down":
            guard let id = try? V1MachineID(serializedBytes: bytes), RegistryValues.name(of: Machine(id)) == name
            else { return false }
            state.downMachines.insert(Machine(id))
        case "cluster":
            guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else { return false }
            switch name {
            case "id": state.cluster = text
            case capabilitiesName: state.minimumCapabilities = Set(text.split(separator: ",").map(String.init))
            default: return false
            }
        default: return false
        }
        return true
    }

    // MARK: Values

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static func time(_ bytes: [UInt8]) -> WallTime? {
        Int64(String(decoding: bytes, as: UTF8.self)).map { WallTime(nanoseconds: $0) }
    }

    private static func bytes(of message: some Message) -> [UInt8] { MediaType.protobuf.encode(message) }

    /// A line that says where the framework stands, then its description.
    private static func bytes(of record: FrameworkRecord) -> [UInt8] {
        let line =
            switch record.phase {
            case .connected: "connected"
            case .disconnected(let since): "disconnected \(since.nanoseconds)"
            case .removed(let time): "removed \(time.nanoseconds)"
            }
        return text(line + "\n") + bytes(of: record.info)
    }

    private static func record(_ bytes: [UInt8]) -> FrameworkRecord? {
        guard let newline = bytes.firstIndex(of: UInt8(ascii: "\n")),
            let info = try? V1FrameworkInfo(serializedBytes: Array(bytes[(newline + 1)...]))
        else { return nil }
        let words = String(decoding: bytes[..<newline], as: UTF8.self).split(separator: " ")
        let time = words.count == 2 ? Int64(words[1]).map { WallTime(nanoseconds: $0) } : nil
        switch (words.first, time) {
        case ("connected", nil): return FrameworkRecord(info: info, phase: .connected)
        case ("disconnected", let since?): return FrameworkRecord(info: info, phase: .disconnected(since: since))
        case ("removed", let time?): return FrameworkRecord(info: info, phase: .removed(at: time))
        default: return nil
        }
    }

    // MARK: Names

    static func key(_ group: String, _ name: String) -> String { "\(group)/\(escaped(name))" }

    /// Letters, digits, `-` and `_` stay, and `.` after the first character; the rest becomes `%XX`.
    static func escaped(_ name: String) -> String {
        var result = ""
        for (index, byte) in name.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where index > 0:
                result.append(".")
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
