// One connection to the engine that carries a single answer, as its bytes come.

/// Lives on the thread of ``EngineStreams`` only.
final class EngineConnection {
    private enum Phase {
        case head([UInt8])
        case body(HTTPBodyFraming)
        /// The engine says no; why is being read.
        case refusal(status: Int, text: [UInt8], HTTPBodyFraming)
    }

    private static let headBytesMax = 64 << 10
    private static let reasonBytesMax = 64 << 10

    let life: EngineStreamLife
    let socket: Int32
    var unsent: ArraySlice<UInt8>
    /// Until when something must have come; nil once it may last.
    private(set) var deadline: ContinuousClock.Instant?
    private var phase = Phase.head([])

    init(_ life: EngineStreamLife, socket: Int32, request: [UInt8], until deadline: ContinuousClock.Instant) {
        self.life = life
        self.socket = socket
        unsent = request[...]
        self.deadline = deadline
    }

    /// - Returns: Whether that was the last of it.
    func receive(_ bytes: ArraySlice<UInt8>) throws(DockerError) -> Bool {
        switch phase {
        case .head(let before):
            let head = before + bytes
            guard let (status, headEnd) = DockerOpening.head(of: head) else {
                guard head.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
                phase = .head(head)
                return false
            }
            let framing = HTTPBodyFraming(status: status, head: head[..<headEnd])
            if status == 200 || status == 101 {
                deadline = nil
                phase = .body(framing)
                life.opened.open(.success(()))
            } else {
                phase = .refusal(status: status, text: [], framing)
                // The rest is only its reason.
                let soon = ContinuousClock.now + .seconds(1)
                deadline = deadline.map { min($0, soon) }
            }
            return try receive(head[headEnd...])
        case .body(var framing):
            let payload = try framing.take(bytes)
            phase = .body(framing)
            if !payload.isEmpty { life.sink.take(payload) }
            return framing.isOver
        case .refusal(let status, var text, var framing):
            text += (try? framing.take(bytes)) ?? []
            phase = .refusal(status: status, text: text, framing)
            if framing.isOver || text.count >= Self.reasonBytesMax { throw lateness }
            return false
        }
    }

    /// The engine has closed the connection.
    func receiveEnd() throws(DockerError) -> Bool {
        if case .body(let framing) = phase, framing.endsWithConnection { return true }
        if case .refusal = phase { throw lateness }
        throw .unreachable("it closed the connection")
    }

    /// What it comes to if no more is waited for.
    var lateness: DockerError {
        guard case .refusal(let status, let text, _) = phase else { return .unreachable("timed out") }
        return .refused(status: status, message: DockerAnswers.message(text))
    }
}

/// How the end of an answer's body is known: RFC 9112, section 6.3.
struct HTTPBodyFraming: Sendable {
    private enum Kind {
        case untilClose
        case length(Int)
        /// The line that says how long the next chunk is.
        case chunkSize([UInt8])
        case chunk(Int)
        /// The line end behind a chunk.
        case chunkEnd
        case trailer(line: Int)
    }

    /// A chunk's size with its extensions, of which nobody needs any.
    private static let sizeLineBytesMax = 256
    private static let trailerLineBytesMax = 64 << 10

    private var kind: Kind

    /// - Parameter head: The status line and fields.
    init(status: Int, head: ArraySlice<UInt8>) {
        kind = .untilClose
        if status == 101 { return }  // From now on it is no HTTP.
        isLast = head.starts(with: Array("HTTP/1.0".utf8))
        var length: Int?
        var isChunked = false
        for line in head.split(separator: UInt8(ascii: "\n")).dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = {
                String(decoding: line[(colon + 1)...], as: UTF8.self).lowercased().filter { !$0.isWhitespace }
            }
            switch Self.field(line[..<colon]) {
            case .transferEncoding: isChunked = isChunked || value().hasSuffix("chunked")
            case .contentLength: length = Int(value()).flatMap { $0 >= 0 ? $0 : nil } ?? length
            case .connection: isLast = isLast || value() == "close"
            case nil: break
            }
        }
        if status == 204 || status == 304 {
            kind = .length(0)  // Whatever the fields say.
        } else if isChunked {
            kind = .chunkSize([])
        } else if let length {
            kind = .length(length)
        } else {
            isLast = true
        }
    }

    private enum Field: String, CaseIterable {
        case transferEncoding = "transfer-encoding"
        case contentLength = "content-length"
        case connection
    }

    /// The field of a name, if it says anything about the body's end.
    private static func field(_ name: ArraySlice<UInt8>) -> Field? {
        Field.allCases.first { field in
            field.rawValue.utf8.count == name.count
                && zip(field.rawValue.utf8, name).allSatisfy { $0 == $1 | 0x20 }
        }
    }

    /// Whether the connection ends with this answer.
    private(set) var isLast = true

    var endsWithConnection: Bool { if case .untilClose = kind { true } else { false } }

    private(set) var isOver = false

    /// - Returns: What of the bytes belongs to the body.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(DockerError) -> [UInt8] {
        if case .untilClose = kind { return Array(bytes) }
        var payload: [UInt8] = []
        var rest = bytes
        if case .length(0) = kind { isOver = true }
        while !rest.isEmpty, !isOver {
            switch kind {
            case .untilClose:
                return payload
            case .length(let left):
                let part = rest.prefix(left)
                payload += part
                rest = rest.dropFirst(part.count)
                kind = .length(left - part.count)
                isOver = left == part.count
            case .chunk(let left):
                let part = rest.prefix(left)
                payload += part
                rest = rest.dropFirst(part.count)
                kind = left == part.count ? .chunkEnd : .chunk(left - part.count)
            case .chunkSize(var line):
                let byte = rest.removeFirst()
                line.append(byte)
                guard line.count <= Self.sizeLineBytesMax else { throw .malformed("a chunk without a size") }
                kind = try byte == UInt8(ascii: "\n") ? Self.chunk(line) : .chunkSize(line)
            case .chunkEnd:
                let byte = rest.removeFirst()
                guard byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") else {
                    throw .malformed("a chunk longer than its size")
                }
                if byte == UInt8(ascii: "\n") { kind = .chunkSize([]) }
            case .trailer(let count):
                let byte = rest.removeFirst()
                if byte == UInt8(ascii: "\n") {
                    isOver = count == 0
                    kind = .trailer(line: 0)
                } else if byte != UInt8(ascii: "\r") {
                    guard count < Self.trailerLineBytesMax else { throw .malformed("a trailer without an end") }
                    kind = .trailer(line: count + 1)
                }
            }
        }
        return payload
    }

    private static func chunk(_ line: [UInt8]) throws(DockerError) -> Kind {
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 > 0x20 }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
            throw .malformed("a chunk without a size")
        }
        return size == 0 ? .trailer(line: 0) : .chunk(size)
    }
}
