// Label expressions, tree filters, documents and digests: what the outside writes and how it is read.
import Testing
import XML

@testable import PracticeJenkins

struct LabelExpressionTests {
    @Test(arguments: [
        ("a", "a", true), ("a && b", "a", false), ("a&&b", "a b", true), ("a || b", "b", true), ("!a", "b", true),
        ("a -> b", "a", false), ("a->b", "c", true), ("a <-> b", "", true), ("a<->b", "a", false),
        ("a && b || !c", "c", false), ("a && (b || !c)", "a", true), ("\"a b\"", "'a b'", true),
        ("!a && !b", "c", true), ("x-1.2", "x-1.2", true), ("a || b && c", "a", true),
    ])
    func `an expression is evaluated over a node's labels`(text: String, labels: String, expected: Bool) {
        let atoms = Set(LabelExpression.words(labels))
        #expect(LabelExpression.parse(text)?.matches(atoms) == expected)
    }

    @Test(arguments: [
        ("a && (b || !c)", "a&&(b||!c)"), ("linux", "linux"), ("\"two words\" || a", "\"two words\"||a"),
        ("a  <->  b", "a<->b"), ("\"two words\"", "two words"),
    ])
    func `the canonical spelling has no blanks and keeps parentheses`(text: String, canonical: String) {
        #expect(LabelExpression.parse(text)?.canonical == canonical)
    }

    @Test(arguments: ["a b", "a &&", "!!a", "a->b->c", "(a", "a & b", "\"open"])
    func `text that does not parse is one atom`(text: String) {
        #expect(LabelExpression.parse(text) == .atom(text))
    }

    @Test func `blank text is no label`() { #expect(LabelExpression.parse(" \t ") == nil) }

    @Test func `deep nesting does not exhaust the stack`() {
        let deep = String(repeating: "(", count: 100_000) + "a" + String(repeating: ")", count: 100_000)
        #expect(LabelExpression.parse(deep) == .atom(deep))
    }
}

struct BeanTests {
    private var bean: Bean {
        var child = Bean("Child")
        child.add("name", visibility: 3, .string("c"))
        child.add("size", .integer(1))
        var bean = Bean("Parent")
        bean.add("title", .string("t"))
        bean.addBean("child", child)
        bean.addBeans("many", [child, child, child])
        bean.addBeans("rows", inline: true, [child])
        bean.addBean("none", nil)
        return bean
    }

    private func pruned(_ tree: String) -> String {
        TreeFilter.parse(tree).map { String(decoding: bean.pruned(by: $0).write(), as: UTF8.self) } ?? "unparsable"
    }

