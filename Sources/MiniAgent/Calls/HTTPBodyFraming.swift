// Heads of HTTP answers, and where their bodies end.

/// The status line and fields of an answer: RFC 9112, sections 4 and 5.
enum HTTPHead {
    /// The status and where the body begins; nil as long as the head is not complete.
    static func find(in bytes: [UInt8]) -> (status: Int, end: Int)? {
        guard let end = end(in: bytes) else { return nil }
        let line = bytes.prefix { $0 != 13 }
        let status = line.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap {
            Int(String(decoding: $0, as: UTF8.self))
        }
        return (status ?? 0, end)
    }

    /// The value of a field, if there is one of that name.
    ///
    /// - Parameter name: In lower case.
    static func value(of name: String, in head: ArraySlice<UInt8>) -> String? {
        for line in head.split(separator: UInt8(ascii: "\n")).dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon - line.startIndex == name.utf8.count,
                zip(name.utf8, line).allSatisfy({ $0 == $1 | 0x20 || $0 == $1 })
            else { continue }
            let isBlank = { (byte: UInt8) in byte == 13 || byte == 32 || byte == 9 }
            var value = line[(colon + 1)...].drop(while: isBlank)
            while let last = value.last, isBlank(last) { value.removeLast() }
            return String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    /// Where the first empty line ends.
    private static func end(in bytes: [UInt8]) -> Int? {
        var at = 3
        while at < bytes.count {
            if bytes[at] == 10, bytes[at - 1] == 13, bytes[at - 2] == 10, bytes[at - 3] == 13 { return at + 1 }
            at += 1
        }
        return nil
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
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(HTTPCallError) -> [UInt8] {
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

    private static func chunk(_ line: [UInt8]) throws(HTTPCallError) -> Kind {
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 > 0x20 }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
            throw .malformed("a chunk without a size")
        }
        return size == 0 ? .trailer(line: 0) : .chunk(size)
    }
}
