// Parts that need no socket.
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("/a%2Fb", "/a/b"), ("/a+b", "/a+b"), ("*", "*"), ("/%C3%A4?x", "/ä"),
        ("http://host:1/x?y", "/x"), ("http://host", "/"), ("http://host?q=1", "/"), ("/a#b?c", "/a"),
    ])
    func `a path is decoded`(target: String, path: String) {
        #expect(RequestTarget(target)?.path == path)
    }

    @Test(arguments: ["", "x", "/%", "/%4", "/%4g", "/%ff", "/a?b=%f", "host:1"])
    func `a broken target is refused`(target: String) {
        #expect(RequestTarget(target) == nil)
    }

    @Test func `a query keeps its order and repeated names`() throws {
        let query = try #require(RequestTarget("/?b=1&a=2&b=%3D+&&c==")).query
        #expect(query.map(\.name) == ["b", "a", "b", "c"])
        #expect(query.map(\.value) == ["1", "2", "= ", "="])
    }
}

struct HTTPDateTests {
    @Test func `a date is written as the protocol wants it`() {
        #expect(HTTPDate.text(of: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(of: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }
}

struct RequestReaderTests {
    private func reader(bodyBytesMax: Int) -> RequestReader {
        RequestReader(
            limits: HTTPServerLimits(bodyBytesMax: { _ in bodyBytesMax }), remoteAddress: "",
            admission: { _ in .admitted(identity: nil) })
    }
    private let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/a?b=c")

    @Test func `a body is put together from its parts`() throws {
        var reader = reader(bodyBytesMax: 6)
        try reader.begin(head)
        #expect(reader.isInRequest)
        for part in ["ab", "cd", "ef"] { try reader.append(ByteBuffer(string: part)) }
        let end = reader.end()
        let received = try #require(end)
        #expect(received.request.body == Array("abcdef".utf8))
        #expect(received.request.path == "/a")
        #expect(!reader.isInRequest)
    }

    @Test func `of a body that is too large nothing is kept`() throws {
        var reader = reader(bodyBytesMax: 5)
        try reader.begin(head)
        try reader.append(ByteBuffer(string: "abcd"))
        do {
            try reader.append(ByteBuffer(string: "ef"))
            Issue.record("six bytes were taken")
        } catch {
            #expect(error.response.status == 413)
        }
        #expect(!reader.isInRequest)
        try reader.append(ByteBuffer(string: "ghi"))
        let end = reader.end()
        #expect(end?.request.body == nil)
    }
}
