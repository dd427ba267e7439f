// A container's description as a task's status keeps it: the usual one in a few words, any other as its bytes.

/// An encoded `ContainerStatus`, given back byte for byte.
///
/// A master keeps one for each task. Nearly all of them say the same: a UUID and one IPv4 address. Those take 24 bytes in
/// place instead of a block of their own on the heap.
struct EncodedContainer: Sendable {
    private enum Form: Sendable {
        case none
        case usual(Usual)
        case other([UInt8])
    }

    private var form: Form

    /// None.
    init() { form = .none }

    /// - Parameter bytes: Empty for none.
    init(_ bytes: [UInt8]) { self = bytes.withUnsafeBytes { EncodedContainer($0) } }

    /// - Parameter bytes: Empty for none.
    init(_ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty {
            form = .none
        } else if let usual = Self.usual(bytes), Self.encoded(usual, { $0.elementsEqual(bytes) }) {
            form = .usual(usual)
        } else {
            form = .other(Array(bytes))
        }
    }

    var isEmpty: Bool {
        if case .none = form { true } else { false }
    }

    /// Whether it is well-formed for certain: it can be written anew from a few words.
    var isUsual: Bool {
        if case .usual = form { true } else { false }
    }

    var bytes: [UInt8] {
        switch form {
        case .none: []
        case .usual(let usual): Self.encoded(usual) { Array($0) }
        case .other(let bytes): bytes
        }
    }

    /// Lends the texts of the usual one, for those who print many.
    ///
    /// - Returns: False if it is none; `body` is not called then.
    func withUsualTexts(_ body: (_ id: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer) -> Void) -> Bool {
        guard case .usual(let usual) = form else { return false }
        Self.encoded(usual) { bytes in
            let idStart = bytes.count - Self.idLength
            let addressStart = usual.namesProtocol ? 8 : 6
            body(
                UnsafeRawBufferPointer(rebasing: bytes[idStart...]),
                UnsafeRawBufferPointer(rebasing: bytes[addressStart..<idStart - Tag.id.count]))
        }
        return true
    }

    // MARK: The usual one

    private struct Usual: Sendable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var address: UInt32 = 0
        var namesProtocol = false
    }

    /// network_infos (1) { ip_addresses (5) { protocol (1) = IPv4, ip_address (2) } }, container_id (4) { value (1) }.
    private enum Tag {
        static let networks: UInt8 = 0x0A
        static let addresses: UInt8 = 0x2A
        static let ipv4: (UInt8, UInt8) = (0x08, 0x01)
        static let address: UInt8 = 0x12
        static let id: [UInt8] = [0x22, 38, 0x0A, 36]
    }

    private static let idLength = 36
    /// With the longest address: 8 bytes before it, 15 of it, 4 before the id.
    private static let encodedMax = 8 + 15 + 4 + idLength

    /// What it would be if it is the usual one; whoever asks compares.
    private static func usual(_ bytes: UnsafeRawBufferPointer) -> Usual? {
        let idStart = bytes.count - 40
        guard idStart >= 6, bytes[0] == Tag.networks, bytes[2] == Tag.addresses else { return nil }
        var usual = Usual()
        var position = 4
        if (bytes[4], bytes[5]) == Tag.ipv4 {
            usual.namesProtocol = true
            position = 6
        }
        // The tag and the length of the address come next.
        position += 2
        guard position < idStart else { return nil }
        var part: UInt32 = 0
        for byte in bytes[position..<idStart] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                part = part &* 10 &+ UInt32(byte - UInt8(ascii: "0"))
                guard part < 256 else { return nil }
            case UInt8(ascii: "."):
                usual.address = usual.address << 8 | part
                part = 0
            default: return nil
            }
        }
        usual.address = usual.address << 8 | part
        for byte in bytes[(idStart + 4)...] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "-"): continue
            default: return nil
            }
            usual.high = usual.high << 4 | usual.low >> 60
            usual.low = usual.low << 4 | UInt64(digit)
        }
        return usual
    }

    /// Writes the message where `body` can read it, not on the heap: this is done for each task of a large cluster.
    private static func encoded<Result>(_ usual: Usual, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: encodedMax, alignment: 1) { buffer in
            let count = write(usual, to: buffer)
            return body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// - Returns: How many bytes.
    private static func write(_ usual: Usual, to bytes: UnsafeMutableRawBufferPointer) -> Int {
        var end = 0
        func append(_ byte: UInt8) {
            bytes[end] = byte
            end += 1
        }
        append(Tag.networks)
        append(0)
        append(Tag.addresses)
        append(0)
        if usual.namesProtocol {
            append(Tag.ipv4.0)
            append(Tag.ipv4.1)
        }
        append(Tag.address)
        append(0)
        let start = end
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            let part = UInt8(truncatingIfNeeded: usual.address >> shift)
            if part >= 100 { append(UInt8(ascii: "0") + part / 100) }
            if part >= 10 { append(UInt8(ascii: "0") + part / 10 % 10) }
            append(UInt8(ascii: "0") + part % 10)
            if shift > 0 { append(UInt8(ascii: ".")) }
        }
        bytes[start - 1] = UInt8(end - start)
        bytes[3] = UInt8(end - 4)
        bytes[1] = UInt8(end - 2)
        for byte in Tag.id { append(byte) }
        for digit in 0..<32 {
            // 8-4-4-4-12.
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 { append(UInt8(ascii: "-")) }
            let word = digit < 16 ? usual.high : usual.low
            let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (digit & 15))) & 15
            append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
        }
        return end
    }
}
