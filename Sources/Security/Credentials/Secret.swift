// A secret that cannot slip into a log, and is compared in a time that says nothing about it.

/// What proves a principal: the part behind the colon of HTTP Basic. Printing or reflecting it shows nothing.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    public init(_ text: String) { bytes = Array(text.utf8) }

    init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// Compares in a time that depends on the length of `candidate` alone, which whoever sent it knows anyway.
    public func matches(_ candidate: Secret) -> Bool { Self.areEqual(bytes, candidate.bytes) }

    /// The secret itself, for whoever has to send it.
    public var revealed: String { String(decoding: bytes, as: UTF8.self) }

    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// No early exit, and no branch on a byte of `expected`.
    @inline(never)
    private static func areEqual(_ expected: [UInt8], _ candidate: [UInt8]) -> Bool {
        var difference = expected.count ^ candidate.count
        // Something to compare with, however short the secret is; the lengths have decided by then.
        let padded = expected.isEmpty ? [0] : expected
        var index = 0
        for byte in candidate {
            difference |= Int(byte ^ padded[index])
            index += 1
            if index == padded.count { index = 0 }
        }
        return difference == 0
    }
}
