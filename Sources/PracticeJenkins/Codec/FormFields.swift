/// What a request's parameters are made of: percent escapes, form bodies, Basic credentials.
enum FormFields {
    /// Name and value pairs of a URL-encoded form; `nil` if an escape is broken or the text is not UTF-8.
    static func parse(_ bytes: [UInt8]) -> [(name: String, value: String)]? {
        var fields: [(String, String)] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(sides[0]), let value = decode(sides.count > 1 ? sides[1] : []) else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            switch bytes[position] {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard position + 2 < bytes.endIndex,
                    let byte = UInt8(String(decoding: bytes[position + 1...position + 2], as: UTF8.self), radix: 16)
                else { return nil }
                decoded.append(byte)
                position += 2
            default: decoded.append(bytes[position])
            }
            position += 1
        }
        return String(validating: decoded, as: UTF8.self)
    }

    /// Escapes everything but unreserved characters, for a URL's path or query.
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "("), UInt8(ascii: ")"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + Digest.hexadecimal([byte]).uppercased()
            }
        }
        return encoded
    }

    /// The user and secret of an `Authorization: Basic` value.
    static func basicCredentials(_ header: String) -> (name: String, secret: String)? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = decodeBase64(String(parts[1])),
            let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    static func decodeBase64(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, count): (UInt32, Int) = (0, 0)
        var digits = text.trimmingBlanks().utf8[...]
        while digits.last == UInt8(ascii: "=") { digits.removeLast() }
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x41...0x5a: value = digit - 0x41
            case 0x61...0x7a: value = digit - 0x61 + 26
            case 0x30...0x39: value = digit - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
