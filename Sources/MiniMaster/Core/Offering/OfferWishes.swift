// What a framework asks of its offers: which agents, and how much at least.
import Allocator
import MesosProtocol
import Resources

/// Offer constraints and offer filters, checked, in the form the allocator takes.
package struct OfferWishes: Sendable {
    var constraints: [RoleName: OfferConstraints] = [:]
    var minimums: [RoleName: [Resources]] = [:]

    /// All patterns of one framework together may have so many steps.
    private static let stepsMax = 50_000

    init() {}

    struct Fault: Error, Equatable {
        /// Whether it is in the description of the framework, not beside it.
        var isInDescription: Bool
        var text: String
    }

    /// - Parameter constraints: Nil: all agents are welcome.
    init(_ info: V1FrameworkInfo, _ constraints: V1SchedulerOfferConstraints?) throws(Fault) {
        let roles = Set(Framework.roles(of: info))
        for (name, filters) in info.offerFilters.sorted(by: { $0.key < $1.key }) {
            guard let role = try? RoleName(name), roles.contains(role) else {
                throw Fault(
                    isInDescription: true,
                    text: "Offer filters could not be set for role '\(name)', which is not one of the framework's")
            }
            guard filters.hasMinAllocatableResources else { continue }
            minimums[role] = try filters.minAllocatableResources.quantities.map(Self.quantities)
        }
        guard let constraints else { return }
        var steps = 0
        for (name, wanted) in constraints.roleConstraints.sorted(by: { $0.key < $1.key }) {
            guard let role = try? RoleName(name), roles.contains(role) else {
                throw Fault(
                    isInDescription: false,
                    text: "Offer constraints specify `role_constraints` for a role '\(name)'not contained in the set "
                        + "of roles")
            }
            self.constraints[role] = try Self.constraints(wanted, &steps)
        }
    }

    // MARK: Filters

    private static func quantities(
        _ message: V1OfferFilters.ResourceQuantities
    ) throws(Fault) -> Resources {
        guard !message.quantities.isEmpty else {
            throw Fault(isInDescription: true, text: "Resource quantities must contain at least one quantity")
        }
        var entries: [ResourceEntry] = []
        for (name, scalar) in message.quantities.sorted(by: { $0.key < $1.key }) {
            if let reason = QuotaRules.fault(in: scalar.value) {
                throw Fault(isInDescription: true, text: "Invalid resource quantity for '\(name)': \(reason)")
            }
            // More than anybody can have is as good as the most that can be said.
            let value = Scalar(min(scalar.value, Scalar.valueMax)) ?? .zero
            entries.append(ResourceEntry(name: name, value: .scalar(value)))
        }
        return Resources(entries: entries)
    }

    // MARK: Constraints

    private static func constraints(
        _ message: V1SchedulerOfferConstraints.RoleConstraints, _ steps: inout Int
    ) throws(Fault) -> OfferConstraints {
        var groups: [OfferConstraints.Group] = []
        for group in message.groups {
            var constraints: [AttributeConstraint] = []
            for constraint in group.attributeConstraints {
                constraints.append(
                    AttributeConstraint(try selector(constraint.selector), try predicate(constraint.predicate, &steps)))
            }
            groups.append(OfferConstraints.Group(constraints))
        }
        do throws(OfferConstraintsError) {
            return try OfferConstraints(groups: groups)
        } catch {
            throw invalid("\(error)")
        }
    }

    private static func invalid(_ reason: String) -> Fault {
        Fault(isInDescription: false, text: "Offer constraints are not valid: \(reason)")
    }

    private static func selector(
        _ message: V1SchedulerAttributeConstraint.Selector
    ) throws(Fault) -> AttributeConstraint.Selector {
        switch message.selector {
        case .attributeName(let name): return .attribute(name)
        case .pseudoattributeType(.hostname): return .hostname
        case .pseudoattributeType(.region): return .region
        case .pseudoattributeType(.zone): return .zone
        case .pseudoattributeType(.unknown): throw invalid("Unknown pseudoattribute type")
        case nil:
            throw invalid(
                "Exactly one of 'AttributeConstraint::Selector::name' or "
                    + "'AttributeConstraint::Selector::pseudoattribute_type' must be set")
        }
    }

    private static func predicate(
        _ message: V1SchedulerAttributeConstraint.Predicate, _ steps: inout Int
    ) throws(Fault) -> AttributeConstraint.Predicate {
        switch message.predicate {
        case .exists: return .exists
        case .notExists: return .notExists
        case .textEquals(let text): return .textEquals(text.value)
        case .textNotEquals(let text): return .textNotEquals(text.value)
        case .textMatches(let text): return .textMatches(try pattern(text.regex, &steps))
        case .textNotMatches(let text): return .textNotMatches(try pattern(text.regex, &steps))
        case nil: throw invalid("Unknown predicate type")
        }
    }

    private static func pattern(_ text: String, _ steps: inout Int) throws(Fault) -> TextPattern {
        let pattern: LinearPattern
        do throws(LinearPatternError) { pattern = try LinearPattern(text) } catch {
            if case .tooLarge = error { throw invalid("Regex '\(text)' is too complex: \(error)") }
            throw invalid("Failed to construct regex from pattern '\(text)': \(error)")
        }
        steps += pattern.size
        guard steps <= stepsMax else { throw invalid("The regexes are too complex, taken together") }
        return TextPattern(text) { pattern.matches($0) }
    }
}

extension Cluster {
    /// Lets the allocator know what the books say about a framework; it is added if need be.
    mutating func allocate(to framework: Framework, active: Bool) {
        allocator.updateFramework(
            framework.id, roles: framework.roles, suppressed: framework.suppressed, active: active,
            canUseGPUs: framework.can(.gpuResources), canUseRevocable: framework.can(.revocableResources),
            canUseShared: framework.can(.sharedResources), canUseRefinements: framework.can(.reservationRefinement),
            canUseOtherRegions: framework.can(.regionAware), constraints: framework.wishes.constraints,
            minAllocatable: framework.wishes.minimums)
    }

    /// What constraints can ask of an agent.
    static func traits(of info: V1AgentInfo) -> AgentTraits {
        AgentTraits(
            hostname: info.hostname,
            region: info.domain.faultDomain.hasRegion ? info.domain.faultDomain.region.name : nil,
            zone: info.domain.faultDomain.hasZone ? info.domain.faultDomain.zone.name : nil,
            attributes: info.attributes.map { attribute in
                let text =
                    switch attribute.type {
                    case .scalar: "\(attribute.scalar.value)"
                    case .ranges:
                        "[" + attribute.ranges.range.map { "\($0.begin)-\($0.end)" }.joined(separator: ", ") + "]"
                    case .set, .text: attribute.text.value
                    }
                return AgentTraits.Attribute(name: attribute.name, text: text, isText: attribute.type == .text)
            })
    }
}

/// For those who play a recorded allocator again.
public enum RecordedPatterns {
    /// Compiles a pattern of offer constraints as the master does.
    public static let compile: TextPatternCompiler = { text in
        guard let pattern = try? LinearPattern(text) else { return nil }
        return TextPattern(text) { pattern.matches($0) }
    }
}
