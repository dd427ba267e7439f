// What the demo says, and when it calls itself done.

import Testing

@testable import DevCluster

@Suite struct DemoTests {
    private let jobs = DemoPlan(tag: "t").jobs

    private func idle() throws -> ClusterState {
        try #require(ClusterState(["slaves": [[String: Any]](), "frameworks": [[String: Any]]()]))
    }

    private func snapshot(
        _ views: [String: DemoController.BuildView] = [:], nodes: [String] = [], tasks: [DemoTask] = [],
        cluster: ClusterState? = nil
    ) -> DemoSnapshot { DemoSnapshot(builds: views, nodes: nodes, tasks: tasks, cluster: cluster) }

    @Test func `six jobs over three labels`() {
        #expect(jobs.count == 6)
        #expect(Set(jobs.map(\.label)) == ["demo-plain", "demo-single", "demo-double"])
    }

    @Test func `each change is one line, and no change is none`() {
        var progress = DemoProgress(jobs: jobs)
        let job = jobs[0].name
        let task = DemoTask(id: "mj-demo-plain-1", state: "TASK_STAGING", host: "agent-1")
        #expect(progress.lines(for: snapshot([job: .queued])).count == 1)
        #expect(progress.lines(for: snapshot([job: .queued])).isEmpty)
        let starting = progress.lines(for: snapshot([job: .queued], nodes: [task.id], tasks: [task]))
        #expect(starting.count == 1 && starting[0].hasSuffix("agent starting on agent-1"))
        let running = progress.lines(
            for: snapshot([job: .running(node: task.id)], nodes: [task.id], tasks: [task]))
        #expect(running.count == 1 && running[0].hasSuffix("running on mj-demo-plain-1"))
        let ended = DemoController.BuildView.ended(result: "SUCCESS", milliseconds: 2431, node: task.id)
        #expect(
            progress.lines(for: snapshot([job: ended], nodes: [task.id])).map { $0.hasSuffix("SUCCESS 2.4 s") } == [
                true
            ])
        #expect(progress.lines(for: snapshot([job: ended])).map { $0.hasSuffix("removed") } == [true])
    }

    @Test func `a build that is faster than our looks is still seen to run`() {
        var progress = DemoProgress(jobs: jobs)
        let job = jobs[0].name
        _ = progress.lines(for: snapshot([job: .queued]))
        let lines = progress.lines(for: snapshot([job: .ended(result: "SUCCESS", milliseconds: 99, node: "n")]))
        #expect(lines.count == 2 && lines[0].hasSuffix("running on n") && lines[1].hasSuffix("SUCCESS 0.0 s"))
    }

    @Test func `it is idle only when nodes, tasks, offers and resources are gone`() throws {
        var cluster = try idle()
        #expect(snapshot(cluster: cluster).isIdle)
        #expect(!snapshot(nodes: ["mj-demo-plain-1"], cluster: cluster).isIdle)
        #expect(!snapshot(cluster: nil).isIdle)
        cluster.offeredCPUs = 1
        #expect(!snapshot(cluster: cluster).isIdle)
    }

    @Test func `a leader's state is summed over its agents`() throws {
        let state = try #require(
            ClusterState([
                "slaves": [
                    [
                        "active": true, "used_resources": ["cpus": 1.5, "mem": 64.0],
                        "offered_resources": ["cpus": 0.5],
                    ],
                    ["active": false, "used_resources": ["cpus": 1.0, "mem": 32.0], "offered_resources": ["cpus": 0]],
                ] as [[String: Any]],
                "frameworks": [["tasks": [["id": "a"], ["id": "b"]]]] as [[String: Any]],
            ]))
        #expect(state.activeAgents == 1 && state.activeTasks == 2)
        #expect(state.usedCPUs == 2.5 && state.usedMemory == 96 && state.offeredCPUs == 0.5)
    }

    @Test func `the configuration quotes what people choose`() {
        let yaml = DemoConfiguration(
            stateDirectory: "/tmp/a \"b\"", jenkinsURL: "http://j/", user: "u", tokenFile: "/t", master: "m:1",
            agents: .sampleImage("image:1"), port: 1
        ).yaml
        #expect(yaml.contains(#"stateDir: "/tmp/a \"b\"""#))
        #expect(yaml.contains("singleUse: true") && yaml.contains("maxExecutors: 2"))
    }
}
