// The web page as masters serve it: what is built in is what lies in the folder, and nothing else can be read.
import Foundation
import HTTPClient
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

@Suite(.serialized, .timeLimit(.minutes(2)))
struct WebPageTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/MiniMaster/WebUI/Files")

    /// The files in the folder, by path below it.
    private static func files() throws -> [String: Data] {
        let all = try #require(FileManager.default.enumerator(atPath: folder.path))
        var files: [String: Data] = [:]
        for case let path as String in all {
            let file = folder.appendingPathComponent(path)
            if try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
                files[path] = try Data(contentsOf: file)
            }
        }
        return files
    }

    @Test func `what is built in is what lies in the folder; if not, run scripts/embed-web`() throws {
        let files = try Self.files()
        #expect(Set(WebFiles.all.map(\.path)) == Set(files.keys))
        for file in WebFiles.all {
            #expect(Data(file.bytes) == files[file.path], "\(file.path)")
            #expect(WebAnswer.type(of: file.path) != "application/octet-stream", "\(file.path)")
        }
        let size = files.values.reduce(0) { $0 + $1.count }
        #expect(size <= 300_000, "the page is \(size) bytes")
    }

    @Test func `the page never makes markup of what it shows, and loads nothing from elsewhere`() throws {
        let forbidden = [
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function",
            "createContextualFragment", "setHTML", "javascript:", "srcdoc",
        ]
        for (path, data) in try Self.files() {
            let text = String(decoding: data, as: UTF8.self)
            for word in forbidden { #expect(!text.contains(word), "\(path) has \(word)") }
            if path.hasSuffix(".html") { #expect(!text.contains("style=") && !text.contains("<script>"), "\(path)") }
            let imports = text.matches(of: /(?:from|import|src=|href=) ?["']([^"']+)["']/).map { String($0.1) }
            for target in imports {
                #expect(
                    target.hasPrefix(".") || target.hasPrefix("/ui/") || target.hasPrefix("#"), "\(path): \(target)")
            }
        }
    }

    @Test func `every file is answered with its type and strict rules, and only once to who has it`() async throws {
        try await RunningMaster.with { master in
            for file in WebFiles.all {
                for prefix in ["/", "/master/"] {
                    let path = file.path == "index.html" ? prefix : prefix + file.path
                    let reply = try await master.get(path)
                    #expect(reply.status == 200, "\(path)")
                    #expect(reply.body == file.bytes, "\(path)")
                    #expect(reply.header("Content-Type") == WebAnswer.type(of: file.path))
                    #expect(reply.header("X-Content-Type-Options") == "nosniff")
                    #expect(reply.header("Content-Security-Policy")?.contains("script-src 'self';") == true)
                    #expect(reply.header("Content-Security-Policy")?.contains("unsafe") == false)
                }
            }
            let tag = try #require(try await master.get("/ui/app.js").header("ETag"))
            let again = try await HTTPClient.shared.fetch(master.request("GET", "/ui/app.js", [("If-None-Match", tag)]))
            #expect(again.status == 304 && again.body.isEmpty)
            for path in ["/ui", "/ui/nope.js", "/ui/../index.html", "/index.htm", "/ui/app.js/x", "/app.js"] {
                #expect(try await master.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `with --webui_dir the files of that folder are served, and none outside it`() async throws {
        let directory = NSTemporaryDirectory() + "web-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory + "/app/deep", withIntermediateDirectories: true)
        for (name, text) in [
            ("index.html", "<p>mine"), ("app/main.js", "1"), ("app/deep/x.css", "p{}"), (".secret", "s"),
            ("state", "no"),
        ] {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        try FileManager.default.createSymbolicLink(
            atPath: directory + "/passwd", withDestinationPath: "/etc/passwd")
        try FileManager.default.createSymbolicLink(atPath: directory + "/etc", withDestinationPath: "/etc")
        try await RunningMaster.with {
            $0.webUIDirectory = directory
        } _: { master in
            #expect(try await master.get("/").text == "<p>mine")
            let script = try await master.get("/app/main.js")
            #expect(script.text == "1")
            #expect(script.header("Content-Type") == "text/javascript; charset=utf-8")
            #expect(script.header("X-Content-Type-Options") == "nosniff")
            #expect(try await master.get("/app/deep/x.css").text == "p{}")
            // A route stays what it is.
            #expect(try await master.get("/state").header("Content-Type") == "application/json")
            for path in [
                "/.secret", "/passwd", "/etc/passwd", "/../etc/passwd", "/app", "/app/",
                "/%2e%2e/etc/passwd", "/app/%2e%2e/index.html", "/nope",
            ] {
                #expect(try await master.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func `a folder without a page is refused at the start`() async throws {
        await #expect(throws: MasterStartError.webDirectoryUnusable(path: "/nowhere")) {
            try await RunningMaster.with {
                $0.webUIDirectory = "/nowhere"
            } _: { _ in
            }
        }
        #expect(
            "\(MasterStartError.webDirectoryUnusable(path: "/x"))" == "--webui_dir '/x' holds no readable index.html")
    }

    @Test func `a master that stands alone is its own only member and leads`() async throws {
        try await RunningMaster.with { master in
            let document = try JSONValue(parsing: try await master.get("/masters").body)
            #expect(document["availability"] == .string("leading"))
            #expect(document["quorum"] == nil)
            #expect(document["elected_time"] != nil)
            guard case .array(let members)? = document["masters"], let only = members.first else {
                Issue.record("no members")
                return
            }
            #expect(members.count == 1)
            #expect(only["leader"] == .bool(true))
            #expect(only["self"] == .bool(true))
            #expect(only["ip"] == .string("127.0.0.1"))
            let post = try await master.post("/masters", "")
            #expect(post.status == 405)
        }
    }

    @Test func `tasks tell who reported a state and why when they are asked, and can be chosen by agent`() throws {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.agentCall(pair.link, .update) { call in
            call.update.frameworkID = V1FrameworkID(pair.framework)
            call.update.latestState = .taskFailed
            var status = Samples.status("t1", on: pair.agent, .taskFailed, uuid: 1)
            status.source = .agent
            status.reason = .containerLimitationMemory
            status.message = "used 65 of 64 MB"
            call.update.status = status
        }
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
            build: BuildInfo(), startedAt: talk.now.wall)
        let documents = StateDocuments(try #require(talk.core.cluster), facts)
        func newest(agent: AgentID?, withReasons: Bool) throws -> JSONValue? {
            let bytes = documents.tasks(
                framework: nil, task: nil, agent: agent, isAscending: false, offset: 0, limit: 10,
                withReasons: withReasons)
            guard case .array(let tasks)? = try JSONValue(parsing: bytes)["tasks"], let task = tasks.first,
                case .array(let statuses)? = task["statuses"]
            else { return nil }
            return statuses.last
        }
        let full = try newest(agent: pair.agent, withReasons: true)
        #expect(full?["source"] == .string("SOURCE_AGENT"))
        #expect(full?["reason"] == .string("REASON_CONTAINER_LIMITATION_MEMORY"))
        #expect(full?["message"] == .string("used 65 of 64 MB"))
        let plain = try newest(agent: nil, withReasons: false)
        #expect(plain != nil && plain?["reason"] == nil && plain?["source"] == nil && plain?["message"] == nil)
        #expect(try newest(agent: "nobody", withReasons: true) == nil)
    }
}
