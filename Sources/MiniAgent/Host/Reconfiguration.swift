// What may change about an agent's description from one start to the next.

import MesosProtocol
import Resources

/// Which changes of its description an agent that returns may bring: `--reconfiguration_policy`.
public enum ReconfigurationPolicy: String, Hashable, Sendable, CaseIterable {
    /// None.
    case equal
    /// Resources may grow; attributes and a fault domain may be added.
    case additive
    /// Resources and attributes may become whatever leaves room for the tasks that run.
    case any
}

package struct Reconfiguration: Hashable, Sendable {
    /// What differs, with what was and what is, in words. Empty: nothing.
    package var differences: [String]
    /// Why the policy does not allow it; nil: it does.
    package var refusal: String?

    /// - Parameter used: What tasks of the agent hold, whatever became of the rest.
    package init(from old: V1AgentInfo, to new: V1AgentInfo, policy: ReconfigurationPolicy, used: Resources) {
        differences = Self.differences(from: old, to: new)
        guard !differences.isEmpty else { return }
        switch policy {
        case .equal: refusal = "Incompatible agent info detected: \(differences.joined(separator: "; "))"
        case .additive:
            if let reason = Self.loss(from: old, to: new) {
                refusal = "Configuration change not permitted under 'additive' policy: \(reason)"
            }
        case .any:
            if let reason = Self.conflict(from: old, to: new, used: used) {
                refusal = "Configuration change not permitted under 'any' policy: \(reason)"
            }
        }
    }

    /// What a master would notice. The port is not part of it: with port 0 it changes with every start.
    package static func differences(from old: V1AgentInfo, to new: V1AgentInfo) -> [String] {
        var differences: [String] = []
        if old.hostname != new.hostname {
            differences.append("hostname was '\(old.hostname)' and is '\(new.hostname)'")
        }
        let oldResources = try? Resources(old.resources)
        let newResources = try? Resources(new.resources)
        if oldResources != newResources {
            differences.append(
                "resources were '\(oldResources?.description ?? "unreadable")' and are "
                    + "'\(newResources?.description ?? "unreadable")'")
        }
        if old.hasDomain != new.hasDomain || old.domain != new.domain { differences.append("the fault domain differs") }
        if old.attributes != new.attributes {
            let names = Set(old.attributes.map(\.name)).union(new.attributes.map(\.name)).sorted().filter { name in
                old.attributes.filter { $0.name == name } != new.attributes.filter { $0.name == name }
            }
            differences.append(
                names.isEmpty
                    ? "attributes came in another order" : "attributes differ: \(names.joined(separator: ", "))")
        }
        return differences
    }

    // MARK: Judgement

    /// What was there and is not any more, or is less; nil if nothing.
    private static func loss(from old: V1AgentInfo, to new: V1AgentInfo) -> String? {
        if let reason = identityConflict(from: old, to: new) { return reason }
        if let lost = missing(of: (try? Resources(old.resources)) ?? Resources(), in: new) {
            return "resources may only grow: \(lost)"
        }
        for attribute in old.attributes {
            let others = new.attributes.filter { $0.name == attribute.name }
            if others.isEmpty { return "attribute '\(attribute.name)' is missing" }
            guard others.contains(where: { holds($0, attribute) }) else {
                return
                    "attribute '\(attribute.name)' was \(text(attribute)) and is \(others.map(text).joined(separator: ", "))"
            }
        }
        return nil
    }

    private static func conflict(from old: V1AgentInfo, to new: V1AgentInfo, used: Resources) -> String? {
        identityConflict(from: old, to: new)
            ?? missing(of: used, in: new).map { "tasks that run need what is no longer there: \($0)" }
    }

    /// A master takes an agent under another name, or in another place, for another machine.
    private static func identityConflict(from old: V1AgentInfo, to new: V1AgentInfo) -> String? {
        if old.hostname != new.hostname {
            return "the host name was '\(old.hostname)' and is '\(new.hostname)'; a host keeps its name"
        }
        if old.hasDomain, old.domain != new.domain { return "the fault domain may be added, not changed" }
        return nil
    }

    private static func missing(of wanted: Resources, in new: V1AgentInfo) -> String? {
        guard let there = try? Resources(new.resources) else { return "they cannot be read" }
        let lost = wanted.entries.filter { !there.contains(Resources(entries: [$0])) }
        if lost.isEmpty { return nil }
        return lost.map { entry in
            let now = there.entries.first { $0.key == entry.key }
            return "'\(entry)' before, \(now.map { "'\($0)'" } ?? "nothing") now"
        }.joined(separator: ", ")
    }

    private static func holds(_ new: V1Attribute, _ old: V1Attribute) -> Bool {
        guard new.type == old.type else { return false }
        switch old.type {
        case .scalar: return new.scalar == old.scalar
        case .text, .set: return new == old
        case .ranges:
            let ranges = { (message: V1Attribute) in
                Ranges(message.ranges.range.filter { $0.begin <= $0.end }.map { $0.begin...$0.end })
            }
            return ranges(new).contains(ranges(old))
        }
    }

    private static func text(_ attribute: V1Attribute) -> String {
        switch attribute.type {
        case .scalar: "\(attribute.scalar.value)"
        case .ranges: "[\(attribute.ranges.range.map { "\($0.begin)-\($0.end)" }.joined(separator: ","))]"
        case .text, .set: "'\(attribute.text.value)'"
        }
    }
}
