// What receivers read.
import Foundation
import Resources
import Testing

@testable import Alerts

@Suite struct AlertMessageTests {
    private func message(_ summary: String, _ kind: AlertNews.Kind = .firing) -> AlertMessage {
        AlertMessage(
            cluster: "build",
            news: [
                AlertNews(
                    kind, AlertKey(rule: "RoleStarved", subject: "ci"), .warning, summary: summary, description: "Why.",
                    since: WallTime(nanoseconds: 1_700_000_000_000_000_000),
                    at: WallTime(nanoseconds: 1_700_000_300_000_000_000))
            ])
    }

    @Test func `a webhook gets JSON with a line of text and the alerts`() throws {
        let body = try #require(
            try JSONSerialization.jsonObject(with: Data(message("Short.").json)) as? [String: Any])
        #expect(body["version"] as? Int == 1)
        #expect(body["cluster"] as? String == "build")
        #expect(body["text"] as? String == "[mini-mesos build] WARNING: Short.")
        let alert = try #require((body["alerts"] as? [[String: Any]])?.first)
        #expect(alert["status"] as? String == "firing")
        #expect(alert["alert"] as? String == "RoleStarved")
        #expect(alert["subject"] as? String == "ci")
        #expect(alert["since"] as? Double == 1_700_000_000)
    }

    @Test func `a mail has a subject, a date and the text`() throws {
        let mail = String(decoding: message("Short.", .resolved).mail(from: "a@b", to: ["c@d", "e@f"]), as: UTF8.self)
        let parts = mail.components(separatedBy: "\r\n\r\n")
        let head = try #require(parts.first?.components(separatedBy: "\r\n"))
        #expect(head.contains("From: <a@b>"))
        #expect(head.contains("To: <c@d>, <e@f>"))
        #expect(head.contains("Subject: [mini-mesos build] RESOLVED: Short."))
        #expect(head.contains("Date: Tue, 14 Nov 2023 22:18:20 +0000"))
        let text = try #require(Data(base64Encoded: parts[1].replacingOccurrences(of: "\r\n", with: "")))
        #expect(
            String(decoding: text, as: UTF8.self)
                == "RoleStarved: resolved (warning)\nShort.\nWhy.\nSince Tue, 14 Nov 2023 22:13:20 +0000.\n")
    }

    @Test func `a name cannot add a header, and other letters are encoded`() {
        let mail = String(decoding: message("x\r\nBcc: evil@x\nRôle").mail(from: "a@b", to: ["c@d"]), as: UTF8.self)
        let head = mail.components(separatedBy: "\r\n\r\n")[0]
        #expect(!head.contains("\nBcc"))
        #expect(head.contains("Subject: =?utf-8?B?"))
        #expect(head.utf8.allSatisfy { $0 < 0x80 })
    }
}
