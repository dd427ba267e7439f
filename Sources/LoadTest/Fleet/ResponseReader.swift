// Takes HTTP/1.1 responses apart as they arrive: just enough for answers of our own server.

/// Reads responses of one connection, one after another.
struct ResponseReader {
    enum Part: Equatable {
        case head(status: Int)
        case body([UInt8])
        case end
        /// Not HTTP, or more of it than we read. Nothing follows.
        case malformed
    }

    private enum Phase {
        case head
        case fixed(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailer
        case failed
    }

    private static let headBytesMax = 16_384

    private var phase = Phase.head
    private var line: [UInt8] = []
    /// Names in lower case, of the response whose head was read last.
    private(set) var headers: [String: String] = [:]

    /// What a piece of input brings.
    mutating func read(_ input: UnsafeRawBufferPointer, _ report: (Part) -> Void) {
        var rest = input[...]
        while !rest.isEmpty {
            switch phase {
            case .head:
                guard takeLine(&rest, untilBlank: true) else { continue }
                guard let status = parseHead() else { return fail(report) }
                report(.head(status: status))
                begin(report)
            case .fixed(let left):
                let piece = rest.prefix(left)
                rest = rest.dropFirst(piece.count)
                report(.body(Array(piece)))
                if piece.count == left { finish(report) } else { phase = .fixed(left: left - piece.count) }
            case .chunkSize:
                guard takeLine(&rest, untilBlank: false) else { continue }
                let digits = String(decoding: line.prefix { $0 != UInt8(ascii: ";") && $0 != 13 }, as: UTF8.self)
                line = []
                guard let size = Int(digits, radix: 16), size >= 0 else { return fail(report) }
                phase = size == 0 ? .trailer : .chunk(left: size)
            case .chunk(let left):
                let piece = rest.prefix(left)
                rest = rest.dropFirst(piece.count)
                report(.body(Array(piece)))
                phase = piece.count == left ? .chunkEnd : .chunk(left: left - piece.count)
            case .chunkEnd:
                guard takeLine(&rest, untilBlank: false) else { continue }
                line = []
                phase = .chunkSize
            case .trailer:
                guard takeLine(&rest, untilBlank: false) else { continue }
                let isOver = line == [13, 10] || line == [10]
                line = []
                if isOver { finish(report) }
            case .failed: return
            }
            if line.count > Self.headBytesMax { return fail(report) }
        }
    }

    private mutating func fail(_ report: (Part) -> Void) {
        phase = .failed
        report(.malformed)
    }

    private mutating func finish(_ report: (Part) -> Void) {
        phase = .head
        report(.end)
    }

    /// Collects input up to a line feed, or to an empty line.
    private mutating func takeLine(
        _ rest: inout Slice<UnsafeRawBufferPointer>, untilBlank: Bool
    ) -> Bool {
        while let byte = rest.popFirst() {
            line.append(byte)
            if byte != 10 { continue }
            if !untilBlank || line.suffix(4) == [13, 10, 13, 10] || line.suffix(2) == [10, 10] { return true }
            if line.count > Self.headBytesMax { return false }
        }
        return false
    }

    private mutating func parseHead() -> Int? {
        let text = String(decoding: line, as: UTF8.self)
        line = []
        let lines = text.split(whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        headers = [:]
        for field in lines.dropFirst() {
            guard let colon = field.firstIndex(of: ":") else { continue }
            let value = field[field.index(after: colon)...].drop { $0 == " " }
            headers[field[..<colon].lowercased()] = String(value)
        }
        return status
    }

    private mutating func begin(_ report: (Part) -> Void) {
        if headers["transfer-encoding"]?.lowercased() == "chunked" {
            phase = .chunkSize
        } else if let length = headers["content-length"].flatMap({ Int($0) }), length > 0 {
            phase = .fixed(left: length)
        } else {
            finish(report)
        }
    }
}
