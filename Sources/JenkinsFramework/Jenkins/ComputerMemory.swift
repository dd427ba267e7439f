// What of a computer hardly ever changes: read once in a while, so that most looks can do without it.
import Resources

/// Descriptions and labels by name. They are half of what the controller says of a computer.
struct ComputerMemory: Sendable {
    private struct Fixed: Sendable {
        var description: String
        var labels: [String]
    }

    /// Labels of nodes that are not ours may be changed by anybody.
    private static let age = Duration.seconds(60)

    private var fixed: [String: Fixed] = [:]
    private var readAt: Instant?

    func isFresh(at now: Instant) -> Bool { readAt.map { $0.duration(to: now) < Self.age } ?? false }

    /// Replaces everything by what a whole answer said.
    mutating func learn(_ computers: [Computer], at now: Instant) {
        fixed = Dictionary(computers.map { ($0.name, Fixed(description: $0.description, labels: $0.labels)) }) {
            first, _ in first
        }
        readAt = now
    }

    /// It is made or changed: whatever was known of it may be of another.
    mutating func forget(_ name: String) { fixed[name] = nil }

    /// - Returns: nil if one of them is not known.
    func completed(_ computers: [Computer]) -> [Computer]? {
        var whole = computers
        for index in whole.indices {
            guard let known = fixed[whole[index].name] else { return nil }
            whole[index].description = known.description
            whole[index].labels = known.labels
        }
        return whole
    }
}
