// The ways in which Mesos writes values: booleans, durations, sizes, lists.

/// Reads and writes the text of flags.
///
/// - SeeAlso: The `Duration` and `Bytes` of Apache Mesos, and its document "Configuration".
public enum FlagText {
    /// Nanoseconds in 63 bits: 292 years.
    public static let durationMax = Duration.nanoseconds(Int64.max)

    private static let durationUnits: [(name: String, nanoseconds: Int64)] = [
        ("weeks", 604_800_000_000_000), ("days", 86_400_000_000_000), ("hrs", 3_600_000_000_000),
        ("mins", 60_000_000_000), ("secs", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]
    private static let byteUnits: [(name: String, bytes: UInt64)] = [
        ("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1),
    ]

    /// `true`, `1` or nothing; `false` or `0`.
    public static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "1", "": true
        case "false", "0": false
        default: nil
        }
    }

    public static func integer(_ text: String) -> Int? {
        text.utf8.allSatisfy(isDigit) ? Int(text) : nil
    }

    /// A decimal number, without exponent or sign.
    public static func number(_ text: String) -> Double? {
        text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") } ? Double(text) : nil
    }

    /// A number and a unit: `10secs`, `1.5mins`, `500ms`.
    public static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let name = text.dropFirst(digits.count)
        guard let value = Double(digits), let unit = durationUnits.first(where: { $0.name == name }) else { return nil }
        let nanoseconds = value * Double(unit.nanoseconds)
        guard nanoseconds < 9e18 else { return nil }
        return .nanoseconds(Int64(nanoseconds))
    }

    /// In the largest unit that keeps the number whole.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds = overflows ? Int64.max : scaled + attoseconds / 1_000_000_000
        for unit in durationUnits where nanoseconds >= unit.nanoseconds && nanoseconds % unit.nanoseconds == 0 {
            return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
        }
        return "\(nanoseconds)ns"
    }

    /// A whole number and a unit: `512MB`.
    public static func bytes(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard let value = UInt64(digits), let unit = byteUnits.first(where: { $0.name == name }) else { return nil }
        let (product, overflows) = value.multipliedReportingOverflow(by: unit.bytes)
        return overflows ? nil : product
    }

    /// Items between commas, without the blanks around them; `nil` if one is empty.
    public static func list(_ text: String) -> [String]? {
        let items = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
        return items.allSatisfy { !$0.isEmpty } ? items : nil
    }

    /// Without white space at either end.
    public static func trimmed(_ text: some StringProtocol) -> String {
        var slice = Substring(text)
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }

    /// Without line ends at its end, as a shell's `$(cat file)` gives it.
    static func withoutTrailingNewlines(_ text: String) -> String {
        var slice = Substring(text)
        while slice.last?.isNewline == true { slice.removeLast() }
        return String(slice)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
