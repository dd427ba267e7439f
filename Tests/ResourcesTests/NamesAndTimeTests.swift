// Role names, ids, and the two kinds of time.

import Resources
import Testing

@Suite struct `Role names` {
    @Test(arguments: ["*", "eng", "eng/ci", "a/b/c", "Ünïcode", "with.dot", "x-y", "..."])
    func `a valid name is taken as it is`(text: String) throws {
        #expect(try RoleName(text).value == text)
    }

    @Test(arguments: [
        ("", RoleNameError.empty),
        ("/eng", .emptyComponent(role: "/eng")),
        ("eng/", .emptyComponent(role: "eng/")),
        ("a//b", .emptyComponent(role: "a//b")),
        ("a/.", .reservedComponent(role: "a/.", component: ".")),
        ("..", .reservedComponent(role: "..", component: "..")),
        ("a/*", .reservedComponent(role: "a/*", component: "*")),
        ("a/-b", .leadingDash(role: "a/-b", component: "-b")),
        ("a b", .forbiddenCharacter(role: "a b", code: 32)),
        ("a\u{7F}", .forbiddenCharacter(role: "a\u{7F}", code: 127)),
        ("a\u{8}", .forbiddenCharacter(role: "a\u{8}", code: 8)),
    ])
    func `an invalid name says what is wrong with it`(text: String, error: RoleNameError) {
        #expect(throws: error) { try RoleName(text) }
    }

    @Test func `ancestors are found along slashes only`() throws {
        let role = try RoleName("eng/ci/nightly")
        #expect(role.ancestors.map(\.value) == ["eng", "eng/ci"])
        #expect(try RoleName("eng").isAncestor(of: role))
        #expect(try !RoleName("en").isAncestor(of: role))
        #expect(try !RoleName("eng/c").isAncestor(of: role))
        #expect(!role.isAncestor(of: role))
        #expect(try role.isStrictDescendant(of: RoleName("eng/ci")))
        #expect(!RoleName.any.isAncestor(of: role))
        #expect(RoleName.any.ancestors.isEmpty)
    }
}

@Suite struct `Time` {
    @Test func `instants move by durations and clamp at the ends`() {
        let start = Instant(nanoseconds: 5)
        #expect(start.advanced(by: .milliseconds(2)).nanoseconds == 2_000_005)
        #expect(start.duration(to: Instant(nanoseconds: 1_000_000_005)) == .seconds(1))
        #expect(start.advanced(by: .seconds(Int64.max)) == .distantFuture)
        #expect(Instant(nanoseconds: -5).advanced(by: .seconds(Int64.min + 1)).nanoseconds == .min)
    }

    @Test func `wall time is seconds since the epoch`() {
        #expect(WallTime(nanoseconds: 1_500_000_000).seconds == 1.5)
    }
}

@Suite struct `Ids` {
    @Test func `ids of different things do not mix but print alike`() {
        let agent: AgentID = "S0"
        #expect(agent == AgentID("S0"))
        #expect("\(agent)" == "S0")
        #expect(AgentID("S1") > agent)
    }
}
