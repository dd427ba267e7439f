// The engine's framed log stream taken apart, and what of it is new.

/// Splits a container's log stream into standard output and standard error, leaving out what was written before.
///
/// The engine replays the log from its start; how much of each stream is in the sandbox already tells where to go on, so
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
    private var frames = DockerFrames()
    private var skip: [Stream: Int]

    /// - Parameter alreadyWritten: Bytes of each stream to leave out.
    package init(alreadyWritten: [Stream: Int] = [:]) { skip = alreadyWritten }

    /// - Returns: What the chunk adds; neighbours of one stream are one piece, since an engine frames each line.
    package mutating func decode(_ chunk: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        if isRaw {
            add(chunk[...], .standardOutput, to: &pieces)
            return pieces
        }
        for (stream, bytes) in frames.append(chunk) {
            add(bytes, stream == .error ? .standardError : .standardOutput, to: &pieces)
        }
        if frames.isMalformed {
            isRaw = true
            add(frames.takeRest()[...], .standardOutput, to: &pieces)
        }
        return pieces
    }

    /// What is left when the stream has ended: of one without frames that was too short to tell.
    package mutating func finish() -> [Piece] {
        var pieces: [Piece] = []
        if !frames.hasFrames, !isRaw {
            isRaw = true
            add(frames.takeRest()[...], .standardOutput, to: &pieces)
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
