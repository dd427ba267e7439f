// What tells one request from all others, in the log and in its answer.

/// The name of one request: the caller's own, if it sent one that is fit for a log, or a new one.
///
/// It comes back as `X-Request-Id`, so that whoever asked and whoever reads the log speak of the same request.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    public static let headerName = "X-Request-Id"
    /// UUIDs and the names that load balancers give are shorter.
    static let bytesMax = 128

    /// The request that is being answered; what is logged meanwhile is about it.
    @TaskLocal public static var current: RequestID?

    public let description: String

    /// A new one: 60 random bits, which fit into a string without storage of its own.
    init() {
        let digits = String(UInt64.random(in: 0..<1 << 60), radix: 16)
        description = String(repeating: "0", count: 15 - digits.utf8.count) + digits
    }

    /// - Returns: Nil for what could forge a log line or a header, or would fill them.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= Self.bytesMax, text.utf8.allSatisfy(Self.isFit) else { return nil }
        description = text
    }

    /// Letters, digits, and what UUIDs, paths and base64 are made of.
    private static func isFit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_.:=+/@".utf8.contains(byte)
        }
    }
}