    @Test(arguments: [
        ("title", #"{"_class":"Parent","title":"t"}"#),
        ("_class", #"{"_class":"Parent"}"#),
        ("unknown,none", #"{"_class":"Parent","none":null}"#),
        ("child[size]", #"{"_class":"Parent","child":{"_class":"Child","size":1}}"#),
        ("child[*]", #"{"_class":"Parent","child":{"_class":"Child","name":"c","size":1}}"#),
        ("many[name]{1,2}", #"{"_class":"Parent","many":[{"_class":"Child","name":"c"}]}"#),
        ("many[unknown]{2,9}", #"{"_class":"Parent","many":[{"_class":"Child"}]}"#),
        ("many[name]{5}", #"{"_class":"Parent","many":[]}"#),
    ])
    func `a tree selects by name, depth and range`(tree: String, json: String) {
        #expect(pruned(tree) == json)
    }

    @Test(arguments: ["a[", "a]", "[a]", "a{1", "a{x,y}", "a,,b", "", "a{2,1}", "a{-1}"])
    func `what is no tree expression is not read`(tree: String) {
        #expect(TreeFilter.parse(tree) == nil)
    }

    @Test func `depth zero shows names of nested beans, and everything of inline ones`() {
        let value = bean.pruned(toDepth: 0)
        #expect(value["child"] == .members(["_class": .string("Child"), "name": .string("c")]))
        #expect(
            value["rows"]
                == .array([.members(["_class": .string("Child"), "name": .string("c"), "size": .integer(1)])]))
        #expect(bean.pruned(toDepth: 1)["child"]?["size"] == .integer(1))
    }

    @Test func `the python flavour spells its own words and keeps double quotes`() {
        let value = JSONValue.array([.null, .bool(true), .bool(false), .string("it's")])
        #expect(String(decoding: value.write(.python), as: UTF8.self) == #"[None,True,False,"it's"]"#)
    }
}

struct DocumentTests {
    private func parse(_ text: String) throws -> JobConfiguration { try JobXML.parse(Array(text.utf8)) }

    @Test func `a freestyle project is read`() throws {
        let job = try parse(
            """
            <?xml version='1.1' encoding='UTF-8'?>
            <!-- made by hand -->
            <project>
              <description>a &amp; b</description>
              <assignedNode>linux &amp;&amp; docker</assignedNode><canRoam>false</canRoam>
              <concurrentBuild>true</concurrentBuild><disabled>true</disabled>
              <builders><hudson.tasks.Shell><command><![CDATA[echo "<1>"]]></command></hudson.tasks.Shell></builders>
            </project>
            """)
        #expect(job.kind == .freestyle(commands: [#"echo "<1>""#]))
        #expect(job.label == "linux && docker")
        #expect(job.description == "a & b")
        #expect(job.allowsConcurrentBuilds && job.isDisabled)
    }

    @Test func `a job that may roam has no label`() throws {
        let job = try parse("<project><assignedNode>linux</assignedNode><canRoam>true</canRoam></project>")
        #expect(job.label == nil)
    }

    @Test func `a pipeline is stages of steps`() throws {
        let job = try parse(
            """
            <flow-definition plugin="workflow-job"><stages>
              <stage><step><label>a</label><command>x</command><seconds>2</seconds></step><step/></stage>
              <stage><step><command>z</command></step></stage>
            </stages></flow-definition>
            """)
        let first = [
            PipelineStep(label: "a", command: "x", seconds: 2), PipelineStep(label: nil, command: "true", seconds: 0),
        ]
        #expect(job.kind == .pipeline(stages: [first, [PipelineStep(label: nil, command: "z", seconds: 0)]]))
    }

    @Test(arguments: [
        "", "garbage", "<project>", "<project></job>", "<project/><project/>", "<project a='1' a='2'/>",
        "<!DOCTYPE x [<!ENTITY e 'x'>]><project/>", "<project>&unknown;</project>", "<project>&#0;</project>",
        "<hudson.matrix.MatrixProject/>", "<project", "<project a=1/>",
        "<flow-definition><stage><step><seconds>-1</seconds></step></stage></flow-definition>",
    ])
    func `a document that is not a job is refused`(text: String) {
        #expect(throws: XMLError.self) { try parse(text) }
    }

    @Test func `deep documents are refused`() {
        #expect(throws: XMLError.self) { try parse(String(repeating: "<a>", count: 100_000)) }
        #expect(JSONValue.parse([UInt8](repeating: UInt8(ascii: "["), count: 100_000)) == nil)
    }

    @Test func `a node's configuration survives its own XML`() throws {
        let node = NodeConfiguration(
            name: "n<1>", description: "a & b", executorCount: 3, remoteRoot: "/w", labels: "x y", mode: .exclusive)
        #expect(try NodeDocuments.parse(xml: Array(NodeDocuments.xml(node).utf8), name: "n<1>") == node)
    }

    @Test func `a node form takes numbers as text`() {
        let json = #"{"numExecutors":"2","labelString":" a b ","mode":"EXCLUSIVE","remoteFS":"/w","launcher":{}}"#
        let expected = NodeConfiguration(name: "n", executorCount: 2, remoteRoot: "/w", labels: "a b", mode: .exclusive)
        #expect(NodeDocuments.parse(json: Array(json.utf8), name: "n") == expected)
    }

    @Test(arguments: [#"{"a":}"#, "[1,]", "\"\\u12\"", "01x", "{}x", "\"\\ud800\"", "nul", "1e999", ""])
    func `broken JSON is refused`(text: String) {
        #expect(JSONValue.parse(Array(text.utf8)) == nil)
    }

    @Test func `JSON survives writing and reading`() {
        let text = #"{"a":[1,-2,true,null,"x\"\\\n\u0001é😀"],"b":{}}"#
        let value = JSONValue.parse(Array(text.utf8))
        #expect(value.flatMap { JSONValue.parse($0.write()) } == value)
        #expect(value?["a"] != nil)
    }
}

struct DigestTests {
    @Test func `digests agree with the published examples`() {
        // FIPS 180-4's "abc", and test case 2 of RFC 4231.
        #expect(
            Digest.hexadecimal(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.hexadecimal(
                Digest.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
