// What is wrong with a configuration file: every error at once, each with its place.

/// One error of a configuration file.
public struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// From 1; 0 if the problem is the file as a whole.
    public var line: Int
    /// `templates[0].container.image`, or empty.
    public var key: String
    /// What was expected, and what was found.
    public var message: String

    public var description: String {
        let place = line > 0 ? "\(line): " : ""
        return place + (key.isEmpty ? message : "\(key): \(message)")
    }
}

/// Why a configuration cannot be used. The description has one line for each problem, in the order of the file.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public var path: String
    public var problems: [ConfigurationProblem]

    public var description: String {
        problems.map { $0.line > 0 ? "\(path):\($0)" : "\(path): \($0)" }.joined(separator: "\n")
    }
}

enum Spelling {
    /// The candidate a person most likely meant; nil if none is near.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let limit = word.count < 4 ? 1 : max(2, word.count / 3)
        let ranked = candidates.map { (distance(word.lowercased(), $0.lowercased()), $0) }.sorted { $0 < $1 }
        guard let best = ranked.first, best.0 <= limit else { return nil }
        return best.1
    }

    /// How many letters must be changed, added or dropped to make one word of the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(64)), Array(right.prefix(64)))
        var row = Array(0...right.count)
        for (i, mine) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, theirs) in right.enumerated() {
                let replaced = diagonal + (mine == theirs ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
