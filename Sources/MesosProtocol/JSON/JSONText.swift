// The spelling of single JSON values as Apache Mesos prints them, appended to a byte buffer.

enum JSONText {
    private static let hexDigits = Array("0123456789ABCDEF".utf8)
    private static let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(integer value: Int64, to out: inout [UInt8]) {
        if value < 0 { out.append(UInt8(ascii: "-")) }
        append(unsigned: value.magnitude, to: &out)
    }

    static func append(unsigned value: UInt64, to out: inout [UInt8]) {
        let start = out.count
        var rest = value
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        out[start...].reverse()
    }

    /// The shortest text that reads back as the same number, always with a point or an exponent; NaN and infinities as
    /// bare words.
    static func append(double value: Double, to out: inout [UInt8]) {
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53, !(whole == 0 && value.sign == .minus) {
            append(integer: whole, to: &out)
            out.append(UInt8(ascii: "."))
            out.append(UInt8(ascii: "0"))
        } else if value.isFinite {
            out.append(contentsOf: value.description.utf8)
        } else if value.isNaN {
            out.append(contentsOf: "NaN".utf8)
        } else {
            out.append(contentsOf: (value < 0 ? "-Infinity" : "Infinity").utf8)
        }
    }

    /// The text in quotes, with everything escaped that JSON demands and nothing else.
    static func append(string value: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        let plain: Void? = value.utf8.withContiguousStorageIfAvailable { append(escaping: $0, to: &out) }
        if plain == nil { append(escaping: Array(value.utf8), to: &out) }
        out.append(UInt8(ascii: "\""))
    }

    private static func append(escaping bytes: some Collection<UInt8>, to out: inout [UInt8]) {
        if !bytes.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            out.append(contentsOf: bytes)
            return
        }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0x08: out.append(contentsOf: #"\b"#.utf8)
            case 0x0C: out.append(contentsOf: #"\f"#.utf8)
            case 0x0A: out.append(contentsOf: #"\n"#.utf8)
            case 0x0D: out.append(contentsOf: #"\r"#.utf8)
            case 0x09: out.append(contentsOf: #"\t"#.utf8)
            case ..<0x20:
                out.append(contentsOf: #"\u00"#.utf8)
                out.append(hexDigits[Int(byte >> 4)])
                out.append(hexDigits[Int(byte & 15)])
            default: out.append(byte)
            }
        }
    }

    /// Base64 in quotes: standard alphabet, padded, no line breaks.
    static func append(bytes: some Collection<UInt8>, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var group: UInt32 = 0
        var held = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                append(group: group, digits: 4, to: &out)
                (group, held) = (0, 0)
            }
        }
        if held > 0 {
            append(group: group << UInt32(8 * (3 - held)), digits: held + 1, to: &out)
            out.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - held))
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func append(group: UInt32, digits: Int, to out: inout [UInt8]) {
        for position in 0..<digits {
            out.append(base64Digits[Int(group >> UInt32(18 - 6 * position) & 63)])
        }
    }

    /// Reads base64 as Mesos does: white space is skipped, reading stops at the first `=`, and a group that is too short
    /// to hold a byte counts for nothing.
    ///
    /// - Returns: `nil` if there is any other character, the URL-safe alphabet included.
    static func bytes(fromBase64 text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var bits = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            case 0x20, 0x09...0x0D: continue
            case UInt8(ascii: "="): return bytes
            default: return nil
            }
            group = group << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return bytes
    }
}
