// News of alerts as a mail and as the body of a webhook.
import FoundationEssentials
import Resources
import TextTables

/// One message about everything that changed at one moment.
public struct AlertMessage: Sendable {
    public var cluster: String
    public var news: [AlertNews]

    public init(cluster: String, news: [AlertNews]) {
        self.cluster = cluster
        self.news = news
    }

    /// What it says at a glance.
    var subject: String {
        let name = cluster.isEmpty ? "" : " \(cluster)"
        guard let first = news.first else { return "mini-mesos\(name)" }
        let word = first.kind == .resolved ? "RESOLVED" : first.severity.rawValue.uppercased()
        let more = news.count > 1 ? " (and \(news.count - 1) more)" : ""
        return "[mini-mesos\(name)] \(word): \(first.summary)\(more)"
    }

    // MARK: Mail

    /// Header lines and text for SMTP.
    func mail(from sender: String, to recipients: [String]) -> [UInt8] {
        let now = news.map(\.at).max() ?? WallTime(nanoseconds: 0)
        var lines = [
            "From: <\(sender)>", "To: " + recipients.map { "<\($0)>" }.joined(separator: ", "),
            "Subject: \(Self.header(subject))", "Date: \(MailDate.text(now))",
            // Nobody on holiday answers it.
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64", "",
        ]
        lines += Self.base64Lines(text)
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    private var text: String {
        news.map { news in
            let state =
                switch news.kind {
                case .firing: "firing"
                case .reminder: "still firing"
                case .resolved: "resolved"
                }
            return """
                \(news.key.rule): \(state) (\(news.severity.rawValue))
                \(news.summary)
                \(news.description)
                Since \(MailDate.text(news.since)).

                """
        }.joined(separator: "\n")
    }

    /// A header's words: without line ends, and encoded where they are not ASCII (RFC 2047).
    private static func header(_ text: String) -> String {
        let plain = DisplayWidth.line(text, atMost: 200)
        if plain.utf8.allSatisfy({ $0 < 0x80 }) { return plain }
        // An encoded word holds at most 75 characters.
        var words: [String] = []
        var piece = ""
        for character in plain {
            if piece.utf8.count + character.utf8.count > 42 {
                words.append(piece)
                piece = ""
            }
            piece.append(character)
        }
        words.append(piece)
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    private static func base64Lines(_ text: String) -> [String] {
        let encoded = Array(Data(text.utf8).base64EncodedString())
        return stride(from: 0, to: encoded.count, by: 76).map {
            String(encoded[$0..<min($0 + 76, encoded.count)])
        }
    }

    // MARK: Webhook

    private struct Body: Encodable {
        struct Item: Encodable {
            var status: String
            var alert: String
            var subject: String
            var severity: String
            var summary: String
            var description: String
            var since: Double
            var time: Double
        }
        var version = 1
        var cluster: String
        /// The whole in one line, where a chat shows it.
        var text: String
        var alerts: [Item]
    }

    /// The JSON body.
    var json: [UInt8] {
        let body = Body(
            cluster: cluster, text: subject,
            alerts: news.map {
                .init(
                    status: $0.kind.rawValue, alert: $0.key.rule, subject: $0.key.subject,
                    severity: $0.severity.rawValue, summary: $0.summary, description: $0.description,
                    since: $0.since.seconds, time: $0.at.seconds)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(body)).map(Array.init) ?? []
    }
}

/// Times as mails have them (RFC 5322), in UTC.
enum MailDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ time: WallTime) -> String {
        let seconds = max(0, time.nanoseconds / 1_000_000_000)
        let (day, second) = (Int(seconds / 86_400), Int(seconds % 86_400))
        let (year, month, date) = civil(day)
        let clock = [second / 3_600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "\(days[day % 7]), \(date) \(months[month - 1]) \(year) \(clock.joined(separator: ":")) +0000"
    }

    /// Year, month and day of a number of days since 1970-01-01, by counting in eras of 400 years that begin in March.
    private static func civil(_ day: Int) -> (Int, Int, Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let ofEra = shifted % 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let date = ofYear - (153 * month + 2) / 5 + 1
        return (era * 400 + year + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, date)
    }
}
