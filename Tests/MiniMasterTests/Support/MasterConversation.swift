// A master's core in a test: events go in, effects are collected, and time passes only when the test says so.
import Allocator
import MesosProtocol
import Resources

@testable import MiniMaster

/// Drives one core. Registry writes and allocations happen by themselves unless a test holds them back.
struct MasterConversation {
    var core: MasterCore
    var now = Moment(
        instant: Instant(nanoseconds: 1_000_000_000), wall: WallTime(nanoseconds: 1_800_000_000_000_000_000))
    /// Everything since the last `drain`.
    private(set) var effects: [MasterEffect] = []
    private var timers: [(due: Instant, order: Int, timer: MasterTimer)] = []
    private var order = 0
    private var requests: UInt64 = 0
    private var streams = 0
    /// Whether new agents have their id on disk at once, and say so by answering the ping that asks for it.
    var agentsConfirmAtOnce = true
    /// Operators that subscribed so far.
    var watchers = 0
    /// Whether registry writes succeed at once.
    var writesAtOnce = true
    private(set) var heldWrites: [(Term, RegistryWrite)] = []
    private(set) var stored: RegistryState

    static let masterID = "11111111-2222-4333-8444-555555555555"

    /// - Parameter stored: What the registry holds from an earlier leader.
    init(
        settings: MasterSettings = MasterSettings(), stored: RegistryState = RegistryState(), starts: Bool = true,
        masterID: String = Self.masterID
    ) {
        core = MasterCore(settings: settings, selfInfo: Self.info(masterID), seed: 7, startedAt: now.wall)
        self.stored = stored
        if starts { send(.started) }
    }

    static func info(_ id: String, port: UInt32 = 5050) -> V1MasterInfo {
        var info = V1MasterInfo()
        info.id = id
        info.ip = 16_777_343
        info.port = port
        info.pid = "master@127.0.0.1:\(port)"
        info.hostname = "m1.example.org"
        info.version = Versions.mesosAPI
        info.address.hostname = "m1.example.org"
        info.address.ip = "127.0.0.1"
        info.address.port = Int32(port)
        var capability = V1MasterInfo.Capability()
        capability.type = .agentUpdate
        info.capabilities = [capability]
        return info
    }

    // MARK: Driving

    /// Delivers an event and does what the core asks of the registry and of timers without delay.
    @discardableResult
    mutating func send(_ event: MasterEvent) -> [MasterEffect] {
        var queue = [event]
        var all: [MasterEffect] = []
        while !queue.isEmpty {
            let next = queue.removeFirst()
            for effect in core.step(next, at: now) {
                all.append(effect)
                switch effect {
                case .recoverRegistry(let term, _) where writesAtOnce: queue.append(.registryRecovered(term, stored))
                case .writeRegistry(let term, let write):
                    if writesAtOnce {
                        for operation in write.operations { stored.apply(operation) }
                        queue.append(.registryWritten(term, number: write.number))
                    } else {
                        heldWrites.append((term, write))
                    }
                case .sendCommand(let link, let command) where command.type == .ping && command.ping.sequence == 0:
                    if agentsConfirmAtOnce { queue.append(pong(0, on: link)) }
                case .scheduleTimer(let timer, let delay):
                    if delay <= .zero {
                        queue.append(.timerFired(timer))
                    } else {
                        order += 1
                        timers.append((now.instant.advanced(by: delay), order, timer))
                    }
                default: break
                }
            }
        }
        effects += all
        return all
    }

    /// Lets the oldest held write become durable.
    @discardableResult
    mutating func releaseWrite() -> [MasterEffect] {
        guard !heldWrites.isEmpty else { return [] }
        let (term, write) = heldWrites.removeFirst()
        for operation in write.operations { stored.apply(operation) }
        return send(.registryWritten(term, number: write.number))
    }

