// Offer constraints and offer filters: what a framework may ask, and that it gets no other offers.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OfferWishesTests {
    private typealias Constraint = V1SchedulerAttributeConstraint

    private func constraint(
        _ name: String?, _ fill: (inout Constraint.Predicate) -> Void
    ) -> Constraint {
        var constraint = Constraint()
        if let name {
            constraint.selector.attributeName = name
        } else {
            constraint.selector.pseudoattributeType = .hostname
        }
        fill(&constraint.predicate)
        return constraint
    }

    private func constraints(_ role: String, _ groups: [[Constraint]]) -> V1SchedulerOfferConstraints {
        var constraints = V1SchedulerOfferConstraints()
        constraints.roleConstraints[role] = .init()
        constraints.roleConstraints[role]?.groups = groups.map { constraints in
            var group = V1SchedulerOfferConstraints.RoleConstraints.Group()
            group.attributeConstraints = constraints
            return group
        }
        return constraints
    }

    private func agent(_ hostname: String, rack: String? = nil) -> LinkCall.Register {
        var message = Samples.agent(hostname)
        if let rack {
            var attribute = V1Attribute()
            attribute.name = "rack"
            attribute.type = .text
            attribute.text.value = rack
            message.agent.attributes = [attribute]
        }
        return message
    }

    private func subscribe(
        _ talk: inout MasterConversation, _ info: V1FrameworkInfo = Samples.framework(),
        _ constraints: V1SchedulerOfferConstraints
    ) -> StreamID {
        talk.subscribe(info) { $0.subscribe.offerConstraints = constraints }
    }

    @Test func `only agents that satisfy a group are offered, and the constraints can be changed`() {
        var talk = MasterConversation()
        talk.register(agent("a1", rack: "r1"), from: "10.0.0.1")
        talk.register(agent("a2", rack: "r2"), from: "10.0.0.2")
        talk.register(agent("a3"), from: "10.0.0.3")
        let wanted = constraints("dev", [[constraint("rack") { $0.textMatches.regex = "r[2-9]" }]])
        let stream = subscribe(&talk, constraints: wanted)
        #expect(talk.offers(stream).map(\.hostname) == ["a2"])
        let id = talk.core.cluster?.frameworks.framework(on: stream)?.id
        #expect(id.flatMap { talk.core.cluster?.frameworks[$0]?.offerConstraints } == wanted)
        let answer = talk.call(stream, id, .updateFramework) { call in
            call.updateFramework.frameworkInfo = Samples.framework(id: id?.value)
            call.updateFramework.offerConstraints = constraints(
                "dev", [[constraint(nil) { $0.textEquals.value = "a3" }], [constraint("rack") { $0.exists = .init() }]])
        }
        #expect(answer == .done)
        #expect(talk.offers(stream).map(\.hostname).sorted() == ["a1", "a2", "a3"])
    }

    private func subscribe(
        _ talk: inout MasterConversation, constraints: V1SchedulerOfferConstraints
    ) -> StreamID { subscribe(&talk, Samples.framework(), constraints) }

    @Test func `constraints that make no sense end the subscription with the reason`() {
        let cases: [(V1SchedulerOfferConstraints, String)] = [
            (
                constraints("ops", [[constraint("rack") { $0.exists = .init() }]]),
                "Offer constraints specify `role_constraints` for a role 'ops'not contained in the set of roles"
            ),
            (constraints("dev", []), "Offer constraints are not valid: 'RoleConstraints::groups' is empty"),
            (
                constraints("dev", [[constraint("rack") { $0.textMatches.regex = "(" }]]),
                "Offer constraints are not valid: Failed to construct regex from pattern '(': missing closing )"
            ),
            (
                constraints("dev", [[constraint("rack") { _ in }]]),
                "Offer constraints are not valid: Unknown predicate type"
            ),
        ]
        for (constraints, reason) in cases {
            var talk = MasterConversation()
            let stream = subscribe(&talk, constraints: constraints)
            #expect(talk.events(stream) == [.error(reason)])
            #expect(talk.isClosed(stream))
            #expect(talk.stored.frameworks.isEmpty)
        }
    }

    @Test func `an update with constraints that make no sense changes nothing`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let answer = talk.call(pair.stream, pair.framework, .updateFramework) { call in
            call.updateFramework.frameworkInfo = Samples.framework(id: pair.framework.value, roles: ["dev", "ops"])
            call.updateFramework.offerConstraints = constraints("dev", [])
        }
        #expect(
            answer
                == .refused(
                    status: 400,
                    reason: "'UpdateFramework' call is not valid: Offer constraints are not valid: "
                        + "'RoleConstraints::groups' is empty"))
        #expect(talk.core.cluster?.frameworks[pair.framework]?.roles.count == 1)
    }

    @Test func `an offer filter of a role is the least it is offered`() {
        var info = Samples.framework()
        var quantities = V1OfferFilters.ResourceQuantities()
        quantities.quantities["cpus"] = .init()
        quantities.quantities["cpus"]?.value = 5
        info.offerFilters["dev"] = .init()
        info.offerFilters["dev"]?.minAllocatableResources.quantities = [quantities]
        var talk = MasterConversation()
        talk.register(Samples.agent())
        let stream = talk.subscribe(info)
        #expect(talk.offers(stream).isEmpty)
        info.offerFilters["dev"]?.minAllocatableResources.quantities[0].quantities["cpus"]?.value = 4
        let other = talk.subscribe(info)
        #expect(talk.offers(other).count == 1)
        info.offerFilters["dev"]?.minAllocatableResources.quantities[0].quantities["cpus"]?.value = -2
        let bad = talk.subscribe(info)
        #expect(talk.events(bad) == [.error("Invalid resource quantity for 'cpus': Negative values not supported")])
    }

    // MARK: Patterns

    private func matches(_ pattern: String, _ text: String) -> Bool? {
        (try? LinearPattern(pattern)).map { $0.matches(text) }
    }

    @Test func `a pattern matches a whole text or not at all`() {
        let cases: [(pattern: String, text: String, expected: Bool)] = [
            ("abc", "abc", true), ("abc", "abcd", false), ("", "", true), ("a*", "", true), ("a+", "", false),
            ("a|bc|", "bc", true), ("a|bc|", "", true), ("(a|b)+c?", "abab", true), ("(?:ab){2,3}", "ababab", true),
            ("(?:ab){2,3}", "ab", false), ("x{2}", "xx", true), ("x{2,}", "xxxxx", true), ("x{,2}", "x{,2}", true),
            ("[a-c]-[^d]", "b-e", true), ("[]x]", "]", true), ("[a-]", "-", true), ("[\\d.]+", "1.20.3", true),
            ("\\w+\\.example\\.org", "host_1.example.org", true), (".*", "a\nb", false), ("\\S+", "a b", false),
            ("^abc$", "abc", true), ("a^b", "ab", false), ("a.c", "a\u{E9}c", true), ("(a*)*", "aaa", true),
            ("(|a)*b", "aab", true), ("a*?b", "aab", true),
        ]
        for (pattern, text, expected) in cases {
            #expect(matches(pattern, text) == expected, "\(pattern) on \(text)")
        }
    }

    @Test func `what is not a pattern, or needs memory, is refused`() {
        for pattern in [
            "(", ")", "a)", "[", "[a", "*", "a**", "+a", "a{2,1}", "a{1001}", "\\", "(?=a)", "\\1", "\\b", "[z-a]",
            "[[:alpha:]]", "a{300}", String(repeating: "(", count: 60) + String(repeating: ")", count: 60),
        ] {
            #expect(matches(pattern, "a") == nil, "\(pattern)")
        }
    }

    @Test func `no pattern takes longer than its size times the text's`() {
        // Each of these needs more steps than there are atoms in the world if tried one path after the other.
        let text = String(repeating: "a", count: 2_000)
        for pattern in ["(a+)+b", "(a|a)*b", "(a*)*b", "(a?){50}a{50}b", "((a{0,9}){0,9})*b"] {
            #expect(matches(pattern, text) == false, "\(pattern)")
        }
        #expect(matches("((((){1000}){1000}){1000}){1000}", "") == true)
    }
}
