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
        var block = key.count > 64 ? sha256(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        return sha256(block.map { $0 ^ 0x5c } + sha256(block.map { $0 ^ 0x36 } + message))
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            text.append(hexDigits[Int(byte >> 4)])
            text.append(hexDigits[Int(byte & 15)])
        }
        return text
    }

    private static let hexDigits = Array("0123456789abcdef")
}
