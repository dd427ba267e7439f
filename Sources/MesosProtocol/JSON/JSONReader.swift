// Reads JSON text from strangers: strict grammar, bounded depth and size, never a crash.

/// How much a JSON text may ask of its reader.
public struct JSONLimits: Hashable, Sendable {
    public var bytesMax: Int
    /// Nesting of arrays and objects. Protobuf itself stops at 100 levels of messages.
    public var depthMax: Int

    public init(bytesMax: Int = 16 << 20, depthMax: Int = 100) {
        self.bytesMax = bytesMax
        self.depthMax = depthMax
    }

    public static let standard = JSONLimits()
}

/// Why a text is not JSON that we read. The description names the place, as in `syntax error at line 1 near: x`.
public enum JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `near` is the rest of the line from where reading stopped, shortened.
    case malformed(line: Int, near: String)
    case tooDeep(levelsMax: Int)
    case tooLarge(bytes: Int, bytesMax: Int)

    public var description: String {
        switch self {
        case .malformed(let line, let near): "syntax error at line \(line) near: \(near)"
        case .tooDeep(let levelsMax): "nested deeper than \(levelsMax) levels"
        case .tooLarge(let bytes, let bytesMax): "\(bytes) bytes, at most \(bytesMax) are read"
        }
    }
}

extension JSONValue {
    /// Reads one JSON text, UTF-8, with nothing after it but white space.
    ///
    /// The bare words `NaN`, `Infinity` and `-Infinity` are numbers here, because Mesos prints them so.
    ///
    /// - Parameter selection: What is kept of the text. The rest must be JSON all the same.
    public init(
        parsing bytes: [UInt8], limits: JSONLimits = .standard, keeping selection: JSONSelection = .everything
    ) throws(JSONSyntaxError) {
        guard bytes.count <= limits.bytesMax else {
            throw .tooLarge(bytes: bytes.count, bytesMax: limits.bytesMax)
        }
        var reader = JSONReader(bytes: bytes, depthMax: limits.depthMax)
        self = try reader.text(selection)
    }
}

/// A cursor over the text. `at` never passes `bytes.count`.
struct JSONReader {
    let bytes: [UInt8]
    let depthMax: Int
    var at = 0

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    mutating func text(_ selection: JSONSelection) throws(JSONSyntaxError) -> JSONValue {
        skipSpace()
        let value = try value(depth: 0, selection)
        skipSpace()
        guard at == bytes.count else { throw malformed() }
        return value
    }

    /// The error for the place where reading stopped, `offset` if given.
    func malformed(at offset: Int? = nil) -> JSONSyntaxError {
        let place = min(offset ?? at, bytes.count)
        let line = 1 + bytes[..<place].count { $0 == UInt8(ascii: "\n") }
        let rest = bytes[place...].prefix(64).prefix { $0 != UInt8(ascii: "\n") }
        return .malformed(line: line, near: String(decoding: rest, as: UTF8.self))
    }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            at += 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    mutating func take(word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - at >= count else { return false }
        let matches = word.withUTF8Buffer { $0.elementsEqual(bytes[at..<at + count]) }
        if matches { at += count }
        return matches
    }

    mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard let byte = next else { throw malformed() }
        switch byte {
        case UInt8(ascii: "{"):
            return try object(depth: depth + 1)
        case UInt8(ascii: "["):
            return try array(depth: depth + 1)
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "t"):
            if take(word: "true") { return .bool(true) }
        case UInt8(ascii: "f"):
            if take(word: "false") { return .bool(false) }
        case UInt8(ascii: "n"):
            if take(word: "null") { return .null }
        case UInt8(ascii: "N"):
            if take(word: "NaN") { return .number(.double(.nan)) }
        case UInt8(ascii: "I"):
            if take(word: "Infinity") { return .number(.double(.infinity)) }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            if take(word: "-Infinity") { return .number(.double(-.infinity)) }
            return .number(try number())
        default:
            break
        }
        throw malformed()
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard depth <= depthMax else { throw .tooDeep(levelsMax: depthMax) }
        at += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            skipSpace()
            values.append(try value(depth: depth))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw malformed() }
        }
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard depth <= depthMax else { throw .tooDeep(levelsMax: depthMax) }
        at += 1
        var members: [JSONMember] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw malformed() }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw malformed() }
            skipSpace()
            members.append(JSONMember(key: key, value: try value(depth: depth)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw malformed() }
        }
    }

    // MARK: Strings

    mutating func string() throws(JSONSyntaxError) -> String {
        let opening = at
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            at += 1
        }
        if next == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[start..<at], as: UTF8.self) else { throw malformed(at: opening) }
            at += 1
            return text
        }
        return try escapedString(prefix: bytes[start..<at], opening: opening)
    }

    /// The rest of a string that holds escapes, from the first one on.
    mutating func escapedString(prefix: ArraySlice<UInt8>, opening: Int) throws(JSONSyntaxError) -> String {
        var text = Array(prefix)
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw malformed(at: opening) }
                at += 1
                return string
            case UInt8(ascii: "\\"):
                at += 1
                try escape(into: &text)
            case ..<0x20:
                throw malformed()
            default:
                text.append(byte)
                at += 1
            }
        }
        throw malformed()
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        guard let byte = next else { throw malformed() }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            at += 1
            text.append(contentsOf: String(try unicodeScalar()).utf8)
            return
        default: throw malformed()
        }
        at += 1
    }

    /// The scalar of one `\uXXXX`, or of a surrogate pair of two, from the first digit on.
    private mutating func unicodeScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        let high = try fourHexDigits()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800...0xDBFF).contains(high), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw malformed()
        }
        let low = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw malformed() }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw malformed() }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    // MARK: Numbers

    mutating func digits() -> Int {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            at += 1
        }
        return at - start
    }

    mutating func number() throws(JSONSyntaxError) -> JSONNumber {
        let start = at
        let negative = take(UInt8(ascii: "-"))
        let leadingZero = next == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !(leadingZero && whole > 1) else { throw malformed(at: start) }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw malformed(at: start) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw malformed(at: start) }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        if isInteger, !negative, let value = UInt64(text) { return .unsigned(value) }
        guard let value = Double(text) else { throw malformed(at: start) }
        return .double(value)
    }
}
