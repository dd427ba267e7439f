// A container's description as a task's status keeps it: the usual one in a few words, any other as its bytes.

/// An encoded `ContainerStatus`, given back byte for byte.
///
/// A master keeps one for each task. Nearly all of them say the same: a UUID and one IPv4 address. Those take 24 bytes in
/// place instead of a block of their own on the heap.
struct EncodedContainer: Sendable {
    private enum Form: Sendable {
        case none
        case usual(high: UInt64, low: UInt64, address: UInt32, namesProtocol: Bool)
        case other([UInt8])
    }

    private var form: Form

    /// - Parameter bytes: Empty for none.
    init(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            form = .none
        } else if let usual = Self.usual(bytes), Self.write(usual) == bytes {
            form = .usual(
                high: usual.high, low: usual.low, address: usual.address, namesProtocol: usual.namesProtocol)
        } else {
            form = .other(bytes)
        }
    }

    var isEmpty: Bool {
        if case .none = form { true } else { false }
    }

    var bytes: [UInt8] {
        switch form {
        case .none: []
        case .usual(let high, let low, let address, let namesProtocol):
            Self.write(Usual(high: high, low: low, address: address, namesProtocol: namesProtocol))
        case .other(let bytes): bytes
        }
    }

    // MARK: The usual one

    private struct Usual {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var address: UInt32 = 0
        var namesProtocol = false
    }

    /// network_infos (1) { ip_addresses (5) { protocol (1) = IPv4, ip_address (2) } }, container_id (4) { value (1) }.
    private enum Tag {
        static let networks: UInt8 = 0x0A
        static let addresses: UInt8 = 0x2A
        static let ipv4: [UInt8] = [0x08, 0x01]
        static let address: UInt8 = 0x12
        static let id: [UInt8] = [0x22, 38, 0x0A, 36]
    }

    /// What it would be if it is the usual one; whoever asks compares.
    private static func usual(_ bytes: [UInt8]) -> Usual? {
        let idStart = bytes.count - 40
        guard idStart >= 6, bytes[0] == Tag.networks, bytes[2] == Tag.addresses else { return nil }
        var usual = Usual()
        var position = 4
        if bytes[4] == Tag.ipv4[0], bytes[5] == Tag.ipv4[1] {
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

    private static func write(_ usual: Usual) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(72)
        bytes += [Tag.networks, 0, Tag.addresses, 0]
        if usual.namesProtocol { bytes += Tag.ipv4 }
        bytes += [Tag.address, 0]
        let start = bytes.count
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            let part = UInt8(truncatingIfNeeded: usual.address >> shift)
            if part >= 100 { bytes.append(UInt8(ascii: "0") + part / 100) }
            if part >= 10 { bytes.append(UInt8(ascii: "0") + part / 10 % 10) }
            bytes.append(UInt8(ascii: "0") + part % 10)
            if shift > 0 { bytes.append(UInt8(ascii: ".")) }
        }
        bytes[start - 1] = UInt8(bytes.count - start)
        bytes[3] = UInt8(bytes.count - 4)
        bytes[1] = UInt8(bytes.count - 2)
        bytes += Tag.id
        for (word, hyphens) in [(usual.high, [8, 12]), (usual.low, [0, 4])] {
            for digit in 0..<16 {
                if hyphens.contains(digit) { bytes.append(UInt8(ascii: "-")) }
                let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * digit)) & 15
                bytes.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
            }
        }
        return bytes
    }
}
