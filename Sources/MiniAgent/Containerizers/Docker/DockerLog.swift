// The engine's framed log stream taken apart, and what of it is new.

/// Splits a container's log stream into standard output and standard error, leaving out what was written before.
///
/// Each frame is one byte for the stream (1 or 2), three zero bytes, a big-endian length of four bytes, and the bytes. The
/// engine replays the log from its start; how much of each stream is in the sandbox already tells where to go on, so
/// nothing is lost and nothing written twice, however often the stream breaks.
package struct DockerLogDecoder: Sendable {
    package enum Stream: Int, Hashable, Sendable, CaseIterable {
        case standardOutput = 1
        case standardError = 2
    }

    package struct Piece: Hashable, Sendable {
        package var stream: Stream
        package var bytes: [UInt8]
    }

    /// The stream is not framed (a terminal was attached): everything counts as standard output.
    private var isRaw = false
    private var hasFrames = false
    private var header: [UInt8] = []
    private var current: Stream?
    private var missingBytes = 0
    private var skip: [Stream: Int]

    /// - Parameter alreadyWritten: Bytes of each stream to leave out.
    package init(alreadyWritten: [Stream: Int] = [:]) { skip = alreadyWritten }

    /// - Returns: What the chunk adds; neighbours of one stream are one piece, since an engine frames each line.
    package mutating func decode(_ chunk: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        var rest = chunk[...]
        while !rest.isEmpty {
            if isRaw {
                add(rest, .standardOutput, to: &pieces)
                return pieces
            }
            if missingBytes > 0, let current {
                let part = rest.prefix(missingBytes)
                missingBytes -= part.count
                rest = rest.dropFirst(part.count)
                add(part, current, to: &pieces)
                continue
            }
            let part = rest.prefix(8 - header.count)
            header += part
            rest = rest.dropFirst(part.count)
            guard header.count == 8 else { continue }
            // 0 is standard input in the protocol; engines do not send it.
            if header[0] <= 2, header[1] == 0, header[2] == 0, header[3] == 0 {
                hasFrames = true
                current = Stream(rawValue: Int(header[0])) ?? .standardOutput
                missingBytes = header[4...].reduce(0) { $0 << 8 | Int($1) }
            } else {
                isRaw = true
                rest = header[...] + rest
            }
            header = []
        }
        return pieces
    }

    /// What is left when the stream has ended: of one without frames that was too short to tell.
    package mutating func finish() -> [Piece] {
        var pieces: [Piece] = []
        if !hasFrames, !isRaw, !header.isEmpty {
            isRaw = true
            let rest = header
            header = []
            add(rest[...], .standardOutput, to: &pieces)
        }
        return pieces
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>, _ stream: Stream, to pieces: inout [Piece]) {
        let skipped = min(skip[stream] ?? 0, bytes.count)
        if skipped > 0 { skip[stream] = (skip[stream] ?? 0) - skipped }
        guard skipped < bytes.count else { return }
        if let last = pieces.indices.last, pieces[last].stream == stream {
            pieces[last].bytes += bytes.dropFirst(skipped)
        } else {
            pieces.append(Piece(stream: stream, bytes: Array(bytes.dropFirst(skipped))))
        }
    }
}
