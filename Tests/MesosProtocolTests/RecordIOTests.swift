// Framing of event streams.

import MesosProtocol
import Testing

@Suite struct `Framing records` {
    private let records: [[UInt8]] = [
        Array("{\"type\":\"HEARTBEAT\"}".utf8), [], [10], Array(repeating: 7, count: 300),
    ]
    private var stream: [UInt8] { records.flatMap(RecordIO.encode) }

    private func drain(_ decoder: inout RecordIODecoder) throws(RecordIOError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        while let record = try decoder.next() { found.append(record) }
        return found
    }

    @Test func `a record is its length, a newline and its bytes`() {
        #expect(RecordIO.encode(Array("abc".utf8)) == Array("3\nabc".utf8))
        #expect(RecordIO.encode([]) == Array("0\n".utf8))
    }

    @Test func `records come out whole wherever the stream is cut in two`() throws {
        let stream = stream
        for cut in 0...stream.count {
            var decoder = RecordIODecoder()
            decoder.append(stream[..<cut])
            var found = try drain(&decoder)
            decoder.append(stream[cut...])
            found += try drain(&decoder)
            #expect(found == records)
            try decoder.finish()
        }
    }

    @Test func `records come out whole from pieces of every size`() throws {
        let stream = stream
        for size in 1...stream.count {
            var decoder = RecordIODecoder()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                decoder.append(stream[start..<min(start + size, stream.count)])
                found += try drain(&decoder)
            }
            #expect(found == records)
            #expect(decoder.bufferedBytes == 0)
        }
    }

    @Test(arguments: [
        "\n", "x", "-1\n", "+1\n", "1 \n", " 1\n", "1\r\n", "0x1\n", "12345678901234567890", "99999999999999999999\n",
        "9999999999999999999\n", "00000000000000000000",
    ])
    func `a malformed length ends the stream`(text: String) {
        var decoder = RecordIODecoder()
        decoder.append(text.utf8)
        #expect(throws: RecordIOError.malformedLength) { try decoder.next() }
        decoder.append("3\nabc".utf8)
        #expect(throws: RecordIOError.malformedLength) { try decoder.next() }
        #expect(decoder.bufferedBytes == 0)
    }

    @Test func `a length above the limit is refused before its bytes arrive`() throws {
        var decoder = RecordIODecoder(recordBytesMax: 10)
        decoder.append("10\n0123456789".utf8)
        #expect(try decoder.next()?.count == 10)
        decoder.append("11\n".utf8)
        #expect(throws: RecordIOError.recordTooLarge(bytes: 11, bytesMax: 10)) { try decoder.next() }
        var huge = RecordIODecoder()
        huge.append("9223372036854775807\n".utf8)
        #expect(throws: RecordIOError.recordTooLarge(bytes: .max, bytesMax: 4 << 20)) { try huge.next() }
    }

    @Test func `records before a malformed one are delivered`() throws {
        var decoder = RecordIODecoder()
        decoder.append("1\na1\nbz".utf8)
        #expect(try decoder.next() == [97])
        #expect(try decoder.next() == [98])
        #expect(throws: RecordIOError.malformedLength) { try decoder.next() }
    }

    @Test func `an end inside a record is noticed`() throws {
        var decoder = RecordIODecoder()
        try decoder.finish()
        decoder.append("5\nab".utf8)
        #expect(try decoder.next() == nil)
        #expect(throws: RecordIOError.truncated(missingBytes: 3)) { try decoder.finish() }
        var header = RecordIODecoder()
        header.append("5".utf8)
        #expect(try header.next() == nil)
        #expect(throws: RecordIOError.truncated(missingBytes: nil)) { try header.finish() }
    }
}
