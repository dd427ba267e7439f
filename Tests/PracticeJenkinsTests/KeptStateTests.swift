// A controller that ends without warning, and the one that goes on from what it kept.
import Foundation
import Testing

@testable import PracticeJenkins

struct KeptStateTests {
    private let key = Array("test key".utf8)

    private func job(_ label: String) throws -> JobConfiguration {
        let xml = """
            <project><assignedNode>\(label)</assignedNode><canRoam>false</canRoam><concurrentBuild>true</concurrentBuild>
            <builders><hudson.tasks.Shell><command>make</command></hudson.tasks.Shell></builders></project>
            """
        return try JobXML.parse(Array(xml.utf8))
    }

    private func pipeline() throws -> JobConfiguration {
        let xml = """
            <flow-definition><stages><stage><step><label>linux</label><command>make</command></step></stage></stages>
            </flow-definition>
            """
        return try JobXML.parse(Array(xml.utf8))
    }

    /// The controller that another process makes of everything this one has said must be kept, in the order it said it.
    private func restarted(_ talk: Conversation, journal: [UInt8]) throws -> Conversation {
        var records = KeptRecords()
        for line in journal.split(separator: UInt8(ascii: "\n")) {
            let isOurs = records.read(Array(line))
            #expect(isOurs, "\(String(decoding: line, as: UTF8.self))")
        }
        var next = Conversation()
        next.now = talk.now
        next.controller.restore(records.kept, at: next.now)
        next.tell(.restarted)
        return next
    }

    /// Performs `body` step by step and writes a journal as the shell would.
    private func journal(of talk: inout Conversation, from first: Int = 0) -> [UInt8] {
        talk.persisted[first...].flatMap { KeptRecords.line($0, of: talk.controller) }
    }

