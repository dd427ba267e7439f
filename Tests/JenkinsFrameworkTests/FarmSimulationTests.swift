// Hundreds of seeds of a whole farm in virtual time: every build runs once, nothing is left over, nothing is wasted.
import Glibc
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct FarmSimulationTests {
    func settings(_ change: (inout AgentTemplate) -> Void) -> PlannerSettings {
        func template(_ name: String, _ labels: [String]) -> AgentTemplate {
            .named(name) {
                $0.labels = labels
                $0.idleTimeout = .seconds(3)
                $0.connectTimeout = .seconds(12)
                change(&$0)
            }
        }
        var settings = PlannerSettings(templates: [template("linux", ["linux"]), template("wide", ["linux", "wide"])])
        settings.lostGrace = .seconds(5)
        settings.restartGrace = .seconds(6)
        settings.launchTimeout = .seconds(10)
        settings.reconcileInterval = .seconds(60)
        settings.launchesPerMinuteMax = 1_000
        settings.hostLaunchesPerMinuteMax = 1_000
        return settings
    }

    func farm(
        _ seed: UInt64, _ faults: FarmFaults, _ settings: PlannerSettings, builds: Int = 16, spread: Int = 20_000,
        durations: ClosedRange<Int> = 1_500...6_000,
        labels: [String] = ["linux", "wide", "linux && !wide", "linux || wide"]
    ) -> SimulatedFarm {
        var farm = SimulatedFarm(seed: seed, faults: faults, settings: settings)
        for id in 1...QueueItemID(builds) {
            let label = labels[farm.random.below(labels.count)]
            farm.builds[id] = FarmBuild(
                label: label, duration: farm.random.milliseconds(durations), isStep: farm.random.chance(40))
            farm.schedule(.queueBuild(id), after: farm.random.milliseconds(1...spread))
        }
        return farm
    }

    private func check(_ farm: SimulatedFarm, _ isAtRest: Bool, _ seed: UInt64) {
        let left = farm.nodes.filter { !$0.value.isBeacon }.keys.sorted()
        let agents = farm.planner.agents.values.map { "\($0.name) \($0.phaseName)" }.sorted()
        #expect(
            isAtRest, "seed \(seed): not at rest at \(farm.now) ms; queue \(farm.queue); nodes \(left); \(agents)")
        #expect(farm.violations == [], "seed \(seed)")
        let isOnceEach = farm.builds.values.allSatisfy { $0.isLost || $0.starts == 1 && $0.isDone }
        #expect(isOnceEach, "seed \(seed): a build did not run once")
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `without faults every build runs once on no more agents than builds`(seed: UInt64) {
        var farm = farm(seed, .none, settings { $0.executorsMax = seed % 3 == 0 ? 3 : 1 })
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count, "seed \(seed)")
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `single-use agents see one build each, strict or not`(seed: UInt64) {
        // Disjoint labels: where they overlap, a build may take an agent started for a choosier one.
        var farm = farm(
            seed, .none, settings { $0.singleUse = seed % 2 == 0 ? .strict : .yes },
            labels: ["linux && !wide", "wide"])
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.secondBuilds == 0, "seed \(seed): an agent was used twice")
        // Where it cannot be told whether a strict agent ran a build, it is given up unused.
        #expect(farm.created.count <= farm.builds.count + (seed % 2 == 0 ? 2 : 0), "seed \(seed)")
    }

    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func `strict agents see one build each even if builds are as short as two looks`(seed: UInt64) {
        var farm = farm(
            seed, .none, settings { $0.singleUse = .strict }, builds: 20, spread: seed % 2 == 0 ? 2_000 : 20_000,
            durations: 400...900)
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.secondBuilds == 0, "seed \(seed): an agent was used twice")
    }

    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func `strict agents see one build each even if the controller is slow to open their gates`(seed: UInt64) {
        var faults = FarmFaults.none
        faults.slowOpenings = 60
        faults.cancellations = 4
        var farm = farm(
            seed, faults, settings { $0.singleUse = .strict }, builds: 24, spread: seed % 2 == 0 ? 2_000 : 20_000,
            durations: 400...900)
        farm.showsConnections = seed % 3 != 0
        if seed % 4 == 0 { farm.pollInterval = nil }
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.secondBuilds == 0, "seed \(seed): an agent was used twice")
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `a burst of builds is not over-provisioned`(seed: UInt64) {
        var farm = farm(seed, .none, settings { _ in }, builds: 30, spread: 300)
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count, "seed \(seed)")
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `a warm pool is kept and filled up again, and nothing beyond it`(seed: UInt64) {
        var farm = farm(
            seed, .none,
            settings {
                $0.agentsIdleMin = $0.name == "wide" ? 2 : 0
                $0.singleUse = seed % 2 == 0 ? .no : .strict
            }, labels: ["wide"])
        let isAtRest = farm.run(until: 600_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count + (seed % 2 == 0 ? 2 : 4), "seed \(seed)")
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func `whatever goes wrong every build runs once and nothing is left`(seed: UInt64) {
        let settings = settings {
            $0.singleUse = seed % 3 == 0 ? .strict : seed % 3 == 1 ? .yes : .no
            if seed % 5 == 0 { $0.agentsIdleMin = 1 }
            if seed % 3 == 2 {
                $0.executorsMax = seed % 2 == 0 ? 2 : 1
                if seed % 7 == 0 { $0.buildsMax = 3 }
                if seed % 11 == 0 { $0.lifetimeMax = .seconds(15) }
            }
            if seed % 13 == 0 { $0.agentsMax = 3 }
        }
        var farm = farm(seed, .random(seed), settings, durations: 300...6_000)
        // In every second the polls are as seldom as the framework makes them.
        if seed % 2 == 0 { farm.pollInterval = nil }
        farm.showsConnections = seed % 4 != 1
        farm.trace = getenv("FARM_TRACE").flatMap { UInt64(String(cString: $0)) } == seed
        if farm.run(until: 45_000) { return check(farm, true, seed) }
        farm.faults = .none  // Safety has been seen; now progress is owed.
        let isAtRest = farm.run(until: 400_000)
        check(farm, isAtRest, seed)
        #expect(farm.created.count <= farm.builds.count + farm.excuses + 2, "seed \(seed)")
    }

    @Test func `a seed replays exactly`() {
        func history(_ seed: UInt64) -> [String] {
            var farm = farm(seed, .random(2), settings { $0.singleUse = .strict })
            _ = farm.run(until: 60_000)
            return farm.created
        }
        #expect(history(5) == history(5))
        #expect(history(5) != history(6))
    }
}
