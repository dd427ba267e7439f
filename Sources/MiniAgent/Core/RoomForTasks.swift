// A removed framework's resources are free at once for the master, while its containers still have time to end. Here a
// new task waits for them, so that a host never runs more than it has. (Apache Mesos starts it beside them.)

import MesosProtocol
import Resources

extension AgentCore {
    /// The task is on disk. It starts now, unless it would have to share the host with containers that are on their way
    /// out.
    mutating func begin(_ key: TaskKey, _ container: ContainerID, _ now: Moment) -> [AgentEffect] {
        guard tasks[key]?.record.container == container else { return [] }
        return recorded(key).flatMap { begin($0, now) }
    }

    private mutating func begin(_ key: TaskKey, _ now: Moment) -> [AgentEffect] {
        guard let life = tasks[key], life.phase == .recording else { return [] }
        if life.kill == nil, !hasRoom(for: life) {
            awaitingRoom.append(life.record.container)
            return [.notice(.info("\(key) waits for the containers of a removed framework to end"))]
        }
        return step(key, .recorded, now)
    }

    /// Starts those that fit by now, in the order they came; one that was killed meanwhile ends at once.
    mutating func beginWaiting(_ now: Moment) -> [AgentEffect] {
        var effects: [AgentEffect] = []
        for container in awaitingRoom {
            guard let key = keysByContainer[container], let life = tasks[key] else {
                awaitingRoom.removeAll { $0 == container }
                continue
            }
            guard life.kill != nil || hasRoom(for: life) else { break }
            awaitingRoom.removeAll { $0 == container }
            effects += step(key, .recorded, now)
        }
        // Nobody behind the first one overtakes it, except to end.
        for container in awaitingRoom.dropFirst() {
            guard let key = keysByContainer[container], tasks[key]?.kill != nil else { continue }
            awaitingRoom.removeAll { $0 == container }
            effects += step(key, .recorded, now)
        }
        return effects
    }

    private func hasRoom(for life: TaskLife) -> Bool {
        var ending = Array(tasks.values.filter { $0.isAbandoned && !$0.isEnded }.map(\.resources))
        ending += executors.values.filter { $0.isAbandoned && !$0.isOver }.map(\.used)
        if ending.isEmpty { return true }
        let waiting = Set(awaitingRoom)
        var used = executors.values.reduce(Resources()) { $0 + $1.used }
        for other in tasks.values
        where !other.isEnded && other.record.key != life.record.key && !waiting.contains(other.record.container) {
            used += other.resources
        }
        let isTaken = ending.contains { !$0.ports.intersection(life.resources.ports).isEmpty }
        return !isTaken
            && ["cpus", "mem", "disk", "gpus"].allSatisfy { used[$0] + life.resources[$0] <= total[$0] }
    }
}
