// Reads the JSON of `--acls`.
import MesosProtocol

/// Why rules cannot be used. Always names the field.
public struct AccessControlListError: Error, Hashable, Sendable, CustomStringConvertible {
    public let source: String
    public let field: String
    public let reason: String

    public var description: String { "\(source): \(field): \(reason)" }
}

extension AccessControlList {
    /// Rules, and what the operator should hear about them.
    public struct Document: Equatable, Sendable {
        public var rules: AccessControlList
        public var notices: [String]
    }

    /// Reads the document that Mesos's `--acls` takes.
    ///
    /// - Throws: For anything not understood: a rule that is silently skipped is a hole.
    public static func parse(_ text: [UInt8], source: String) throws(AccessControlListError) -> Document {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: text)
        } catch {
            throw AccessControlListError(source: source, field: "document", reason: "\(error)")
        }
        guard case .object(let members) = value else {
            throw AccessControlListError(
                source: source, field: "document", reason: "expected an object, found \(value.kindName)")
        }
        var reader = Reader(source: source)
        for member in members { try reader.take(member) }
        return Document(rules: reader.list, notices: reader.notices)
    }
}

private struct Reader {
    let source: String
    var list = AccessControlList()
    var notices: [String] = []
    private var seen: Set<String> = []

    init(source: String) { self.source = source }

    private func fault(_ field: String, _ reason: String) -> AccessControlListError {
        AccessControlListError(source: source, field: field, reason: reason)
    }

    mutating func take(_ member: JSONMember) throws(AccessControlListError) {
        guard seen.insert(member.key).inserted else { throw fault(member.key, "occurs twice") }
        if member.key == "permissive" {
            guard case .bool(let value) = member.value else {
                throw fault("permissive", "expected true or false, found \(member.value.kindName)")
            }
            list.isPermissive = value
            return
        }
        if AuthorizationAction.withoutEffect.contains(member.key) {
            notices.append("\(source): rules for \(member.key) have no effect: there is nothing here they speak of")
            return
        }
        let former = AuthorizationAction.formerNames[member.key]
        guard let action = AuthorizationAction(rawValue: member.key) ?? former else {
            let known = AuthorizationAction.allCases.map(\.rawValue) + ["permissive"]
            let near = NearestName.of(member.key, among: known)
            throw fault(member.key, "unknown action" + (near.map { "; did you mean '\($0)'?" } ?? ""))
        }
        if former != nil { notices.append("\(source): \(member.key) is an old name of \(action.rawValue)") }
        guard case .array(let entries) = member.value else {
            throw fault(member.key, "expected an array of rules, found \(member.value.kindName)")
        }
        for (index, entry) in entries.enumerated() {
            let rule = try rule(entry, action, name: member.key, at: "\(member.key)[\(index)]")
            list.rules[action, default: []].append(rule)
        }
    }

    private func rule(
        _ value: JSONValue, _ action: AuthorizationAction, name: String, at field: String
    ) throws(AccessControlListError) -> AccessControlList.Rule {
        guard case .object(let members) = value else {
            throw fault(field, "expected an object, found \(value.kindName)")
        }
        let isOldRemoval = name == "remove_quotas"
        let objects = isOldRemoval ? "quota_principals" : action.objectField
        var rule: (subjects: AccessControlList.Entity?, objects: AccessControlList.Entity?)
        for member in members {
            switch member.key {
            case "principals": rule.subjects = try entity(member.value, at: "\(field).principals")
            case objects: rule.objects = try entity(member.value, at: "\(field).\(objects)")
            default:
                throw fault("\(field).\(member.key)", "unknown member; expected 'principals' and '\(objects)'")
            }
        }
        guard let subjects = rule.subjects else { throw fault("\(field).principals", "missing") }
        guard let objects = rule.objects else { throw fault("\(field).\(objects)", "missing") }
        if isOldRemoval, case .some = objects {
            throw fault("\(field).quota_principals", "only ANY and NONE are understood; use update_quotas with roles")
        }
        return AccessControlList.Rule(subjects: subjects, objects: objects)
    }

    /// `{"type": "ANY"}`, `{"type": "NONE"}` or `{"values": [...]}`, whose type is `SOME` unless said otherwise.
    private func entity(
        _ value: JSONValue, at field: String
    ) throws(AccessControlListError) -> AccessControlList.Entity {
        guard case .object(let members) = value else {
            throw fault(field, "expected an object, found \(value.kindName)")
        }
        var type = "SOME"
        var values: [String]?
        for member in members {
            switch (member.key, member.value) {
            case ("type", .string(let text)): type = text
            case ("values", .array(let entries)):
                values = []
                for (index, entry) in entries.enumerated() {
                    guard case .string(let text) = entry else {
                        throw fault("\(field).values[\(index)]", "expected a text, found \(entry.kindName)")
                    }
                    values?.append(text)
                }
            default: throw fault("\(field).\(member.key)", "expected 'type' (a text) or 'values' (an array of texts)")
            }
        }
        switch type {
        case "ANY": return .any
        case "NONE": return .none
        case "SOME":
            guard let values, !values.isEmpty else { throw fault("\(field).values", "missing or empty") }
            return .some(values)
        default: throw fault("\(field).type", "expected ANY, NONE or SOME, found '\(type)'")
        }
    }
}
