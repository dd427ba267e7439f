// Label expressions as the controller reads them: grammar, meaning, canonical text.
import Testing

@testable import JenkinsFramework

@Suite struct LabelExpressionTests {
    @Test(arguments: [
        ("a", ["a"], true), ("a", ["b"], false),
        ("a&&b", ["a", "b"], true), ("a && b", ["a"], false),
        ("a||b", ["b"], true), ("a || b", ["c"], false),
        ("!a", ["b"], true), ("!a", ["a"], false),
        ("a->b", ["a"], false), ("a->b", ["a", "b"], true), ("a -> b", ["c"], true),
        ("a<->b", ["a", "b"], true), ("a <-> b", ["c"], true), ("a<->b", ["a"], false),
        ("a && b || !c", ["c"], false), ("a && b || !c", ["a", "b", "c"], true), ("a && b || !c", [], true),
        ("a && (b || c)", ["a", "c"], true), ("a && (b || c)", ["c"], false),
        ("!(a || b)", ["c"], true), ("!(a || b)", ["b"], false),
        ("a<->b<->c", ["a"], true), ("a<->b<->c", ["a", "b"], false),
        ("linux-x86_64", ["linux-x86_64"], true), ("a-b->c", ["a-b"], false), ("a-b->c", ["a-b", "c"], true),
        ("\"two words\" && b", ["two words", "b"], true),
        ("\"q\\\"uote\"", ["q\"uote"], true), ("\"a&&b\"", ["a&&b"], true),
        ("jdk:17/x.y", ["jdk:17/x.y"], true),
    ])
    func `an expression matches the nodes it should`(text: String, atoms: [String], isMatch: Bool) throws {
        let expression = try #require(LabelExpression(text))
        #expect(expression.matches(Set(atoms)) == isMatch, "\(text) on \(atoms)")
    }

    @Test(arguments: [
        "a->b->c", "a &&", "|| a", "(a", "a)", "!!a", "a b", "a & b", "\"open", "\"bad \\escape\"", "()", "a<b",
        "<->", "it's",
    ])
    func `text that does not parse is one atom`(text: String) throws {
        let expression = try #require(LabelExpression(text))
        #expect(expression == .atom(text))
        #expect(expression.matches([text]))
        #expect(expression.description == text)
    }

    @Test(arguments: [
        ("a && (b || !c)", "a&&(b||!c)"), ("  a  ", "a"), ("a -> b", "a->b"), ("a <-> b", "a<->b"),
        ("\"two words\"&&b", "\"two words\"&&b"), ("\"plain\" && b", "plain&&b"), ("\"two words\"", "two words"),
    ])
    func `the canonical text has no blanks and keeps parentheses`(text: String, canonical: String) {
        #expect(LabelExpression(text)?.description == canonical)
    }

    @Test func `a canonical text reads back as the same expression`() throws {
        for text in ["a&&(b||!c)", "a<->b->c", "!\"x y\"||z", "((a))"] {
            let expression = try #require(LabelExpression(text))
            #expect(LabelExpression(expression.description) == expression)
        }
    }

    @Test(arguments: ["", " ", "\t \n"])
    func `blank text is no label`(text: String) {
        #expect(LabelExpression(text) == nil)
    }

    @Test func `hostile nesting and length stay one atom`() {
        let deep = String(repeating: "(", count: 50_000) + "a"
        #expect(LabelExpression(deep) == .atom(deep))
        let nested = String(repeating: "(", count: 200) + "a" + String(repeating: ")", count: 200)
        #expect(LabelExpression(nested) == .atom(nested))
        let long = Array(repeating: "a", count: 10_000).joined(separator: "&&")
        #expect(LabelExpression(long) == .atom(long))
    }

    @Test func `an expression names its atoms`() {
        #expect(LabelExpression("a && (b -> !c) <-> a")?.names == ["a", "b", "c"])
    }

    @Test(arguments: [
        ("mesos linux docker", ["mesos", "linux", "docker"]), ("\"two words\" b", ["two words", "b"]),
        ("  ", []), ("a\tb", ["a", "b"]),
    ])
    func `labels are words and quotes keep blanks`(text: String, words: [String]) {
        #expect(LabelWords.split(text) == words)
    }

    @Test(
        arguments: [
            ("There are no nodes with the label ‘linux&&docker’", .expressionOrNode("linux&&docker")),
            ("All nodes of label ‘a||b’ are offline", .expressionOrNode("a||b")),
            ("Waiting for next available executor on ‘linux’", .expressionOrNode("linux")),
            ("Waiting for next available executor on linux", .expressionOrNode("linux")),
            ("Waiting for next available executor", .anyNode),
            ("‘agent-7’ is offline", .node("agent-7")),
            ("agent-7 is offline", .node("agent-7")),
            ("‘n1’ doesn’t have label ‘x&&y’; ‘n2’ doesn’t have label ‘x&&y’", .expressionOrNode("x&&y")),
            ("‘n1’ is reserved for jobs with matching label expression", .silent),
            ("Jenkins is about to shut down", .silent),
            ("Es gibt keine Knoten mit dem Label ‘linux’", .silent),
            ("There are no nodes with the label ‘", .silent),
            ("", .silent), ("‘’‘’’’‘", .silent),
        ] as [(String, WhyText)])
    func `the reason for waiting tells the label where it can`(why: String, expected: WhyText) {
        #expect(WhyText.parse(why) == expected)
    }
}
