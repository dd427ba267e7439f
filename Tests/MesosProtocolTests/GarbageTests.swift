// Strangers' bytes: thousands of random and damaged inputs, none of which may crash or hang anything.

import MesosProtocol
import Resources
import SwiftProtobuf
import Testing

@Suite struct `Garbage` {
    /// Decodes in every way, and does with the result what a server would.
    private func swallow(_ bytes: [UInt8]) {
        for media in MediaType.allCases {
            if let call = try? media.decode(V1SchedulerCall.self, from: bytes) { pass(call) }
            if let event = try? media.decode(V1SchedulerEvent.self, from: bytes) { pass(event) }
            if let call = try? media.decode(LinkCall.self, from: bytes) { pass(call) }
            if let call = try? media.decode(V1OperatorCall.self, from: bytes) { pass(call) }
            if let call = try? media.decode(V1AgentAPICall.self, from: bytes) { pass(call) }
            if let task = try? media.decode(V1TaskInfo.self, from: bytes) {
                pass(task)
                if let resources = try? Resources(task.resources) {
                    _ = resources + resources
                    _ = resources.protobuf(format: .endpoint)
                }
            }
        }
        _ = try? JSONValue(parsing: bytes)
    }

    /// What was decoded can be printed, and reads back to what prints the same.
    private func pass<M: Message>(_ message: M) {
        let json = MesosJSON.encode(message)
        guard let back = try? MesosJSON.decode(M.self, from: json) else {
            Issue.record("cannot read back \(String(decoding: json, as: UTF8.self))")
            return
        }
        #expect(MesosJSON.encode(back) == json)
        _ = MediaType.protobuf.encode(message)
    }

    @Test func `random bytes are refused or read, never a crash`() {
        for seed in 0..<2000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            swallow(
                (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
                })
        }
    }

    @Test func `random JSON-like text is refused or read, never a crash`() {
        let words = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "\"type\"", "\"value\"", "\"parent\"",
            "\"accept\"",
            "\"resources\"", "null", "true", "1e999", "-0", "9223372036854775808", "NaN", "\"SUBSCRIBE\"", " ", "\n",
            "é",
        ]
        for seed in 0..<3000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let text = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
                words.randomElement(using: &generator) ?? ""
            }
            swallow(Array(text.joined().utf8))
        }
    }

    @Test func `damaged messages are refused or read, never a crash`() {
        let originals: [[UInt8]] = MediaType.allCases.flatMap { media in
            [
                media.encode(Fixtures.acceptCall), media.encode(Fixtures.offersEvent(2)), media.encode(Fixtures.task),
            ]
        }
        for seed in 0..<3000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var bytes = originals[Int(seed) % originals.count]
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.remove(at: position)
                default: bytes.insert(contentsOf: bytes[..<position].suffix(9), at: position)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            swallow(bytes)
        }
    }

    @Test func `random streams never crash the record decoder and never make it hoard`() {
        for seed in 0..<2000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var decoder = RecordIODecoder(recordBytesMax: 50)
            for _ in 0..<20 {
                let piece = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    Array("0123456789\nab".utf8).randomElement(using: &generator) ?? 0
                }
                decoder.append(piece)
                do {
                    while let record = try decoder.next() { #expect(record.count <= 50) }
                } catch {
                    break
                }
                #expect(decoder.bufferedBytes <= 50)
            }
        }
    }
}
