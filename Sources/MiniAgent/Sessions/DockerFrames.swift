// The engine's framing of output and error output in one stream.

/// Takes the engine's frames apart: one byte for the stream (1 or 2), three zeros, a big-endian length of four bytes, and the
/// content.
struct DockerFrames: Sendable {
    /// No engine sends a frame of this size.
    private static let frameBytesMax = 16 << 20

    private var header: [UInt8] = []
    private var missing = 0
    private var stream = SessionPipe.Stream.output
    private(set) var hasFrames = false
    /// What came is no frame.
    private(set) var isMalformed = false

    /// - Returns: What the bytes add to each stream, in order. Nothing more once the stream is malformed.
    mutating func append(_ bytes: [UInt8]) -> [(stream: SessionPipe.Stream, bytes: ArraySlice<UInt8>)] {
        var pieces: [(stream: SessionPipe.Stream, bytes: ArraySlice<UInt8>)] = []
        var rest = bytes[...]
        while !rest.isEmpty, !isMalformed {
            if missing > 0 {
                let content = rest.prefix(missing)
                pieces.append((stream, content))
                missing -= content.count
                rest = rest.dropFirst(content.count)
                continue
            }
            let piece = rest.prefix(8 - header.count)
            header += piece
            rest = rest.dropFirst(piece.count)
            guard header.count == 8 else { break }
            missing = header[4..<8].reduce(0) { $0 << 8 | Int($1) }
            // 0 is standard input in the protocol; engines do not send it.
            if header[0] > 2 || header[1...3].contains(where: { $0 != 0 }) || missing > Self.frameBytesMax {
                isMalformed = true
                header += rest
            } else {
                hasFrames = true
                stream = header[0] == 2 ? .error : .output
                header = []
            }
        }
        return pieces
    }

    /// What belongs to no frame: all since the stream was found malformed, or the beginning of a header. Asked for once.
    mutating func takeRest() -> [UInt8] {
        defer { header = [] }
        return header
    }
}
