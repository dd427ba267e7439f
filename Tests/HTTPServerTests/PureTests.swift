// Parts that need no socket.
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
