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

    /// The fields of a head, in order. Lines that are none are left out.
    static func fields(of head: ArraySlice<UInt8>) -> some Sequence<HTTPField> {
        head.split(separator: UInt8(ascii: "\n")).dropFirst().lazy.compactMap { HTTPField($0) }
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

/// A field of a head: RFC 9112, section 5.
struct HTTPField {
    private let name: ArraySlice<UInt8>
    private let value: ArraySlice<UInt8>

    /// - Parameter line: With or without the line's end.
    init?(_ line: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        name = line[..<colon]
        value = line[(colon + 1)...]
    }

    /// Its value, without the blanks around it.
    var text: String {
        let isBlank = { (byte: UInt8) in byte == 13 || byte == 32 || byte == 9 }
        var text = value.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Parameter lowercased: A name in lower case; those of fields may be in either.
    func isCalled(_ lowercased: String) -> Bool {
        name.count == lowercased.utf8.count && zip(lowercased.utf8, name).allSatisfy { $0 == $1 | 0x20 }
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
        for field in HTTPHead.fields(of: head) {
            if field.isCalled("transfer-encoding") {
                isChunked = isChunked || field.text.lowercased().hasSuffix("chunked")
            } else if field.isCalled("content-length") {
                length = Int(field.text).flatMap { $0 >= 0 ? $0 : nil } ?? length
            } else if field.isCalled("connection") {
                isLast = isLast || field.text.lowercased() == "close"
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
