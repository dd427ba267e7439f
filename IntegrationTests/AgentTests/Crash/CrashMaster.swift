// A master as the crash tests need it: one task, every update written down, every loss of the agent survived.

import Foundation
import HTTPServer
import Mailbox
import MesosProtocol
import Resources

/// Takes the agent in as often as it comes, launches its tasks once, acknowledges what it hears, asks after a task that the
/// agent does not mention, and repeats a kill until the task has ended: what a real master does.
final class CrashMaster: Sendable {
    private struct State {
        var stream: HTTPStream?
        var registrations = 0
        var waiting: [V1TaskInfo]
        /// Launched, and no end heard yet.
        var open: Set<String> = []
        var updates: [V1TaskStatus] = []
        var killed: Set<String> = []
        var hasUnregistered = false
    }

    static let framework = "crash-F0"
    let agentID = "crash-\(UUID().uuidString.prefix(8).lowercased())-S0"
    /// Whether each task is killed as soon as it runs.
    private let killsRunning: Bool
    private let state: Locked<State>
    private let server = Locked<HTTPServer?>(nil)

    private init(_ tasks: [V1TaskInfo], killsRunning: Bool) {
        self.killsRunning = killsRunning
        state = Locked(State(waiting: tasks))
    }

    static func start(_ tasks: [V1TaskInfo], killsRunning: Bool = false) async throws -> CrashMaster {
        let master = CrashMaster(tasks, killsRunning: killsRunning)
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0) { [master] in await master.answer($0) }
        master.server.withLock { $0 = server }
        return master
    }

    func stop() async { await server.withLock { $0 }?.stop(within: .milliseconds(100)) }

    var port: Int { server.withLock { $0?.port ?? 0 } }
    var registrations: Int { state.withLock { $0.registrations } }
    var hasUnregistered: Bool { state.withLock { $0.hasUnregistered } }
    var updates: [V1TaskStatus] { state.withLock { $0.updates } }

    /// Whether every task was launched and its end was heard.
    var isOver: Bool { state.withLock { $0.waiting.isEmpty && $0.open.isEmpty } }

    func launch(_ tasks: [V1TaskInfo]) {
        state.withLock { state in
            state.waiting += tasks
            launchWaiting(&state)
        }
    }

    func kill(_ task: String) {
        state.withLock { state in
            state.killed.insert(task)
            sendKill(task, &state)
        }
    }

    /// Each update of a task once, in the order first heard.
    func history(of task: String) -> [V1TaskStatus] {
        var seen: Set<Data> = []
        return updates.filter { $0.taskID.value == task && seen.insert($0.uuid).inserted }
    }

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard request.path == "/api/v1/agent-link",
            let call: LinkCall = try? MediaType.protobuf.decode(from: request.body)
        else { return .text(400, "not a link call") }
        switch call.type {
        case .register: return register(call.register)
        case .update: receive(call.update)
        case .unregister: state.withLock { $0.hasUnregistered = true }
        case .pong, .message, .tasksReconciled, .operationStatus, .exitedExecutor, .unknown: break
        }
        return .empty(202)
    }

    private func register(_ register: LinkCall.Register) -> HTTPResponse {
        let stream = HTTPStream(bufferedBytesMax: 1 << 20)
        let number = state.withLock { state in
            state.stream = stream
            state.registrations += 1
            var command = LinkCommand()
            command.type = .registered
            command.registered.agentID.value = register.agent.hasID ? register.agent.id.value : agentID
            command.registered.pingIntervalSeconds = 60
            command.registered.pingMissesMax = 5
            command.registered.master.id = "m1"
            command.registered.master.ip = 0
            command.registered.master.port = 0
            send(command, &state)
            let known = Set(register.tasks.map(\.info.taskID.value))
            for task in state.open.subtracting(known).sorted() { sendReconcile(task, &state) }
            for task in state.killed.intersection(state.open).intersection(known).sorted() { sendKill(task, &state) }
            launchWaiting(&state)
            return state.registrations
        }
        return .stream(
            200, stream, contentType: MediaType.protobuf.rawValue, headers: [("Mini-Link-Stream-Id", "\(number)")])
    }

    private func launchWaiting(_ state: inout State) {
        guard state.stream != nil else { return }
        for task in state.waiting {
            var command = LinkCommand()
            command.type = .runTask
            command.runTask.framework.id.value = Self.framework
            command.runTask.framework.name = "crash"
            command.runTask.framework.user = "root"
            command.runTask.framework.checkpoint = true
            command.runTask.task = task
            command.runTask.task.agentID.value = agentID
            state.open.insert(task.taskID.value)
            send(command, &state)
        }
        state.waiting = []
    }

    private func receive(_ update: LinkCall.Update) {
        state.withLock { state in
            let task = update.status.taskID.value
            state.updates.append(update.status)
            if update.status.state.isTerminal { state.open.remove(task) }
            var command = LinkCommand()
            command.type = .acknowledge
            command.acknowledge.frameworkID = update.frameworkID
            command.acknowledge.taskID = update.status.taskID
            command.acknowledge.uuid = update.status.uuid
            send(command, &state)
            if killsRunning, update.status.state == .taskRunning, state.killed.insert(task).inserted {
                sendKill(task, &state)
            }
        }
    }

    private func sendKill(_ task: String, _ state: inout State) {
        var command = LinkCommand()
        command.type = .killTask
        command.killTask.frameworkID.value = Self.framework
        command.killTask.taskID.value = task
        command.killTask.killPolicy.gracePeriod.nanoseconds = 0
        send(command, &state)
    }

    private func sendReconcile(_ task: String, _ state: inout State) {
        var command = LinkCommand()
        command.type = .reconcileTasks
        var entry = LinkTaskReference()
        entry.frameworkID.value = Self.framework
        entry.taskID.value = task
        command.reconcileTasks.tasks = [entry]
        send(command, &state)
    }

    private func send(_ command: LinkCommand, _ state: inout State) {
        state.stream?.write(RecordIO.encode(MediaType.protobuf.encode(command)))
    }
}
