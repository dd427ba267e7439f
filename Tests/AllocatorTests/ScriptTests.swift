// Runs every conversation in Scripts/ and compares the answers; `REWRITE=1` writes them instead.

import Foundation
import Testing

@Suite struct `Allocator scripts` {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Scripts")

    private static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test func `there are scripts to run`() {
        #expect(Self.names.count >= 8, "looked in \(Self.folder.path)")
    }

    @Test(arguments: names)
    func `a conversation goes as written`(name: String) throws {
        let url = Self.folder.appendingPathComponent(name)
        let text = try String(contentsOf: url, encoding: .utf8)
        let answered = try answer(text)
        if ProcessInfo.processInfo.environment["REWRITE"] == "1" {
            try answered.write(to: url, atomically: true, encoding: .utf8)
        } else {
            #expect(answered == text, "\(name) went differently")
        }
    }

    /// The same text with the answers the allocator gives now. Blocks are separated by blank lines: commands, `----`,
    /// answers. The allocator lives through the whole file.
    private func answer(_ text: String) throws -> String {
        var script = AllocatorScript()
        var blocks: [String] = []
        for block in text.components(separatedBy: "\n\n") {
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let commands = lines.prefix { $0 != "----" }.filter { !$0.isEmpty }
            var answers: [String] = []
            for command in commands where !command.hasPrefix("#") { answers += try script.run(command) }
            let hasAnswers = lines.contains("----") || !answers.isEmpty
            blocks.append((commands + (hasAnswers ? ["----"] + answers : [])).joined(separator: "\n"))
        }
        return blocks.joined(separator: "\n\n") + "\n"
    }
}
