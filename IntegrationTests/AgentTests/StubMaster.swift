// The master's side of the agent link, small enough to see through: it takes agents in, sends what a test tells it to,
// and remembers what it is told.

import Foundation
import HTTPServer
import Mailbox
import MesosProtocol
import Resources

final class StubMaster: Sendable {
    private struct State {
        var streams: [HTTPStream] = []
        var registrations: [LinkCall.Register] = []
        var updates: [V1TaskStatus] = []
        var acknowledges = true
        var hasUnregistered = false
        var stall: String?
        var exitedExecutors: [LinkCall.ExitedExecutor] = []
    }

    /// Two tests at a time must not take each other's containers for orphans.
    let agentID = "test-\(UUID().uuidString.prefix(8).lowercased())-S0"
    private let state = Locked(State())
    private let running = Locked<HTTPServer?>(nil)

    static func start() async throws -> StubMaster {
        let master = StubMaster()
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0) { [master] in await master.answer($0) }
        master.running.withLock { $0 = server }
        return master
    }

    var port: Int { running.withLock { $0?.port ?? 0 } }
    var registrations: [LinkCall.Register] { state.withLock { $0.registrations } }
    var updates: [V1TaskStatus] { state.withLock { $0.updates } }
    var exitedExecutors: [LinkCall.ExitedExecutor] { state.withLock { $0.exitedExecutors } }
    /// Executors of which the agent said that they are over.
    var executorEnds: [String] { exitedExecutors.map(\.executorID.value) }
    var hasUnregistered: Bool { state.withLock { $0.hasUnregistered } }

    /// Why the agent says that it takes no tasks.
    var stall: String? { state.withLock { $0.stall } }

    func acknowledge(_ acknowledges: Bool) { state.withLock { $0.acknowledges = acknowledges } }

    func stop() async {
        let server = running.withLock { $0 }
        await server?.stop(within: .milliseconds(200))
    }

    func send(_ command: LinkCommand) {
        state.withLock { $0.streams.last }?.write(RecordIO.encode(MediaType.protobuf.encode(command)))
    }

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard request.path == "/api/v1/agent-link",
            let call: LinkCall = try? MediaType.protobuf.decode(from: request.body)
        else { return .text(400, "not a link call") }
        switch call.type {
        case .register: return register(call.register)
        case .update: receive(call.update)
        case .unregister: state.withLock { $0.hasUnregistered = true }
        case .exitedExecutor: state.withLock { $0.exitedExecutors.append(call.exitedExecutor) }
        case .pong: state.withLock { $0.stall = call.pong.hasStalledBecause ? call.pong.stalledBecause : nil }
        case .message, .tasksReconciled, .operationStatus, .unknown: break
        }
        return .empty(202)
    }

    private func register(_ register: LinkCall.Register) -> HTTPResponse {
        let stream = HTTPStream(bufferedBytesMax: 1 << 20)
        let number = state.withLock { state in
            state.registrations.append(register)
            state.streams.append(stream)
            return state.streams.count
        }
        var command = LinkCommand()
        command.type = .registered
        command.registered.agentID.value = register.agent.hasID ? register.agent.id.value : agentID
        command.registered.pingIntervalSeconds = 15
        command.registered.pingMissesMax = 5
        command.registered.master.id = "m1"
        command.registered.master.ip = 0
        command.registered.master.port = 0
        stream.write(RecordIO.encode(MediaType.protobuf.encode(command)))
        return .stream(
            200, stream, contentType: MediaType.protobuf.rawValue, headers: [("Mini-Link-Stream-Id", "\(number)")])
    }

    private func receive(_ update: LinkCall.Update) {
        let acknowledges = state.withLock { state in
            state.updates.append(update.status)
            return state.acknowledges
        }
        guard acknowledges else { return }
        var command = LinkCommand()
        command.type = .acknowledge
        command.acknowledge.frameworkID = update.frameworkID
        command.acknowledge.taskID = update.status.taskID
        command.acknowledge.uuid = update.status.uuid
        send(command)
    }

    // MARK: What tests ask for

    func run(_ task: V1TaskInfo) {
        var task = task
        task.agentID.value = agentID
        var command = LinkCommand()
        command.type = .runTask
        command.runTask.framework.id.value = "test-F0"
        command.runTask.framework.name = "test"
        command.runTask.framework.user = "root"
        command.runTask.framework.checkpoint = true
        command.runTask.task = task
        send(command)
    }

    func kill(_ name: String, grace: Duration? = nil) {
        var command = LinkCommand()
        command.type = .killTask
        command.killTask.frameworkID.value = "test-F0"
        command.killTask.taskID.value = name
        if let grace { command.killTask.killPolicy.gracePeriod.nanoseconds = grace.clampedNanoseconds }
        send(command)
    }

    /// Each state of a task once, in the order first heard.
    func states(of name: String) -> [V1TaskState] {
        var seen: Set<Data> = []
        return updates.filter { $0.taskID.value == name && seen.insert($0.uuid).inserted }.map(\.state)
    }

    /// Waits for an update of a task.
    ///
    /// - Throws: ``Timeout`` with what came instead.
    func update(
        _ name: String, _ state: V1TaskState, within limit: Duration = .seconds(30)
    ) async throws -> V1TaskStatus {
        try await wait("\(state) of \(name); there are \(states(of: name)) \(updates.last?.message ?? "")", limit) {
            self.updates.first { $0.taskID.value == name && $0.state == state }
        }
    }

    func end(of name: String, within limit: Duration = .seconds(30)) async throws -> V1TaskStatus {
        try await wait("the end of \(name)", limit) {
            self.updates.first { $0.taskID.value == name && $0.state.isTerminal }
        }
    }
}

struct Timeout: Error, CustomStringConvertible {
    var description: String
}

/// Asks again and again, at most for `limit`.
@discardableResult
func wait<Value>(
    _ what: @autoclosure () -> String, _ limit: Duration = .seconds(30), for condition: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let value = try await condition() { return value }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw Timeout(description: "waited \(limit) for \(what())")
}
