// Why items wait, in the controller's words, and what these words hide.
import Testing

@testable import PracticeJenkins

struct ExplanationTests {
    private func waiting(label: String? = "linux && docker") -> (Conversation, Int) {
        var talk = Conversation()
        talk.addJob("app", label: label)
        let item = talk.build("app")
        return (talk, item)
    }

    @Test func `the quiet period says how long it lasts`() {
        var talk = Conversation()
        talk.addJob("app")
        let item = talk.build("app", delay: 4_900)
        #expect(talk.why(item) == "In the quiet period. Expires in 4.9 sec")
    }

    @Test func `without any node the label is hidden`() {
        let (talk, item) = waiting()
        #expect(talk.why(item) == "Waiting for next available executor")
    }

    @Test func `no matching node shows the canonical expression`() {
        var (talk, item) = waiting()
        talk.addNode("other", labels: "windows")
        #expect(talk.why(item) == "There are no nodes with the label ‘linux&&docker’")
    }

    @Test func `one matching node shows the node's name instead of the label`() {
        var (talk, item) = waiting()
        talk.addNode("n1", labels: "linux docker")
        #expect(talk.why(item) == "‘n1’ is offline")
        _ = talk.connect("n1")
        talk.addJob("next", label: "linux")
        let next = talk.build("next")
        #expect(talk.why(next) == "Waiting for next available executor on ‘n1’")
    }

    @Test func `several matching nodes show the expression`() {
        var (talk, item) = waiting()
        talk.addNode("n1", labels: "linux docker")
        talk.addNode("n2", labels: "linux docker")
        #expect(talk.why(item) == "All nodes of label ‘linux&&docker’ are offline")
        _ = talk.connect("n1")
        talk.addJob("next", label: "linux")
        let next = talk.build("next")
        #expect(talk.why(next) == "Waiting for next available executor on ‘linux’")
    }

    @Test func `without a label every node of the wrong mode gives its reason, five at most`() {
        var (talk, item) = waiting(label: nil)
        for index in 1...7 {
            talk.addNode("n\(index)", mode: .exclusive)
            _ = talk.connect("n\(index)")
        }
        let why = talk.why(item) ?? ""
        #expect(why.hasPrefix("‘n1’ is reserved for jobs with matching label expression; ‘n2’ is reserved"))
        #expect(why.hasSuffix("; ... and 2 more"))
    }

    @Test func `a drained node counts as offline`() {
        var (talk, item) = waiting()
        talk.addNode("n1", labels: "linux docker")
        talk.tell(.drainRequested(node: "n1", message: "service", user: "ann"))
        _ = talk.connect("n1")
        #expect(talk.why(item) == "‘n1’ is offline")
    }

    @Test func `quieting down hides everything else`() {
        var (talk, item) = waiting()
        talk.tell(.quietDownSwitched(true))
        #expect(talk.why(item) == "Jenkins is about to shut down")
    }

    @Test func `another locale says the same in other words`() throws {
        let (talk, item) = waiting()
        let explanation = try #require(
            talk.controller.queue.item(item).flatMap { talk.controller.explanation(of: $0, at: talk.now) })
        #expect(explanation.text(.german) == "Warte auf den nächsten freien Build-Prozessor")
    }

    @Test func `an item is stuck when no node of its label is online`() throws {
        var (talk, id) = waiting()
        var item = try #require(talk.controller.queue.item(id))
        #expect(talk.controller.isStuck(item, at: talk.now))
        let cookie = talk.addAgent("n1", labels: "linux docker")
        talk.pass(milliseconds: 50)
        talk.addJob("next", label: "linux")
        id = talk.build("next")
        item = try #require(talk.controller.queue.item(id))
        #expect(!talk.controller.isStuck(item, at: talk.now))
        #expect(cookie != "refused")
    }

    @Test(arguments: [
        (90, "90 ms"), (290, "0.29 sec"), (1_250, "1.2 sec"), (12_300, "12 sec"), (61_000, "1 min 1 sec"),
    ])
    func `spans are rounded`(milliseconds: Int64, text: String) {
        #expect(Explanation.span(milliseconds) == text)
    }
}
