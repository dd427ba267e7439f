// The checkpoint file format: whole records or none, whatever a crash or a bad disk did to the file.

import SimKit
import Testing

@testable import MiniAgent

struct RecordFileTests {
    private func file(_ records: [RecordFile.Record]) -> [UInt8] {
        records.reduce(into: RecordFile.header) { $0 += RecordFile.encode($1) }
    }

    private let records = [
        RecordFile.Record(tag: 1, payload: Array("first".utf8)), RecordFile.Record(tag: 2, payload: []),
        RecordFile.Record(tag: 3, payload: [UInt8](repeating: 0xFF, count: 300)),
    ]

    @Test func `what is written is read back`() throws {
        let (read, tail) = try RecordFile.decode(file(records))
        #expect(read == records)
        #expect(tail == .clean)
    }

    @Test func `the checksum is the published CRC-32C`() {
        #expect(RecordFile.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `a file cut off anywhere keeps its whole records and reports the torn one`() throws {
        let whole = file(records)
        let ends = [0, 1, 2, 3].map { file(Array(records.prefix($0))).count }
        for length in 0..<whole.count {
            let (read, tail) = try RecordFile.decode(Array(whole.prefix(length)))
            let expected = ends.lastIndex { $0 <= length } ?? 0
            #expect(read == Array(records.prefix(expected)), "cut at \(length)")
            if length == 0 || ends.contains(length) {
                #expect(tail == .clean, "cut at \(length)")
            } else {
                #expect(tail == .torn(offsetBytes: length < RecordFile.headerBytes ? 0 : ends[expected]))
            }
        }
    }

    @Test func `a changed byte never yields a record that was not written`() throws {
        let whole = file(records)
        for index in RecordFile.headerBytes..<whole.count {
            var damaged = whole
            damaged[index] ^= 0x40
            let (read, tail) = try RecordFile.decode(damaged)
            #expect(tail != .clean, "byte \(index)")
            #expect(read == Array(records.prefix(read.count)), "byte \(index)")
        }
    }

    @Test func `damage with good records behind it is corruption, not a torn end`() throws {
        var damaged = file(records)
        damaged[RecordFile.headerBytes + 9] ^= 1
        let (read, tail) = try RecordFile.decode(damaged)
        #expect(read == [])
        #expect(tail == .corrupt(recordIndex: 0, offsetBytes: RecordFile.headerBytes))
    }

    @Test func `a file that grew before its content came ends in zeros and counts as torn`() throws {
        let whole = file(Array(records.prefix(2)))
        let (read, tail) = try RecordFile.decode(whole + [UInt8](repeating: 0, count: 4096))
        #expect(read == Array(records.prefix(2)))
        #expect(tail == .torn(offsetBytes: whole.count))
    }

    @Test func `another version and other files are told apart`() {
        var newer = file(records)
        newer[4] = 9
        #expect(throws: RecordFile.HeaderError.wrongVersion(found: 9)) { try RecordFile.decode(newer) }
        #expect(throws: RecordFile.HeaderError.notACheckpoint) { try RecordFile.decode(Array("#!/bin/sh\necho".utf8)) }
    }

    @Test(arguments: Seeds.forThisRun(count: 300))
    func `garbage is never a crash and never a record`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = random.chance(50) ? RecordFile.header : []
        if random.chance(30) { bytes += RecordFile.encode(records[0]) }
        for _ in 0..<Int.random(in: 0..<400, using: &random) { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
        guard let (read, _) = try? RecordFile.decode(bytes) else { return }
        for record in read {
            #expect(records.contains(record), "four random bytes matched a checksum: seed \(seed)")
            _ = CheckpointRecord(record)
        }
    }

    @Test(arguments: Seeds.forThisRun(count: 200))
    func `a payload that is not what its tag promises is no record`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let payload = (0..<Int.random(in: 0..<60, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for tag in UInt8(0)...9 { _ = CheckpointRecord(RecordFile.Record(tag: tag, payload: payload)) }
        #expect(CheckpointRecord(RecordFile.Record(tag: 200, payload: payload)) == nil)
    }
}
