// The agents' side of the world: hosts with a disk and containers that outlive the agent process.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent

/// One agent host. The process on it may be down (`core` is nil); its disk and its containers stay.
struct AgentHost {
    struct Container {
        enum Condition { case prepared, running, exited(ContainerExit) }
        var condition: Condition
        /// Whether the current agent process follows it.
        var isFollowed: Bool
    }

    let index: Int
    var generation = 0
    var core: AgentCore?
    var disk = AgentCheckpoint()
    /// Writes on their way to the disk, oldest first.
    var unwritten: [CheckpointWrite] = []
    var lastWriteDue: Int64 = 0
    var containers: [ContainerID: Container] = [:]
    var isolatedUntil: Int64 = 0
    var slowDiskUntil: Int64 = 0
    /// When a master last heard of it.
    var lastHeard: Int64 = 0
    var leader: Int?
    var membersVersionSeen: UInt64 = 0
    /// How far its wall clock is off.
    var clockOffset = Duration.zero
    /// It was told to unregister.
    var isLeaving = false
    /// Its machine was down at some time since the process started.
    var wasDown = false
    /// Open links by the core's number for them.
    var links: [LinkID: Int] = [:]

    init(index: Int) { self.index = index }

    func isAway(at nanoseconds: Int64) -> Bool { core == nil || isolatedUntil > nanoseconds }

    /// Every other agent says where others reach it.
    var advertisedIP: String? { index % 2 == 0 ? "192.0.2.\(index + 1)" : nil }
    /// Where its connections come from.
    static func address(ofAgent index: Int) -> String { "10.0.1.\(index + 1)" }

    var info: V1AgentInfo {
        var info = V1AgentInfo()
        info.hostname = "agent-\(index)"
        info.port = 5051
        info.resources = Self.capacity.protobuf(allocationRole: nil)
        return info
    }

    /// Room for a few tasks, so that they compete.
    static let capacity = simulatedResources(cpus: 4, memory: 1024, disk: 100)

    /// The same amounts, whatever of them is reserved or a volume.
    static func isWhole(_ resources: Resources) -> Bool {
        ["cpus", "mem", "disk"].allSatisfy { resources[$0] == capacity[$0] }
    }

    static func fits(_ resources: Resources) -> Bool {
        ["cpus", "mem", "disk"].allSatisfy { resources[$0] <= capacity[$0] }
    }
}

/// CPUs, and memory and disk in MB.
func simulatedResources(cpus: Int64, memory: Int64, disk: Int64 = 0) -> Resources {
    let messages = [("cpus", cpus), ("mem", memory), ("disk", disk)].filter { $0.1 > 0 }.map { name, value in
        var resource = V1Resource()
        resource.name = name
        resource.type = .scalar
        resource.scalar.value = Double(value)
        return resource
    }
    guard let resources = try? Resources(messages) else { preconditionFailure("plain scalars are resources") }
    return resources
}

enum ContainerHappening {
    case prepared
    case started
    case ended(ContainerExit)
}

extension ClusterWorld {
    static var agentSettings: AgentSettings {
        AgentSettings(
            resources: AgentHost.capacity, containerizers: [.process], registrationBackoffMax: .seconds(4),
            registrationTimeout: .seconds(5))
    }

    mutating func startAgent(_ index: Int, after delay: Duration) {
        agents[index].generation += 1
        agents[index].wasDown = downHosts.contains(index)
        let generation = agents[index].generation
        // The plan is made when the process starts, from what the disk and the host hold then.
        timeline.schedule(.toAgent(index, generation: generation, .recovered(RecoveryPlan())), after: delay)
    }

    /// The process dies; of the writes that were on their way a random prefix made it.
    mutating func crashAgent(_ index: Int) {
        for _ in 0..<Int.random(in: 0...agents[index].unwritten.count, using: &random) {
            becameDurable(agents[index].unwritten.removeFirst(), onAgent: index)
        }
        agents[index].unwritten = []
        agents[index].core = nil
        agents[index].isLeaving = false
        agents[index].generation += 1
        agents[index].links = [:]
        for container in agents[index].containers.keys.sorted() {
            agents[index].containers[container]?.isFollowed = false
        }
        cutAll(noticedWithin: 1...300) { connection in
            if case .agent(index, _, _) = connection.client { true } else { false }
        }
    }

