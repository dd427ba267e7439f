// Agents go while builds come: a race at each step of a retirement, against a controller in its own process.
import IntegrationSupport
import LoadTest
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)), .enabled(if: RealJenkins.isPractice))
struct RetirementTests {
    private let linux = FarmPlan([FarmTemplate("linux", "idleTimeout: 1s")])

    /// Runs a first build, so that there is an agent about to be idle.
    private func agentAboutToGo(_ farm: JenkinsFarm) async throws -> String {
        try await farm.createJob("first", label: "linux")
        try await farm.createJob("next", label: "linux", seconds: 2)
        try await farm.build("first")
        let node = try await farm.start(of: "first")
        #expect(try await farm.end(of: "first").result == "SUCCESS")
        return node
    }

    private func expectOnce(_ farm: JenkinsFarm, _ jobs: String...) async throws {
        for job in jobs {
            #expect(try await farm.end(of: job).result == "SUCCESS")
            #expect(farm.ledger.lines(of: job).map(\.kind) == [.start, .end], "\(job)")
        }
        try await farm.expectIdle()
    }

    /// Where in a retirement something comes between.
    private enum Race: String, CaseIterable {
        case buildWhileIdle, buildBeforeDrain, buildWhileDrained, drainAnswerLost, deletionAnswerLost,
            killedAfterDeletion
    }

    /// At once: each race has a farm of its own.
    @Test
    func `at each step of a retirement builds run once, lost answers are asked for again, and the agent goes once`()
        async
    {
        await atOnce(Race.allCases) { race in
            try await withFarm(linux) { farm in
                switch race {
                case .buildWhileIdle: try await buildWhileIdle(farm)
                case .buildBeforeDrain: try await buildBeforeDrain(farm)
                case .buildWhileDrained: try await buildWhileDrained(farm)
                case .drainAnswerLost: try await answerLost(farm, to: "changeOfflineCause")
                case .deletionAnswerLost: try await answerLost(farm, to: "doDelete")
                case .killedAfterDeletion: try await killedAfterDeletion(farm)
                }
            }
        }
    }

    /// Step 1: a build that comes while the agent is seen idle gets it.
    private func buildWhileIdle(_ farm: JenkinsFarm) async throws {
        let node = try await agentAboutToGo(farm)
        try await farm.build("next")
        #expect(try await farm.start(of: "next") == node)
        try await expectOnce(farm, "first", "next")
    }

    /// Step 2: a build that takes the executor just before the drain runs to its end on it.
    private func buildBeforeDrain(_ farm: JenkinsFarm) async throws {
        try await farm.createJob("sneak", label: "linux", seconds: 2)
        try await farm.controller.control("action=build-on-drain&job=sneak")
        let node = try await agentAboutToGo(farm)
        #expect(try await farm.start(of: "sneak") == node)
        try await expectOnce(farm, "first", "sneak")
    }

    /// Step 3: a build that comes while the drained agent is watched runs, on whatever agent.
    private func buildWhileDrained(_ farm: JenkinsFarm) async throws {
        _ = try await agentAboutToGo(farm)
        _ = try await farm.agent(in: "draining")
        try await farm.build("next")
        try await expectOnce(farm, "first", "next")
    }

    /// Steps 2 and 4: a request whose answer is lost is repeated, and the agent goes once.
    private func answerLost(_ farm: JenkinsFarm, to request: String) async throws {
        let node = try await agentAboutToGo(farm)
        try await farm.controller.control("action=drop-answer&path=\(node)/\(request)&times=1&method=POST")
        try await expectOnce(farm, "first")
        let deleted = try await farm.controller.events(after: 0).filter { $0.kind == "nodeDeleted" && $0.node == node }
        #expect(deleted.count == 1)
    }

    /// Step 5: a framework killed after the node was deleted kills the task when it is back.
    private func killedAfterDeletion(_ farm: JenkinsFarm) async throws {
        let node = try await agentAboutToGo(farm)
        try await eventually("the node is deleted", within: .seconds(30)) {
            try await farm.controller.events(after: 0).contains { $0.kind == "nodeDeleted" && $0.node == node }
        }
        await farm.framework.kill()
        try await farm.framework.start()
        try await eventually("it is subscribed", within: .seconds(30)) {
            await farm.frameworkState()?.subscribed ?? false
        }
        try await expectOnce(farm, "first")
    }
}
