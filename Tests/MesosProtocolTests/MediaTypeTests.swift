// The choice between JSON and protobuf.

import MesosProtocol
import Testing

@Suite struct `Media types` {
    @Test func `both content types are recognised, parameters aside`() {
        #expect(MediaType(contentType: "application/json") == .json)
        #expect(MediaType(contentType: "application/x-protobuf") == .protobuf)
        #expect(MediaType(contentType: "Application/JSON ; charset=utf-8") == .json)
        #expect(MediaType(contentType: "text/plain") == nil)
        #expect(MediaType(contentType: "application/jsonx") == nil)
        #expect(MediaType(contentType: "") == nil)
    }

    @Test(
        arguments: [
            ([], MediaType.json), ([""], .json), (["*/*"], .json), (["application/*"], .json),
            (["application/json"], .json), (["application/x-protobuf"], .protobuf),
            (["application/x-protobuf, application/json"], .json),
            (["application/x-protobuf;q=1, application/json;q=0.1"], .json),
            (["application/json;q=0, */*"], .protobuf), (["*/*", "application/json; q=0.0"], .protobuf),
            (["text/html", "application/x-protobuf"], .protobuf), (["APPLICATION/JSON"], .json),
            (["text/html"], nil), (["*/*;q=0"], nil), (["application/json;q=0"], nil), (["nonsense"], nil),
            (["*/json"], nil), ([";;,/,"], nil),
        ] as [([String], MediaType?)])
    func `the response type follows from the Accept headers`(accept: [String], expected: MediaType?) {
        #expect(MediaType.negotiate(accept: accept) == expected)
    }
}