    /// Lets time pass, firing what is due on the way.
    mutating func pass(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let index = timers.indices.min(by: {
            (timers[$0].due, timers[$0].order) < (timers[$1].due, timers[$1].order)
        }),
            timers[index].due <= end.instant
        {
            let timer = timers.remove(at: index)
            now = now.advanced(by: max(.zero, now.instant.duration(to: timer.due)))
            send(.timerFired(timer.timer))
        }
        now = end
    }

    /// Time passes without anybody being told: the process was frozen.
    mutating func freeze(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func drain() { effects = [] }

    mutating func nextRequest() -> RequestNumber {
        requests += 1
        return RequestNumber(requests)
    }

    // MARK: Frameworks

    /// Subscribes and returns the stream.
    @discardableResult
    mutating func subscribe(
        _ info: V1FrameworkInfo, suppressed: [String] = [], streamHeader: String? = nil,
        _ fill: (inout V1SchedulerCall) -> Void = { _ in }
    ) -> StreamID {
        streams += 1
        let stream = StreamID("stream-\(streams)")
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = info
        call.subscribe.suppressedRoles = suppressed
        if info.hasID { call.frameworkID = info.id }
        fill(&call)
        requests += 1
        send(
            .schedulerCalled(
                RequestNumber(requests),
                SchedulerRequest(call: call, streamID: streamHeader.map { StreamID($0) }, freshStreamID: stream)))
        return stream
    }

    /// Sends a call and returns how it was answered.
    @discardableResult
    mutating func call(
        _ stream: StreamID?, _ framework: FrameworkID?, _ type: V1SchedulerCall.TypeEnum,
        _ fill: (inout V1SchedulerCall) -> Void = { _ in }
    ) -> MasterAnswer? {
        var call = V1SchedulerCall()
        call.type = type
        if let framework { call.frameworkID = V1FrameworkID(framework) }
        fill(&call)
        return raw(call, stream)
    }

    @discardableResult
    mutating func raw(_ call: V1SchedulerCall, _ stream: StreamID?, acceptsStream: Bool = true) -> MasterAnswer? {
        requests += 1
        streams += 1
        let number = RequestNumber(requests)
        let effects = send(
            .schedulerCalled(
                number,
                SchedulerRequest(
                    call: call, streamID: stream, acceptsStream: acceptsStream,
                    freshStreamID: StreamID("stream-\(streams)"))))
        return Self.answer(to: number, in: effects)
    }

    static func answer(to number: RequestNumber, in effects: [MasterEffect]) -> MasterAnswer? {
        for case .answer(number, let answer) in effects { return answer }
        return nil
    }

    /// Events sent on a stream since the last `drain`.
    func events(_ stream: StreamID) -> [V1SchedulerEvent] {
        effects.compactMap { effect in
            if case .sendEvent(stream, let event) = effect { event } else { nil }
        }
    }

    func statuses(_ stream: StreamID) -> [V1TaskStatus] {
        events(stream).filter { $0.type == .update }.map(\.update.status)
    }

    func offers(_ stream: StreamID) -> [V1Offer] { events(stream).flatMap(\.offers.offers) }

    func rescinded(_ stream: StreamID) -> [String] {
        events(stream).filter { $0.type == .rescind }.map(\.rescind.offerID.value)
    }

    // MARK: Agents

    /// Registers an agent and returns its link.
    @discardableResult
    mutating func register(
        _ message: LinkCall.Register, from remoteHost: String = "10.0.0.1", link name: String? = nil
    ) -> LinkID {
        streams += 1
        let link = LinkID(name ?? "link-\(streams)")
        var call = LinkCall()
        call.type = .register
        call.register = message
        requests += 1
        send(
            .agentCalled(
                RequestNumber(requests), AgentRequest(call: call, freshLinkID: link, remoteHost: remoteHost)))
        return link
    }

    @discardableResult
    mutating func agentCall(
        _ link: LinkID?, _ type: LinkCall.TypeEnum, _ fill: (inout LinkCall) -> Void = { _ in }
    ) -> MasterAnswer? {
        var call = LinkCall()
        call.type = type
        fill(&call)
        requests += 1
        let number = RequestNumber(requests)
        let effects = send(
            .agentCalled(
                number,
                AgentRequest(call: call, linkID: link, freshLinkID: LinkID("unused"), remoteHost: "10.0.0.1")))
        return Self.answer(to: number, in: effects)
    }

    /// The agent reports a status; its latest state is the same unless given.
    mutating func update(
        _ link: LinkID, _ framework: FrameworkID, _ task: TaskID, on agent: AgentID, _ state: V1TaskState,
        latest: V1TaskState? = nil, uuid: UInt8
    ) {
        agentCall(link, .update) { call in
            call.update.frameworkID = V1FrameworkID(framework)
            call.update.latestState = latest ?? state
            call.update.status = Samples.status(task, on: agent, state, uuid: uuid)
        }
    }

    private mutating func pong(_ sequence: UInt64, on link: LinkID) -> MasterEvent {
        var call = LinkCall()
        call.type = .pong
        call.pong.sequence = sequence
        requests += 1
        return .agentCalled(
            RequestNumber(requests),
            AgentRequest(call: call, linkID: link, freshLinkID: LinkID("unused"), remoteHost: "10.0.0.1"))
    }

    /// Answers every ping on these links, while time passes.
    mutating func pass(_ duration: Duration, answeringOn links: [LinkID]) {
        var rest = duration
        while rest > .zero {
            let step = min(rest, .seconds(1))
            let before = effects.count
            pass(step)
            for case .sendCommand(let link, let command) in effects.dropFirst(before)
            where command.type == .ping && links.contains(link) {
                send(pong(command.ping.sequence, on: link))
            }
            rest -= step
        }
    }

    var notes: [MasterNote] {
        effects.compactMap { if case .note(let note) = $0 { note } else { nil } }
    }

    var exitReason: String? {
        for case .exit(let reason) in effects { return reason }
        return nil
    }

    /// Answers every ping on a link from now on, while time passes in steps.
    mutating func passAnsweringPings(_ duration: Duration, on link: LinkID) {
        var rest = duration
        while rest > .zero {
            let step = min(rest, .seconds(1))
            let before = commands(link).count
            pass(step)
            for command in commands(link).dropFirst(before) where command.type == .ping {
                agentCall(link, .pong) { $0.pong.sequence = command.ping.sequence }
            }
            rest -= step
        }
    }

    func commands(_ link: LinkID) -> [LinkCommand] {
        effects.compactMap { effect in
            if case .sendCommand(link, let command) = effect { command } else { nil }
        }
    }

    // MARK: Operators

    /// Sends an operator's call and returns how it was answered.
    @discardableResult
    mutating func operatorCall(
        _ type: V1OperatorCall.TypeEnum, _ fill: (inout V1OperatorCall) -> Void = { _ in }
    ) -> MasterAnswer? {
        var call = V1OperatorCall()
        call.type = type
        fill(&call)
        requests += 1
        let number = RequestNumber(requests)
        return Self.answer(to: number, in: send(.operatorCalled(number, OperatorRequest(call: call))))
    }

    // MARK: Looking

    var isLeading: Bool { core.availability == .leading }
    var agents: [AgentID] { core.cluster?.agents.ids ?? [] }

    func isClosed(_ stream: StreamID) -> Bool { effects.contains(.closeStream(stream)) }
    func isClosed(_ link: LinkID) -> Bool { effects.contains(.closeLink(link)) }

    /// Whether what the books hold as offered and used, and what the allocator calls free, add up to the agent's total.
    func isBalanced(_ agent: AgentID) -> Bool {
        guard let cluster = core.cluster, let known = cluster.agents[agent], known.isAllocated else { return true }
        var sum = cluster.allocator.free(on: agent) ?? Resources()
        for offer in cluster.offers.offers(of: agent) { sum += offer.resources }
        for task in cluster.tasks.tasks(on: agent) where task.isCharged { sum += task.resources }
        for executor in cluster.executors.executors(on: agent) { sum += executor.resources }
        for operation in cluster.operations.operations(on: agent) where operation.isHoldingBack {
            sum += operation.conversion.consumed
        }
        return sum == known.total
    }
}
