// What the fleet's reader makes of answers, however they are cut.
import Testing

@testable import LoadTest

struct ResponseReaderTests {
    private static func read(_ pieces: [String]) -> [ResponseReader.Part] {
        var reader = ResponseReader()
        var parts: [ResponseReader.Part] = []
        for piece in pieces { Array(piece.utf8).withUnsafeBytes { bytes in reader.read(bytes) { parts.append($0) } } }
        return parts
    }

    @Test func `an answer with a length is read to its end and the next one begins`() {
        let parts = Self.read([
            "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        ])
        #expect(parts == [.head(status: 202), .body(Array("ok".utf8)), .end, .head(status: 200), .end])
    }

    @Test func `chunks are put together, wherever they were cut`() {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMini-Link-Stream-Id: x\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        for cut in 1..<text.utf8.count {
            let index = text.utf8.index(text.startIndex, offsetBy: cut)
            let parts = Self.read([String(text[..<index]), String(text[index...])])
            let body = parts.flatMap { part in if case .body(let bytes) = part { bytes } else { [UInt8]() } }
            #expect(body == Array("abcde".utf8))
            #expect(parts.first == .head(status: 200))
            #expect(parts.last == .end)
        }
    }

    @Test func `what is not HTTP is said to be malformed`() {
        #expect(Self.read(["SSH-2.0-OpenSSH\r\n\r\n"]) == [.malformed])
        #expect(Self.read(["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]).last == .malformed)
    }
}
