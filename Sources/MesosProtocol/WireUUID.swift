// The 16 bytes that name a status update, an operation, a stream or a container.

/// A UUID as the wire carries it: 16 bytes, or 36 characters of text.
public struct WireUUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// - Returns: `nil` unless there are exactly 16 bytes.
    public init?(bytes: some Sequence<UInt8>) {
        var words: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        for byte in bytes {
            guard count < 16 else { return nil }
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
            count += 1
        }
        guard count == 16 else { return nil }
        high = words.high
        low = words.low
    }

    /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in either case.
    public init?(text: some StringProtocol) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        let digits = groups.joined().utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            guard let first = digits[index], let second = digits[index + 1] else { return nil }
            bytes.append(UInt8(first << 4 | second))
        }
        self.init(bytes: bytes)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random UUID (version 4). Cores pass their seeded generator, shells `SystemRandomNumberGenerator`.
    public static func random(using generator: inout some RandomNumberGenerator) -> WireUUID {
        let version: UInt64 = 0x4000
        let variant: UInt64 = 0x8000_0000_0000_0000
        return WireUUID(
            high: generator.next() & ~0xF000 | version,
            low: generator.next() & ~0xC000_0000_0000_0000 | variant)
    }

    public static func random() -> WireUUID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    public var bytes: [UInt8] {
        [high, low].flatMap { word in stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// Lower-case text with hyphens.
    public var description: String {
        let digits = Array("0123456789abcdef")
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append("-") }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }

    public static func < (left: WireUUID, right: WireUUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
