// Frameworks that come and go by the hundred leave no trace in what Prometheus scrapes.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct BoundsTests {
    private func figures(_ talk: MasterConversation) -> (prometheus: Int, mesos: Int) {
        var configuration = MasterConfiguration(workDir: "/var/lib/mini")
        configuration.publishPerFrameworkMetrics = true
        let facts = MasterFacts(
            configuration: configuration, selfInfo: talk.core.selfInfo, build: BuildInfo(), startedAt: talk.now.wall)
        let document = MetricsDocument(
            snapshot: MasterSnapshot(core: talk.core, now: talk.now), facts: facts, inboxDepth: 0)
        return (document.prometheus().split(separator: "\n").count, document.sorted.count)
    }

    @Test func `the figures are as many after two hundred frameworks that came and went as after sixty`() throws {
        var talk = MasterConversation()
        let link = talk.register(Samples.agent())
        let agent = try #require(talk.agents.first)
        var early: (prometheus: Int, mesos: Int)?
        // Each with a name, a role, a principal and a task of its own.
        for number in 1_000..<1_200 {
            var info = Samples.framework("build-\(number)", roles: ["team-\(number)"])
            info.principal = "ci-\(number)"
            let stream = talk.subscribe(info)
            let framework = try #require(talk.core.cluster?.frameworks.framework(on: stream)?.id)
            let pair = MasterConversation.Pair(framework: framework, stream: stream, agent: agent, link: link)
            let task = TaskID("task-\(number)")
            talk.launch([Samples.task(task.value, on: agent)], pair)
            talk.update(link, framework, task, on: agent, .taskFailed, uuid: 1)
            talk.acknowledge(pair, task, uuid: 1)
            talk.call(stream, framework, .teardown)
            #expect(talk.core.cluster?.frameworks.all.isEmpty == true)
            talk.pass(.seconds(1), answeringOn: [link])
            talk.drain()
            if number == 1_059 { early = figures(talk) }
        }
        let late = figures(talk)
        #expect(
            late.prometheus == early?.prometheus && late.mesos == early?.mesos, "\(String(describing: early)) \(late)")
        // A hundred for each completed framework that is kept, and the rest.
        #expect(late.prometheus < 10_000, "\(late)")
    }
}
