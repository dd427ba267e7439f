// The reason in a node's description.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct NodeDescriptionTests {
    private let marker = "managed-by=jenkins-framework id=fw-1 template=linux host=h1"

    @Test func `a reason follows the marker, and a later one replaces it`() {
        let first = NodeDescription.text(marker, reason: "image pull on h1, 12 %")
        #expect(first == marker + "; image pull on h1, 12 %")
        #expect(NodeDescription.text(first, reason: "image pull on h1, 62 %") == marker + "; image pull on h1, 62 %")
        #expect(NodeDescription.text(first, reason: "") == marker)
    }

    @Test func `no reason can pass for a marker`() throws {
        let text = NodeDescription.text(marker, reason: "no offer with id=evil template=other")
        let read = try #require(NodeMarker(description: text))
        #expect((read.frameworkID, read.template) == ("fw-1", "linux"))
    }

    @Test func `only the description of a node's document changes`() {
        let xml = "<slave>\n<name>n</name>\n<description>\(marker)</description>\n<label>a &amp; b</label>\n</slave>"
        #expect(
            NodeDescription.replaced(in: xml, reason: "1 < 2 & 3")
                == xml.replacing(marker, with: marker + "; 1 &lt; 2 &amp; 3"))
    }

    @Test func `a document that says it already, or has no description, is left alone`() {
        let xml = "<slave><description>\(marker); waits &amp; waits</description></slave>"
        #expect(NodeDescription.replaced(in: xml, reason: "waits & waits") == nil)
        #expect(NodeDescription.replaced(in: "<slave/>", reason: "x") == nil)
    }

    // MARK: - Which node says what

    private func waiting(
        _ item: QueueItemID, _ code: WaitingExplanation.Code, _ reason: String, on node: NodeName? = nil
    ) -> WaitingExplanation {
        WaitingExplanation(
            item: item, job: "job-\(item)", label: "linux", since: Int64(item), phase: .requested, code: code,
            template: "linux", node: node, reason: reason)
    }

    @Test func `a coming node says why it is not there, and the beacon what the oldest build waits for`() {
        let entries = [
            waiting(1, .noOffer, "no offer with 4 CPUs: 3.5 free on h1"),
            waiting(2, .pulling, "image pull on h2, 62 %", on: "mj-linux-1"),
        ]
        let reasons = NodeReasons.wanted(
            entries, coming: ["mj-linux-1"], beacons: ["linux": "mj-beacon-linux-a", "win": "mj-beacon-win-a"])
        #expect(reasons.descriptions == ["mj-linux-1": "image pull on h2, 62 %"])
        #expect(
            reasons.beacons == [
                "mj-beacon-linux-a": "job-1 waits, and 1 more: no offer with 4 CPUs: 3.5 free on h1",
                "mj-beacon-win-a": "",
            ])
    }

    @Test func `what changes from second to second is left out`() {
        let entries = [
            waiting(1, .connecting, "connecting since 3 s", on: "n"),
            waiting(2, .templateBacksOff, "template linux backs off for 25 s more: image not found"),
        ]
        let reasons = NodeReasons.wanted(entries, coming: ["n"], beacons: [:])
        #expect(reasons.descriptions == ["n": "its agent's task runs and has not connected yet"])
        let again = NodeReasons.wanted([entries[1]], coming: [], beacons: ["linux": "b"])
        #expect(again.beacons == ["b": "job-2 waits: template linux backs off: image not found"])
    }

    @Test func `nodes of single-use agents are not described anew: that could undo their drain`() {
        var talk = PlannerConversation.subscribed([.named("linux"), .named("once") { $0.singleUse = .yes }])
        talk.poll([.buildable(1, "linux"), .buildable(2, "once")])
        for name in talk.offer().created { talk.tell(.nodeCreated(name, AgentSecret("x"))) }
        #expect(talk.planner.agents.values.map(\.phase) == [.launching, .launching])
        #expect(talk.planner.explainableNodes.map { talk.planner.agents[$0]?.template } == ["linux"])
    }
}
