// SHA-256 and HMAC, as a controller uses them.

import Hashing

/// SHA-256 and HMAC, so that agent secrets and crumbs need no C library.
enum Digest {
    static func sha256(_ message: [UInt8]) -> [UInt8] {
        var sum = SHA256()
        sum.update(message[...])
        return sum.digest()
    }

    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        HMAC.sha256(key: key, message)
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            text.append(hexDigits[Int(byte >> 4)])
            text.append(hexDigits[Int(byte & 15)])
        }
        return text
    }

    /// The bytes that `hexadecimal` wrote; `nil` for any other text.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), digits.allSatisfy({ $0 != nil }) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }

    private static let hexDigits = Array("0123456789abcdef")
}
