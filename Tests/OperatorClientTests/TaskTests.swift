// What is said of one task, and of its files.

import MasterDetection
import Testing

@testable import OperatorClient

@Suite struct TaskTests {
    @Test func `a task that was killed for its memory is explained with what to do`() throws {
        let report = TaskExplanation(
            try Documents.task("leaky"), agent: nil, stderr: ["allocating", "bad \u{1B}[31mthing"])
        try Golden.expect(report.text(Documents.wide), is: "explain-memory")
        try Golden.expect(ReportJSON.text(of: report), is: "explain-json")
    }

    @Test func `a task that runs is explained with how to look into it`() throws {
        let report = TaskExplanation(
            try Documents.task("build app"), agent: nil, stderr: nil, stderrProblem: "no answer from the agent")
        try Golden.expect(report.text(Documents.wide), is: "explain-running")
    }

    @Test func `a task that cannot be reached points to its agent`() throws {
        let agents = try Documents.agents()
        let text = TaskExplanation(
            try Documents.task("web"), agent: agents.first { $0.hostname == "build-2" }, stderr: []
        ).text(Documents.wide)
        #expect(text.contains("See to the agent build-2 (it is draining)"))
        #expect(text.contains("nothing on standard error"))
    }

    @Test func `files are listed with their sizes`() {
        let listing = SandboxListing(
            taskID: "t", path: "",
            files: [
                .init(
                    path: "/x/stdout", size: 1_234, mtime: 1_795_684_800, mode: "-rw-r--r--", uid: "root", gid: "root"),
                .init(path: "/x/data", size: 4_096, mtime: 1_795_684_800, mode: "drwxr-xr-x", uid: "ci", gid: "ci"),
            ])
        #expect(
            listing.text(Documents.wide) == """
                MODE        USER  SIZE  CHANGED               NAME
                drwxr-xr-x  ci    4096  2026-11-26 09:20:00Z  data/
                -rw-r--r--  root  1234  2026-11-26 09:20:00Z  stdout
                """)
        #expect(SandboxListing(taskID: "t", path: "", files: []).text(Documents.wide) == "no files")
    }

    @Test func `a task's files are those of its own container, or of its executor's`() throws {
        var task = try Documents.task("build app")
        let base = "/frameworks/aaaaaaaa-1111-2222-3333-444444444444-0000/executors/ci.4f2a/runs"
        #expect(task.sandbox == "\(base)/c-1")
        task.executorContainerID = "e-1"
        #expect(task.sandbox == "\(base)/e-1/tasks/ci.4f2a")
        (task.containerID, task.executorContainerID) = (nil, nil)
        #expect(task.sandbox == "\(base)/latest")
    }

    @Test func `a redirection leads to the leader with the scheme it was asked with`() {
        #expect(
            OperatorConnection.base(of: "//10.0.0.1:5050/master/state", from: "http://x:1") == "http://10.0.0.1:5050")
        #expect(OperatorConnection.base(of: "//m:5050/api/v1", from: "https://x:1") == "https://m:5050")
        #expect(OperatorConnection.base(of: "http://[::1]:5050/", from: "http://x:1") == "http://[::1]:5050")
        #expect(OperatorConnection.base(of: "file:///etc/passwd", from: "http://x:1") == nil)
        #expect(OperatorConnection.base(of: nil, from: "http://x:1") == nil)
    }
}
