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

    mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    mutating func array(_ key: String, _ body: (inout JSONWriter) -> Void) {
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

    mutating func key(_ key: String) {
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

    mutating func value(_ number: Int) { raw("\(number)") }

    /// Always with a point or an exponent. JSON has no infinities: they become the text that Mesos prints.
    mutating func value(_ number: Double) {
        number.isFinite ? raw("\(number)") : value(number > 0 ? "Infinity" : "NaN")
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

    // MARK: Members

    mutating func member(_ key: String, _ text: String) {
        self.key(key)
        value(text)
    }

    mutating func member(_ key: String, _ flag: Bool) {
        self.key(key)
        value(flag)
    }

    mutating func member(_ key: String, _ number: Int) {
        self.key(key)
        value(number)
    }

    mutating func member(_ key: String, _ number: Double) {
        self.key(key)
        value(number)
    }

    mutating func member(_ key: String, _ message: some Message) {
        self.key(key)
        value(message)
    }

    mutating func member(_ key: String, _ texts: [String]) {
        array(key) { json in
            for text in texts { json.value(text) }
        }
    }

    // MARK: Text

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
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
        bytes.append(UInt8(ascii: "\""))
    }
}
