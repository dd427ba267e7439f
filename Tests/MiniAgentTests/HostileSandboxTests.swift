// Sandboxes made to harm whoever looks into them: nothing leads out, nothing waits, nothing is touched.

import Glibc
import HTTPServer
import Mailbox
import MesosProtocol
import Testing

@testable import MiniAgent

@Suite(.timeLimit(.minutes(1)))
struct HostileSandboxTests {
    private let fixture: SandboxFixture
    private var directory: TemporaryDirectory { fixture.directory }
    private var sandbox: String { fixture.sandbox }
    private var api: FilesAPI { fixture.api }

    init() throws {
        fixture = try SandboxFixture()
        try DurableFile.createDirectories("\(directory.path)/slaves/a1/frameworks/f1/executors/t2/runs/c2")
        try DurableFile.replace(
            "\(directory.path)/slaves/a1/frameworks/f1/executors/t2/runs/c2/secret", with: Array("secret".utf8))
    }

    private func request(_ path: String) -> HTTPRequest { fixture.request([("path", path), ("offset", "0")]) }

    private func text(_ response: HTTPResponse) -> String { fixture.text(response) }

    /// Everything that can be asked for, and what is answered.
    private func answers(_ path: String) -> [(what: String, response: HTTPResponse)] {
        [
            ("read", api.read(request(path))), ("browse", api.browse(request(path))),
            ("download", api.download(request(path))),
        ]
    }

    static let targets = [
        "../../../../../../../../secret", "/etc/passwd", "/", "/proc/self/environ", "/proc/self/fd/0", "..", "../..",
        "../c1/../../../t2/runs/c2/secret", "../../../t2/runs/latest/secret", "sub/../../x",
        "/proc/self/root/etc/passwd",
        "/dev/zero", "/dev/stdin", "../latest/../../../t2/runs/c2/secret", "./../../../../../../../../../../etc/passwd",
    ]

    @Test(arguments: targets) func `no link leads out`(target: String) throws {
        try DurableFile.relink("\(sandbox)/link", to: target)
        try DurableFile.relink("\(sandbox)/sub/again", to: "../link")
        for name in ["link", "sub/again", "link/secret", "link/passwd", "link/../secret", "sub/again/secret"] {
            for (what, response) in answers("\(sandbox)/\(name)") {
                #expect(!text(response).contains("secret\"") && !text(response).contains("root:"), "\(what) \(name)")
                if what != "browse" { #expect(response.status >= 400, "\(what) \(name) -> \(target)") }
            }
        }
    }

    @Test(arguments: ["fifo", "socket", "null", "zero", "closed"])
    func `what is no file is not opened, and holds nobody up`(name: String) throws {
        let path = "\(sandbox)/\(name)"
        switch name {
        case "fifo": #expect(mkfifo(path, 0o666) == 0)
        case "socket": Self.makeSocket(path)
        case "null": guard mknod(path, S_IFCHR | 0o666, 1 << 8 | 3) == 0 else { return }
        case "zero": guard mknod(path, S_IFCHR | 0o666, 1 << 8 | 5) == 0 else { return }
        default: #expect(mkdir(path, 0) == 0)
        }
        for (what, response) in answers(path) where what != "browse" { #expect(response.status >= 400) }
        // A writer that waits for a reader would have been woken by one.
        if name == "fifo" { #expect(open(path, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO) }
        let listing = text(api.browse(request(sandbox)))
        #expect(listing.contains("/\(name)\""))
    }

    private static func makeSocket(_ path: String) {
        // Its path would be too long for bind.
        let home = open(DurableFile.parent(of: path), O_RDONLY | O_DIRECTORY)
        defer { close(home) }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "/proc/self/fd/\(home)/socket".utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(code == 0)
    }

    @Test(arguments: [
        "a\nb", "\u{1b}[2J", "quote\"s", "back\\slash", "\u{202E}txt", "é", " ", "-rf", "%2e%2e", "a\r\nX: y",
    ])
    func `odd names are listed and read as they are`(name: String) throws {
        try DurableFile.replace("\(sandbox)/\(name)", with: Array("odd".utf8))
        let entries = try #require(try JSONValue(parsing: Array(text(api.browse(request(sandbox))).utf8)).arrayValue)
        #expect(entries.contains { $0["path"]?.stringValue == "\(sandbox)/\(name)" })
        let response = api.download(request("\(sandbox)/\(name)"))
        #expect(text(response) == "odd")
        #expect(!response.headers.contains { $0.1.contains { $0.isNewline || $0 < " " } })
    }

    @Test func `a directory with very many entries is answered in bounds`() throws {
        for number in 0..<12_000 { #expect(symlink("x", "\(sandbox)/sub/\(number)") == 0) }
        let entries = try #require(
            try JSONValue(parsing: Array(text(api.browse(request("\(sandbox)/sub"))).utf8)).arrayValue)
        #expect(entries.count == 10_000)
    }

    @Test func `a long chain of links ends`() throws {
        for number in 0..<100 { try DurableFile.relink("\(sandbox)/l\(number)", to: "l\(number + 1)") }
        try DurableFile.relink("\(sandbox)/round", to: "round/round")
        try DurableFile.relink("\(sandbox)/wide", to: String(repeating: "sub/../", count: 500) + "wide")
        for name in ["l0", "round", "wide"] { #expect(api.read(request("\(sandbox)/\(name)")).status >= 400) }
    }

    @Test func `a directory that turns into a link and back never leads out`() throws {
        try DurableFile.createDirectories("\(sandbox)/turning")
        try DurableFile.replace("\(sandbox)/turning/secret", with: Array("mine".utf8))
        try DurableFile.relink("\(sandbox)/evil", to: directory.path)
        let isDone = Locked(false)
        let sandbox = sandbox
        DedicatedThread.start(named: "turner") {
            while !isDone.withLock({ $0 }) {
                // The two change places over and over.
                rename("\(sandbox)/turning", "\(sandbox)/aside")
                rename("\(sandbox)/evil", "\(sandbox)/turning")
                rename("\(sandbox)/turning", "\(sandbox)/evil")
                rename("\(sandbox)/aside", "\(sandbox)/turning")
            }
        }
        var reads = 0
        for _ in 0..<3000 {
            let answer = text(api.read(request("\(sandbox)/turning/secret")))
            #expect(!answer.contains("\"secret\""))
            if answer.contains("mine") { reads += 1 }
        }
        isDone.withLock { $0 = true }
        #expect(reads > 0)
    }

    @Test func `a file cut short while it is read ends the answer`() throws {
        try DurableFile.replace("\(sandbox)/big", with: [UInt8](repeating: 0x61, count: 100_000))
        #expect(truncate("\(sandbox)/big", 10) == 0)
        #expect(text(api.read(request("\(sandbox)/big"))) == #"{"data":"aaaaaaaaaa","offset":0}"#)
    }
}
