// The fleet's thread: every agent's connection, in one epoll loop.
import CLinux
import Glibc
import Mailbox
import MesosProtocol
import Resources
import SwiftProtobuf

struct FleetLoop {
    /// One connection: an agent's link, or one of those that carry answers to pings.
    private struct Connection {
        var wire: Wire
        var reader = ResponseReader()
        var records = RecordIODecoder()
        var status = 0
        /// An agent's index; `nil` for a connection that carries pongs.
        var agent: Int?
        var wantsOutput = true
        /// Pongs sent and not answered.
        var isBusy = false
    }

    private struct Member {
        var id: AgentID?
        var link = ""
        var slot: Int32 = -1
        var isRegistered = false
        var tasks: [UInt8] = []
        /// Not before this moment.
        var retryAt = 0.0
    }

    private struct Pong {
        var agent: Int
        var sequence: UInt64
    }

    private static let pongConnectionsMax = 8
    private static let retryAfterSeconds = 0.1

    private let plan: FleetPlan
    private let writer: RegistrationWriter
    private let poll: Int32
    private let wakeUp: Int32
    private let shared: Locked<FleetFigures>
    private let orders: Locked<[AgentFleet.Order]>

    private var figures = FleetFigures()
    private var master: MasterAddress?
    private var members: [Member]
    /// By descriptor.
    private var connections: [Int32: Connection] = [:]
    /// Agents that are to connect, next first from the end.
    private var waiting: [Int] = []
    private var late: [Int] = []
    private var registering = 0
    private var pongs: [Pong] = []
    private var pongSlots: [Int32] = []
    private var isStopped = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(
        plan: FleetPlan, poll: Int32, wakeUp: Int32, figures: Locked<FleetFigures>,
        orders: Locked<[AgentFleet.Order]>
    ) {
        self.plan = plan
        writer = RegistrationWriter(plan: plan)
        self.poll = poll
        self.wakeUp = wakeUp
        shared = figures
        self.orders = orders
        members = (0..<plan.agents).map { _ in Member() }
        watch(wakeUp, output: false, isNew: true)
        if plan.areKnown {
            for index in members.indices { members[index].id = RegistrationWriter.knownID(plan.firstAgent + index) }
            loadTasks()
        }
    }

    // MARK: The loop

