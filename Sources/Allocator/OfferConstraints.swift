// Which agents a framework wants to be offered at all, in one of its roles.

/// Groups of constraints over agents' attributes; an agent must satisfy every constraint of at least one group.
///
/// Follows the offer constraints of the v1 scheduler API (Apache Mesos 1.11).
public struct OfferConstraints: Hashable, Codable, Sendable {
    /// Constraints that must all hold.
    public struct Group: Hashable, Codable, Sendable {
        public var constraints: [AttributeConstraint]

        public init(_ constraints: [AttributeConstraint]) { self.constraints = constraints }
    }

    public let groups: [Group]

    /// How many constraints one role of a framework may have in all; each is evaluated once for an agent.
    public static let constraintsMax = 1_000

    /// - Throws: If there is no group, an empty group, or too much.
    public init(groups: [Group]) throws(OfferConstraintsError) {
        if groups.isEmpty { throw .noGroups }
        if groups.contains(where: \.constraints.isEmpty) { throw .emptyGroup }
        let count = groups.reduce(0) { $0 + $1.constraints.count }
        if count > Self.constraintsMax { throw .tooMany(count: count, max: Self.constraintsMax) }
        self.groups = groups
    }

    package func admit(_ traits: AgentTraits) -> Bool {
        groups.contains { group in group.constraints.allSatisfy { $0.holds(for: traits) } }
    }
}

/// Why constraints were refused. The caller knows the framework and the role.
public enum OfferConstraintsError: Error, Hashable, Sendable, CustomStringConvertible {
    case noGroups
    case emptyGroup
    case tooMany(count: Int, max: Int)

    public var description: String {
        switch self {
        case .noGroups: "'RoleConstraints::groups' is empty"
        case .emptyGroup: "'RoleConstraints::groups' contains an empty group"
        case .tooMany(let count, let max): "\(count) attribute constraints, at most \(max) are taken"
        }
    }
}

/// One condition on an attribute, or on what is asked for like one.
public struct AttributeConstraint: Hashable, Codable, Sendable {
    public enum Selector: Hashable, Codable, Sendable {
        case hostname, region, zone
        /// The first attribute of this name counts.
        case attribute(String)
    }

    /// Text predicates hold for every attribute that is not text, so that the framework decides for itself there.
    /// Without the attribute only the negative ones hold.
    public enum Predicate: Hashable, Codable, Sendable {
        case exists, notExists
        case textEquals(String), textNotEquals(String)
        case textMatches(TextPattern), textNotMatches(TextPattern)
    }

    public var selector: Selector
    public var predicate: Predicate

    public init(_ selector: Selector, _ predicate: Predicate) {
        self.selector = selector
        self.predicate = predicate
    }

    func holds(for traits: AgentTraits) -> Bool {
        switch selector {
        case .hostname: return holds(for: traits.hostname)
        case .region: return holds(for: traits.region)
        case .zone: return holds(for: traits.zone)
        case .attribute(let name):
            guard let attribute = traits.attributes.first(where: { $0.name == name }) else { return holds(for: nil) }
            if attribute.isText { return holds(for: attribute.text) }
            return predicate != .notExists
        }
    }

    private func holds(for text: String?) -> Bool {
        switch predicate {
        case .exists: text != nil
        case .notExists: text == nil
        case .textEquals(let value): text == value
        case .textNotEquals(let value): text != value
        case .textMatches(let pattern): text.map(pattern.matches) ?? false
        case .textNotMatches(let pattern): !(text.map(pattern.matches) ?? false)
        }
    }
}

/// A regular expression, compiled by whoever has an engine for it; this module has none.
///
/// Equal texts are taken for equal patterns.
public struct TextPattern: Hashable, Sendable {
    public let text: String
    /// Whether the pattern matches a whole text. Must always answer the same, in bounded time.
    public let matches: @Sendable (String) -> Bool

    public init(_ text: String, matches: @escaping @Sendable (String) -> Bool) {
        self.text = text
        self.matches = matches
    }

    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension CodingUserInfoKey {
    /// Where a decoder finds how a `TextPattern` is compiled: a `TextPatternCompiler`.
    public static let textPatternCompiler = CodingUserInfoKey(rawValue: "textPatternCompiler")
}

/// Compiles the text of a pattern; nil if it is none.
public typealias TextPatternCompiler = @Sendable (String) -> TextPattern?

extension TextPattern: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let compile = CodingUserInfoKey.textPatternCompiler.flatMap { decoder.userInfo[$0] as? TextPatternCompiler }
        guard let pattern = compile?(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' cannot be compiled")
        }
        self = pattern
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
