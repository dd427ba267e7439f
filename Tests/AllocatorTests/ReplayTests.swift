// What was recorded can be written down, read and decided again to the same end.

import Allocator
import AllocatorTwin
import Foundation
import Resources
import Testing

@Suite struct `A recorded allocator` {
    private let role: RoleName
    private let pattern = TextPattern("rack.*") { $0.hasPrefix("rack") }

    init() throws { role = try RoleName("eng/ci") }

    /// A little of everything a call can hold.
    private func calls() throws -> [AllocatorCall] {
        var settings = AllocatorSettings(fairSharingExcluded: ["gpus"], region: "here")
        settings.offerSplit = 2
        var allocator = Allocator(settings: settings)
        allocator.startRecording()
        let start = Moment(instant: .zero, wall: WallTime(nanoseconds: 0))
        let reserved = Resources(entries: [
            ResourceEntry(
                name: "disk", value: .scalar(Scalar(units: 5)),
                reservations: [Reservation(kind: .dynamic, role: role, labels: [.init(key: "k", value: nil)])],
                disk: DiskIdentity(persistenceID: "v", encoded: [1, 2], isIndivisible: true)),
            ResourceEntry(name: "tags", value: .set(NameSet(["x", "y"]))),
        ])
        let traits = AgentTraits(hostname: "h", zone: "z", attributes: [.init(name: "rack", text: "rack-1")])
        allocator.addAgent(
            "a", total: try .parse("cpus:8;mem:1000;ports:[1-3,7-9]") + reserved, traits: traits, at: start)
        let constraints = try OfferConstraints(groups: [
            .init([AttributeConstraint(.attribute("rack"), .textMatches(pattern))])
        ])
        allocator.addFramework("f", roles: [role], constraints: [role: constraints], minAllocatable: [role: []])
        allocator.setWeight(role, try #require(Weight(2.5)))
        allocator.setQuota(try RoleName("eng"), Quota(limits: ["cpus": Scalar(units: 6)]))
        for offer in allocator.audited(at: .zero, seed: 3) {
            allocator.recover(
                "f", role: role, agent: "a", resources: offer.resources, filter: .seconds(5), at: .zero)
        }
        allocator.setWhitelist(["h"])
        allocator.pause()
        allocator.resume()
        allocator.suppress("f")
        allocator.revive("f", roles: [role])
        _ = allocator.audited(at: Instant.zero.advanced(by: .seconds(6)), seed: 4)
        return allocator.takeRecord()
    }

    private func decoder() throws -> JSONDecoder {
        let decoder = JSONDecoder()
        let key = try #require(CodingUserInfoKey.textPatternCompiler)
        let known = pattern
        let compile: TextPatternCompiler = { $0 == known.text ? known : nil }
        decoder.userInfo[key] = compile
        return decoder
    }

    @Test func `survives being written as JSON, a call a line`() throws {
        let (encoder, decoder) = (JSONEncoder(), try decoder())
        for call in try calls() {
            #expect(try decoder.decode(AllocatorCall.self, from: encoder.encode(call)) == call)
        }
    }

    @Test func `comes to identical decisions when it is played`() throws {
        var replay = AllocatorReplay()
        for call in try calls() { try replay.play(call) }
        #expect(replay.difference == nil)
        #expect(replay.rounds == 2)
        #expect(replay.allocations > 0)
    }

    @Test func `shows a decision that was tampered with`() throws {
        var replay = AllocatorReplay()
        for call in try calls() {
            if case .allocated(let now, let seed, let made) = call {
                try replay.play(.allocated(at: now, seed: seed + 1, made: made.dropLast()))
            } else {
                try replay.play(call)
            }
        }
        #expect(replay.difference?.call == 6)
    }

    @Test func `is refused where a call is impossible, and without a beginning`() throws {
        var replay = AllocatorReplay()
        #expect(throws: ReplayError.noBeginning) { try replay.play(.agentRemoved("a")) }
        for call in try calls() { try replay.play(call) }
        let held = AllocatorCall.Held(framework: "f", role: role, agent: "a")
        let much = try Resources.parse("cpus:1000")
        #expect(throws: ReplayError.self) { try replay.play(.recovered(held, much, filter: nil, at: .zero)) }
        let nested = AllocatorCall.RoleQuota(role: role, quota: nil)
        #expect(throws: ReplayError.self) { try replay.play(.quotas([nested])) }
    }

    @Test(arguments: ["{}", #"{"agentRemoved":{}}"#, #"{"charged":{"_0":{},"_1":"cpus:x"}}"#, "[]", ""])
    func `that is damaged gives an error, not a crash`(text: String) throws {
        let decoder = try decoder()
        #expect(throws: (any Error).self) { try decoder.decode(AllocatorCall.self, from: Data(text.utf8)) }
    }
}

@Suite struct `The pace of allocation` {
    @Test func `an idle master does not wait, and a busy one is held to a rate`() {
        var pace = AllocationPace(intervalMax: .seconds(1))
        var now = Instant.zero
        #expect(pace.delay(at: now) == .zero)
        var rounds = 0
        while pace.delay(at: now) == .zero, rounds < 1_000 {
            pace.ran(offers: 0, at: now)
            rounds += 1
        }
        #expect(rounds == 126)
        #expect(pace.delay(at: now) == AllocationPace.roundCost)
        for _ in 0..<1_000 {
            now = now.advanced(by: pace.delay(at: now))
            pace.ran(offers: 0, at: now)
        }
        #expect(Instant.zero.duration(to: now) == .seconds(2))
        now = now.advanced(by: .seconds(1))
        #expect(pace.delay(at: now) == .zero)
    }

    @Test func `nothing waits longer than the allocation interval`() {
        var pace = AllocationPace(intervalMax: .milliseconds(200))
        pace.ran(offers: 1_000_000, at: .zero)
        #expect(pace.delay(at: .zero) == .milliseconds(200))
    }
}
