// A page of steps that are run word for word: its blocks, each with the hosts that the line above it names.

import Foundation

/// A page of the documentation whose blocks are scripts.
///
/// A script is a fenced block of `sh` right below a line `<!-- on: HOST HOST -->`.
public struct TutorialPage: Sendable {
    /// One script.
    public struct Block: Hashable, Sendable, CustomStringConvertible {
        /// Where it is run, in the order of the page.
        public var hosts: [String]
        public var script: String
        /// The heading above it, without its marks.
        public var section: String
        /// Of the opening fence, from 1.
        public var line: Int

        public var description: String { "line \(line), on \(hosts.joined(separator: " ")): \(script)" }
    }

    public let blocks: [Block]
    /// Lines with a fence of `sh` that no hosts are named for, from 1.
    public let strayFences: [Int]

    public init(_ text: String) {
        var blocks: [Block] = []
        var strayFences: [Int] = []
        var section = ""
        var hosts: [String]?
        var current: Block?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if var block = current {
                if line == "```" {
                    blocks.append(block)
                    current = nil
                } else {
                    block.script += "\(line)\n"
                    current = block
                }
                continue
            }
            if line.hasPrefix("#") { section = String(line.drop { $0 == "#" || $0 == " " }) }
            if line == "```sh" {
                if let hosts {
                    current = Block(hosts: hosts, script: "", section: section, line: index + 1)
                } else {
                    strayFences.append(index + 1)
                }
            }
            hosts = line.wholeMatch(of: /<!-- on: ([a-z0-9 ]+) -->/).map {
                $0.1.split(separator: " ").map(String.init)
            }
        }
        self.blocks = blocks
        self.strayFences = strayFences
    }

    /// - Parameter path: Of the page's file.
    public init(path: String) throws { self.init(try String(contentsOfFile: path, encoding: .utf8)) }
}
