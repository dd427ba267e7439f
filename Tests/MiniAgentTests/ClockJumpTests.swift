// A wall clock that jumps, in every step of a task's life and over a restart: only what is reported changes.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct ClockJumpTests {
    private static let second: Int64 = 1_000_000_000
    private static let start: Int64 = 1_800_000_000 * second
    private static let tenYears: Int64 = 10 * 365 * 86_400 * second

    /// The life of a task that is killed, with a restart of the agent in its middle.
    ///
    /// - Parameter wall: The wall clock at each step. The other clock goes on by a second each time.
    /// - Returns: What the agent did, with all waiting times, and the last state that was told.
    private static func life(_ wall: (Int64) -> Int64) -> (did: [String], told: V1TaskState?) {
        var step: Int64 = 0
        var did: [String] = []
        func tick(_ agent: inout AgentConversation) {
            step += 1
            agent.pass(.seconds(1))
            agent.now.wall = WallTime(nanoseconds: wall(step))
        }
        func collect(_ agent: AgentConversation) {
            did += agent.effects.words
            for case .schedule(let timer, let delay) in agent.effects { did.append("\(timer) \(delay)") }
        }
        var agent = AgentConversation()
        agent.now.wall = WallTime(nanoseconds: wall(0))
        agent.register()
        tick(&agent)
        agent.launch("t1")
        let container = agent.container("t1")
        tick(&agent)
        agent.happen(.containerPrepared(container))
        tick(&agent)
        agent.acknowledgeAll("t1")
        agent.happen(.containerStarted(container, StartedContainer()))
        tick(&agent)
        agent.acknowledgeAll("t1")
        tick(&agent)
        agent.command(.killTask(AgentConversation.key("t1"), grace: .seconds(30)))
        collect(agent)

        let plan = planRecovery(
            checkpoint: agent.disk, containers: .found([]),
            supervisors: .found([ObservedContainer(id: container, condition: .running)]))
        var next = AgentConversation(recovering: plan)
        next.disk = agent.disk
        next.now = agent.now
        tick(&next)
        next.register()
        tick(&next)
        next.happen(.timerFired(.repeatKill(container, attempt: 1)))
        tick(&next)
        next.happen(.containerExited(container, .signaled(signal: 9, coreDumped: false)))
        tick(&next)
        next.acknowledgeAll("t1")
        collect(next)
        return (did, next.effects.sentStates.last)
    }

    @Test(
        arguments: [
            { start - $0 * tenYears }, { start + $0 * tenYears }, { start + ($0 % 2 == 0 ? tenYears : -tenYears) },
            { _ in start },
        ] as [@Sendable (Int64) -> Int64])
    func `an agent decides the same, whatever its wall clock does`(wall: @Sendable (Int64) -> Int64) {
        let steady = Self.life { Self.start + $0 * Self.second }
        let jumping = Self.life(wall)
        #expect(steady.told == .taskKilled)
        #expect(jumping.told == steady.told)
        #expect(jumping.did == steady.did)
    }
}
