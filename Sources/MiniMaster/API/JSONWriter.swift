// Writes JSON straight into bytes: the state of a large cluster is tens of megabytes.
import MesosProtocol
import Resources
import SwiftProtobuf

/// Appends JSON to a buffer. Commas are its business; that braces match is the caller's, which the closures see to.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    // MARK: Structure

    mutating func object(_ body: (inout JSONWriter) -> Void) { enclosed("{", "}", body) }

    mutating func array(_ body: (inout JSONWriter) -> Void) { enclosed("[", "]", body) }

    @_disfavoredOverload mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    @_disfavoredOverload mutating func array(_ key: String, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        array(body)
    }

    private mutating func enclosed(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void)
    {
        separate()
        bytes.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// - Parameter key: A name from a document's description: it is written as it is.
    mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    @_disfavoredOverload mutating func key(_ key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values

    mutating func value(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    mutating func value(_ flag: Bool) { raw(flag ? "true" : "false") }

    mutating func value(_ number: Int) {
        separate()
        append(number)
        needsComma = true
    }

    /// Always with a point or an exponent. JSON has no infinities: they become the text that Mesos prints.
    mutating func value(_ number: Double) {
        // Nearly every number is a count of thousandths with at most 15 digits, of which this is the shortest text.
        let thousandths = number * 1_000
        if thousandths.magnitude < 1e15, thousandths.rounded() / 1_000 == number, number != 0 || number.sign == .plus {
            return value(thousandths: Int(thousandths.rounded()))
        }
        number.isFinite ? raw("\(number)") : value(number > 0 ? "Infinity" : "NaN")
    }

    mutating func value(_ scalar: Scalar) { value(thousandths: Int(scalar.milli)) }

    private mutating func value(thousandths: Int) {
        separate()
        if thousandths < 0 { bytes.append(UInt8(ascii: "-")) }
        let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1_000)
        append(Int(whole))
        bytes.append(UInt8(ascii: "."))
        var fraction = rest
        var digits = 3
        while digits > 1, fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        if digits == 3 { bytes.append(UInt8(ascii: "0") + UInt8(fraction / 100)) }
        if digits >= 2 { bytes.append(UInt8(ascii: "0") + UInt8(fraction / 10 % 10)) }
        bytes.append(UInt8(ascii: "0") + UInt8(fraction % 10))
        needsComma = true
    }

    private mutating func append(_ number: Int) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        if rest < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(rest)) }
        let start = bytes.count
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(digit))
            rest = quotient
        }
        bytes[start...].reverse()
    }

    /// A message as the v1 API prints it.
    mutating func value(_ message: some Message) {
        separate()
        bytes.append(contentsOf: MesosJSON.encode(message))
        needsComma = true
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    /// Text that is JSON already.
    mutating func value(json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// Text that is part of a value as it stands, for values that are written often: its commas are the caller's.
    mutating func literal(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        needsComma = true
    }

    mutating func literal(_ text: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: text)
        needsComma = true
    }

    // MARK: In pieces

    /// Takes what has been written so far; what follows goes on where it ended.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    /// Undoes what `body` has written unless it returns true.
    mutating func attempt(_ body: (inout JSONWriter) -> Bool) -> Bool {
        let (count, neededComma) = (bytes.count, needsComma)
        if body(&self) { return true }
        bytes.removeLast(bytes.count - count)
        needsComma = neededComma
        return false
    }

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Begins an object or an array that `close` ends, for documents written a piece at a time.
    mutating func open(_ brace: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: brace))
        needsComma = false
    }

    mutating func close(_ brace: Unicode.Scalar) {
        bytes.append(UInt8(ascii: brace))
        needsComma = true
    }

    // MARK: Members

    mutating func object(_ key: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    mutating func array(_ key: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        array(body)
    }

    mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        value(text)
    }

    mutating func member(_ key: StaticString, _ flag: Bool) {
        self.key(key)
        value(flag)
    }

    mutating func member(_ key: StaticString, _ number: Int) {
        self.key(key)
        value(number)
    }

    mutating func member(_ key: StaticString, _ number: Double) {
        self.key(key)
        value(number)
    }

    mutating func member(_ key: StaticString, _ scalar: Scalar) {
        self.key(key)
        value(scalar)
    }

    mutating func member(_ key: StaticString, _ message: some Message) {
        self.key(key)
        value(message)
    }

    mutating func member(_ key: StaticString, _ texts: [String]) {
        array(key) { json in
            for text in texts { json.value(text) }
        }
    }

    // MARK: Members whose names are not written in the source

    // A literal is a StaticString where both would do, which spares a search for what has to be escaped.

    @_disfavoredOverload mutating func member(_ key: String, _ text: String) {
        self.key(key)
        value(text)
    }

    @_disfavoredOverload mutating func member(_ key: String, _ flag: Bool) {
        self.key(key)
        value(flag)
    }

    @_disfavoredOverload mutating func member(_ key: String, _ number: Int) {
        self.key(key)
        value(number)
    }

    @_disfavoredOverload mutating func member(_ key: String, _ number: Double) {
        self.key(key)
        value(number)
    }

    @_disfavoredOverload mutating func member(_ key: String, _ message: some Message) {
        self.key(key)
        value(message)
    }

    @_disfavoredOverload mutating func member(_ key: String, _ texts: [String]) {
        array(key) { json in
            for text in texts { json.value(text) }
        }
    }

    // MARK: Text

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let isPlain =
            text.utf8.withContiguousStorageIfAvailable { utf8 in
                guard !utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") })
                else {
                    return false
                }
                bytes.append(contentsOf: utf8)
                return true
            } ?? false
        if !isPlain { escape(text) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: Array("\\n".utf8))
            case UInt8(ascii: "\t"): bytes.append(contentsOf: Array("\\t".utf8))
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes.append(contentsOf: Array("\\u00\(digits.utf8.count == 1 ? "0" : "")\(digits)".utf8))
            default: bytes.append(byte)
            }
        }
    }
}
