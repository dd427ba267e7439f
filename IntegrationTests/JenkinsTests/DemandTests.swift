// Which agents are started for what waits, from nothing, and that no build shares one it should not share.
import Foundation
import IntegrationSupport
import LoadTest
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)))
struct DemandTests {
    @Test func `with no node at all a freestyle build, a pipeline step and a build without a label get agents`()
        async throws
    {
        let plan = FarmPlan([
            FarmTemplate("any", "mode: normal", "default: true", "idleTimeout: 1s"),
            FarmTemplate("linux", "labels: linux docker", "idleTimeout: 1s"),
        ])
        try await withFarm(plan) { farm in
            try await farm.createJob("labelled", label: "linux && !windows")
            try await farm.createJob("unlabelled", label: nil)
            var jobs = ["labelled", "unlabelled"]
            if RealJenkins.isPractice {
                let step = FarmJob("flow", .pipeline(label: "docker"), command: farm.ledger.command(seconds: 0.2))
                try await farm.create(step)
                jobs.append("flow")
            }
            try await farm.build(jobs)
            for job in jobs { #expect(try await farm.end(of: job).result == "SUCCESS") }
            #expect(try await farm.start(of: "labelled").hasPrefix("mj-linux-"))
            #expect(try await farm.start(of: "unlabelled").hasPrefix("mj-any-"))
            if RealJenkins.isPractice { #expect(try await farm.start(of: "flow").hasPrefix("mj-linux-")) }
            try await farm.expectIdle()
        }
    }

    @Test func `ten builds get ten agents, ten more while those start get ten more, and never another`() async throws {
        try await withFarm(FarmPlan([FarmTemplate("linux", "idleTimeout: 1s")])) { farm in
            let jobs = (1...20).map { "app-\($0)" }
            for job in jobs { try await farm.createJob(job, label: "linux", seconds: 4) }
            try farm.delayLaunches(seconds: 2)
            try await farm.build(Array(jobs.prefix(10)))
            try await eventually("ten are requested", within: .seconds(30)) {
                await farm.frameworkState()?.agents.count == 10
            }
            try await farm.build(Array(jobs.suffix(10)))
            for job in jobs { #expect(try await farm.end(of: job).result == "SUCCESS") }
            #expect(farm.ledger.agentStarts().count == 20)
            #expect(farm.ledger.agentStarts().values.allSatisfy { $0.count == 1 })
            #expect(Set(jobs.compactMap { farm.ledger.lines(of: $0).first?.node }).count == 20)
            try await farm.expectIdle()
        }
    }

    @Test func `builds run where their label expressions allow, and one that cannot be read is a label nobody has`()
        async throws
    {
        let plan = FarmPlan([
            FarmTemplate("a", "idleTimeout: 1s"), FarmTemplate("b", "idleTimeout: 1s"),
            FarmTemplate("ab", "labels: a b", "idleTimeout: 1s"),
        ])
        let allowed: [(expression: String, templates: [String])] = [
            ("a", ["a", "ab"]), ("a && b", ["ab"]), ("a && !b", ["a"]), ("a || b", ["a", "b", "ab"]),
            ("b && (a -> !b)", ["b"]), ("(a <-> b) && a", ["ab"]), ("\"b\" && !a", ["b"]),
        ]
        try await withFarm(plan) { farm in
            for (index, label) in allowed.enumerated() {
                try await farm.createJob("app-\(index)", label: label.expression)
            }
            try await farm.createJob("odd", label: "a &&")
            try await farm.build(allowed.indices.map { "app-\($0)" })
            try await farm.build("odd")
            for (index, label) in allowed.enumerated() {
                #expect(try await farm.end(of: "app-\(index)").result == "SUCCESS", "\(label.expression)")
                let node = farm.ledger.lines(of: "app-\(index)").first?.node ?? ""
                #expect(label.templates.contains { node.hasPrefix("mj-\($0)-") }, "\(label.expression) ran on \(node)")
            }
            let reasons = await farm.frameworkState()?.waiting.filter { $0.job == "odd" }.map(\.reason)
            #expect(reasons == ["no template serves 'a &&'"])
        }
    }

    private enum Templates: CaseIterable { case capped, failing }

    /// At once: each has a farm of its own.
    @Test func `of templates that match the first is taken up to its cap or until its agents fail, and then the next`()
        async
    {
        await atOnce(Templates.allCases) { templates in
            switch templates {
            case .capped: try await firstUpToItsCap()
            case .failing: try await firstUntilItFails()
            }
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `with German texts a label that is exported is served, a step's waits until it can be read`() async throws {
        let plan = FarmPlan([FarmTemplate("linux", "idleTimeout: 1s"), FarmTemplate("docker", "idleTimeout: 1s")])
        try await withFarm(plan) { farm in
            try await farm.controller.control("action=locale&value=de")
            try await farm.createJob("app", label: "linux")
            let step = FarmJob("flow", .pipeline(label: "docker"), command: farm.ledger.command(seconds: 0.2))
            try await farm.create(step)
            try await farm.build("app", "flow")
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            try await farm.expectIdle()
            #expect(try await farm.controller.queueLength() == 1)
            let state = try #require(await farm.frameworkState())
            #expect(state.waiting.contains { $0.reason.contains("label") }, "\(state.waiting)")

            try await farm.controller.control("action=locale&value=en")
            #expect(try await farm.end(of: "flow").result == "SUCCESS")
            try await farm.expectIdle()
        }
    }

    private func firstUpToItsCap() async throws {
        let plan = FarmPlan([
            FarmTemplate("near", "labels: linux", "idleTimeout: 1s"),
            FarmTemplate("far", "labels: linux", "idleTimeout: 1s"),
        ])
        try await withFarm(plan, isServed: false) { farm in
            try farm.reconfigure { text in
                // The first of them has room for two.
                guard let range = text.firstRange(of: "maxAgents: 300\n    remoteFs") else { return text }
                return text.replacingCharacters(in: range, with: "maxAgents: 2\n    remoteFs")
            }
            try await farm.framework.start()
            let jobs = (1...5).map { "app-\($0)" }
            for job in jobs { try await farm.createJob(job, label: "linux", seconds: 4) }
            try await farm.build(jobs)
            for job in jobs { #expect(try await farm.end(of: job).result == "SUCCESS") }
            let nodes = Set(jobs.compactMap { farm.ledger.lines(of: $0).first?.node })
            #expect(nodes.count { $0.hasPrefix("mj-near-") } == 2)
            #expect(nodes.count { $0.hasPrefix("mj-far-") } == 3)
            try await farm.expectIdle()
        }
    }

    /// A template whose agents fail backs off and says why.
    private func firstUntilItFails() async throws {
        let plan = FarmPlan([
            FarmTemplate("broken", "labels: linux", "idleTimeout: 1s"),
            FarmTemplate("sound", "labels: linux", "idleTimeout: 1s"),
        ])
        try await withFarm(plan, isServed: false) { farm in
            try farm.reconfigure { text in
                guard let range = text.firstRange(of: "exec /bin/sh") else { return text }
                return text.replacingCharacters(in: range, with: "exit 7; exec /bin/sh")
            }
            try await farm.framework.start()
            try await farm.createJob("app", label: "linux")
            try await farm.build("app")
            #expect(try await farm.start(of: "app").hasPrefix("mj-sound-"))
            #expect(try await farm.end(of: "app").result == "SUCCESS")
            let lines = await farm.frameworkLines()
            #expect(lines.count { $0.contains("ended before it connected") } >= 3, "\(lines)")
            #expect(try await farm.nodesCreated().count { $0.hasPrefix("mj-broken-") } == 3)
            try await farm.expectIdle()
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `a right that the framework's user lacks is named`() async throws {
        var plan = FarmPlan([FarmTemplate("linux")])
        plan.permissions = ["Hudson.Read", "Item.Read", "Computer.Connect", "Computer.Disconnect", "Computer.Delete"]
            .map { "hudson.model.\($0)" }.joined(separator: ",")
        try await withFarm(plan) { farm in
            try await farm.createJob("app", label: "linux")
            try await farm.build("app")
            try await eventually("the missing right is reported", within: .seconds(30)) {
                let lines = await farm.frameworkLines()
                let state = await farm.frameworkState()
                return (lines + (state?.waiting.map(\.reason) ?? [])).contains {
                    $0.contains("Computer.Create") || $0.contains("Agent/Create")
                }
            }
            #expect(try await farm.nodesCreated().isEmpty)
            #expect(farm.ledger.agentStarts().isEmpty)
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `gates that stand open when the framework dies are closed by its keeper`() async throws {
        try await withFarm(FarmPlan([FarmTemplate("once", "singleUse: strict")]), isServed: false) { farm in
            for node in ["one", "two", "closed-before"] {
                try await farm.controller.control("action=add-node&node=\(node)&labels=other")
            }
            let said = #"open one\nopen two\nopen closed-before\nclosed closed-before\n"#
            let keeper = "\(builtProduct("mini")) jenkins gate-keeper --config=\(farm.directory)/jenkins.yaml"
            let run = try await startCommand("/bin/sh", ["-c", "printf '\(said)' | \(keeper)"])
                .finished(within: .seconds(90))
            #expect(run.succeeded, "\(run)")
            #expect(try await farm.controller.isOnline("one") == false)
            #expect(try await farm.controller.isOnline("two") == false)
            #expect(try await farm.controller.isOnline("closed-before"))
        }
    }

    @Test(.enabled(if: RealJenkins.isPractice))
    func `two builds of a single-use label never share an agent, however short they are`() async throws {
        try await withFarm(FarmPlan([FarmTemplate("once", "singleUse: strict")])) { farm in
            let jobs = (1...12).map { "short-\($0)" }
            for job in jobs { try await farm.createJob(job, label: "once", seconds: 0.2) }
            try await farm.build(jobs)
            for job in jobs { #expect(try await farm.end(of: job).result == "SUCCESS") }
            let nodes = jobs.compactMap { farm.ledger.lines(of: $0).first?.node }
            #expect(nodes.count == jobs.count)
            #expect(Set(nodes).count == jobs.count, "\(nodes)")
            #expect(await farm.frameworkState()?.single_use_violations_total == 0)
            try await farm.expectIdle()
        }
    }
}
