// Finds the name somebody probably meant.

public enum NearestName {
    /// The known name that differs least, if it does not differ in more than a third of its letters.
    public static func of(_ name: String, among known: [String]) -> String? {
        let best = known.map { (distance: distance(Array(name.utf8.prefix(64)), Array($0.utf8)), name: $0) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let best, best.distance * 3 <= max(3, best.name.utf8.count) else { return nil }
        return best.name
    }

    /// The number of letters to insert, delete or replace.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let substitution = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
