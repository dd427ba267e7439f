// The engine's answers: the ordinary ones, and anything else that may come out of a socket.

import Resources
import SimKit
import Testing

@testable import MiniAgent

struct DockerAnswersTests {
    private static let inspect = """
        {"Id":"abc","State":{"Status":"exited","Running":false,"OOMKilled":true,"ExitCode":137,"Error":""},\
        "HostConfig":{"Memory":67108864},"NetworkSettings":{"IPAddress":"172.17.0.2","Networks":{"bridge":\
        {"IPAddress":"172.17.0.2","GlobalIPv6Address":"fd00::2"}}}}
        """

    @Test func `an inspected container`() throws {
        let container = try DockerAnswers.container(Array(Self.inspect.utf8))
        #expect(container.condition == .exited)
        #expect(container.exitCode == 137)
        #expect(container.ipv4 == ["172.17.0.2"])
        #expect(container.ipv6 == ["fd00::2"])
        #expect(
            DockerContainerizer.exit(container)
                == .memoryLimitExceeded(
                    message: "Memory limit exceeded: the kernel killed the container at its limit of 64 MB; "
                        + "Container exited with status 137"))
    }

    @Test func `the engine's reason is taken from its error answer, on one line`() {
        #expect(DockerAnswers.message(Array(#"{"message":"no such\nimage"}"#.utf8)) == "no such image")
        #expect(DockerAnswers.message(Array("<html>oops".utf8)) == "<html>oops")
        #expect(DockerAnswers.message([]) == "")
    }

    @Test func `a failed pull hides its reason in the stream`() {
        var progress = PullProgress()
        progress.append(Array("{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"manifest ".utf8))
        progress.append(Array("unknown\"},\"error\":\"manifest unknown\"}\r\n".utf8))
        progress.append(Array("{\"status\":\"more\"}".utf8))
        #expect(progress.finish() == "manifest unknown")
        var fine = PullProgress()
        fine.append(Array("{\"status\":\"Downloaded\"}\r\nnot json at all\n".utf8))
        #expect(fine.finish() == nil)
    }

    @Test(arguments: Seeds.forThisRun(count: 400))
    func `garbage is an error or a value, never a crash`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 { decodeGarbage(&random) }
    }

    private func decodeGarbage(_ random: inout SeededRandom) {
        var bytes = Array(Self.inspect.utf8)
        for _ in 0..<Int.random(in: 1..<12, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(contentsOf: Array(#"{"State":"#.utf8), at: index)
            default: bytes = Array(bytes.prefix(index + 1))
            }
        }
        _ = try? DockerAnswers.container(bytes)
        _ = try? DockerAnswers.list(bytes)
        _ = DockerAnswers.message(bytes)
        var progress = PullProgress()
        progress.append(bytes)
        _ = progress.finish()
        var log = DockerLogDecoder()
        _ = log.decode(bytes)
    }

    @Test(arguments: [("1.41", "1.41"), ("1.24", "1.24"), ("x", nil), ("1", nil), ("1.2.3", nil), ("-1.2", nil)])
    func `engine versions`(text: String, expected: String?) {
        #expect(DockerAPIVersion(text).map { "\($0)" } == expected)
    }

    @Test func `versions compare by number`() throws {
        #expect(DockerAPIVersion(major: 1, minor: 9) < DockerAPIVersion(major: 1, minor: 24))
    }

    @Test func `paths are escaped`() {
        #expect(DockerEngine.escaped(#"{"a":["b=c"]}"#) == "%7B%22a%22%3A%5B%22b%3Dc%22%5D%7D")
    }
}

struct DockerLogTests {
    private func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        let length = UInt32(text.utf8.count)
        return [stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + Array(text.utf8)
    }

    private func text(_ pieces: [DockerLogDecoder.Piece], _ stream: DockerLogDecoder.Stream) -> String {
        String(decoding: pieces.filter { $0.stream == stream }.flatMap(\.bytes), as: UTF8.self)
    }

    @Test func `streams are kept apart however the bytes arrive`() {
        let log = frame(1, "out one\n") + frame(2, "err\n") + frame(1, "") + frame(1, "out two\n")
        for size in 1...log.count {
            var decoder = DockerLogDecoder()
            var pieces: [DockerLogDecoder.Piece] = []
            for start in stride(from: 0, to: log.count, by: size) {
                pieces += decoder.decode(Array(log[start..<min(start + size, log.count)]))
            }
            #expect(text(pieces, .standardOutput) == "out one\nout two\n")
            #expect(text(pieces, .standardError) == "err\n")
        }
    }

    @Test func `a replayed log goes on where the sandbox files end`() {
        let log = frame(1, "abc") + frame(2, "xyz") + frame(1, "def") + frame(2, "uvw")
        for out in 0...6 {
            for err in 0...6 {
                var decoder = DockerLogDecoder(alreadyWritten: [.standardOutput: out, .standardError: err])
                let pieces = decoder.decode(log)
                #expect(text(pieces, .standardOutput) == String("abcdef".dropFirst(out)))
                #expect(text(pieces, .standardError) == String("xyzuvw".dropFirst(err)))
            }
        }
    }

    @Test func `a short stream without frames is plain output, too`() {
        var decoder = DockerLogDecoder()
        #expect(decoder.decode(Array("ok\r\n".utf8)).isEmpty)
        #expect(text(decoder.finish(), .standardOutput) == "ok\r\n")
        var framed = DockerLogDecoder()
        #expect(text(framed.decode(frame(1, "x") + [1, 0]), .standardOutput) == "x")
        #expect(framed.finish().isEmpty)
    }

    @Test func `a stream without frames is plain output`() {
        var decoder = DockerLogDecoder()
        #expect(text(decoder.decode(Array("hello from a terminal".utf8)), .standardOutput) == "hello from a terminal")
    }
}
