// The controller's answers: what is read of them, and that nothing in them can hurt.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct JenkinsAnswersTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `a queue is read item by item and odd items are left out`() throws {
        let queue = try JenkinsAnswers.queue(
            bytes(
                """
                {"_class":"hudson.model.Queue","discoverableItems":[],"items":[
                 {"_class":"hudson.model.Queue$BuildableItem","id":7,"why":"w","blocked":false,"buildable":true,"pending":false,
                  "inQueueSince":1700000000000,"actions":[{"_class":"hudson.model.CauseAction"},{},null,7],
                  "task":{"_class":"hudson.model.FreeStyleProject","name":"j","fullName":"f/j","labelExpression":"a && b"}},
                 {"id":8,"buildable":true,"task":{"_class":"hudson.model.FreeStyleProject","name":"k","labelExpression":null}},
                 {"id":9,"buildable":true,"pending":true,"task":{"name":"part of p #3"}},
                 {"id":10,"blocked":true,"task":{"name":"b"}},
                 {"id":11,"task":{"name":"w"}},
                 {"id":12,"buildable":true,"task":{"name":"p"},"actions":[{"parameters":[
                   {"_class":"hudson.model.StringParameterValue","name":"x","value":"y"},
                   {"_class":"org.jvnet.jenkins.plugins.nodelabelparameter.LabelParameterValue","name":"l","label":"gpu"}]}]},
                 {"id":"x","task":{}},{"id":-1,"task":{}},{"task":{}},{"id":1},[],null,true,
                 {"id":13,"buildable":"yes","task":{"name":9,"labelExpression":[1]}}
                ]}
                """))
        #expect(queue.items.map(\.id) == [7, 8, 9, 10, 11, 12, 13])
        #expect(
            queue.items.map(\.phase) == [.buildable, .buildable, .pending, .blocked, .waiting, .buildable, .waiting])
        #expect(queue.items[0].label == .text("a && b") && queue.items[0].taskName == "f/j")
        #expect(queue.items[0].inQueueSince == 1_700_000_000_000)
        #expect(queue.items[1].label == .none && queue.items[2].label == .absent)
        #expect(queue.items[5].labelParameter == "gpu")
        #expect(!queue.hasHiddenItems)
    }

    @Test func `an empty queue with discoverable items shows a missing right`() throws {
        let queue = try JenkinsAnswers.queue(bytes(#"{"discoverableItems":[{"task":{"name":"x"}}],"items":[]}"#))
        #expect(queue.hasHiddenItems && queue.items.isEmpty)
    }

    @Test func `computers are read and what is not said to be connected is offline`() throws {
        let computers = try JenkinsAnswers.computers(
            bytes(
                """
                {"computer":[
                 {"_class":"hudson.model.Hudson$MasterComputer","displayName":"Built-In Node","idle":true,"offline":false,
                  "executors":[{"idle":true},{"idle":true}],"assignedLabels":[{"name":"built-in"}]},
                 {"_class":"hudson.slaves.SlaveComputer","displayName":"n","description":"d","idle":false,"offline":true,
                  "temporarilyOffline":true,"offlineCauseReason":"drain","assignedLabels":[{"name":"linux"},{"x":1},null],
                  "executors":[{"idle":false,"currentExecutable":{"url":"http://j/job/a/1/"}},{"idle":true,"currentExecutable":null}]},
                 {"displayName":"quiet"},{"displayName":""},{},7
                ]}
                """))
        #expect(computers.map(\.name) == ["Built-In Node", "n", "quiet"])
        #expect(computers[0].isBuiltIn && computers[0].executors.count == 2 && !computers[0].isBusy)
        #expect(computers[1].isTemporarilyOffline && computers[1].isBusy && computers[1].labels == ["linux"])
        #expect(computers[1].executors.map(\.buildURL) == ["http://j/job/a/1/", nil])
        #expect(computers[2].isOffline)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "7", "{}", #"{"items":7}"#, #"{"computer":{}}"#, "<html>", "\u{0}", "{\"items\":[",
        String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
    ])
    func `an answer that is no queue and no computers is a typed error`(text: String) {
        #expect(throws: UnreadableAnswer.self) { try JenkinsAnswers.queue(bytes(text)) }
        #expect(throws: UnreadableAnswer.self) { try JenkinsAnswers.computers(bytes(text)) }
    }

    @Test func `random damage to an answer never does more than lose entries`() throws {
        let good = bytes(
            #"{"items":[{"id":1,"buildable":true,"why":"‘x’","task":{"name":"é","labelExpression":"a"}}],"computer":[]}"#
        )
        var state: UInt64 = 42
        for _ in 0..<3_000 {
            var damaged = good
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged[Int(state >> 33) % damaged.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            if let queue = try? JenkinsAnswers.queue(damaged) { #expect(queue.items.count <= 1) }
            _ = try? JenkinsAnswers.computers(damaged)
            _ = try? JenkinsAnswers.build(damaged)
            _ = try? JenkinsAnswers.secret(of: "n", damaged)
        }
    }

    @Test func `builds, items, modes and the root page are read`() throws {
        #expect(
            try JenkinsAnswers.build(
                bytes(#"{"building":false,"result":"SUCCESS","duration":2400,"builtOn":"n","fullDisplayName":"x #1"}"#))
                == BuildView(
                    displayName: "x #1", isBuilding: false, result: "SUCCESS", duration: .milliseconds(2_400),
                    builtOn: "n"))
        #expect(try JenkinsAnswers.build(bytes(#"{"result":null,"duration":-5}"#)).isBuilding)
        #expect(try JenkinsAnswers.itemFate(bytes(#"{"cancelled":true}"#)) == .cancelled)
        #expect(
            try JenkinsAnswers.itemFate(
                bytes(#"{"cancelled":false,"executable":{"number":1,"url":"http://j/job/a/1/"}}"#))
                == .started(buildURL: "http://j/job/a/1/"))
        #expect(try JenkinsAnswers.itemFate(bytes(#"{"executable":null}"#)) == .unknown)
        #expect(
            try JenkinsAnswers.mode(
                of: "n", bytes(#"{"nodes":[{"nodeName":"m"},{"nodeName":"n","mode":"EXCLUSIVE"}]}"#))
                == .exclusive)
        #expect(
            try JenkinsAnswers.root(bytes(#"{"quietingDown":true,"mode":"EXCLUSIVE","numExecutors":0}"#))
                == .init(isQuietingDown: true, mode: .exclusive))
    }

    private func document(_ arguments: String) -> [UInt8] {
        bytes("<jnlp><application-desc>\(arguments)</application-desc></jnlp>")
    }

    @Test func `the secret is the first argument of the right node`() throws {
        let secret = String(repeating: "0a", count: 32)
        let good = document(
            "<argument>\(secret)</argument><argument>n</argument><argument>-webSocket</argument>")
        #expect(try JenkinsAnswers.secret(of: "n", good).value == secret)
        #expect(throws: UnreadableAnswer.self) { try JenkinsAnswers.secret(of: "m", good) }
        for arguments in [
            "", "<argument>\(secret)</argument>", "<argument>not hex, not hex</argument><argument>n</argument>",
            "<argument></argument><argument>n</argument>", "<argument>\(secret)<argument>n",
        ] {
            #expect(throws: UnreadableAnswer.self) { try JenkinsAnswers.secret(of: "n", document(arguments)) }
        }
    }

    @Test func `an unreadable secret is not repeated in its error`() {
        do throws(UnreadableAnswer) {
            _ = try JenkinsAnswers.secret(
                of: "m", document("<argument>abcdef0123456789</argument><argument>n</argument>"))
            Issue.record("accepted")
        } catch {
            #expect(!"\(error)".contains("abcdef"))
        }
    }

    @Test func `the form that creates a node says the same in both spellings`() throws {
        let node = NodeSpec(
            name: "mj-a", description: "managed-by=jenkins-framework id=f template=a", labels: ["linux", "two words"],
            mode: .exclusive, executors: 2, remoteFS: "/home/jenkins/agent")
        let form = try JenkinsRequests.createForm(NodeForm(node, webSocket: true))
        #expect(form.hasPrefix("name=mj-a&type=hudson.slaves.DumbSlave&json=%7B"))
        for part in [
            "%22stapler-class%22%3A%22hudson.slaves.JNLPLauncher%22",
            "%22%24class%22%3A%22hudson.slaves.JNLPLauncher%22",
            "%22webSocket%22%3Atrue", "%22numExecutors%22%3A2", "%22mode%22%3A%22EXCLUSIVE%22",
            "linux%20%5C%22two%20words%5C%22", "%22stapler-class-bag%22%3A%22true%22",
            "hudson.slaves.RetentionStrategy%24Always",
        ] {
            #expect(form.contains(part), "\(part) in \(form)")
        }
        #expect(!(try JenkinsRequests.createForm(NodeForm(node, webSocket: false))).contains("webSocket"))
    }

    @Test(
        arguments: [
            ("http://j:8080/job/a/1/", "/job/a/1"), ("https://x/jenkins/job/f/job/b%20c/12", "/job/f/job/b%20c/12"),
            ("job/a/1/", nil), ("http://j/job/a/1?x", nil), ("http://j/job/a b/1", nil), ("", nil),
        ] as [(String, String?)])
    func `a build is asked for by its path alone`(url: String, path: String?) {
        #expect(JenkinsRequests.buildPath(url) == path)
    }

    @Test(arguments: [
        ("http://j/job/a/1/", "a #1"), ("http://j/job/f/job/b/12/", "f/b #12"),
        ("http://j/job/job/job/x/2/", "job/x #2"),
        ("nonsense", "nonsense"),
    ])
    func `a build has a name people know`(url: String, name: String) {
        #expect(BuildWatch.name(fromURL: url) == name)
    }

    @Test func `path segments are escaped byte by byte`() {
        #expect(JenkinsRequests.escaped("a b/é?#%") == "a%20b%2F%C3%A9%3F%23%25")
        #expect(JenkinsRequests.escaped("mj-a_1.x~") == "mj-a_1.x~")
    }

    @Test func `a marker is read back and anything else is somebody else's`() {
        let marker = NodeMarker(frameworkID: "f-0001", template: "linux", kind: .beacon)
        #expect(NodeMarker(description: marker.text + " host=h1") == marker)
        for text in ["", "id=f template=t", "managed-by=jenkins-framework", "managed-by=other id=f template=t"] {
            #expect(NodeMarker(description: text) == nil)
        }
    }
}
