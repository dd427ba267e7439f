// Which agent, framework or task a part of a name means.

import Testing

@testable import OperatorClient

@Suite struct LookupTests {
    private let base = "aaaaaaaa-1111-2222-3333-444444444444"

    private func found(_ body: () throws -> String) -> String {
        do { return try body() } catch { return "\(error)" }
    }

    @Test func `an agent is meant by its id, the end of it, its host or its address`() throws {
        let agents = try Documents.agents()
        func agent(_ text: String) -> String { found { try Lookup.agent(text, among: agents).hostname } }
        #expect(agent(base + "-S0") == "build-1")
        #expect(agent("S0") == "build-1")
        #expect(agent("S1") == "build-2")
        #expect(agent("S12") == "build-3")
        #expect(agent(base + "-S12") == "build-3")
        #expect(agent("build-2") == "build-2")
        #expect(agent("10.0.0.3:5051") == "build-3")
        // The whole id of one that is the beginning of another's.
        #expect(agent(base + "-S1") == "build-2")
        #expect(agent("S") == "no agent is called 'S': `mini agents` lists them")
        #expect(agent("") == "no agent is called '': `mini agents` lists them")
        #expect(
            agent("aaaa")
                == "'aaaa' is ambiguous: 4 agents are called so: \(base)-S0, \(base)-S1, \(base)-S12, \(base)-S3: give more of "
                + "the id")
    }

    @Test func `a task is meant by its id, its beginning or its name, one that lives first`() throws {
        let tasks = try Documents.tasks()
        func task(_ text: String, living: Bool = false) -> String {
            found { try Lookup.task(text, among: tasks, onlyLiving: living).id }
        }
        #expect(task("ci.4f2a") == "ci.4f2a")
        #expect(task("ci.4f2") == "ci.4f2a")
        #expect(task("ci.1") == "ci.11aa")
        #expect(task("web") == "web.1")
        #expect(task("leaky") == "ci.11aa")
        #expect(task("ci.4f") == "'ci.4f' is ambiguous: 2 tasks are called so: ci.4f2a, ci.4f9b: give more of the id")
        #expect(task("leaky", living: true) == "no task is called 'leaky': `mini ps` lists those that run")
        #expect(task("nope") == "no task is called 'nope': `mini tasks --all` lists them")
        #expect(task("\u{1B}[2J") == "no task is called '\\u{1B}[2J': `mini tasks --all` lists them")
    }

    @Test func `a framework that is over is meant only if no other is`() throws {
        let frameworks = try Documents.frameworks()
        func framework(_ text: String) -> String { found { try Lookup.framework(text, among: frameworks).id } }
        #expect(framework("Jenkins") == base + "-0000")
        #expect(framework("0001") == base + "-0001")
        #expect(framework("mini run: run") == base + "-0002")
        #expect(framework("x") == "no framework is called 'x': `mini frameworks --all` lists them")
    }

    @Test func `of many candidates a few are named`() {
        let failure = LookupFailure.ambiguous(kind: "task", text: "a", candidates: ["a1", "a2"], count: 40)
        #expect("\(failure)" == "'a' is ambiguous: 40 tasks are called so: a1, a2 and 38 more: give more of the id")
    }
}
