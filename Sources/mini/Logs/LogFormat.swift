// How one line of a log is written: for people at a terminal, for files, for the journal, for a log store.

import Foundation
import Logging

/// The shapes that `--log_format` knows. `Docs/logs.md` describes them; the JSON one is kept stable.
enum LogFormat: String, CaseIterable {
    case text
    case json
}

/// Where a line goes, as far as its shape depends on it.
enum LogTarget {
    /// A person looks at it as it comes: the time of day is enough.
    case terminal
    /// Something that keeps lines but no times.
    case file
    /// The journal knows the time, and takes the priority from `<3>` before a line of standard error.
    case journal
}

/// A line before it is written.
struct LogLine {
    var time: timespec
    var level: Logger.Level
    /// `mini-master`
    var program: String
    var message: String
    var fields: [(name: String, value: String)]

    /// - Parameter metadata: Becomes fields, sorted by name.
    init(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, program: String,
        at time: timespec = LogLine.now
    ) {
        self.time = time
        self.level = level
        self.program = program
        self.message = message
        fields = metadata.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
    }

    static var now: timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }

    /// With the end of the line.
    func text(_ format: LogFormat, for target: LogTarget) -> String {
        let priority = target == .journal ? "<\(level.journalPriority)>" : ""
        switch (format, target) {
        case (.json, _): return priority + json + "\n"
        case (.text, .journal): return "\(priority)\(messageWithFields)\n"
        case (.text, .terminal):
            return "\(timeOfDay) \(level.padded) \(messageWithFields)\n"
        case (.text, .file): return "\(timestamp) \(level.word) \(program): \(messageWithFields)\n"
        }
    }

    var messageWithFields: String { Self.plain(message) + pairs }

    private var pairs: String {
        fields.map { " \(Self.plain($0.name))=\(Self.plain($0.value))" }.joined()
    }

    var json: String {
        let known = [("time", timestamp), ("level", level.word), ("program", program), ("message", message)]
        // The four words above keep their meaning.
        let others = fields.map { (Self.reserved.contains($0.name) ? "\($0.name)_" : $0.name, $0.value) }
        return "{" + (known + others).map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let bytes = try? encoder.encode(text) else { return "\"\"" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let reserved: Set<String> = ["time", "level", "program", "message"]

    /// Names and messages come from strangers: none of them may begin a line of its own or move the cursor.
    static func plain(_ text: String) -> String {
        // Nearly always: asking for the category of each scalar costs more than the rest of the line.
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var plain = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": plain += "\\n"
            case "\r": plain += "\\r"
            case "\t": plain += "\\t"
            case _ where isControl(scalar): plain += "\\u{\(String(scalar.value, radix: 16))}"
            default: plain.unicodeScalars.append(scalar)
            }
        }
        return plain
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }

    // MARK: Time

    /// `2026-11-26T09:34:10.123456Z`
    var timestamp: String {
        let date = Self.broken(time)
        let day =
            "\(Self.padded(Int(date.tm_year) + 1_900, 4))-\(Self.padded(date.tm_mon + 1))-\(Self.padded(date.tm_mday))"
        return "\(day)T\(clock(date)).\(Self.padded(time.tv_nsec / 1_000, 6))Z"
    }

    /// `09:34:10.123`, in UTC like everything else.
    private var timeOfDay: String { "\(clock(Self.broken(time))).\(Self.padded(time.tv_nsec / 1_000_000, 3))" }

    private func clock(_ date: tm) -> String {
        "\(Self.padded(date.tm_hour)):\(Self.padded(date.tm_min)):\(Self.padded(date.tm_sec))"
    }

    private static func broken(_ time: timespec) -> tm {
        var seconds = time.tv_sec
        var date = tm()
        gmtime_r(&seconds, &date)
        return date
    }

    private static func padded(_ number: some BinaryInteger, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Logger.Level {
    /// As in `--logging_level`, in small letters.
    var word: String {
        switch self {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warning"
        case .error, .critical: "error"
        }
    }

    fileprivate var padded: String { word.padding(toLength: 7, withPad: " ", startingAt: 0) }

    /// Those of syslog(3), which sd-daemon(3) takes over.
    var journalPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
