// Hundreds of seeds of a whole farm in virtual time: every build runs once, nothing is left over, nothing is wasted.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct FarmSimulationTests {
    private func settings(singleUse: Bool, executors: Int = 1) -> PlannerSettings {
        var settings = PlannerSettings(templates: [
            .named("linux") {
                $0.singleUse = singleUse ? .yes : .no
                $0.executorsMax = executors
                $0.idleTimeout = .seconds(5)
                $0.connectTimeout = .seconds(20)
            },
            .named("wide") {
                $0.labels = ["linux", "wide"]
                $0.singleUse = singleUse ? .yes : .no
                $0.idleTimeout = .seconds(5)
                $0.connectTimeout = .seconds(20)
            },
        ])
        settings.beacons = .off
        settings.lostGrace = .seconds(5)
        settings.launchTimeout = .seconds(10)
        settings.launchesPerMinuteMax = 1_000
        return settings
    }

    private func farm(
        _ seed: UInt64, _ faults: FarmFaults, singleUse: Bool, builds: Int = 25, spread: Int = 30_000,
        shortest: Int = 1_500, labels: [String] = ["linux", "wide", "linux && !wide", "linux || wide"]
    ) -> SimulatedFarm {
        var farm = SimulatedFarm(seed: seed, faults: faults, settings: settings(singleUse: singleUse))
        for id in 1...QueueItemID(builds) {
            let label = labels[farm.random.below(labels.count)]
            farm.builds[id] = .init(label: label, duration: farm.random.milliseconds(shortest...6_000))
            farm.schedule(.queueBuild(id), after: farm.random.milliseconds(1...spread))
        }
        return farm
    }

    private func check(_ farm: SimulatedFarm, _ isAtRest: Bool, _ seed: UInt64) {
        #expect(
            isAtRest,
            "seed \(seed): not at rest at \(farm.now) ms; queue \(farm.queue); nodes \(farm.nodes.keys.sorted())")
        #expect(farm.violations == [], "seed \(seed)")
        #expect(farm.builds.values.allSatisfy { $0.starts == 1 && $0.isDone }, "seed \(seed)")
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func `without faults every build runs once on no more agents than builds`(seed: UInt64) {
        var farm = farm(seed, .none, singleUse: false)
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count, "seed \(seed)")
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func `single-use agents see one build each`(seed: UInt64) {
        // Disjoint labels: where they overlap, a build may take an agent started for a choosier one.
        var farm = farm(seed, .none, singleUse: true, labels: ["linux && !wide", "wide"])
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        let used = farm.builds.values.compactMap(\.node)
        #expect(Set(used).count == used.count, "seed \(seed): an agent was used twice")
        #expect(farm.created.count <= farm.builds.count, "seed \(seed)")
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `a burst of builds is not over-provisioned`(seed: UInt64) {
        var farm = farm(seed, .none, singleUse: false, builds: 40, spread: 300)
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count, "seed \(seed)")
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func `whatever goes wrong every build runs once and nothing is left`(seed: UInt64) {
        var random = FarmRandom(state: seed &* 77)
        // Each kind of fault is off in half of the seeds.
        func rate(_ percent: Int) -> Int { random.chance(50) ? 0 : 1 + random.below(percent) }
        let faults = FarmFaults(
            lostAnswers: rate(20), lostRequests: rate(20), failedPolls: rate(20), failedStarts: rate(30),
            rescinds: rate(40), disconnections: rate(4), crashes: rate(8))
        var farm = farm(seed, faults, singleUse: seed % 2 == 0, shortest: 100)
        if farm.run(until: 120_000) { return check(farm, true, seed) }
        farm.faults = .none  // Safety has been seen; now progress is owed.
        let isAtRest = farm.run(until: 1_500_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count + farm.excuses, "seed \(seed)")
    }

    @Test func `a seed replays exactly`() {
        func history(_ seed: UInt64) -> [String] {
            var farm = farm(seed, FarmFaults(lostAnswers: 10, failedStarts: 10, crashes: 2), singleUse: true)
            _ = farm.run(until: 60_000)
            return farm.created
        }
        #expect(history(5) == history(5))
        #expect(history(5) != history(6))
    }
}