    mutating func deliver(_ event: AgentEvent, toAgent index: Int, generation: Int) {
        guard agents[index].generation == generation else { return }
        var event = event
        if case .recovered = event {
            event = .recovered(recoveryPlan(ofAgent: index))
            let core = AgentCore(settings: Self.agentSettings, seed: random.next())
            agents[index].core = core
            agents[index].membersVersionSeen = 0
        }
        guard agents[index].core != nil else { return }
        history.add("\(timeline.nanoseconds / 1_000_000) agent-\(index) <- \(event)")
        let moment = now.withWall(turnedBy: agents[index].clockOffset)
        let effects = agents[index].core?.step(event, at: moment) ?? []
        for effect in effects { perform(effect, ofAgent: index) }
        checkAgent(index)
    }

    /// The process has ended because it was told to, as agents do for good; the host is then set up anew.
    private mutating func replaceAgent(_ index: Int) {
        if let id = agents[index].disk.agent { ledger.replaced.insert(id) }
        for number in agents[index].links.values.sorted() { close(number, by: .client) }
        agents[index].links = [:]
        agents[index].core = nil
        agents[index].unwritten = []
        agents[index].disk = AgentCheckpoint()
        agents[index].containers = [:]
        agents[index].isLeaving = false
        startAgent(index, after: side.milliseconds(300...6000))
    }

    private func recoveryPlan(ofAgent index: Int) -> RecoveryPlan {
        let observed = agents[index].containers.map { id, container in
            let condition: ObservedContainer.Condition =
                switch container.condition {
                case .prepared: .created
                case .running: .running
                case .exited: .exited
                }
            return ObservedContainer(id: id, condition: condition)
        }
        return planRecovery(
            checkpoint: agents[index].disk, containers: .found([]),
            supervisors: .found(observed.sorted { $0.id < $1.id }))
    }

    private mutating func perform(_ effect: AgentEffect, ofAgent index: Int) {
        history.add("\(timeline.nanoseconds / 1_000_000) agent-\(index) -> \(effect)")
        let generation = agents[index].generation
        switch effect {
        case .checkpoint(let write):
            agents[index].unwritten.append(write)
            let isSlow = agents[index].slowDiskUntil > timeline.nanoseconds
            let delay = random.milliseconds(isSlow ? 200...4000 : 1...30)
            let due = max(agents[index].lastWriteDue, timeline.nanoseconds + delay.nanoseconds)
            agents[index].lastWriteDue = due
            timeline.schedule(
                .written(agent: index, generation: generation, write),
                after: .nanoseconds(due - timeline.nanoseconds))
        case .register(let link, let address, let registration):
            checkDurable(registration, ofAgent: index)
            checkReservations(registration, ofAgent: index)
            register(link, at: address, registration, ofAgent: index)
        case .closeLink(let link):
            if let number = agents[index].links.removeValue(forKey: link) { close(number, by: .client) }
        case .send(let link, let call):
            checkDurable(call, ofAgent: index)
            if let number = agents[index].links[link] {
                send(.linkCall(call.message(agent: agents[index].core?.agent)), on: number, to: .master)
            }
        case .schedule(let timer, let delay):
            timeline.schedule(.toAgent(index, generation: generation, .timerFired(timer)), after: delay)
        case .prepareContainer(let record, _):
            timeline.schedule(
                .container(agent: index, record.container, .prepared), after: random.milliseconds(1...800))
            agents[index].containers[record.container] = nil
        case .startContainer(let record, _):
            start(record, onAgent: index)
        case .reattachContainer(let record):
            reattach(record, onAgent: index)
        case .stopContainer(let container, let grace):
            let patience = Int(grace.components.seconds) * 1000
            timeline.schedule(
                .container(agent: index, container.id, .ended(.signaled(signal: 15, coreDumped: false))),
                after: random.milliseconds(1...max(1, patience)))
        case .killContainer(let container):
            timeline.schedule(
                .container(agent: index, container.id, .ended(.signaled(signal: 9, coreDumped: false))),
                after: random.milliseconds(1...50))
        case .cancelPreparation(let container), .releaseContainer(let container):
            agents[index].containers[container.id] = nil
        case .removeOrphan(let orphan):
            agents[index].containers[orphan.id] = nil
        case .runCheck(let run):
            let outcome: CheckOutcome = random.chance(20) ? .exited(status: 1) : .exited(status: 0)
            timeline.schedule(
                .toAgent(index, generation: generation, .checkFinished(run.id, outcome)),
                after: random.milliseconds(1...500))
        case .endChecks, .closeGroupNetwork: break
        case .notice, .tellExecutor, .closeExecutorStream, .updateContainer: break
        case .stop(let stop):
            checkStop(stop, ofAgent: index)
            replaceAgent(index)
        }
    }

