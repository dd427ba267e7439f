// gzip: for whom, and that what comes out is what went in.
import CZlib
import Testing

@testable import HTTPServer

struct ContentCodingTests {
    @Test(arguments: [
        ([], false), (["gzip"], true), (["deflate, gzip;q=0.5"], true), (["gzip;q=0"], false), (["*"], true),
        (["*;q=0"], false), (["gzip;q=0, *"], false), (["br", "GZIP"], true), (["x-gzip"], true),
        (["identity;q=1, gzip;q=0.5"], false), (["gzip;q=nonsense"], false), (["identity"], false), ([""], false),
        ([";q=1,,gzip ; q = 0.1"], true),
    ])
    func `the client's weights decide`(fields: [String], isAllowed: Bool) {
        #expect(ContentCoding.allowsGzip(fields) == isAllowed, "\(fields)")
    }

    private func answer(_ bytes: [UInt8], accepts: String? = "gzip", headers: [(String, String)] = []) -> HTTPResponse {
        let request = HTTPRequest(
            method: "GET", target: "/", path: "/", headers: accepts.map { [(name: "accept-encoding", value: $0)] } ?? []
        )
        return ContentCoding.coded(.json(200, bytes, headers: headers), for: request)
    }

    private func header(_ name: String, of response: HTTPResponse) -> String? {
        response.headers.first { $0.0 == name }?.1
    }

    @Test func `small bodies, streams and bodies with a coding of their own stay as they are`() {
        #expect(header("Content-Encoding", of: answer([UInt8](repeating: 65, count: 1023))) == nil)
        #expect(header("Content-Encoding", of: answer([UInt8](repeating: 65, count: 1024))) == "gzip")
        #expect(header("Content-Encoding", of: answer([UInt8](repeating: 65, count: 9999), accepts: nil)) == nil)
        let own = answer([UInt8](repeating: 65, count: 9999), headers: [("Content-Encoding", "br")])
        #expect(header("Content-Encoding", of: own) == "br")
        let request = HTTPRequest(
            method: "GET", target: "/", path: "/", headers: [(name: "Accept-Encoding", value: "gzip")])
        let stream = ContentCoding.coded(
            .stream(200, HTTPStream(bufferedBytesMax: 1), contentType: "text/plain"), for: request)
        #expect(header("Content-Encoding", of: stream) == nil)
    }

    @Test func `what was compressed can be read again`() throws {
        var noise: UInt64 = 88_172_645_463_325_252
        let bytes = (0..<1_500_000).map { index -> UInt8 in
            noise ^= noise << 13
            noise ^= noise >> 7
            noise ^= noise << 17
            // Half of it compresses well, half not at all.
            return index % 2_000 < 1_000 ? UInt8(truncatingIfNeeded: noise) : UInt8(ascii: "x")
        }
        let packed = try #require(ContentCoding.gzip(bytes))
        #expect(packed.prefix(2) == [0x1F, 0x8B])
        #expect(packed.count < bytes.count)
        #expect(try #require(Self.unpack(packed, count: bytes.count)) == bytes)
        #expect(Self.unpack(try #require(ContentCoding.gzip([])), count: 1) == [])
    }

    @Test func `a body compressed in pieces is the body`() throws {
        let encoder = try #require(GzipEncoder())
        var packed: [UInt8] = []
        var whole: [UInt8] = []
        for number in 0..<200 {
            let piece = [UInt8]("\(number) tasks of \(number) agents, ".utf8)
            whole += piece
            packed += try #require(encoder.encode(piece))
        }
        packed += try #require(encoder.encode([], isLast: true))
        #expect(Self.unpack(packed, count: whole.count) == whole)
    }

    private static func unpack(_ packed: [UInt8], count: Int) -> [UInt8]? {
        var stream = z_stream()
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
        defer { inflateEnd(&stream) }
        var input = packed
        return input.withUnsafeMutableBufferPointer { source -> [UInt8]? in
            var code = Z_OK
            let output = [UInt8](unsafeUninitializedCapacity: count + 1) { target, produced in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(count + 1)
                code = inflate(&stream, Z_FINISH)
                produced = count + 1 - Int(stream.avail_out)
            }
            return code == Z_STREAM_END ? output : nil
        }
    }
}

struct OpeningChunkTests {
    @Test func `a first chunk of any size leaves the bound to what follows it`() {
        let stream = HTTPStream(bufferedBytesMax: 10)
        stream.write(opening: [UInt8](repeating: 1, count: 100))
        stream.write([UInt8](repeating: 2, count: 10))
        #expect(stream.end == nil)
        #expect(stream.bufferedBytes == 110)
        stream.write([3])
        #expect(stream.end == .tooSlow)
        #expect(stream.bufferedBytes == 0)
    }
}
