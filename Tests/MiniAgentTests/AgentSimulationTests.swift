// One agent in a bad world: it crashes at any moment, the network loses and doubles, kills come whenever they like.

import MesosProtocol
import Resources
import SimKit
import Testing

@testable import MiniAgent

/// A master, a network, a disk and a host with containers, all from one seed.
struct AgentWorld {
    enum Happening {
        case agent(AgentEvent)
        /// The disk takes all that was asked of it; then the agent hears of it.
        case diskWrites
        case masterReceives(LinkID, AgentCall)
        case containerExits(ContainerID, status: Int)
        case masterRuns(Int)
        case masterKills(TaskKey)
        case masterDies
        case agentCrashes
        case restarted
    }

    enum Container: Equatable { case running, exited(Int) }

    var random: SeededRandom
    var timeline = Timeline<Happening>()
    var core: AgentCore
    var disk = AgentCheckpoint()
    /// Writes on their way to the disk.
    var unwritten = CheckpointQueue<CheckpointWrite>(arrivalsMax: 1)
    var life = 0
    var isUp = true
    var containers: [ContainerID: Container] = [:]
    /// How often each task's program was started.
    var starts: [TaskKey: Int] = [:]
    var isCalm = false
    var masterLink: LinkID?
    var masterNumber = 1
    /// First deliveries, in order, by task.
    var delivered: [TaskKey: [StatusUpdate]] = [:]
    var launched: Set<TaskKey> = []
    var complaints: [String] = []
    let crashPercent: Int

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        core = AgentCore(settings: AgentConversation.settings, seed: seed)
        crashPercent = random.pick([0, 1, 3])
        step(.recovered(RecoveryPlan()))
        step(.masterDetected(AgentConversation.master))
        for number in 0..<6 { timeline.schedule(.masterRuns(number), after: random.milliseconds(3000...40_000)) }
    }

    // MARK: The world turns

    mutating func advance() {
        guard let happening = timeline.popNext() else { return }
        switch happening {
        case .agent(let event):
            if isUp { step(event) }
        case .diskWrites:
            let group = unwritten.next()
            if !unwritten.isEmpty { timeline.schedule(.diskWrites, after: .milliseconds(5)) }
            for write in group {
                disk.apply(write)
                step(.checkpointed(write.token))
            }
        case .masterReceives(let link, let call):
            receive(call, on: link)
        case .containerExits(let id, let status):
            guard containers[id] == .running else { return }
            containers[id] = .exited(status)
            if isUp { after(10...200, .agent(.containerExited(id, .exited(status: status)))) }
        case .masterRuns(let number):
            run(number)
        case .masterKills(let key):
            command(.killTask(key, grace: .seconds(2)))
        case .masterDies:
            masterNumber += 1
            masterLink = nil
            let master = MasterAddress(id: "m\(masterNumber)", url: "http://10.0.0.\(masterNumber):5050")
            after(100...3000, .agent(.masterDetected(master)))
        case .agentCrashes:
            crash()
        case .restarted:
            restart()
        }
        guard !isCalm, isUp, random.chance(crashPercent) else { return }
        timeline.schedule(random.chance(70) ? .agentCrashes : .masterDies, after: .zero)
    }

    private mutating func after(_ range: ClosedRange<Int>, _ happening: Happening) {
        timeline.schedule(happening, after: random.milliseconds(range))
    }

    private mutating func overNetwork(_ happening: Happening) {
        let copies = isCalm ? 1 : random.chance(15) ? 0 : random.chance(10) ? 2 : 1
        for _ in 0..<copies { after(1...500, happening) }
    }

    // MARK: The agent's shell

    private mutating func step(_ event: AgentEvent) {
        for effect in core.step(event, at: timeline.now) { perform(effect) }
    }

    private mutating func perform(_ effect: AgentEffect) {
        switch effect {
        case .checkpoint(let write):
            unwritten.append(write, write.kind)
            timeline.schedule(.diskWrites, after: isAccompanied(write) ? .seconds(1) : .milliseconds(5))
        case .register(let link, _, let registration):
            register(link, registration)
        case .closeLink(let link):
            if masterLink == link { masterLink = nil }
        case .send(let link, let call):
            check(call)
            overNetwork(.masterReceives(link, call))
        case .schedule(let timer, let delay):
            timeline.schedule(.agent(.timerFired(timer)), after: delay)
        case .prepareContainer(let record, _):
            require(disk.tasks[record.key]?.record == record, "\(record.key) is prepared before it is on disk")
            after(
                10...2000,
                .agent(
                    random.chance(5)
                        ? .containerFailed(record.container, .preparation("no image"))
                        : .containerPrepared(record.container)))
        case .startContainer(let record, _):
            require(disk.tasks[record.key]?.hasStarted == true, "\(record.key) starts before TASK_STARTING is on disk")
            starts[record.key, default: 0] += 1
            containers[record.container] = .running
            after(1...300, .agent(.containerStarted(record.container, StartedContainer())))
            after(1000...30_000, .containerExits(record.container, status: random.pick([0, 0, 1])))
        case .reattachContainer(let record):
            switch containers[record.container] {
            case .running: after(1...300, .agent(.containerStarted(record.container, StartedContainer())))
            case .exited(let status):
                after(1...300, .agent(.containerExited(record.container, .exited(status: status))))
            case nil: after(1...300, .agent(.containerExited(record.container, .unknown("gone"))))
            }
        case .stopContainer(let container, let grace):
            let ignores = random.chance(30)
            timeline.schedule(.containerExits(container.id, status: 143), after: ignores ? grace : .milliseconds(50))
        case .killContainer(let container):
            after(1...20, .containerExits(container.id, status: 137))
        case .releaseContainer(let container):
            require(
                disk.tasks[container.key]?.terminalUpdate != nil || disk.tasks[container.key] == nil,
                "\(container.key) lets its container go before its end is on disk")
            containers[container.id] = nil
        case .runCheck(let run):
            require(containers[run.id.container] != nil, "\(run.id.container) is checked without a container")
            let outcome = random.pick([
                CheckOutcome.exited(status: 0), .exited(status: 1), .failed("slow"), .notRun(""),
            ])
            after(1...3000, .agent(.checkFinished(run.id, outcome)))
        case .removeOrphan(let orphan):
            containers[orphan.id] = nil
        case .cancelPreparation, .endChecks, .closeGroupNetwork, .notice, .tellExecutor, .closeExecutorStream,
            .updateContainer:
            break
        case .stop(let reason):
            complaints.append("the agent stops: \(reason)")
        }
    }

    /// An acknowledgement that nothing waits for reaches the disk with the next write, or late.
    private func isAccompanied(_ write: CheckpointWrite) -> Bool {
        guard case .acknowledgement(let key, let id) = write, let pending = disk.tasks[key]?.pending else {
            return false
        }
        return pending.count == 1 && pending.first.map { $0.id == id && !$0.isTerminal } == true
    }

    private mutating func check(_ call: AgentCall) {
        guard case .update(let update, _) = call, update.container != nil else { return }
        require(
            disk.tasks[update.key]?.updates.contains { $0.id == update.id } ?? false,
            "\(update.state) of \(update.key) is sent before it is on disk")
        let known = delivered[update.key, default: []].filter { $0.container != nil }
        require(
            known.last?.id == update.id || !known.contains { $0.id == update.id },
            "\(update.key) is said to be \(update.state) again, after something newer")
    }

    private mutating func require(_ condition: Bool, _ complaint: String) {
        if !condition { complaints.append(complaint) }
    }

    private mutating func crash() {
        guard isUp else { return }
        isUp = false
        masterLink = nil
        unwritten = CheckpointQueue(arrivalsMax: 1)
        // Timers, network answers and unwritten records of this life are gone; containers, the master and the disk stay.
        var survivors = Timeline<Happening>()
        let start = timeline.nanoseconds
        var kept: [(Happening, Int64)] = []
        while let happening = timeline.popNext() {
            switch happening {
            case .agent, .diskWrites, .agentCrashes, .restarted: continue
            case .masterReceives, .containerExits, .masterRuns, .masterKills, .masterDies:
                kept.append((happening, timeline.nanoseconds - start))
            }
        }
        survivors.schedule(.restarted, after: .zero)
        _ = survivors.popNext()
        for (happening, delay) in kept { survivors.schedule(happening, after: .nanoseconds(delay)) }
        timeline = survivors
        after(10...5000, .restarted)
    }

    private mutating func restart() {
        isUp = true
        life += 1
        let found = containers.sorted { $0.key < $1.key }.map { id, container in
            ObservedContainer(id: id, condition: container == .running ? .running : .exited)
        }
        core = AgentCore(settings: AgentConversation.settings, seed: random.next())
        step(.recovered(planRecovery(checkpoint: disk, containers: .found(found), supervisors: .found([]))))
        step(.masterDetected(MasterAddress(id: "m\(masterNumber)", url: "http://10.0.0.\(masterNumber):5050")))
    }

    // MARK: The master

    private mutating func register(_ link: LinkID, _ registration: Registration) {
        masterLink = link
        require(
            registration.agent == nil || registration.agent == AgentConversation.agentID, "registered as somebody else")
        // What the agent does not have and the master waits for.
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
        // One stream: in order, all or nothing.
        guard let masterLink else { return }
        timeline.schedule(.agent(.commandReceived(masterLink, command)), after: .milliseconds(20))
    }

    private mutating func run(_ number: Int) {
        guard masterLink != nil, core.link.registeredLink == masterLink else {
            return after(1000...5000, .masterRuns(number))
        }
        // The last two come as a group, once.
        if number >= 4 { return number == 4 ? runGroup() : () }
        let key = AgentConversation.key("t\(number)")
        launched.insert(key)
        var info = AgentConversation.info("t\(number)", docker: true)
        if number % 2 == 0 {
            info.healthCheck.command.value = "true"
            info.healthCheck.delaySeconds = 1
            info.healthCheck.intervalSeconds = 2
            info.healthCheck.gracePeriodSeconds = 4
        }
        if number % 3 == 0 { info.maxCompletionTime.nanoseconds = 12_000_000_000 }
        command(.runTask(AgentConversation.frameworkInfo(), info))
        if random.chance(40) { after(1...20_000, .masterKills(key)) }
    }

    private mutating func runGroup() {
        let names = ["t4", "t5"]
        for name in names { launched.insert(AgentConversation.key(name)) }
        command(
            .runTaskGroup(
                AgentConversation.frameworkInfo(), AgentConversation.executor(),
                names.map { AgentConversation.info($0, docker: true) }))
        if random.chance(40) { after(1...20_000, .masterKills(AgentConversation.key("t5"))) }
    }

    private mutating func receive(_ call: AgentCall, on link: LinkID) {
        guard case .update(let update, _) = call else { return }
        let known = delivered[update.key] ?? []
        if !known.contains(where: { $0.id == update.id }) {
            if let end = known.first(where: { $0.isTerminal }) {
                // A reconciliation answer may cross a real one; two real ends may not exist.
                require(
                    update.container == nil || end.container == nil,
                    "\(update.key) ended as \(end.state) and again as \(update.state)")
            }
            delivered[update.key, default: []].append(update)
        }
        guard masterLink == link else { return }
        overNetwork(.agent(.commandReceived(link, .acknowledge(update.key, update.id))))
    }
}

