// What a URI asks for, and what is refused before anything is fetched.

import MesosProtocol
import Testing

@testable import MiniAgent

struct FetchItemTests {
    private func uri(_ value: String, output: String? = nil) -> V1CommandInfo.URI {
        var uri = V1CommandInfo.URI()
        uri.value = value
        if let output { uri.outputFile = output }
        return uri
    }

    private func item(_ value: String, output: String? = nil) throws(FetchError) -> FetchItem {
        try FetchItem(uri(value, output: output), frameworksHome: "/home/frameworks")
    }

    @Test(
        arguments: [
            ("http://host/a/agent.jar", "agent.jar"), ("https://host/f.tar.gz?token=1", "f.tar.gz?token=1"),
            ("ftp://host/f", "f"), ("/etc/hosts", "hosts"), ("file:///etc/hosts", "hosts"),
            ("file://localhost/etc/hosts", "hosts"), ("sub/tool", "tool"),
            ("http://user:secret@host/x", "x"),
        ])
    func `a file is called what follows the last slash`(value: String, name: String) throws {
        #expect(try item(value).name == name)
    }

    @Test func `sources are told apart`() throws {
        #expect(try item("HTTP://host/a").source == .download(url: "HTTP://host/a"))
        #expect(try item("file:///a/b").source == .file(path: "/a/b"))
        #expect(try item("file://localhost/a/b").source == .file(path: "/a/b"))
        #expect(try item("/a/b").source == .file(path: "/a/b"))
        #expect(try item("a/b").source == .file(path: "/home/frameworks/a/b"))
        #expect(try item("http://user:secret@host/x").shown == "http://***@host/x")
    }

    @Test(
        arguments: [
            ("", "Illegal"), ("http://host/a'b", "Illegal"), ("http://host/a\\b", "Illegal"),
            ("http://host/a\nb", "Illegal"), ("http://host", "missing path"), ("http://host/", "missing path"),
            ("http:///x", "missing path"), ("http://host/a/", "missing path"),
            ("hdfs://host/x", "does not fetch 'hdfs'"),
            ("s3://bucket/x", "does not fetch 's3'"), ("file://other/x", "absolute path"), ("/a/..", "missing path"),
            ("../x", "leads out"), ("a/../../x", "leads out"), ("http://host/x#sha256=abc", "64 hexadecimal"),
        ])
    func `what cannot be fetched is refused with the reason`(value: String, reason: String) {
        let error = #expect(throws: FetchError.self) { try item(value) }
        #expect(error.map { "\($0)" }?.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `a relative path needs a home`() {
        let error = #expect(throws: FetchError.self) { try FetchItem(uri("a/b"), frameworksHome: nil) }
        #expect(error.map { "\($0)" }?.contains("frameworks_home") == true)
    }

    @Test(arguments: ["/abs", "../x", "a/../../x", "a//b", ".", "./x", "a/."])
    func `an output file stays within the sandbox`(output: String) {
        let error = #expect(throws: FetchError.self) { try item("http://host/x", output: output) }
        #expect(error == .invalid("URI output file must be within the sandbox directory"))
    }

    @Test func `an output file may lie in directories, and its name tells how to unpack it`() throws {
        let item = try item("http://host/x?y", output: "deep/er/tools.tgz")
        #expect(item.name == "deep/er/tools.tgz")
        #expect(item.packing == .tar)
    }

    @Test(
        arguments: [
            ("a.tar", .tar), ("a.tgz", .tar), ("a.tar.gz", .tar), ("a.tbz2", .tar), ("a.tar.bz2", .tar),
            ("a.txz", .tar),
            ("a.tar.xz", .tar), ("a.zip", .zip), ("a.gz", .gzip), ("a.jar", nil), ("a.tar.zst", nil), (".gz", nil),
        ] as [(String, FetchItem.Packing?)])
    func `archives are known by their suffix`(name: String, packing: FetchItem.Packing?) {
        #expect(FetchItem.packing(of: name) == packing)
    }

    @Test func `an executable is never unpacked, nor is what is to be kept`() throws {
        var executable = uri("http://host/a.tar")
        executable.executable = true
        #expect(try FetchItem(executable, frameworksHome: nil).packing == nil)
        var kept = uri("http://host/a.tar")
        kept.extract = false
        #expect(try FetchItem(kept, frameworksHome: nil).packing == nil)
    }

    @Test func `a checksum is taken off the URI`() throws {
        let sum = String(repeating: "Ab", count: 32)
        let item = try item("http://host/a.tgz#sha256=\(sum)")
        #expect(item.sha256 == sum.lowercased())
        #expect(item.source == .download(url: "http://host/a.tgz"))
        #expect(item.name == "a.tgz")
    }
}