    mutating func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 512)
        while !isStopped {
            connectMore()
            shared.withLock { $0 = figures }
            let count = epoll_wait(poll, &events, Int32(events.count), late.isEmpty ? 1_000 : 50)
            for index in 0..<Int(max(0, count)) {
                let event = events[index]
                if event.data.fd == wakeUp { obey() } else { handle(event.data.fd, event.events) }
            }
            sendPongs()
        }
        buffer.deallocate()
    }

    private func watch(_ descriptor: Int32, output: Bool, isNew: Bool) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (output ? EPOLLOUT.rawValue : 0)
        event.data.fd = descriptor
        epoll_ctl(poll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event)
    }

    private mutating func obey() {
        var count: eventfd_t = 0
        eventfd_read(wakeUp, &count)
        let orders = self.orders.withLock { orders in
            defer { orders = [] }
            return orders
        }
        for order in orders {
            switch order {
            case .follow(let master): follow(master)
            case .loadTasks(let done):
                loadTasks()
                done()
            case .stop(let done):
                for descriptor in connections.keys { close(descriptor) }
                connections = [:]
                isStopped = true
                done()
            }
        }
    }

    private mutating func loadTasks() {
        for index in members.indices {
            guard let id = members[index].id else { continue }
            members[index].tasks = writer.tasks(of: plan.firstAgent + index, id: id)
        }
    }

    // MARK: Following

    private mutating func follow(_ next: MasterAddress?) {
        master = next
        guard next != nil else { return }
        figures.leaders += 1
        figures.turnedAt = MonotonicClock.seconds
        figures.completeAt = 0
        figures.registered = 0
        for descriptor in Array(connections.keys) { drop(descriptor) }
        late = []
        pongs = []
        waiting = Array(members.indices.reversed())
        registering = 0
    }

    private mutating func connectMore() {
        guard let master else { return }
        if !late.isEmpty {
            let now = MonotonicClock.seconds
            let due = late.filter { members[$0].retryAt <= now }
            if !due.isEmpty {
                late.removeAll { members[$0].retryAt <= now }
                waiting += due
            }
        }
        while registering < plan.registeringMax, let agent = waiting.popLast() {
            guard var wire = Wire(to: master, fromHost: (plan.firstAgent + agent) / 2_000) else {
                fault("no socket: \(String(cString: strerror(errno)))")
                return retry(agent)
            }
            let body = writer.call(
                agent: plan.firstAgent + agent, id: members[agent].id, tasks: members[agent].tasks)
            wire.queue(Self.head(to: master, link: nil, bytes: body.count) + body)
            members[agent].slot = wire.descriptor
            registering += 1
            connections[wire.descriptor] = Connection(wire: wire, agent: agent)
            watch(wire.descriptor, output: true, isNew: true)
        }
    }

    private static func head(to master: MasterAddress, link: String?, bytes: Int) -> [UInt8] {
        var text = "POST /api/v1/agent-link HTTP/1.1\r\nHost: \(master)\r\nAccept: application/x-protobuf\r\n"
        text += "Content-Type: application/x-protobuf\r\nContent-Length: \(bytes)\r\n"
        if let link { text += "Mini-Link-Stream-Id: \(link)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private mutating func retry(_ agent: Int) {
        members[agent].retryAt = MonotonicClock.seconds + Self.retryAfterSeconds
        late.append(agent)
    }

    // MARK: Connections

    /// Forgets a connection and closes it.
    private mutating func drop(_ descriptor: Int32) {
        guard let connection = connections.removeValue(forKey: descriptor) else { return }
        close(descriptor)
        if let agent = connection.agent {
            members[agent].slot = -1
            members[agent].isRegistered = false
        } else {
            pongSlots.removeAll { $0 == descriptor }
        }
    }

    private mutating func broke(_ descriptor: Int32, _ reason: String) {
        guard let connection = connections[descriptor] else { return }
        let wasRegistered = connection.agent.map { members[$0].isRegistered } ?? false
        drop(descriptor)
        guard let agent = connection.agent else { return }
        if wasRegistered {
            figures.brokenLinks += 1
            figures.registered -= 1
            figures.completeAt = 0
        } else {
            registering -= 1
            figures.retries += 1
        }
        fault(reason)
        retry(agent)
    }

    private mutating func fault(_ text: String) { figures.lastFault = text }

    private mutating func handle(_ descriptor: Int32, _ events: UInt32) {
        guard connections[descriptor] != nil else { return }
        if events & EPOLLOUT.rawValue != 0 { flush(descriptor) }
        guard events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 else { return }
        while let connection = connections[descriptor] {
            switch connection.wire.read(into: buffer) {
            case .bytes(let count):
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), from: descriptor)
                if count < buffer.count { return }
            case .nothingYet: return
            case .closed: return broke(descriptor, "the master closed a connection")
            case .failed(let code): return broke(descriptor, String(cString: strerror(code)))
            }
        }
    }

    private mutating func flush(_ descriptor: Int32) {
        guard let code = connections[descriptor]?.wire.flush() else { return }
        if code != 0 { return broke(descriptor, String(cString: strerror(code))) }
        let hasMore = connections[descriptor]?.wire.hasOutput == true
        if connections[descriptor]?.wantsOutput != hasMore {
            connections[descriptor]?.wantsOutput = hasMore
            watch(descriptor, output: hasMore, isNew: false)
        }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
        var parts: [ResponseReader.Part] = []
        connections[descriptor]?.reader.read(bytes) { parts.append($0) }
        for part in parts {
            guard let connection = connections[descriptor] else { return }
            switch part {
            case .head(let status):
                connections[descriptor]?.status = status
                guard let agent = connection.agent else { continue }
                if status == 200 { members[agent].link = connection.reader.headers["mini-link-stream-id"] ?? "" }
            case .body(let bytes):
                if connection.agent != nil, connection.status == 200 {
                    receive(bytes, on: descriptor)
                } else if connection.status >= 400 {
                    fault("\(connection.status) \(String(decoding: bytes.prefix(200), as: UTF8.self))")
                }
            case .end:
                if connection.agent != nil {
                    broke(descriptor, "the master ended a link, or answered \(connection.status)")
                } else {
                    if connection.status != 202 { figures.refusals += 1 }
                    connections[descriptor]?.isBusy = false
                }
            case .malformed: broke(descriptor, "an answer is not HTTP")
            }
        }
    }

    // MARK: Commands

    private mutating func receive(_ bytes: [UInt8], on descriptor: Int32) {
        connections[descriptor]?.records.append(bytes)
        do {
            while let record = try connections[descriptor]?.records.next() {
                guard let agent = connections[descriptor]?.agent else { return }
                perform(try LinkCommand(serializedBytes: record), agent)
            }
        } catch {
            broke(descriptor, "a command cannot be read: \(error)")
        }
    }

    private mutating func perform(_ command: LinkCommand, _ agent: Int) {
        switch command.type {
        case .registered:
            members[agent].id = AgentID(command.registered.agentID)
            guard !members[agent].isRegistered else { return }
            members[agent].isRegistered = true
            registering -= 1
            figures.registered += 1
            if figures.registered == plan.agents { figures.completeAt = MonotonicClock.seconds }
        case .refused:
            figures.refusals += 1
            fault("refused: \(command.refused.reason)")
        case .ping:
            pongs.append(Pong(agent: agent, sequence: command.ping.sequence))
        default: break  // Simulated tasks cannot be killed and nothing can be launched.
        }
    }

    private mutating func sendPongs() {
        guard let master, !pongs.isEmpty else { return }
        var free = pongSlots.filter { connections[$0]?.isBusy == false }
        while let pong = pongs.last {
            let descriptor: Int32
            if let idle = free.popLast() {
                descriptor = idle
            } else if pongSlots.count < Self.pongConnectionsMax, let wire = Wire(to: master) {
                descriptor = wire.descriptor
                connections[descriptor] = Connection(wire: wire, agent: nil)
                pongSlots.append(descriptor)
                watch(descriptor, output: true, isNew: true)
            } else {
                return
            }
            pongs.removeLast()
            guard members[pong.agent].isRegistered else { continue }
            var call = LinkCall()
            call.type = .pong
            call.pong.sequence = pong.sequence
            let body = MediaType.protobuf.encode(call)
            let head = Self.head(to: master, link: members[pong.agent].link, bytes: body.count)
            connections[descriptor]?.wire.queue(head + body)
            connections[descriptor]?.isBusy = true
            figures.pingsAnswered += 1
            flush(descriptor)
        }
    }
}