    private mutating func register(
        _ link: LinkID, at address: MasterAddress, _ registration: Registration, ofAgent index: Int
    ) {
        let generation = agents[index].generation
        guard let master = masters.firstIndex(where: { "http://master-\($0.index)" == address.url }),
            let number = connect(.agent(index, generation: generation, link), toMaster: master)
        else {
            timeline.schedule(
                .toAgent(index, generation: generation, .linkLost(link, reason: "connection refused")),
                after: random.milliseconds(1...500))
            return
        }
        agents[index].links[link] = number
        send(
            .linkCall(registration.message(describing: agents[index].info, at: agents[index].advertisedIP)), on: number,
            to: .master)
    }

    mutating func finishWrite(_ write: CheckpointWrite, onAgent index: Int, generation: Int) {
        guard agents[index].generation == generation, !agents[index].unwritten.isEmpty else { return }
        becameDurable(agents[index].unwritten.removeFirst(), onAgent: index)
        deliver(.checkpointed(write.token), toAgent: index, generation: generation)
    }

    // MARK: Containers

    private mutating func start(_ record: TaskRecord, onAgent index: Int) {
        guard agents[index].containers[record.container] == nil else {
            return fail("agent-\(index) starts container \(record.container) twice")
        }
        if !ledger.started.insert(record.key).inserted { fail("\(record.key) runs twice") }
        agents[index].containers[record.container] = AgentHost.Container(condition: .running, isFollowed: true)
        timeline.schedule(
            .container(agent: index, record.container, .started), after: random.milliseconds(1...100))
        if record.info.command.value == SimFramework.endlessCommand { return }
        let status = random.chance(20) ? 3 : 0
        timeline.schedule(
            .container(agent: index, record.container, .ended(.exited(status: status))),
            after: random.milliseconds(100...12_000))
    }

    private mutating func reattach(_ record: TaskRecord, onAgent index: Int) {
        let generation = agents[index].generation
        guard let container = agents[index].containers[record.container] else {
            let event = AgentEvent.containerExited(record.container, .unknown("no container is left of it"))
            timeline.schedule(.toAgent(index, generation: generation, event), after: .milliseconds(1))
            return
        }
        agents[index].containers[record.container]?.isFollowed = true
        switch container.condition {
        case .prepared, .running:
            timeline.schedule(
                .toAgent(index, generation: generation, .containerStarted(record.container, StartedContainer())),
                after: random.milliseconds(1...100))
        case .exited(let exit):
            timeline.schedule(
                .toAgent(index, generation: generation, .containerExited(record.container, exit)),
                after: random.milliseconds(1...100))
        }
    }

    mutating func take(_ happening: ContainerHappening, _ id: ContainerID, onAgent index: Int) {
        let generation = agents[index].generation
        switch happening {
        case .prepared:
            deliver(.containerPrepared(id), toAgent: index, generation: generation)
        case .started:
            guard let container = agents[index].containers[id], container.isFollowed else { return }
            deliver(.containerStarted(id, StartedContainer()), toAgent: index, generation: generation)
        case .ended(let exit):
            guard let container = agents[index].containers[id], case .running = container.condition else { return }
            agents[index].containers[id]?.condition = .exited(exit)
            ledger.exits[id] = exit
            guard container.isFollowed else { return }
            deliver(.containerExited(id, exit), toAgent: index, generation: generation)
        }
    }
}
