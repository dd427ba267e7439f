// Reads durations as Apache Mesos writes them: `5secs`, `1.5mins`.

enum DurationText {
    private static let unitNanoseconds: [String: Double] = [
        "ns": 1, "us": 1e3, "ms": 1e6, "secs": 1e9, "mins": 60e9, "hrs": 3_600e9, "days": 86_400e9,
        "weeks": 604_800e9,
    ]

    /// - Returns: Nil unless the text is a number of at least zero followed by a unit, and fits 64 bits of nanoseconds.
    static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), let unit = unitNanoseconds[String(text[digits.endIndex...])] else {
            return nil
        }
        let nanoseconds = (number * unit).rounded()
        guard nanoseconds >= 0, nanoseconds < 9.2e18 else { return nil }
        return .nanoseconds(Int64(nanoseconds))
    }
}
