// Reading a few members of a JSON text.

import MesosProtocol
import Testing

struct JSONSelectionTests {
    private static let selection = JSONSelection.members([
        ("Id", .everything), ("State", .named("Status", "Pid")), ("List", .named("Never")),
    ])

    private func read(_ text: String) throws(JSONSyntaxError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), keeping: Self.selection)
    }

    @Test func `only what is selected is kept, in the order of the text`() throws {
        let value = try read(
            #" {"Other": {"Id": [1, {"a": "b\n"}, "ü", -1.5e3, null]}, "State": {"Pid": 7, "x": [], "Status": "up"}, "#
                + #""Id": "a"} "#
        )
        #expect(
            value
                == .object([
                    JSONMember(
                        key: "State",
                        value: .object([
                            JSONMember(key: "Pid", value: .number(.integer(7))),
                            JSONMember(key: "Status", value: .string("up")),
                        ])),
                    JSONMember(key: "Id", value: .string("a")),
                ]))
    }

    @Test func `names with escapes are the same names, and of two equal ones both are kept`() throws {
        let value = try read(#"{"\u0049d": 1, "Id": 2, "I\"d": 3}"#)
        #expect(
            value
                == .object([
                    JSONMember(key: "Id", value: .number(.integer(1))),
                    JSONMember(key: "Id", value: .number(.integer(2))),
                ]))
        #expect(value["Id"] == .number(.integer(2)))
    }

    @Test func `what is not an object where one is expected is kept as it is`() throws {
        #expect(try read(#"{"State": "gone", "List": [1]}"#)["State"] == .string("gone"))
        #expect(try read("[1]") == .array([.number(.integer(1))]))
        #expect(try read(#"{"State": null}"#)["State"]?["Pid"] == nil)
    }

    @Test(arguments: [
        #"{"x": "#, #"{"x": {"y" 1}}"#, #"{"x": [1 2]}"#, #"{"x": "a"#, #"{"x": tru}"#, #"{"x": 01}"#, #"{"x": "\q"}"#,
        #"{"x": 1,}"#, #"{"x": 1}}"#, "{\"x\": \"\u{1}\"}", #"{x: 1}"#, "",
    ])
    func `what is left out must be JSON all the same`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try read(text) }
    }

    @Test func `invalid UTF-8 and too deep a nesting are errors also where nothing is kept`() {
        #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: Array(#"{"x": ""#.utf8) + [0xFF] + Array(#""}"#.utf8), keeping: Self.selection)
        }
        let deep = #"{"x": "# + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}"
        #expect(throws: JSONSyntaxError.tooDeep(levelsMax: 100)) { try read(deep) }
        let objects = String(repeating: #"{"x":"#, count: 200) + "1" + String(repeating: "}", count: 200)
        #expect(throws: JSONSyntaxError.tooDeep(levelsMax: 100)) { try read(objects) }
    }
}