struct AgentSimulationTests {
    @Test(arguments: Seeds.forThisRun(count: 300))
    func `every launched task ends once, whatever crashes`(seed: UInt64) {
        var world = AgentWorld(seed: seed)
        for _ in 0..<1500 { world.advance() }
        world.isCalm = true
        var steps = 0
        while steps < 6000, !isFinished(world) {
            world.advance()
            steps += 1
        }
        #expect(world.complaints == [], "seed \(seed)")
        #expect(isFinished(world), "stuck at \(world.timeline.now); seed \(seed); \(world.core.tasks)")
        for key in world.launched.sorted() {
            let states = world.delivered[key, default: []].filter { $0.container != nil }.map(\.state)
            #expect(states.count { $0.isTerminal } <= 1, "\(key): \(states); seed \(seed)")
            #expect(world.delivered[key, default: []].contains { $0.isTerminal }, "\(key) has no end; seed \(seed)")
            #expect(world.starts[key, default: 0] <= 1, "\(key) ran twice; seed \(seed)")
        }
        // A group that was begun was whole; and unless both ended well, neither was left running alone.
        let ends = ["t4", "t5"].map { name in
            world.delivered[AgentConversation.key(name), default: []].first { $0.isTerminal && $0.container != nil }
        }
        if ends.contains(where: { $0?.state == .taskFinished }) {
            #expect(ends.allSatisfy { $0 != nil }, "half a group; seed \(seed)")
        }
        #expect(world.disk.tasks.isEmpty, "records left over; seed \(seed)")
        #expect(world.containers.isEmpty, "left over: \(world.containers); seed \(seed)")
        #expect(world.core.used.isEmpty, "seed \(seed)")
    }

    private func isFinished(_ world: AgentWorld) -> Bool {
        world.isUp && world.launched.count == 6 && world.core.tasks.isEmpty
            && world.launched.allSatisfy { key in world.delivered[key, default: []].contains { $0.isTerminal } }
    }
}
