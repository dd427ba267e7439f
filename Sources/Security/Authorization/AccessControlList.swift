// Who may do what to what: the ACLs of Apache Mesos.

/// The rules of an `--acls` document.
///
/// Rules are asked in the order written, per action. The first one that speaks of both the subject and the object decides;
/// if none does, `permissive` decides.
///
/// - SeeAlso: "Authorization" of the Apache Mesos documentation.
public struct AccessControlList: Equatable, Sendable {
    /// A subject or an object of a rule.
    public enum Entity: Equatable, Sendable {
        /// Everybody and everything, also who has not said a name.
        case any
        /// Matches everybody and allows nobody: `NONE` is how a rule forbids.
        case none
        /// Exactly these. In roles, `eng/%` stands for every role below `eng`.
        case some([String])
    }

    public struct Rule: Equatable, Sendable {
        public var subjects: Entity
        public var objects: Entity

        public init(subjects: Entity, objects: Entity) {
            self.subjects = subjects
            self.objects = objects
        }
    }

    /// What is allowed when no rule matches.
    public var isPermissive: Bool
    public var rules: [AuthorizationAction: [Rule]]

    public init(isPermissive: Bool = true, rules: [AuthorizationAction: [Rule]] = [:]) {
        self.isPermissive = isPermissive
        self.rules = rules
    }

    /// Whether the principal may do this to all of `objects`.
    ///
    /// - Parameters:
    ///   - principal: Nil: nobody said who they are. Only `ANY` allows them.
    ///   - objects: Nil: to anything, without exception, which only `ANY` allows.
    public func allows(_ principal: Principal?, _ action: AuthorizationAction, _ objects: [String]?) -> Bool {
        // Each for itself: two rules may allow one each.
        guard let objects else { return decide(principal, action, nil) }
        return objects.allSatisfy { decide(principal, action, $0) }
    }

    public func allows(_ principal: Principal?, _ action: AuthorizationAction, _ object: String) -> Bool {
        decide(principal, action, object)
    }

    private func decide(_ principal: Principal?, _ action: AuthorizationAction, _ object: String?) -> Bool {
        let isRole = action.objectField == "roles"
        for rule in rules[action] ?? [] {
            guard rule.subjects.matches(principal?.value, isRole: false), rule.objects.matches(object, isRole: isRole)
            else { continue }
            return rule.subjects.allows(principal?.value, isRole: false) && rule.objects.allows(object, isRole: isRole)
        }
        return isPermissive
    }
}

extension AccessControlList.Entity {
    /// Whether a rule with this entity speaks of `value`; nil is "anybody".
    fileprivate func matches(_ value: String?, isRole: Bool) -> Bool {
        switch self {
        case .any, .none: true
        case .some: value.map { contains($0, isRole: isRole) } ?? false
        }
    }

    fileprivate func allows(_ value: String?, isRole: Bool) -> Bool {
        switch self {
        case .any: true
        case .none: false
        case .some: value.map { contains($0, isRole: isRole) } ?? false
        }
    }

    private func contains(_ value: String, isRole: Bool) -> Bool {
        guard case .some(let values) = self else { return false }
        return values.contains { pattern in
            if pattern == value { return true }
            guard isRole, pattern.hasSuffix("/%") else { return false }
            let parent = pattern.dropLast()  // Keeps the slash.
            return value.utf8.count > parent.utf8.count && value.hasPrefix(parent)
        }
    }
}
