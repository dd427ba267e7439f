// May a framework subscribe as it describes itself? The reasons are what it is sent as an ERROR event.
import MesosProtocol
import Resources

enum FrameworkValidation {
    /// What is wrong with a description on its own; nil if nothing is.
    static func fault(in info: V1FrameworkInfo, suppressed: [String], settings: MasterSettings) -> String? {
        faultInRoles(of: info) ?? faultInWhitelist(info, settings)
            ?? faultInTimeout(info) ?? faultInUser(info, settings) ?? faultInSuppressed(suppressed, info)
    }

    private static func faultInRoles(of info: V1FrameworkInfo) -> String? {
        if FrameworkCapabilities(info).contains(.multiRole) {
            if info.hasRole { return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable" }
            var seen: Set<String> = []
            let doubled = Set(info.roles.filter { !seen.insert($0).inserted }).sorted()
            if !doubled.isEmpty {
                return "'FrameworkInfo.roles' contains duplicate items: \(doubled.joined(separator: ", "))"
            }
            for role in info.roles {
                if let fault = fault(inRole: role) { return "'FrameworkInfo.roles' contains invalid role: \(fault)" }
            }
            return nil
        }
        if !info.roles.isEmpty {
            return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
        }
        if info.hasRole, let fault = fault(inRole: info.role) {
            return "'FrameworkInfo.role' is not a valid role: \(fault)"
        }
        return nil
    }

    /// What is wrong with a role's name, in the words of Apache Mesos; nil if it is valid.
    static func fault(inRole role: String) -> String? {
        do throws(RoleNameError) {
            _ = try RoleName(role)
            return nil
        } catch {
            switch error {
            case .empty: return "Empty role name is invalid"
            case .emptyComponent:
                if role.hasPrefix("/") { return "Role '\(role)' cannot start with a slash" }
                if role.hasSuffix("/") { return "Role '\(role)' cannot end with a slash" }
                return "Role '\(role)' cannot contain two adjacent slashes"
            case .reservedComponent(_, let component):
                return component == "*"
                    ? "Role '\(role)' cannot include '*' as a component"
                    : "Role '\(role)' cannot include '\(component)' as a component"
            case .leadingDash(_, let component):
                return "Role component '\(component)' is invalid because it begins with a dash"
            case .forbiddenCharacter:
                return "Role component '\(role)' is invalid because it contains backspace or whitespace"
            }
        }
    }

    private static func faultInWhitelist(_ info: V1FrameworkInfo, _ settings: MasterSettings) -> String? {
        guard let allowed = settings.roles else { return nil }
        let absent = Framework.roles(of: info).filter { $0 != .any && !allowed.contains($0) }
        guard !absent.isEmpty else { return nil }
        let names = absent.map(\.value).joined(separator: ", ")
        return "Roles { \(names) } are not present in the master's --roles"
    }

    /// The timeout must fit a 64-bit count of nanoseconds: 292 years.
    private static func faultInTimeout(_ info: V1FrameworkInfo) -> String? {
        let timeout = info.failoverTimeout
        if timeout.isNaN || timeout.magnitude > 9_223_372_036 {
            return "The framework failover_timeout (\(timeout)) is invalid"
        }
        return nil
    }

    private static func faultInUser(_ info: V1FrameworkInfo, _ settings: MasterSettings) -> String? {
        guard !settings.rootSubmissions, info.user == "root" else { return nil }
        return "User 'root' is not allowed to run frameworks without --root_submissions set"
    }

    private static func faultInSuppressed(_ suppressed: [String], _ info: V1FrameworkInfo) -> String? {
        let own = Set(Framework.roles(of: info).map(\.value))
        let strangers = Set(suppressed).subtracting(own).sorted()
        guard !strangers.isEmpty else { return nil }
        let (wrong, right) = (strangers.joined(separator: ", "), own.sorted().joined(separator: ", "))
        return "Suppressed roles { \(wrong) } are not contained in the set of roles { \(right) }"
    }

    /// What forbids a known framework to subscribe again as described; nil if nothing does.
    static func fault(resubscribing new: V1FrameworkInfo, over old: V1FrameworkInfo) -> String? {
        // A framework that an agent reported may have been stored without its principal.
        guard old.hasPrincipal || new.hasPrincipal, old.principal != new.principal else { return nil }
        return "Changing framework's principal is not allowed."
    }

    /// What forbids UPDATE_FRAMEWORK; nil if nothing does.
    static func fault(updating old: V1FrameworkInfo, to new: V1FrameworkInfo) -> String? {
        if old.principal != new.principal {
            return change("principal", from: old.principal, to: new.principal)
        }
        if old.user != new.user { return change("user", from: old.user, to: new.user) }
        if old.checkpoint != new.checkpoint {
            return change("checkpoint", from: "\(old.checkpoint)", to: "\(new.checkpoint)")
        }
        return nil
    }

    private static func change(_ field: String, from old: String, to new: String) -> String {
        "Updating 'FrameworkInfo.\(field)' is unsupported; attempted to update from '\(old)' to '\(new)'"
    }
}
