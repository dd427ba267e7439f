// How fast the allocator is, case by case, one JSON line each: `AllocatorBenchmark [CASE]...`.
// `AllocatorBenchmark steps AGENTS FRAMEWORKS STEPS` only works, for who counts instructions: see
// `scripts/count-allocator-steps`.

import Allocator
import Glibc
import Resources

@main
struct AllocatorBenchmark {
    static let cases: [(name: String, run: @Sendable () throws -> Void)] = [
        // First: what another case left would be used again, and not be seen as growth.
        ("memory", MemorySlopes.run),
        ("declining", DecliningRounds.run), ("fill", FillAndRevive.run), ("quota", QuotaRoles.run),
        ("suppressed", SuppressedFrameworks.run), ("freed", FreedTask.run), ("filters", ManyFilters.run),
        ("explain", Explaining.run), ("mixed", MixedCluster.run), ("fairness", FairnessUnderPressure.run),
    ]

    static func main() throws {
        let wanted = CommandLine.arguments.dropFirst()
        let numbers = wanted.dropFirst().compactMap { Int($0) }
        if wanted.first == "steps", numbers.count == 3 {
            _ = FreedTask.times(agents: numbers[0], frameworks: numbers[1], steps: numbers[2])
            return
        }
        for name in wanted where !cases.contains(where: { $0.name == name }) {
            throw Mistake(description: "no case '\(name)'; there are: \(cases.map(\.name).joined(separator: " "))")
        }
        for (name, run) in cases where wanted.isEmpty || wanted.contains(name) {
            try run()
            fflush(nil)
        }
    }
}

struct Mistake: Error, CustomStringConvertible {
    var description: String
}

enum Stopwatch {
    /// Processor time of this thread: what else the machine does is not measured. On an idle one it is the time that
    /// passes.
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    static func time(_ body: () throws -> Void) rethrows -> Duration {
        let began = now
        try body()
        return now - began
    }

    static func median(_ times: [Duration]) -> Duration {
        let sorted = times.sorted()
        return sorted.isEmpty ? .zero : sorted[sorted.count / 2]
    }
}

/// The natural logarithm without the C library's mathematics.
enum Logarithm {
    static func of(_ number: Double) -> Double {
        let ratio = (number.significand - 1) / (number.significand + 1)
        var (power, sum) = (ratio, 0.0)
        for odd in stride(from: 1, to: 61, by: 2) {
            sum += power / Double(odd)
            power *= ratio * ratio
        }
        return Double(number.exponent) * 0.693_147_180_559_945_3 + 2 * sum
    }
}

/// Clusters that several cases start from.
enum Cluster {
    static let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
    /// Two filters that end never are told apart by nobody.
    static let forEver = Duration.seconds(365 * 86_400)

    static func agent(_ index: Int) -> AgentID { AgentID("agent-\(index)") }
    static func framework(_ index: Int) -> FrameworkID { FrameworkID("framework-\(index)") }

    static let total = resources("cpus:24;mem:4096;disk:4096;ports:[31000-32000]")

    /// `cpus:16;mem:2014;disk:1024` and 16 single ports.
    static let used = resources("cpus:16;mem:2014;disk:1024") + singlePorts

    private static let singlePorts = Resources(entries: [
        ResourceEntry(
            name: "ports",
            value: .ranges(Ranges((0..<16).map { 31_000 + UInt64($0) * 50...31_000 + UInt64($0) * 50 })))
    ])

    static func resources(_ text: String) -> Resources {
        guard let parsed = try? Resources.parse(text) else { preconditionFailure("'\(text)' are no resources") }
        return parsed
    }

    /// Agents with something used on each, given round-robin to the frameworks, all in role `*`.
    static func partlyUsed(agents: Int, frameworks: Int) -> Allocator {
        var allocator = Allocator()
        for index in 0..<frameworks { allocator.addFramework(framework(index), roles: [.any]) }
        for index in 0..<agents {
            allocator.addAgent(agent(index), total: total, at: start)
            allocator.charge(framework(index % frameworks), role: .any, agent: agent(index), resources: used)
        }
        return allocator
    }
}
