// Who may do what: the rules of the Mesos authorization document, and its examples.
import Resources
import Security
import Testing

@Suite struct AccessControlListTests {
    private func parse(_ text: String) throws -> AccessControlList {
        try AccessControlList.parse(Array(text.utf8), source: "--acls").rules
    }

    private func fault(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private let foo = Principal("foo")
    private let bar = Principal("bar")

    @Test func `without rules everything is allowed, unless the list is not permissive`() throws {
        #expect(try parse("{}").allows(nil, .teardownFrameworks, "x"))
        #expect(try !parse(#"{"permissive": false}"#).allows(foo, .teardownFrameworks, "x"))
    }

    @Test func `principals foo and bar may run tasks as alice, and nobody else may`() throws {
        let list = try parse(
            """
            {"run_tasks": [
              {"principals": {"values": ["foo", "bar"]}, "users": {"values": ["alice"]}},
              {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}]}
            """)
        #expect(list.allows(foo, .runTasks, "alice"))
        #expect(list.allows(bar, .runTasks, "alice"))
        #expect(!list.allows(foo, .runTasks, "root"))
        #expect(!list.allows(Principal("baz"), .runTasks, "alice"))
        #expect(!list.allows(nil, .runTasks, "alice"))
    }

    @Test func `the first rule that speaks of both decides`() throws {
        let list = try parse(
            """
            {"permissive": false, "register_frameworks": [
              {"principals": {"values": ["foo"]}, "roles": {"type": "NONE"}},
              {"principals": {"type": "ANY"}, "roles": {"type": "ANY"}}]}
            """)
        #expect(!list.allows(foo, .registerFrameworks, "a"))
        #expect(list.allows(bar, .registerFrameworks, "a"))
        #expect(list.allows(nil, .registerFrameworks, "a"))
    }

    @Test func `several roles need a rule for each`() throws {
        let list = try parse(
            """
            {"permissive": false, "register_frameworks": [
              {"principals": {"values": ["foo"]}, "roles": {"values": ["a"]}},
              {"principals": {"values": ["foo"]}, "roles": {"values": ["b"]}}]}
            """)
        #expect(list.allows(foo, .registerFrameworks, ["a", "b"]))
        #expect(!list.allows(foo, .registerFrameworks, ["a", "c"]))
        #expect(list.allows(foo, .registerFrameworks, []))
    }

    @Test func `a role with a percent sign stands for all below it`() throws {
        let list = try parse(
            #"{"permissive":false,"view_roles":[{"principals":{"type":"ANY"},"roles":{"values":["eng/%"]}}]}"#)
        #expect(list.allows(foo, .viewRoles, "eng/dev"))
        #expect(list.allows(foo, .viewRoles, "eng/dev/ui"))
        #expect(!list.allows(foo, .viewRoles, "eng"))
        #expect(!list.allows(foo, .viewRoles, "eng/"))
        #expect(!list.allows(foo, .viewRoles, "engine/x"))
    }

    @Test func `a percent sign means nothing in other objects`() throws {
        let list = try parse(
            #"{"permissive":false,"get_endpoints":[{"principals":{"type":"ANY"},"paths":{"values":["/files/%"]}}]}"#)
        #expect(!list.allows(foo, .getEndpoints, "/files/read"))
        #expect(list.allows(foo, .getEndpoints, "/files/%"))
    }

    @Test func `doing it to anything needs a rule for anything`() throws {
        let some = try parse(
            #"{"permissive":false,"register_agents":[{"principals":{"values":["foo"]},"agents":{"values":["a"]}}]}"#)
        let any = try parse(
            #"{"permissive":false,"register_agents":[{"principals":{"values":["foo"]},"agents":{"type":"ANY"}}]}"#)
        #expect(!some.allows(foo, .registerAgents, nil))
        #expect(any.allows(foo, .registerAgents, nil))
        #expect(!any.allows(bar, .registerAgents, nil))
    }

    @Test func `every action can be read under its own name and object`() throws {
        for action in AuthorizationAction.allCases {
            let rule = #"{"principals":{"values":["foo"]},"\#(action.objectField)":{"type":"ANY"}}"#
            let list = try parse(#"{"permissive":false,"\#(action.rawValue)":[\#(rule)]}"#)
            #expect(list.allows(foo, action, "x") && !list.allows(bar, action, "x"), "\(action)")
        }
    }

    @Test func `old names still work, and the operator hears of it`() throws {
        let document = try AccessControlList.parse(
            Array(
                """
                {"set_quotas": [{"principals": {"values": ["foo"]}, "roles": {"type": "NONE"}}],
                 "remove_quotas": [{"principals": {"values": ["bar"]}, "quota_principals": {"type": "NONE"}}],
                 "view_standalone_containers": [{"principals": {"type": "ANY"}, "users": {"type": "NONE"}}]}
                """.utf8), source: "f")
        #expect(!document.rules.allows(foo, .updateQuotas, "r"))
        #expect(!document.rules.allows(bar, .updateQuotas, "r"))
        #expect(
            document.notices == [
                "f: set_quotas is an old name of update_quotas", "f: remove_quotas is an old name of update_quotas",
                "f: rules for view_standalone_containers have no effect: there is nothing here they speak of",
            ])
    }

    @Test(arguments: [
        (#"{"run_task": []}"#, "run_task: unknown action; did you mean 'run_tasks'?"),
        (#"{"mark_agent_gone": []}"#, "mark_agent_gone: unknown action; did you mean 'mark_agents_gone'?"),
        (#"{"fly": []}"#, "fly: unknown action"),
        (#"{"permissive": "no"}"#, "permissive: expected true or false, found string"),
        (#"{"run_tasks": {}}"#, "run_tasks: expected an array of rules, found object"),
        (#"{"run_tasks": [{"users": {"type": "ANY"}}]}"#, "run_tasks[0].principals: missing"),
        (#"{"run_tasks": [{"principals": {"type": "ANY"}}]}"#, "run_tasks[0].users: missing"),
        (
            #"{"run_tasks": [{"principals": {"type": "ANY"}, "roles": {"type": "ANY"}}]}"#,
            "run_tasks[0].roles: unknown member; expected 'principals' and 'users'"
        ),
        (
            #"{"run_tasks": [{"principals": {"type": "all"}, "users": {"type": "ANY"}}]}"#,
            "run_tasks[0].principals.type: expected ANY, NONE or SOME, found 'all'"
        ),
        (
            #"{"run_tasks": [{"principals": {"values": []}, "users": {"type": "ANY"}}]}"#,
            "run_tasks[0].principals.values: missing or empty"
        ),
        (
            #"{"run_tasks": [{"principals": {"values": [1]}, "users": {"type": "ANY"}}]}"#,
            "run_tasks[0].principals.values[0]: expected a text, found number"
        ),
        (#"{"run_tasks": [], "run_tasks": []}"#, "run_tasks: occurs twice"),
        (#"[]"#, "document: expected an object, found array"),
    ])
    func `a mistake is an error with its place, never a rule less`(text: String, reason: String) {
        #expect(fault(text) == "--acls: \(reason)")
    }

    @Test func `a rule for one action changes no other`() throws {
        let list = try parse(
            #"{"run_tasks":[{"principals":{"type":"ANY"},"users":{"type":"NONE"}}]}"#)
        for action in AuthorizationAction.allCases where action != .runTasks {
            #expect(list.allows(foo, action, "root"))
        }
    }

    /// The documented rule in another form: a table of (who, what) is filled from the last rule to the first, so that the
    /// first one written stands at the end.
    @Test(arguments: 0..<300 as Range<UInt64>) func `a table filled backwards gives the same answers`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let names = ["a", "b", "c", "d/e"]
        func entity() -> AccessControlList.Entity {
            switch random.next() % 4 {
            case 0: return .any
            case 1: return .none
            default:
                return .some(
                    names.filter { _ in random.next() % 2 == 0 } + ["d/%"].filter { _ in random.next() % 4 == 0 })
            }
        }
        let rules = (0..<Int(random.next() % 6)).map { _ in
            AccessControlList.Rule(subjects: entity(), objects: entity())
        }
        let permissive = random.next() % 2 == 0
        let list = AccessControlList(isPermissive: permissive, rules: [.viewRoles: rules])
        for subject in names.map(Optional.some) + [nil] {
            for object in names {
                var answer = permissive
                for rule in rules.reversed() {
                    let speaksOfSubject: Bool
                    switch rule.subjects {
                    case .any, .none: speaksOfSubject = true
                    case .some(let values): speaksOfSubject = subject.map { values.contains($0) } ?? false
                    }
                    let speaksOfObject: Bool
                    switch rule.objects {
                    case .any, .none: speaksOfObject = true
                    case .some(let values):
                        speaksOfObject = values.contains(object) || object == "d/e" && values.contains("d/%")
                    }
                    guard speaksOfSubject, speaksOfObject else { continue }
                    answer = rule.subjects != .none && rule.objects != .none
                }
                #expect(list.allows(subject.map { Principal($0) }, .viewRoles, object) == answer, "seed \(seed)")
            }
        }
    }
}
