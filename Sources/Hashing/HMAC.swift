// HMAC (RFC 2104) with SHA-256: what only somebody who has the key can have said.

package enum HMAC {
    /// - Returns: 32 bytes.
    package static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var block = key.count > 64 ? digest(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        return digest(block.map { $0 ^ 0x5c } + digest(block.map { $0 ^ 0x36 } + message))
    }

    private static func digest(_ message: [UInt8]) -> [UInt8] {
        var sum = SHA256()
        sum.update(message[...])
        return sum.digest()
    }
}
