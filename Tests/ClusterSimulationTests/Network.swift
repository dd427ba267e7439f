// Connections: ordered while they hold, lossy when they break, and noticed by each side in its own time.

import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

/// One connection from a client to a master: a link with its calls, or a scheduler's stream with its calls.
struct Connection {
    enum Client: Equatable {
        case agent(Int, generation: Int, MiniAgent.LinkID)
        case framework(Int, attempt: Int)
        case `operator`(attempt: Int)
        case intruder(Intrusion)
    }

    let client: Client
    let master: Int
    let masterGeneration: Int
    /// The stream's name at the master.
    let streamName: String
    var isOpenAtClient = true
    var isOpenAtMaster = true
    /// A cable that was cut: nothing that is still on its way arrives.
    var isBroken = false
    var lastArrivalAtMaster: Int64 = 0
    var lastArrivalAtClient: Int64 = 0
}

extension ClusterWorld {
    /// Opens a connection; `nil` if the master is not reachable.
    mutating func connect(_ client: Connection.Client, toMaster index: Int) -> Int? {
        guard masters[index].core != nil, canReach(client, master: index) else { return nil }
        let number = nextConnection
        nextConnection += 1
        connections[number] = Connection(
            client: client, master: index, masterGeneration: masters[index].generation, streamName: "stream-\(number)")
        return number
    }

    func canReach(_ client: Connection.Client, master: Int) -> Bool {
        switch client {
        case .agent(let index, _, _): agents[index].isolatedUntil <= timeline.nanoseconds
        case .framework(let index, _): frameworks[index].isolatedUntil <= timeline.nanoseconds
        case .operator, .intruder: true
        }
    }

    /// Sends in one direction; arrivals keep the order of sending.
    mutating func send(_ payload: Payload, on number: Int, to side: Side) {
        guard let connection = connections[number], !connection.isBroken else { return }
        var due = timeline.nanoseconds + Int64(Int.random(in: 1...40, using: &random)) * 1_000_000
        switch side {
        case .master:
            due = max(due, connection.lastArrivalAtMaster)
            connections[number]?.lastArrivalAtMaster = due
        case .client:
            due = max(due, connection.lastArrivalAtClient)
            connections[number]?.lastArrivalAtClient = due
        }
        timeline.schedule(.arrival(connection: number, payload), after: .nanoseconds(due - timeline.nanoseconds))
    }

    /// Cuts a connection. Each side learns of it after a while of its own.
    mutating func cut(_ number: Int, noticedWithin range: ClosedRange<Int> = 1...3000) {
        guard let connection = connections[number], !connection.isBroken else { return }
        connections[number]?.isBroken = true
        if connection.isOpenAtClient {
            timeline.schedule(.noticed(connection: number, by: .client), after: random.milliseconds(range))
        }
        if connection.isOpenAtMaster {
            timeline.schedule(.noticed(connection: number, by: .master), after: random.milliseconds(range))
        }
    }

    mutating func cutAll(noticedWithin range: ClosedRange<Int> = 1...3000, where isDoomed: (Connection) -> Bool) {
        for number in connections.filter({ isDoomed($0.value) }).keys.sorted() {
            cut(number, noticedWithin: range)
        }
    }

    /// One side closes in good order: what was sent before still arrives.
    mutating func close(_ number: Int, by side: Side) {
        guard let connection = connections[number] else { return }
        switch side {
        case .client:
            guard connection.isOpenAtClient else { return }
            connections[number]?.isOpenAtClient = false
            let due = max(connection.lastArrivalAtMaster, timeline.nanoseconds + 1_000_000)
            timeline.schedule(
                .noticed(connection: number, by: .master), after: .nanoseconds(due - timeline.nanoseconds))
        case .master:
            guard connection.isOpenAtMaster else { return }
            connections[number]?.isOpenAtMaster = false
            let due = max(connection.lastArrivalAtClient, timeline.nanoseconds + 1_000_000)
            timeline.schedule(
                .noticed(connection: number, by: .client), after: .nanoseconds(due - timeline.nanoseconds))
        }
    }

