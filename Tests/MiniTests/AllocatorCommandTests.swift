// What `mini explain`, `mini weights preview` and `mini allocator replay` print, and how they end.

import Allocator
import Foundation
import Resources
import Testing

@testable import mini

@Suite struct AllocatorCommandTests {
    @Test func `an explanation names share, holdings, reasons and the latest decisions`() throws {
        let answer = #"""
            {"role":"eng","share":0.25,"weight":2.0,"weighted_share":0.125,"place":2,"hungry_siblings":3,"frameworks":[
            {"framework_id":"f-1","name":"build","role":"eng/ci","standing":"hungry","share":0.25,
            "held":{"mem":512.0,"cpus":1.5},"offers_outstanding":1,"offers_expired":4,"filters":2,"takeable_agents":0,
            "reasons":[{"text":"nothing is free there","agents":7,"example_agent":"a-1"}],
            "decisions":[{"time":1000000000,"agents":1,"example_agent":"a-2","outcome":"offered","resources":"cpus:1"},
            {"time":1000000001,"agents":2,"agents_looked_at":3,"example_agent":"a-3","outcome":"not offered",
            "text":"not its turn"}]},
            {"framework_id":"f-2","name":"quiet","role":"eng","standing":"suppressed","share":0.0,"held":{},
            "offers_outstanding":0,"offers_expired":0,"filters":0,"takeable_agents":0,"reasons":[],"decisions":[]}],
            "omitted_frameworks":2,"agents":5000,"agents_looked_at":2500}
            """#
        let text = try JSONDecoder().decode(RoleAnswer.self, from: Data(answer.utf8)).text
        #expect(
            text == """
                role eng: share 0.2500, weight 2.0, weighted share 0.1250
                  number 2 of 3 among the siblings that want something
                  looked at 2500 of 5000 agents for each framework
                framework f-1 (build) in eng/ci: hungry
                  share 0.2500; holds cpus:1.5;mem:512.0, with 1 offers out; 2 filters
                  left 4 offers unanswered until they expired
                  would be offered 0 agents now
                  7 agents, such as a-1: nothing is free there
                  lately:
                    2001-09-09T01:46:40Z 1 agents, such as a-2: offered cpus:1
                    2001-09-09T01:46:41Z 2 of 3 agents looked at, such as a-3: not its turn
                framework f-2 (quiet) in eng: suppressed
                  share 0.0000; holds nothing, with 0 offers out; 0 filters
                and 2 more frameworks
                """)
    }

    @Test func `a preview is a table`() throws {
        let answer = #"""
            {"roles":[{"role":"eng","weight":1,"new_weight":3,"share":0.5,"entitled_share":0.5,"new_entitled_share":0.75},
            {"role":"research","weight":1,"new_weight":1,"share":0,"entitled_share":0.5,"new_entitled_share":0.25}]}
            """#
        let text = try JSONDecoder().decode(WeightsAnswer.self, from: Data(answer.utf8)).text
        #expect(
            text == """
                role            weight    new weight     share now      entitled  new entitled
                eng                1.0           3.0        0.5000        0.5000        0.7500
                research           1.0           1.0        0.0000        0.5000        0.2500
                """)
    }

    // MARK: Records

    /// A record of three rounds, a line a call.
    private static func record() throws -> [String] {
        var allocator = Allocator()
        allocator.startRecording()
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        let role = try RoleName("eng/ci")
        for name in ["a", "b"] { allocator.addAgent(AgentID(name), total: try .parse("cpus:4;mem:100"), at: start) }
        for name in ["f", "g"] { allocator.addFramework(FrameworkID(name), roles: [role]) }
        for round in 0..<3 {
            for offer in allocator.allocate(at: .zero, seed: UInt64(round)) {
                allocator.recover(
                    offer.framework, role: role, agent: offer.agent, resources: offer.resources, filter: nil, at: .zero)
            }
        }
        return try allocator.takeRecord().map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    }

    private static func replay(_ text: String) throws -> String {
        let file = NSTemporaryDirectory() + "record-\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try AllocatorReplayCommand.replay(file)
    }

    @Test func `a record is played again to identical decisions`() throws {
        let lines = try Self.record()
        let text = try Self.replay(lines.joined(separator: "\n") + "\n")
        #expect(text == "\(lines.count) calls, 3 rounds, 6 allocations: identical decisions")
        let cut = try Self.replay(lines.joined(separator: "\n"))
        #expect(cut.hasSuffix("identical decisions; the last line is not complete and was left out"))
    }

    @Test func `a record that was tampered with shows the first decision that differs`() throws {
        var lines = try Self.record()
        let index = try #require(lines.firstIndex { $0.contains("allocated") })
        lines[index] = lines[index].replacing("\"a\"", with: "\"c\"")
        let failure = #expect(throws: CommandFailure.self) {
            try Self.replay(lines.joined(separator: "\n") + "\n")
        }
        #expect(failure?.status == 1)
        #expect(failure?.description.hasPrefix("the decision in line \(index + 1) comes out differently\n") == true)
    }

    @Test func `a line that is no call is named, and a file that is not there as well`() throws {
        let lines = try Self.record()
        let failure = #expect(throws: CommandFailure.self) {
            try Self.replay(lines[0] + "\n{}\n")
        }
        #expect(failure?.status == 1)
        #expect(failure?.description.contains(":2: ") == true)
        let missing = #expect(throws: CommandFailure.self) { try AllocatorReplayCommand.replay("/none") }
        #expect(missing?.status == 2)
        #expect(missing?.description == "allocator replay: cannot read /none")
    }
}
