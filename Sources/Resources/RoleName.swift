/// Why a text is not a role name. Each case carries the offending text.
public enum RoleNameError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case emptyComponent(role: String)
    case reservedComponent(role: String, component: String)
    case leadingDash(role: String, component: String)
    case forbiddenCharacter(role: String, code: UInt32)

    public var description: String {
        switch self {
        case .empty: "Empty role name is invalid"
        case .emptyComponent(let role):
            "Role '\(role)' is invalid: it has a leading, trailing or doubled slash"
        case .reservedComponent(let role, let component):
            "Role '\(role)' is invalid: '\(component)' cannot be a path component"
        case .leadingDash(let role, let component):
            "Role '\(role)' is invalid: path component '\(component)' starts with a dash"
        case .forbiddenCharacter(let role, let code):
            "Role '\(role)' is invalid: it contains the character with code \(code)"
        }
    }
}

/// A valid role name: `*`, or path components joined by slashes (`eng/ci`).
public struct RoleName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: String

    /// The default role `*`. It is nobody's ancestor.
    public static let any = RoleName(unchecked: "*")

    private init(unchecked value: String) { self.value = value }

    /// - Throws: What is wrong with the name, by the rules Mesos applies to roles.
    public init(_ text: String) throws(RoleNameError) {
        guard !text.isEmpty else { throw .empty }
        if text == "*" {
            self = .any
            return
        }
        for scalar in text.unicodeScalars
        where scalar.properties.isWhitespace || scalar.value == 0x08 || scalar.value == 0x7F || scalar.value == 0 {
            throw .forbiddenCharacter(role: text, code: scalar.value)
        }
        for component in text.split(separator: "/", omittingEmptySubsequences: false) {
            if component.isEmpty { throw .emptyComponent(role: text) }
            if component == "." || component == ".." || component == "*" {
                throw .reservedComponent(role: text, component: String(component))
            }
            if component.hasPrefix("-") { throw .leadingDash(role: text, component: String(component)) }
        }
        value = text
    }

    public var description: String { value }

    /// The path components, outermost first; `["*"]` for the default role.
    public var components: [String] { value.split(separator: "/").map(String.init) }

    /// The role directly above, or `nil` at the top level.
    public var parent: RoleName? {
        guard let slash = value.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return RoleName(unchecked: String(value[..<slash]))
    }

    /// The roles above this one, outermost first.
    public var ancestors: [RoleName] {
        var result: [RoleName] = []
        var next = parent
        while let role = next {
            result.append(role)
            next = role.parent
        }
        return result.reversed()
    }

    /// Whether this role lies strictly above `other` in the tree.
    public func isAncestor(of other: RoleName) -> Bool {
        let mine = value.utf8
        let theirs = other.value.utf8
        guard theirs.count > mine.count, theirs.starts(with: mine) else { return false }
        return theirs[theirs.index(theirs.startIndex, offsetBy: mine.count)] == UInt8(ascii: "/")
    }

    /// Whether this role lies strictly below `other` in the tree.
    public func isStrictDescendant(of other: RoleName) -> Bool { other.isAncestor(of: self) }

    public static func < (left: RoleName, right: RoleName) -> Bool { left.value < right.value }
}
