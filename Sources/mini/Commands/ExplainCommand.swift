// `mini explain` and `mini allocator`: questions about who is offered what.

import Allocator
import ArgumentParser
import Foundation
import MiniMaster
import OperatorClient
import Resources

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why somebody is offered what it is.",
        subcommands: [ExplainRoleCommand.self])
}

struct ExplainRoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "Say what keeps a role's frameworks from being offered something.",
        discussion: "The master remembers its decisions about the role for ten minutes from the first question on.")

    @Argument(help: "The role; those below it are included.") var role: String
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let answer = try await cluster.ask("explain role") { leader in
            try await leader.get("/roles/explain", [("role", role)])
        }
        // The master's own document.
        if cluster.json { return print(String(decoding: answer, as: UTF8.self)) }
        print(try JSONDecoder().decode(RoleAnswer.self, from: Data(answer)).text)
    }
}

/// `/roles/explain` as far as it is printed.
struct RoleAnswer: Decodable {
    struct Reason: Decodable {
        var text: String
        var agents: Int
        var example_agent: String
    }
    struct Decision: Decodable {
        var time: Double
        var agents: Int
        var agents_looked_at: Int?
        var example_agent: String
        var outcome: String
        var resources: String?
        var text: String?
    }
    struct Framework: Decodable {
        var framework_id: String
        var name: String
        var role: String
        var standing: String
        var share: Double
        var held: [String: Double]
        var offers_outstanding: Int
        var offers_expired: Int
        var filters: Int
        var takeable_agents: Int
        var reasons: [Reason]
        var decisions: [Decision]
    }

    var role: String
    var share: Double
    var weight: Double
    var weighted_share: Double
    var place: Int?
    var hungry_siblings: Int
    var frameworks: [Framework]
    var omitted_frameworks: Int
    var agents: Int?
    var agents_looked_at: Int?

    var text: String {
        var lines = [
            "role \(role): share \(Self.text(share)), weight \(weight), weighted share \(Self.text(weighted_share))"
        ]
        if let place { lines.append("  number \(place) of \(hungry_siblings) among the siblings that want something") }
        if let agents, let looked = agents_looked_at, looked < agents {
            lines.append("  looked at \(looked) of \(agents) agents for each framework")
        }
        for framework in frameworks { lines += Self.lines(framework) }
        if omitted_frameworks > 0 { lines.append("and \(omitted_frameworks) more frameworks") }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ framework: Framework) -> [String] {
        let held = framework.held.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ";")
        var lines = [
            "framework \(framework.framework_id) (\(framework.name)) in \(framework.role): \(framework.standing)",
            "  share \(text(framework.share)); holds \(held.isEmpty ? "nothing" : held), with "
                + "\(framework.offers_outstanding) offers out; \(framework.filters) filters",
        ]
        if framework.offers_expired > 0 {
            lines.append("  left \(framework.offers_expired) offers unanswered until they expired")
        }
        if framework.standing == "hungry" {
            lines.append("  would be offered \(framework.takeable_agents) agents now")
        }
        for reason in framework.reasons {
            lines.append("  \(reason.agents) agents, such as \(reason.example_agent): \(reason.text)")
        }
        if !framework.decisions.isEmpty { lines.append("  lately:") }
        for decision in framework.decisions.suffix(20) {
            let time = Date(timeIntervalSince1970: decision.time).formatted(.iso8601)
            let what = decision.resources.map { "offered \($0)" } ?? decision.text ?? decision.outcome
            let number = decision.agents_looked_at.map { "\(decision.agents) of \($0) agents looked at" }
            lines.append(
                "    \(time) \(number ?? "\(decision.agents) agents"), such as \(decision.example_agent): \(what)")
        }
        return lines
    }

    static func text(_ share: Double) -> String { String(format: "%.4f", share) }
}

struct AllocatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allocator", abstract: "Play a recorded allocator again.",
        subcommands: [AllocatorReplayCommand.self])
}

struct AllocatorReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decide everything in a record again, and say whether it comes out the same.",
        discussion: "The record is written by a master with --allocator_record=FILE.")

    @Argument(help: "The record.") var file: String

    /// One call is a line; a line longer than this is no call.
    private static let lineMax = 64 << 20

    func run() throws { print(try Self.replay(file)) }

    /// - Returns: What was decided again, to the same end.
    /// - Throws: With the first decision that came out differently, or with the line that cannot be read.
    static func replay(_ file: String) throws -> String {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw CommandFailure(description: "allocator replay: cannot read \(file)")
        }
        let decoder = JSONDecoder()
        if let key = CodingUserInfoKey.textPatternCompiler {
            decoder.userInfo[key] = RecordedPatterns.compile
        }
        var replay = AllocatorReplay()
        var (rest, number) = (Data(), 0)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            rest += piece
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                let line = Data(rest[rest.startIndex..<end])
                rest = Data(rest[rest.index(after: end)...])
                do { try replay.play(decoder.decode(AllocatorCall.self, from: line)) } catch {
                    throw CommandFailure(description: "allocator replay: \(file):\(number): \(error)", status: 1)
                }
                if let difference = replay.difference { throw failure(difference, number) }
            }
            guard rest.count <= lineMax else {
                throw CommandFailure(description: "allocator replay: \(file):\(number + 1): the line is too long")
            }
        }
        let tail = rest.isEmpty ? "" : "; the last line is not complete and was left out"
        return "\(replay.calls) calls, \(replay.rounds) rounds, \(replay.allocations) allocations: identical decisions"
            + tail
    }

    private static func failure(_ difference: AllocatorReplay.Difference, _ line: Int) -> CommandFailure {
        func list(_ made: [Allocation]) -> String {
            made.isEmpty ? "  nothing" : made.map { "  \($0)" }.joined(separator: "\n")
        }
        return CommandFailure(
            description: "the decision in line \(line) comes out differently\nrecorded:\n\(list(difference.recorded))\n"
                + "now:\n\(list(difference.made))", status: 1)
    }
}