    @Test func `jobs, nodes, drains, build numbers and waiting items outlive the process`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "app", try job("linux")))
        talk.tell(.jobCreationRequested(name: "gone", try job("linux")))
        talk.tell(.jobDeletionRequested(name: "gone"))
        let cookie = talk.addAgent("n1", labels: "linux")
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        talk.tell(.agentFinished(cookie: cookie, RunKey(job: "app", number: 1), exitCode: 0))
        talk.tell(.drainRequested(node: "n1", message: "retire", user: "ann"))
        let waiting = talk.build("app")

        var next = try restarted(talk, journal: journal(of: &talk))
        #expect(Set(next.controller.jobs.keys) == ["app"])
        #expect(next.result("app") == .success)
        #expect(next.controller.nodes["n1"]?.drain?.message == "retire")
        #expect(next.controller.nodes["n1"]?.isConnected == false)
        #expect(next.state(waiting) == .buildable(since: talk.now))

        next.tell(.drainToggleRequested(node: "n1", message: "", user: "ann"))
        _ = next.connect("n1")
        next.pass(milliseconds: 50)
        #expect(next.isBuilding("app", 2))
        #expect(next.build("app") > waiting)
    }

    @Test func `a freestyle build that ran is lost, and its item does not come again`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "app", try job("linux")))
        _ = talk.addAgent("n1", labels: "linux")
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        let next = try restarted(talk, journal: journal(of: &talk))
        #expect(next.result("app") == .failure)
        #expect(next.controller.queue.items.isEmpty)
        #expect(next.controller.nodes["n1"]?.isIdle == true)
    }

    @Test func `a pipeline step that ran queues again and waits for its own node`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "flow", try pipeline()))
        _ = talk.addAgent("n1", labels: "linux")
        _ = talk.build("flow")
        talk.pass(milliseconds: 100)
        #expect(talk.controller.build(RunKey(job: "flow", number: 1))?.steps == [.running(node: "n1")])
        var next = try restarted(talk, journal: journal(of: &talk))
        #expect(next.controller.queue.items.map(\.label) == ["n1"])
        let cookie = next.connect("n1")
        next.pass(milliseconds: 50)
        let step = RunKey(job: "flow", number: 1, step: 0)
        guard case .run(step, _) = next.ask(cookie) else {
            Issue.record("the step did not run again")
            return
        }
        next.tell(.agentFinished(cookie: cookie, step, exitCode: 0))
        #expect(next.result("flow") == .success)
    }

    @Test func `an item that had an executor but no build yet waits again`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "app", try job("linux")))
        _ = talk.addAgent("n1", labels: "linux")
        let item = talk.build("app")
        guard case .pending = talk.state(item) else {
            Issue.record("not pending")
            return
        }
        var next = try restarted(talk, journal: journal(of: &talk))
        #expect(next.controller.nodes["n1"]?.isIdle == true)
        _ = next.connect("n1")
        next.pass(milliseconds: 50)
        #expect(next.isBuilding("app", 1))
    }

    @Test func `a build on a static node goes on`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "app", try job("linux")))
        var configuration = NodeConfiguration(name: "static")
        configuration.labels = "linux"
        talk.tell(.simulatedNodeAdded(configuration, buildMilliseconds: 5_000))
        _ = talk.build("app")
        talk.pass(milliseconds: 50)
        var next = try restarted(talk, journal: journal(of: &talk))
        #expect(next.isBuilding("app"))
        #expect(next.controller.nodes["static"]?.isIdle == false)
        next.pass(milliseconds: 5_000)
        #expect(next.result("app") == .success)
    }

    @Test func `a journal written anew says the same as all its lines`() throws {
        var talk = Conversation()
        talk.tell(.jobCreationRequested(name: "app", try job("linux")))
        talk.tell(.jobCreationRequested(name: "flow", try pipeline()))
        _ = talk.addAgent("n1", labels: "linux", executors: 2)
        _ = talk.build("app")
        _ = talk.build("flow")
        talk.pass(milliseconds: 100)
        _ = talk.build("app")
        var site = Site(settings: ControllerSettings(key: key), users: [], anonymousCanRead: false)
        site.controller = talk.controller
        let short = try restarted(talk, journal: site.journal)
        let long = try restarted(talk, journal: journal(of: &talk))
        #expect(short.controller.jobs == long.controller.jobs)
        #expect(short.controller.nodes == long.controller.nodes)
        #expect(short.controller.queue.items == long.controller.queue.items)
    }

    // MARK: Files

    private func withStateDirectory(_ body: (String) throws -> Void) throws {
        let directory = NSTemporaryDirectory() + "/kept-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    @Test func `a line that was not written to its end is not there`() throws {
        try withStateDirectory { directory in
            var (store, records) = try StateStore.open(directory)
            #expect(records.key == nil)
            try store.append(KeptRecords.line(key: key, bootCount: 3, lastItem: 7))
            try store.append(Array(#"{"k":"item","id":8,"v":{"job"#.utf8))
            store.close()
            var (again, found) = try StateStore.open(directory)
            #expect(found.key == Digest.hexadecimal(key))
            #expect(found.bootCount == 3 && found.kept.lastItem == 7)
            try again.append(KeptRecords.line(key: key, bootCount: 4, lastItem: 9))
            again.close()
            let (last, newest) = try StateStore.open(directory)
            #expect(newest.bootCount == 4 && newest.kept.lastItem == 9)
            last.close()
        }
    }

    @Test func `a journal that is not one is refused by line`() throws {
        try withStateDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data("hello\n".utf8).write(to: URL(fileURLWithPath: directory + "/journal"))
            #expect {
                _ = try StateStore.open(directory)
            } throws: { "\($0)".hasSuffix("line 1 is not a record of a practice controller") }
        }
    }

    @Test func `two processes do not keep the same controller`() throws {
        try withStateDirectory { directory in
            let (store, _) = try StateStore.open(directory)
            defer { store.close() }
            #expect {
                _ = try StateStore.open(directory)
            } throws: { "\($0)".hasSuffix("another process uses it") }
        }
    }
}
