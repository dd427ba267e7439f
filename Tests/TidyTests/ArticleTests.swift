// What the page about the article names as proof is there.

import Foundation
import Testing

@Suite struct ArticleTests {
    private static let page = "Docs/from-the-article.md"

    /// The rows of the page's tables, without heads and the part that says what is missing.
    private func rows() throws -> [Substring] {
        let lines = try HouseRules.lines(of: Self.page)
        let shown = lines.prefix { $0 != "## Not shown yet" }
        return shown.filter { $0.hasPrefix("| ") && !$0.hasSuffix("shown by |") }
    }

    @Test func `every line of the article names a test or a section as its proof`() throws {
        let rows = try rows()
        #expect(rows.count > 20)
        for row in rows { #expect(row.contains("test `") || row.contains("]("), "\(row)") }
    }

    @Test func `every test that the page about the article names exists`() throws {
        let sources = try (HouseRules.files(below: "Tests") + HouseRules.files(below: "IntegrationTests"))
            .map { try HouseRules.lines(of: $0).joined(separator: "\n") }.joined(separator: "\n")
        let named = try rows().joined(separator: "\n").matches(of: /test `([^`]+)`/).map { String($0.1) }
        #expect(named.count > 20)
        for name in named where !sources.contains("func `\(name)`") { Issue.record("no test `\(name)`") }
    }

    @Test func `every section that the page about the article names exists`() throws {
        let named = try rows().joined(separator: "\n").matches(of: /\]\(([a-z-]+\.md)#([^)]+)\)/)
        #expect(!named.isEmpty)
        for match in named {
            let headings = try HouseRules.lines(of: "Docs/\(match.1)").filter { $0.hasPrefix("#") }
            let anchors = headings.map(Self.anchor)
            #expect(anchors.contains(String(match.2)), "no section \(match.2) in \(match.1): \(anchors)")
        }
    }

    /// As sites that show Markdown make it from a heading.
    private static func anchor(_ heading: Substring) -> String {
        var anchor = ""
        for character in heading.drop(while: { $0 == "#" || $0 == " " }).lowercased() {
            if character == " " {
                anchor.append("-")
            } else if character.isLetter || character.isNumber || "-_".contains(character) {
                anchor.append(character)
            }
        }
        return anchor
    }
}
