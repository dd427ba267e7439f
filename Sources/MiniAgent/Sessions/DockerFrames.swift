// The engine's framing of output and error output in one stream.

/// Takes the engine's frames apart: stream, three zeros, length, content.
struct DockerFrames: Sendable {
    private static let frameBytesMax = 16 << 20

    private var header: [UInt8] = []
    private var missing = 0
    private var stream = SessionPipe.Stream.output
    private(set) var isMalformed = false

    mutating func append(_ bytes: [UInt8]) -> [(SessionPipe.Stream, [UInt8])] {
        var pieces: [(SessionPipe.Stream, [UInt8])] = []
        var rest = bytes[...]
        while !rest.isEmpty, !isMalformed {
            if missing > 0 {
                let content = rest.prefix(missing)
                pieces.append((stream, Array(content)))
                missing -= content.count
                rest = rest.dropFirst(content.count)
                continue
            }
            let piece = rest.prefix(8 - header.count)
            header += piece
            rest = rest.dropFirst(piece.count)
            guard header.count == 8 else { break }
            missing = header[4..<8].reduce(0) { $0 << 8 | Int($1) }
            isMalformed = header[0] > 2 || header[1...3].contains { $0 != 0 } || missing > Self.frameBytesMax
            stream = header[0] == 2 ? .error : .output
            header = []
        }
        return pieces
    }
}
