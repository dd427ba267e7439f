// Sandboxes for strangers: what may be read, and the many ways out that must not lead anywhere.

import Glibc
import HTTPServer
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct SandboxFilesTests {
    private let fixture: SandboxFixture
    private var directory: TemporaryDirectory { fixture.directory }
    private var sandbox: String { fixture.sandbox }
    private var api: FilesAPI { fixture.api }

    init() throws {
        fixture = try SandboxFixture()
        try DurableFile.createDirectories("\(directory.path)/meta")
    }

    private func request(_ query: [(String, String)]) -> HTTPRequest { fixture.request(query) }

    private func text(_ response: HTTPResponse) -> String { fixture.text(response) }

    @Test func `every spelling of a sandbox reads the same file`() {
        for path in [
            "\(sandbox)/stdout", "\(directory.path)/slaves/a1/frameworks/f1/executors/t1/runs/latest/stdout",
            "\(directory.path)/slaves/latest/frameworks/f1/executors/t1/runs/latest/stdout",
            "/frameworks/f1/executors/t1/runs/latest/stdout", "/frameworks/f1/executors/t1/runs/c1/stdout",
            "/frameworks/f1/executors/t1/runs/c1/sub/../stdout", "/frameworks/f1/executors/t1/runs/c1//./stdout",
        ] {
            let response = api.read(request([("path", path), ("offset", "0"), ("length", "100")]))
            #expect(text(response) == #"{"data":"hello\n","offset":0}"#, "\(path)")
        }
    }

    @Test func `parts of a file, its size, and what lies behind its end`() {
        let path = "\(sandbox)/stdout"
        func read(_ offset: String, _ length: String) -> String {
            text(api.read(request([("path", path), ("offset", offset), ("length", length)])))
        }
        #expect(read("1", "3") == #"{"data":"ell","offset":1}"#)
        #expect(read("-1", "3") == #"{"data":"","offset":6}"#)
        #expect(read("100", "3") == #"{"data":"","offset":6}"#)
        #expect(api.read(request([("path", path), ("offset", "x")])).status == 400)
        #expect(text(api.read(request([]))) == "Expecting 'path=value' in query.\n")
    }

    @Test func `a character cut in two waits for the next read, and bytes that are none are counted`() throws {
        let bytes = Array("aé".utf8)
        #expect(FilesAPI.page(bytes, offset: 0) == .members([("data", .string("aé")), ("offset", .integer(0))]))
        #expect(
            FilesAPI.page(Array(bytes.dropLast()), offset: 5)
                == .members([("data", .string("a")), ("offset", .integer(5))]))
        let odd: [UInt8] = [0x61, 0xFF, 0x62]
        #expect(
            FilesAPI.page(odd, offset: 0)
                == .members([("data", .string("a\u{FFFD}b")), ("offset", .integer(0)), ("length", .integer(3))]))
    }

    @Test func `nothing outside a sandbox can be named`() {
        for path in [
            "\(directory.path)/secret", "\(directory.path)/meta", "/etc/passwd", "", "/", "stdout",
            "\(sandbox)/../../../../../../../../secret", "/frameworks/../../secret",
            "/frameworks/f1/executors/../runs/c1/stdout", "\(directory.path)/slaves/a1/frameworks/f1/executors/t1/runs",
            "\(directory.path)/slaves/../meta", "/frameworks/f1/executors/t1/runs/c1/../c1/../../../../secret",
        ] {
            let response = api.read(request([("path", path), ("offset", "0")]))
            #expect(response.status >= 400, "\(path)")
            #expect(!text(response).contains("secret"), "\(path)")
        }
    }

    @Test func `a sandbox's own links stay inside it`() throws {
        try DurableFile.relink("\(sandbox)/inside", to: "sub/../stdout")
        try DurableFile.relink("\(sandbox)/outside", to: "../../../../../../../../secret")
        try DurableFile.relink("\(sandbox)/absolute", to: "\(directory.path)/secret")
        try DurableFile.relink("\(sandbox)/loop", to: "loop")
        try DurableFile.relink("\(sandbox)/up", to: "../..")
        try DurableFile.relink("\(sandbox)/sub/deep", to: "../../c1/../../../../../../../secret")
        func status(_ name: String) -> Int {
            api.read(request([("path", "\(sandbox)/\(name)"), ("offset", "0")])).status
        }
        #expect(status("inside") == 200)
        for name in ["outside", "absolute", "loop", "up/secret", "sub/deep", "up/up/up/up/up/up/secret"] {
            #expect(status(name) >= 400, "\(name)")
        }
    }

    @Test func `a fifo does not hold the agent up and a directory is no file`() {
        #expect(mkfifo("\(sandbox)/fifo", 0o644) == 0)
        #expect(api.read(request([("path", "\(sandbox)/fifo"), ("offset", "0")])).status == 403)
        #expect(text(api.read(request([("path", "\(sandbox)/sub"), ("offset", "0")]))) == "Cannot read a directory.\n")
        #expect(api.download(request([("path", "\(sandbox)/fifo")])).status == 403)
    }

    @Test func `a directory's entries have the members that Mesos prints`() throws {
        let response = api.browse(request([("path", sandbox)]))
        let entries = try #require(try JSONValue(parsing: Array(text(response).utf8)).arrayValue)
        #expect(entries.map { $0["path"]?.stringValue } == ["\(sandbox)/stdout", "\(sandbox)/sub"])
        #expect(
            entries[0].objectValue?.map(\.key) == ["gid", "mode", "mtime", "nlink", "path", "size", "uid"])
        #expect(entries[0]["mode"]?.stringValue == "-rw-r--r--")
        #expect(entries[0]["size"]?.integerValue == 6)
        #expect(api.browse(request([("path", "/nope")])).status == 404)
        #expect(text(api.browse(request([("path", "\(sandbox)/stdout")]))) == "[]")
    }

    @Test func `old pages get a call of their function, and a list of what there is`() {
        func text(_ response: HTTPResponse) -> String { self.text(response) }
        let path = "\(sandbox)/stdout"
        #expect(
            text(api.read(request([("path", path), ("offset", "0"), ("jsonp", "f")])))
                == #"f({"data":"hello\n","offset":0});"#)
        let real = "\(directory.path)/slaves/a1/frameworks/f1/executors/t1/runs/c1"
        #expect(
            text(api.debug(request([])))
                == #"{"/frameworks/f1/executors/t1/runs/latest":"\#(real)","\#(real)":"\#(real)"}"#)
        #expect(
            text(api.download(request([("path", "\(sandbox)/sub")]))) == "Cannot download a directory.\n")
    }

    @Test func `the agent's own log has a name of its own`() throws {
        try DurableFile.replace("\(directory.path)/agent.log", with: Array("line\n".utf8))
        let files = SandboxFiles(
            paths: AgentPaths(workDirectory: directory.path), logFile: "\(directory.path)/agent.log")
        let response = FilesAPI(files: files).read(request([("path", "/slave/log"), ("offset", "0")]))
        #expect(text(response) == #"{"data":"line\n","offset":0}"#)
        #expect(api.read(request([("path", "/slave/log"), ("offset", "0")])).status == 404)
        #expect(
            text(api.read(request([("path", "/framework/f1/executor/t1/latest/stdout"), ("offset", "0")])))
                == #"{"data":"hello\n","offset":0}"#)
    }

    @Test func `a download is the bytes and their name`() {
        let response = api.download(request([("path", "\(sandbox)/stdout")]))
        #expect(text(response) == "hello\n")
        #expect(response.headers.contains { $0.0 == "Content-Disposition" && $0.1 == "attachment; filename=stdout" })
    }

    @Test(
        arguments: [
            ("bytes=0-1", 206, "he", "bytes 0-1/6"), ("bytes=4-", 206, "o\n", "bytes 4-5/6"),
            ("bytes=2-100", 206, "llo\n", "bytes 2-5/6"), ("bytes=6-9", 416, "", "bytes */6"),
            ("bytes=3-1", 200, "hello\n", nil), ("bytes=-2", 200, "hello\n", nil), ("lines=1-2", 200, "hello\n", nil),
            ("bytes=99999999999999999999-", 200, "hello\n", nil),
        ] as [(String, Int, String, String?)])
    func `a part of a file can be asked for`(range: String, status: Int, content: String, contentRange: String?) {
        var request = request([("path", "\(sandbox)/stdout")])
        request.headers = [(name: "Range", value: range)]
        let response = api.download(request)
        #expect(response.status == status)
        #expect(text(response) == content)
        #expect(response.headers.first { $0.0 == "Content-Range" }?.1 == contentRange)
    }
}
