// How an agent finds its place with a master, and what it does when that breaks.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct AgentRegistrationTests {
    private let grant = RegistrationGrant(
        agent: AgentConversation.agentID, pingInterval: .seconds(15), pingMissesMax: 5)

    @Test func `a new agent registers without an id and keeps the one it is given`() {
        var agent = AgentConversation()
        let found = agent.happen(.masterDetected(AgentConversation.master))
        guard case .schedule(.register(let link), let delay)? = found.first else {
            Issue.record("no attempt is scheduled: \(found)")
            return
        }
        #expect(.zero <= delay && delay <= .seconds(1))
        let attempt = agent.happen(.timerFired(.register(link)))
        guard case .register(link, AgentConversation.master, let registration)? = attempt.first else {
            Issue.record("no registration: \(attempt)")
            return
        }
        #expect(registration == Registration(agent: nil, tasks: [], frameworks: []))
        #expect(agent.command(.registered(grant)).words == ["write agent"])
        #expect(agent.core.link.registeredLink == link)
        #expect(agent.disk.agent == AgentConversation.agentID)
    }

    @Test func `a launch that arrives before the identity is on disk waits for it`() {
        var agent = AgentConversation()
        agent.happen(.masterDetected(AgentConversation.master))
        agent.happen(.timerFired(.register(agent.openLink)))
        agent.holdsDisk = true
        agent.command(.registered(grant))
        #expect(agent.launch("t1").words == [])
        #expect(agent.flush().words == ["write framework", "write task", "prepare"])
    }

    @Test func `waiting times double with every failure up to a minute and differ between agents`() {
        var bounds: [Duration] = []
        var firsts: Set<Duration> = []
        for seed in UInt64(0)..<40 {
            var agent = AgentConversation(seed: seed)
            var delays = delay(of: agent.happen(.masterDetected(AgentConversation.master)))
            firsts.formUnion(delays)
            for _ in 0..<9 {
                agent.happen(.timerFired(.register(agent.openLink)))
                delays += delay(of: agent.happen(.linkLost(agent.openLink, reason: "refused")))
            }
            bounds = bounds.isEmpty ? delays : zip(bounds, delays).map(max)
        }
        #expect(firsts.count > 30)
        for (bound, limit) in zip(bounds, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]) {
            #expect(bound <= .seconds(limit))
            #expect(bound >= .seconds(limit) / 2, "of forty agents one waits in the upper half")
        }
    }

    private func delay(of effects: [AgentEffect]) -> [Duration] {
        effects.compactMap { if case .schedule(.register, let delay) = $0 { delay } else { nil } }
    }

    @Test func `an agent that knows the size of its cluster goes to a new leader within a time that fits it`() {
        for (size, limit) in [(100, Duration.milliseconds(20)), (2000, .milliseconds(400)), (10_000, .seconds(1))] {
            var longest = Duration.zero
            for seed in UInt64(0)..<40 {
                var agent = AgentConversation(seed: seed)
                agent.happen(.masterDetected(AgentConversation.master))
                agent.happen(.timerFired(.register(agent.openLink)))
                var told = grant
                told.clusterAgents = size
                agent.command(.registered(told))
                let next = MasterAddress(id: "m2", url: "http://10.0.0.2:5050")
                longest = max(longest, delay(of: agent.happen(.masterDetected(next))).first ?? .seconds(99))
            }
            #expect(longest <= limit)
            #expect(longest >= limit / 2)
        }
    }

    @Test func `an agent that a new leader does not take yet asks again soon`() {
        var agent = AgentConversation()
        agent.happen(.masterDetected(AgentConversation.master))
        agent.happen(.timerFired(.register(agent.openLink)))
        var told = grant
        told.clusterAgents = 100
        agent.command(.registered(told))
        agent.happen(.masterDetected(MasterAddress(id: "m2", url: "http://10.0.0.2:5050")))
        var bound = Duration.milliseconds(50)
        for _ in 0..<8 {
            agent.happen(.timerFired(.register(agent.openLink)))
            let waits = delay(of: agent.happen(.linkLost(agent.openLink, reason: "503")))
            #expect(waits.count == 1 && waits[0] <= bound)
            bound *= 2
        }
    }

    @Test func `an agent remembers its cluster, names it, and does not work for another`() {
        var agent = AgentConversation()
        agent.happen(.masterDetected(AgentConversation.master))
        agent.happen(.timerFired(.register(agent.openLink)))
        var told = grant
        told.cluster = "c1"
        #expect(agent.command(.registered(told)).words == ["write agent", "write cluster"])
        #expect(agent.disk.cluster == "c1")
        var plan = RecoveryPlan()
        plan.agent = agent.disk.agent
        plan.cluster = agent.disk.cluster
        var again = AgentConversation(recovering: plan)
        again.happen(.masterDetected(AgentConversation.master))
        let attempt = again.happen(.timerFired(.register(again.openLink)))
        guard case .register(_, _, let registration)? = attempt.first else {
            Issue.record("no registration: \(attempt)")
            return
        }
        #expect(registration.cluster == "c1")
        told.cluster = "c2"
        let effects = again.command(.registered(told))
        #expect(effects.words == ["close"])
        #expect(
            effects.contains(
                .notice(
                    .warning("no longer registered: the master belongs to cluster c2, this agent to cluster c1"))))
    }

    @Test func `a ping is answered only once the identity is on disk`() {
        var agent = AgentConversation()
        agent.happen(.masterDetected(AgentConversation.master))
        agent.happen(.timerFired(.register(agent.openLink)))
        agent.holdsDisk = true
        agent.command(.registered(grant))
        #expect(agent.command(.ping(sequence: 0, connected: true)).words == [])
        #expect(agent.flush().words == ["pong"])
    }

    @Test func `a framework that is back gets at once what it has not acknowledged`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.run("t2")
        agent.acknowledgeAll("t2")
        let effects = agent.command(.updateFramework(AgentConversation.frameworkInfo()))
        #expect(effects.sentUpdates.map(\.key.task) == ["t1"])
        #expect(effects.sentStates == [.taskStarting])
    }

    @Test func `a ping is answered and its absence ends the link`() {
        var agent = AgentConversation()
        agent.register()
        let link = agent.openLink
        let effects = agent.command(.ping(sequence: 4, connected: true))
        #expect(effects.first == .send(link, .pong(sequence: 4)))
        #expect(effects.contains(.schedule(.pingDeadline(link, pings: 1), after: .seconds(90))))
        #expect(agent.happen(.timerFired(.pingDeadline(link, pings: 0))).words == [], "a ping came since")
        #expect(agent.happen(.timerFired(.pingDeadline(link, pings: 1))).words == ["close"])
        #expect(agent.core.link.registeredLink == nil)
    }

    @Test func `an agent the master takes for disconnected registers again`() {
        var agent = AgentConversation()
        agent.register()
        #expect(agent.command(.ping(sequence: 1, connected: false)).words == ["pong", "close"])
    }

    @Test func `a registration nobody answers is given up and tried again`() {
        var agent = AgentConversation()
        agent.happen(.masterDetected(AgentConversation.master))
        let link = agent.openLink
        agent.happen(.timerFired(.register(link)))
        #expect(agent.happen(.timerFired(.registrationDeadline(link))).words == ["close"])
        #expect(agent.openLink != link)
    }

    @Test func `what comes over an older link is ignored`() {
        var agent = AgentConversation()
        agent.register()
        let old = agent.openLink
        agent.happen(.linkLost(old, reason: "reset"))
        #expect(
            agent.happen(
                .commandReceived(old, .runTask(AgentConversation.frameworkInfo(), AgentConversation.info("t")))) == [])
        #expect(agent.happen(.linkLost(old, reason: "again")) == [])
    }

    @Test func `a new leader gets the tasks, their states and the frameworks`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.happen(.masterDetected(MasterAddress(id: "m2", url: "http://10.0.0.2:5050")))
        let attempt = agent.happen(.timerFired(.register(agent.openLink)))
        guard case .register(_, _, let registration)? = attempt.first else {
            Issue.record("no registration: \(attempt)")
            return
        }
        #expect(registration.agent == AgentConversation.agentID)
        #expect(registration.tasks.map(\.state) == [.taskRunning])
        #expect(registration.tasks[0].pending?.state == .taskStarting)
        #expect(registration.tasks[0].history.map(\.state) == [.taskStarting, .taskRunning])
        #expect(registration.frameworks == [AgentConversation.frameworkInfo()])
        #expect(agent.command(.registered(grant)).sentStates == [.taskStarting])
    }

    @Test func `no leader means no link`() {
        var agent = AgentConversation()
        agent.register()
        #expect(agent.happen(.masterDetected(nil)).words == ["close"])
        #expect(agent.core.link.phase == .detached)
    }

    @Test func `a refusal is a reason to wait, unless it tells the agent to end`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        agent.happen(.linkLost(agent.openLink, reason: "reset"))
        agent.happen(.timerFired(.register(agent.openLink)))
        #expect(agent.command(.refused(reason: "recovering", shutdown: false)).words == ["close"])
        agent.happen(.timerFired(.register(agent.openLink)))
        let effects = agent.command(.refused(reason: "gone", shutdown: true))
        #expect(effects.words == ["write kill", "stop container"])
        let end = agent.happen(.containerExited(agent.container("t1"), .signaled(signal: 15, coreDumped: false)))
        #expect(end.words.last == "stop agent")
    }

    @Test func `another id than the one on disk stops the agent`() {
        var agent = AgentConversation()
        agent.register()
        agent.happen(.linkLost(agent.openLink, reason: "reset"))
        agent.happen(.timerFired(.register(agent.openLink)))
        let other = RegistrationGrant(agent: AgentID("other"), pingInterval: .seconds(15), pingMissesMax: 5)
        guard case .stop(.fatal(let reason))? = agent.command(.registered(other)).last else {
            Issue.record("the agent goes on")
            return
        }
        #expect(reason.contains("other") && reason.contains("a1"))
    }

    @Test func `an agent asked to leave ends its tasks, says goodbye and stops`() {
        var agent = AgentConversation()
        agent.register()
        agent.run("t1")
        #expect(agent.happen(.unregisterRequested(reason: "maintenance")).words == ["write kill", "stop container"])
        #expect(agent.launch("t2").sentStates == [.taskLost])
        let end = agent.happen(.containerExited(agent.container("t1"), .exited(status: 0)))
        #expect(end.words.suffix(2) == ["unregister", "stop agent"])
        #expect(agent.happen(.masterDetected(nil)).words.contains("stop agent") == false, "it stops once")
    }
}
