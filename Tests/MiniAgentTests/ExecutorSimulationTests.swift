// One agent with a custom executor in a bad world: either may end at any moment, connections break, the network to the
// master loses and doubles, kills come whenever they like.

import MesosProtocol
import Resources
import SimKit
import Testing

@testable import MiniAgent

/// A master, a disk, a host, and executors that do what public executor libraries do, all from one seed.
struct ExecutorWorld {
    enum Happening {
        case agent(AgentEvent)
        case diskTakes(CheckpointWrite)
        case masterReceives(LinkID, AgentCall)
        case masterRuns(Int)
        case masterKills(TaskKey)
        case executorHears(ContainerID, ExecutorStreamID, ExecutorEvent)
        case executorConnects(ContainerID)
        case executorSays(ContainerID, TaskID, V1TaskState)
        case containerEnds(ContainerID, ContainerExit)
        case connectionBreaks(ContainerID)
        case agentCrashes
        case restarted
    }

    /// A correct executor.
    struct Executor {
        var stream: ExecutorStreamID?
        /// Given to it, and nothing about them acknowledged.
        var tasks: [TaskID] = []
        var updates: [V1TaskStatus] = []
        var ended: Set<TaskID> = []
        var exit: ContainerExit?
        var isFollowed = true
    }

    var random: SeededRandom
    var timeline = Timeline<Happening>()
    var core: AgentCore
    var disk = AgentCheckpoint()
    var isUp = true
    var isCalm = false
    var executors: [ContainerID: Executor] = [:]
    var streams: UInt64 = 0
    var masterLink: LinkID?
    var launched: Set<TaskKey> = []
    var given: [TaskKey: Int] = [:]
    var delivered: [TaskKey: [StatusUpdate]] = [:]
    /// What the agent has taken responsibility for.
    var promised: [TaskKey: Set<UpdateID>] = [:]
    var complaints: [String] = []
    let crashPercent: Int
    /// How many of the agent's lives are those of an earlier version, which does not note what it gives to executors.
    let earlierPercent: Int
    var isEarlier = false

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        core = AgentCore(settings: AgentConversation.settings, seed: seed)
        crashPercent = random.pick([0, 1, 3])
        earlierPercent = random.pick([0, 0, 50])
        step(.recovered(RecoveryPlan()))
        step(.masterDetected(AgentConversation.master))
        for number in 0..<8 { timeline.schedule(.masterRuns(number), after: random.milliseconds(3000...40_000)) }
    }

    // MARK: The world turns

    mutating func advance() {
        guard let happening = timeline.popNext() else { return }
        switch happening {
        case .agent(let event): if isUp { step(event) }
        case .diskTakes(let write):
            keep(write)
            if isUp { step(.checkpointed(write.token)) }
        case .masterReceives(let link, let call): receive(call, on: link)
        case .masterRuns(let number): run(number)
        case .masterKills(let key): command(.killTask(key, grace: random.chance(50) ? .seconds(1) : nil))
        case .executorHears(let id, let stream, let event):
            if executors[id]?.stream == stream, executors[id]?.exit == nil { hear(event, id) }
        case .executorConnects(let id): connect(id)
        case .executorSays(let id, let task, let state): say(state, of: task, id)
        case .containerEnds(let id, let exit): end(id, exit)
        case .connectionBreaks(let id): breakConnection(id)
        case .agentCrashes: crash()
        case .restarted: restart()
        }
        guard !isCalm, isUp, random.chance(crashPercent) else { return }
        let victims = executors.keys.filter { executors[$0]?.exit == nil }.sorted()
        if random.chance(60) || victims.isEmpty {
            timeline.schedule(.agentCrashes, after: .zero)
        } else if random.chance(70) {
            timeline.schedule(.connectionBreaks(random.pick(victims)), after: .zero)
        } else {
            timeline.schedule(.containerEnds(random.pick(victims), .exited(status: 1)), after: .zero)
        }
    }

    private mutating func after(_ range: ClosedRange<Int>, _ happening: Happening) {
        timeline.schedule(happening, after: random.milliseconds(range))
    }

    private mutating func step(_ event: AgentEvent) {
        for effect in core.step(event, at: timeline.now) { perform(effect) }
    }

    private mutating func require(_ condition: Bool, _ complaint: @autoclosure () -> String) {
        if !condition { complaints.append(complaint()) }
    }

    // MARK: The disk

    private mutating func keep(_ write: CheckpointWrite) {
        switch write {
        case .delivery where isEarlier:
            return
        case .task(var record) where isEarlier:
            record.awaitsDelivery = false
            disk.apply(.task(record))
        case .subscription(let key, let container, _) where isEarlier:
            disk.apply(.subscription(key, container, waiting: []))
        case .task(let record) where record.awaitsDelivery:
            // An earlier agent may come next: it would give the task to an executor that has not subscribed.
            require(
                disk.executors[record.container]?.steps.contains(.subscribed) == true,
                "that \(record.key) waits is noted before that its executor has subscribed")
            disk.apply(write)
        default:
            disk.apply(write)
        }
    }

    /// What an agent finds on disk: an earlier one has no eye for notes of deliveries.
    private var found: AgentCheckpoint {
        guard isEarlier else { return disk }
        var found = disk
        for key in disk.tasks.keys {
            found.tasks[key]?.delivery = nil
            found.tasks[key]?.record.awaitsDelivery = false
        }
        return found
    }

    // MARK: The agent's shell

    private mutating func perform(_ effect: AgentEffect) {
        switch effect {
        case .checkpoint(let write):
            if case .update(let update) = write, update.reason == .agentRestarted, earlierPercent == 0 {
                let task = disk.tasks[update.key]
                require(
                    task?.record.group != nil || task?.delivery == .made,
                    "\(update.key) is dropped and was not given to its executor")
            }
            // One disk: what was asked first is there first.
            timeline.schedule(.diskTakes(write), after: .milliseconds(5))
        case .register(let link, _, let registration):
            register(link, registration)
        case .closeLink(let link):
            if masterLink == link { masterLink = nil }
        case .send(let link, let call):
            if case .update(let update, _) = call, update.container != nil {
                require(
                    disk.tasks[update.key]?.updates.contains { $0.id == update.id } ?? false,
                    "\(update.state) of \(update.key) is sent before it is on disk")
            }
            let copies = isCalm ? 1 : random.chance(15) ? 0 : random.chance(10) ? 2 : 1
            for _ in 0..<copies { after(1...500, .masterReceives(link, call)) }
        case .schedule(let timer, let delay):
            timeline.schedule(.agent(.timerFired(timer)), after: delay)
        case .prepareContainer(let record, _):
            require(disk.executors[record.container] != nil, "an executor is prepared before it is on disk")
            let fails = random.chance(3)
            after(
                10...2000,
                .agent(
                    fails
                        ? .containerFailed(record.container, .preparation("no file"))
                        : .containerPrepared(record.container)))
        case .startContainer(let record, _):
            require(
                disk.executors[record.container]?.steps.contains(.starting) == true,
                "an executor starts before that is on disk")
            require(executors[record.container] == nil, "container \(record.container) starts twice")
            executors[record.container] = Executor()
            after(1...100, .agent(.containerStarted(record.container, StartedContainer())))
            // A few never come.
            if !random.chance(4) { after(10...1000, .executorConnects(record.container)) }
        case .reattachContainer(let record):
            reattach(record.container)
        case .stopContainer(let container, let grace):
            timeline.schedule(
                .containerEnds(container.id, .signaled(signal: 15, coreDumped: false)),
                after: random.chance(30) ? grace : .milliseconds(50))
        case .killContainer(let container):
            after(1...20, .containerEnds(container.id, .signaled(signal: 9, coreDumped: false)))
        case .releaseContainer(let container):
            for task in disk.tasks.values where task.record.container == container.id {
                require(task.terminalUpdate != nil, "\(task.record.key) lost its container before its end is on disk")
            }
            executors[container.id] = nil
        case .removeOrphan(let orphan):
            executors[orphan.id] = nil
        case .tellExecutor(let stream, let event):
            tell(event, on: stream)
        case .closeExecutorStream(let stream):
            for id in executors.keys where executors[id]?.stream == stream { after(5...5, .connectionBreaks(id)) }
        case .cancelPreparation, .notice, .runCheck, .endChecks, .closeGroupNetwork, .updateContainer:
            break
        case .stop(let reason):
            complaints.append("the agent stops: \(reason)")
        }
    }

    private mutating func tell(_ event: ExecutorEvent, on stream: ExecutorStreamID) {
        guard let id = executors.keys.sorted().first(where: { executors[$0]?.stream == stream }) else { return }
        if case .acknowledged(let task, let update) = event {
            let key = AgentConversation.key(task.value)
            let isKnown =
                disk.tasks[key].map { known in
                    known.updates.contains { $0.id == update } || known.terminalUpdate != nil
                } ?? true
            require(isKnown || core.executors.isEmpty, "\(update) of \(key) is acknowledged before it is on disk")
            if disk.tasks[key]?.updates.contains(where: { $0.id == update }) == true {
                promised[key, default: []].insert(update)
            }
        }
        timeline.schedule(.executorHears(id, stream, event), after: .milliseconds(5))
    }

    private mutating func reattach(_ container: ContainerID) {
        guard let executor = executors[container] else {
            return after(1...100, .agent(.containerExited(container, .unknown("gone"))))
        }
        executors[container]?.isFollowed = true
        if let exit = executor.exit {
            after(1...100, .agent(.containerExited(container, exit)))
        } else {
            after(1...100, .agent(.containerStarted(container, StartedContainer())))
        }
    }

    // MARK: Executors

    private mutating func connect(_ id: ContainerID) {
        guard let executor = executors[id], executor.exit == nil, executor.stream == nil else { return }
        guard isUp, core.refusal(of: AgentConversation.executor, isSubscribe: true) == nil,
            core.executorsByContainer[id] != nil
        else { return after(100...1500, .executorConnects(id)) }
        streams += 1
        let stream = ExecutorStreamID(streams)
        executors[id]?.stream = stream
        step(
            .executorCalled(
                AgentConversation.executor,
                .subscribe(stream, tasks: executor.tasks, updates: executor.updates)))
    }

    private mutating func breakConnection(_ id: ContainerID) {
        guard let stream = executors[id]?.stream else { return }
        executors[id]?.stream = nil
        after(1...50, .agent(.executorDisconnected(AgentConversation.executor, stream, reason: "broken")))
        after(100...1500, .executorConnects(id))
    }

    private mutating func hear(_ event: ExecutorEvent, _ id: ContainerID) {
        switch event {
        case .subscribed, .message: break
        case .launch(let info):
            let task = TaskID(info.taskID)
            require(
                isEarlier || disk.tasks[AgentConversation.key(task.value)]?.delivery != .awaited,
                "\(task) is given before that is on disk")
            take(task, id)
        case .launchGroup(let infos):
            require(infos.map(\.taskID.value) == ["t6", "t7"], "a part of a group is delivered")
            for info in infos { take(TaskID(info.taskID), id) }
        case .kill(let task, _):
            after(1...500, .executorSays(id, task, .taskKilled))
        case .acknowledged(let task, let update):
            executors[id]?.tasks.removeAll { $0 == task }
            executors[id]?.updates.removeAll { $0.updateUUID == update }
        case .shutdown:
            after(1...8000, .containerEnds(id, .exited(status: 0)))
        }
    }

    private mutating func take(_ task: TaskID, _ id: ContainerID) {
        given[AgentConversation.key(task.value), default: 0] += 1
        executors[id]?.tasks.append(task)
        after(1...1000, .executorSays(id, task, .taskRunning))
        after(1001...25_000, .executorSays(id, task, random.pick([.taskFinished, .taskFinished, .taskFailed])))
    }

    private mutating func say(_ state: V1TaskState, of task: TaskID, _ id: ContainerID) {
        guard let executor = executors[id], executor.exit == nil, !executor.ended.contains(task) else { return }
        var status = AgentConversation.status(task.value, state)
        status.updateUUID = WireUUID.random(using: &random)
        if state.isTerminal { executors[id]?.ended.insert(task) }
        executors[id]?.updates.append(status)
        guard executor.stream != nil, isUp,
            core.refusal(of: AgentConversation.executor, isSubscribe: false) == nil
        else { return }
        step(.executorCalled(AgentConversation.executor, .update(status)))
    }

    private mutating func end(_ id: ContainerID, _ exit: ContainerExit) {
        guard let executor = executors[id], executor.exit == nil else { return }
        executors[id]?.exit = exit
        executors[id]?.stream = nil
        if isUp, executor.isFollowed { after(10...200, .agent(.containerExited(id, exit))) }
    }

    // MARK: Crashes

    private mutating func crash() {
        guard isUp else { return }
        isUp = false
        masterLink = nil
        var survivors = Timeline<Happening>()
        let start = timeline.nanoseconds
        var kept: [(Happening, Int64)] = []
        while let happening = timeline.popNext() {
            switch happening {
            case .agent, .diskTakes, .agentCrashes, .restarted, .executorHears, .connectionBreaks: continue
            case .masterReceives, .masterRuns, .masterKills, .executorConnects, .executorSays, .containerEnds:
                kept.append((happening, timeline.nanoseconds - start))
            }
        }
        survivors.schedule(.restarted, after: .zero)
        _ = survivors.popNext()
        for (happening, delay) in kept { survivors.schedule(happening, after: .nanoseconds(delay)) }
        timeline = survivors
        for id in executors.keys.sorted() {
            executors[id]?.isFollowed = false
            guard executors[id]?.stream != nil else { continue }
            executors[id]?.stream = nil
            after(100...1500, .executorConnects(id))
        }
        after(10...5000, .restarted)
    }

    private mutating func restart() {
        isUp = true
        let containers = executors.sorted { $0.key < $1.key }.map { id, executor in
            ObservedContainer(id: id, condition: executor.exit == nil ? .running : .exited)
        }
        isEarlier = random.chance(earlierPercent)
        core = AgentCore(settings: AgentConversation.settings, seed: random.next())
        step(.recovered(planRecovery(checkpoint: found, containers: .found([]), supervisors: .found(containers))))
        step(.masterDetected(AgentConversation.master))
    }

    // MARK: The master

    private mutating func register(_ link: LinkID, _ registration: Registration) {
        masterLink = link
        let known = Set(registration.tasks.map(\.record.key))
        let missing = launched.filter { key in
            !known.contains(key) && delivered[key]?.contains { $0.isTerminal } != true
        }.sorted()
        command(
            .registered(
                RegistrationGrant(agent: AgentConversation.agentID, pingInterval: .seconds(1000), pingMissesMax: 5)))
        if !missing.isEmpty { command(.reconcile(missing)) }
    }

    private mutating func command(_ command: MasterCommand) {
        guard let masterLink else { return }
        timeline.schedule(.agent(.commandReceived(masterLink, command)), after: .milliseconds(20))
    }

    private mutating func run(_ number: Int) {
        guard masterLink != nil, core.link.registeredLink == masterLink else {
            return after(1000...5000, .masterRuns(number))
        }
        let key = AgentConversation.key("t\(number)")
        if number < 6 {
            launched.insert(key)
            command(.runTask(AgentConversation.checkpointing(), AgentConversation.hosted("t\(number)")))
        } else if number == 6 {
            // The last two come together.
            for name in ["t6", "t7"] { launched.insert(AgentConversation.key(name)) }
            command(
                .runTaskGroup(
                    AgentConversation.checkpointing(), AgentConversation.executorInfo(),
                    ["t6", "t7"].map { AgentConversation.hosted($0) }))
        }
        if random.chance(30) { after(1...20_000, .masterKills(key)) }
    }

    private mutating func receive(_ call: AgentCall, on link: LinkID) {
        guard case .update(let update, _) = call else { return }
        let known = delivered[update.key] ?? []
        if !known.contains(where: { $0.id == update.id }) {
            if let end = known.first(where: { $0.isTerminal }) {
                require(
                    update.container == nil || end.container == nil,
                    "\(update.key) ended as \(end.state) and again as \(update.state)")
            }
            delivered[update.key, default: []].append(update)
        }
        guard masterLink == link else { return }
        let copies = isCalm ? 1 : random.chance(15) ? 0 : 1
        for _ in 0..<copies { after(1...500, .agent(.commandReceived(link, .acknowledge(update.key, update.id)))) }
    }

    var isFinished: Bool {
        isUp && launched.count == 8 && core.hosts.isEmpty
            && launched.allSatisfy { key in delivered[key]?.contains { $0.isTerminal } == true }
    }
}

struct ExecutorSimulationTests {
    @Test(arguments: Seeds.forThisRun(count: 300))
    func `every task of an executor ends once, and what was acknowledged is delivered`(seed: UInt64) {
        var world = ExecutorWorld(seed: seed)
        for _ in 0..<2000 { world.advance() }
        world.isCalm = true
        var steps = 0
        while steps < 8000, !world.isFinished {
            world.advance()
            steps += 1
        }
        #expect(world.complaints.isEmpty, "seed \(seed): \(world.complaints.prefix(3))")
        #expect(world.isFinished, "stuck at \(world.timeline.now); seed \(seed); \(world.core.executors)")
        for key in world.launched.sorted() {
            #expect(world.given[key, default: 0] <= 1, "seed \(seed): \(key) was given to an executor twice")
            let ends = Set((world.delivered[key] ?? []).filter { $0.isTerminal && $0.container != nil }.map(\.id))
            #expect(ends.count <= 1, "seed \(seed): \(key) has \(ends.count) ends")
            let said = Set((world.delivered[key] ?? []).map(\.id))
            #expect(
                world.promised[key, default: []].isSubset(of: said),
                "seed \(seed): an acknowledged update of \(key) was not delivered")
        }
    }
}
