// A line as an entry of systemd's journal, whose fields can be asked for: `journalctl TASK_ID=...`.

extension LogLine {
    /// In the journal's native protocol: `NAME=value` lines; a value of several lines has its length before it instead.
    ///
    /// `MESSAGE` is what a terminal would show, or the JSON object. Each field is there once more under its name in capitals:
    /// `TASK_ID`, `FRAMEWORK_ID`, `AGENT_ID`, `REQUEST_ID`.
    ///
    /// - SeeAlso: "Native Journal Protocol" in systemd's documentation.
    func journalEntry(_ format: LogFormat) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.append("PRIORITY", "\(level.journalPriority)", to: &bytes)
        Self.append("SYSLOG_IDENTIFIER", program, to: &bytes)
        Self.append("MESSAGE", format == .json ? json : messageWithFields, to: &bytes)
        for (name, value) in fields {
            guard let name = Self.journalName(name) else { continue }
            Self.append(name, value, to: &bytes)
        }
        return bytes
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        let text = Array(value.utf8)
        bytes += name.utf8
        if text.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes += $0 }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += text
        bytes.append(UInt8(ascii: "\n"))
    }

    private static let ownNames: Set<String> = ["PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE"]
    private static let nameBytesMax = 64

    /// Capitals, digits and underscores; the first is a letter, as others are the journal's own.
    private static func journalName(_ name: String) -> String? {
        let capitals = name.utf8.prefix(nameBytesMax).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte & 0xDF
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        guard let first = capitals.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else { return nil }
        let text = String(decoding: capitals, as: UTF8.self)
        return ownNames.contains(text) ? nil : text
    }
}