    mutating func notice(_ number: Int, by side: Side) {
        guard let connection = connections[number] else { return }
        switch side {
        case .client:
            guard connection.isOpenAtClient else { break }
            connections[number]?.isOpenAtClient = false
            switch connection.client {
            case .agent(let index, let generation, let link):
                deliver(.linkLost(link, reason: "the connection broke"), toAgent: index, generation: generation)
            case .framework(let index, let attempt):
                take(.disconnected(attempt: attempt), framework: index)
            case .operator(let attempt): take(OperatorHappening.disconnected(attempt: attempt))
            case .intruder: break
            }
        case .master:
            guard connection.isOpenAtMaster else { break }
            connections[number]?.isOpenAtMaster = false
            let event: MasterEvent? =
                switch connection.client {
                case .agent, .intruder: .linkClosed(MiniMaster.LinkID(connection.streamName))
                case .framework: .streamClosed(StreamID(connection.streamName))
                case .operator: nil
                }
            if let event { deliver(event, toMaster: connection.master, generation: connection.masterGeneration) }
        }
        if let connection = connections[number], !connection.isOpenAtClient, !connection.isOpenAtMaster {
            connections[number] = nil
        }
    }

    mutating func arrive(_ payload: Payload, on number: Int) {
        guard let connection = connections[number], !connection.isBroken else { return }
        switch payload {
        case .linkCall, .schedulerCall, .operatorCall:
            let master = masters[connection.master]
            guard master.generation == connection.masterGeneration, master.core != nil else { return }
            if let thaw = master.frozenUntil {
                // The kernel took it; the process reads it when it wakes.
                timeline.schedule(
                    .arrival(connection: number, payload), after: .nanoseconds(thaw - timeline.nanoseconds))
                return
            }
            if case .agent(let index, _, _) = connection.client { agents[index].lastHeard = timeline.nanoseconds }
            receive(payload, atMasterOf: connection, number)
        case .linkCommand(let command):
            if case .intruder(let why) = connection.client { return hear(command, asIntruder: why, on: number) }
            guard connection.isOpenAtClient, case .agent(let index, let generation, let link) = connection.client,
                let command = MasterCommand(command)
            else { return }
            deliver(.commandReceived(link, command), toAgent: index, generation: generation)
        case .schedulerEvent(let event):
            guard connection.isOpenAtClient, case .framework(let index, let attempt) = connection.client else { return }
            take(.received(attempt: attempt, event), framework: index)
        case .operatorAnswer(let answer):
            guard connection.isOpenAtClient, case .operator(let attempt) = connection.client else { return }
            take(.answered(attempt: attempt, answer))
        case .opened:
            guard case .framework(let index, let attempt) = connection.client else { return }
            take(.opened(attempt: attempt, connection: number), framework: index)
        case .refused:
            connections[number]?.isOpenAtMaster = false
            notice(number, by: .client)
        }
    }

    private mutating func receive(_ payload: Payload, atMasterOf connection: Connection, _ number: Int) {
        let request = RequestNumber(nextRequest)
        nextRequest += 1
        let event: MasterEvent
        switch payload {
        case .linkCall(let call):
            masters[connection.master].requests[request] = number
            let link = MiniMaster.LinkID(connection.streamName)
            event = .agentCalled(
                request,
                AgentRequest(
                    call: call, linkID: call.type == .register ? nil : link, freshLinkID: link,
                    remoteHost: clientAddress(connection.client)))
        case .schedulerCall(let call):
            masters[connection.master].requests[request] = number
            let stream = StreamID(connection.streamName)
            event = .schedulerCalled(
                request,
                SchedulerRequest(
                    call: call, streamID: call.type == .subscribe ? nil : stream, freshStreamID: stream))
        case .operatorCall(let call):
            masters[connection.master].requests[request] = number
            event = .operatorCalled(request, OperatorRequest(call: call))
        case .linkCommand, .schedulerEvent, .operatorAnswer, .opened, .refused: return
        }
        deliver(event, toMaster: connection.master, generation: connection.masterGeneration)
    }

    private func clientAddress(_ client: Connection.Client) -> String {
        switch client {
        case .agent(let index, _, _): AgentHost.address(ofAgent: index)
        case .framework(let index, _): "10.0.2.\(index + 1)"
        case .operator: "10.0.3.1"
        case .intruder: "10.0.4.1"
        }
    }
}
