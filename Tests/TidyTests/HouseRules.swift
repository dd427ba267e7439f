// The rules of the house, as patterns that must not occur in the sources.

import Foundation

/// A place where a rule is broken: file, line and what was found.
struct Violation: Hashable, CustomStringConvertible {
    var path: String
    var line: Int
    var rule: String
    var description: String { "\(path):\(line): \(rule)" }
}

/// Reads the repository's sources and finds what the rules forbid.
struct HouseRules {
    /// The repository's root, two folders above this file.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Swift files below `folder`, generated ones left out, by path relative to the root.
    static func files(below folder: String) -> [String] {
        let base = root.appendingPathComponent(folder)
        guard let all = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return all.compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") && !$0.contains("Generated/") }
            .map { "\(folder)/\($0)" }.sorted()
    }

    /// Files whose code must not depend on anything but its arguments.
    static var pureFiles: [String] {
        files(below: "Sources/Allocator") + files(below: "Sources/Resources")
            + files(below: "Sources").filter { $0.contains("/Core/") }
    }

    static func lines(of path: String) throws -> [Substring] {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Every line of `paths` that matches one of `rules` outside a comment.
    ///
    /// - Parameter rules: Regular expressions with what to say about a match.
    static func violations(in paths: [String], of rules: [(pattern: String, saying: String)]) throws -> [Violation] {
        let compiled = try rules.map { (try NSRegularExpression(pattern: $0.pattern), $0.saying) }
        var found: [Violation] = []
        for path in paths {
            for (index, line) in try lines(of: path).enumerated() {
                let code = String(line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex))
                let whole = NSRange(code.startIndex..., in: code)
                for (expression, saying) in compiled where expression.firstMatch(in: code, range: whole) != nil {
                    found.append(Violation(path: path, line: index + 1, rule: saying))
                }
            }
        }
        return found
    }
}
