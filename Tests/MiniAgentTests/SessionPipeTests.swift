// The standard streams of commands beside tasks: framing, and names.

import Glibc
import HTTPServer
import MesosProtocol
import Testing

@testable import MiniAgent

@Suite struct SessionPipeTests {
    @Test(arguments: [1, 3, 7, 8, 100])
    func `frames are taken apart wherever the pieces are cut`(pieceBytes: Int) {
        let stream: [UInt8] =
            [1, 0, 0, 0, 0, 0, 0, 3] + Array("out".utf8) + [2, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 2]
            + Array("er".utf8) + [1, 0, 0, 0, 0, 0, 0, 1] + Array("!".utf8)
        var frames = DockerFrames()
        var output: [UInt8] = []
        var error: [UInt8] = []
        for start in stride(from: 0, to: stream.count, by: pieceBytes) {
            for (kind, bytes) in frames.append(Array(stream[start..<min(stream.count, start + pieceBytes)])) {
                if kind == .output { output += bytes } else { error += bytes }
            }
        }
        #expect(String(decoding: output, as: UTF8.self) == "out!")
        #expect(String(decoding: error, as: UTF8.self) == "er")
        #expect(!frames.isMalformed)
    }

    @Test(arguments: [[9, 0, 0, 0, 0, 0, 0, 1, 65], [1, 0, 1, 0, 0, 0, 0, 1, 65], [1, 0, 0, 0, 255, 0, 0, 0, 65]])
    func `what is no frame gives nothing`(bytes: [UInt8]) {
        var frames = DockerFrames()
        let pieces = frames.append(bytes)
        #expect(pieces.isEmpty)
        #expect(frames.isMalformed)
    }

    @Test func `what is written comes out, and the end of the one is the end of the other`() async {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let pipe = SessionPipe(
            sources: [SessionPipe.Source(descriptor: ends[0], kind: .plain(.output))], sink: ends[0],
            inputEnd: .shutdown)
        let far = SessionPipe(
            sources: [SessionPipe.Source(descriptor: ends[1], kind: .plain(.output))], sink: ends[1],
            inputEnd: .shutdown)
        let sent = [UInt8](repeating: 7, count: 1 << 20)
        async let isTaken = pipe.write(sent)
        var received = 0
        #expect(await isTaken)
        pipe.endInput()
        while let piece = await far.next() { received += piece.bytes.count }
        #expect(received == sent.count)
        far.endInput()
        #expect(await pipe.next() == nil)
        #expect(await pipe.write([1]) == false)
    }

    @Test func `a terminal is typed at by one after another`() async {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let pipe = SessionPipe(
            sources: [SessionPipe.Source(descriptor: ends[0], kind: .plain(.output))], sink: ends[0], inputEnd: .silence
        )
        let far = SessionPipe(
            sources: [SessionPipe.Source(descriptor: ends[1], kind: .plain(.output))], sink: nil, inputEnd: .silence)
        #expect(await pipe.write(Array("ls".utf8)))
        pipe.endInput()
        #expect(await pipe.write(Array("\r".utf8)))
        var typed: [UInt8] = []
        while typed.count < 3, let piece = await far.next() { typed += piece.bytes }
        #expect(String(decoding: typed, as: UTF8.self) == "ls\r")
        pipe.close()
        far.close()
    }

    @Test func `only what can be a folder's name names a container`() {
        func id(_ name: String, parent: String?) -> NestedContainerID? {
            var message = V1ContainerID()
            message.value = name
            if let parent { message.parent.value = parent }
            return NestedContainerID(message)
        }
        #expect(id("a-B_3", parent: "p")?.description == "p.a-B_3")
        #expect(id("a", parent: nil) == nil)
        for bad in ["", "..", "a/b", "a.b", "ä", "a b", String(repeating: "x", count: 243)] {
            #expect(id(bad, parent: "p") == nil, "\(bad)")
        }
    }

    @Test func `a stream's form is what the client asks for`() throws {
        func format(_ headers: [(String, String)]) throws -> StreamFormat? {
            let request = HTTPRequest(method: "POST", target: "/api/v1", path: "/api/v1", headers: headers)
            return try? StreamFormat.negotiate(request).get()
        }
        #expect(
            try format([("Accept", "application/recordio"), ("Message-Accept", "application/json")])
                == StreamFormat(media: .json, isRecordIO: true))
        #expect(try format([("Accept", "application/recordio")]) == nil)
        #expect(
            try format([("Accept", "application/x-protobuf")]) == StreamFormat(media: .protobuf, isRecordIO: false))
        #expect(try format([]) == StreamFormat(media: .json, isRecordIO: false))
        #expect(try format([("Accept", "text/html")]) == nil)
    }
}
