// A master as the crash tests need it: one task, every update written down, every loss of the agent survived.

import Foundation
import Mailbox
import MesosProtocol
import Resources

/// Takes the agent in as often as it comes, launches its tasks once, acknowledges what it hears, asks after a task that the
/// agent does not mention, and repeats a kill until the task has ended: what a real master does.
final class CrashMaster: Sendable {
    private struct State {
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
    private let link = Locked<LinkServer?>(nil)

    private init(_ tasks: [V1TaskInfo], killsRunning: Bool) {
        self.killsRunning = killsRunning
        state = Locked(State(waiting: tasks))
    }

    static func start(_ tasks: [V1TaskInfo], killsRunning: Bool = false) async throws -> CrashMaster {
        let master = CrashMaster(tasks, killsRunning: killsRunning)
        let link = try await LinkServer.start(agentID: master.agentID, pingIntervalSeconds: 60) { [master] in
            master.receive($0)
        }
        master.link.withLock { $0 = link }
        return master
    }

    func stop() async { await link.withLock { $0 }?.stop() }

    var port: Int { link.withLock { $0?.port ?? 0 } }
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
            sendKill(task)
        }
    }

    /// Each update of a task once, in the order first heard.
    func history(of task: String) -> [V1TaskStatus] {
        var seen: Set<Data> = []
        return updates.filter { $0.taskID.value == task && seen.insert($0.uuid).inserted }
    }

    private func receive(_ call: LinkCall) {
        switch call.type {
        case .register: register(call.register)
        case .update: receive(call.update)
        case .unregister: state.withLock { $0.hasUnregistered = true }
        case .pong, .message, .tasksReconciled, .operationStatus, .exitedExecutor, .unknown: break
        }
    }

    private func register(_ register: LinkCall.Register) {
        state.withLock { state in
            state.registrations += 1
            let known = Set(register.tasks.map(\.info.taskID.value))
            for task in state.open.subtracting(known).sorted() { sendReconcile(task) }
            for task in state.killed.intersection(state.open).intersection(known).sorted() { sendKill(task) }
            launchWaiting(&state)
        }
    }

    private func launchWaiting(_ state: inout State) {
        guard let link = link.withLock({ $0 }), link.hasAgent else { return }
        for task in state.waiting {
            state.open.insert(task.taskID.value)
            link.run(task, of: Self.framework)
        }
        state.waiting = []
    }

    private func receive(_ update: LinkCall.Update) {
        state.withLock { state in
            let task = update.status.taskID.value
            state.updates.append(update.status)
            if update.status.state.isTerminal { state.open.remove(task) }
            link.withLock { $0 }?.acknowledge(update)
            if killsRunning, update.status.state == .taskRunning, state.killed.insert(task).inserted { sendKill(task) }
        }
    }

    private func sendKill(_ task: String) {
        link.withLock { $0 }?.kill(task, of: Self.framework, graceNanoseconds: 0)
    }

    private func sendReconcile(_ task: String) {
        var command = LinkCommand()
        command.type = .reconcileTasks
        var entry = LinkTaskReference()
        entry.frameworkID.value = Self.framework
        entry.taskID.value = task
        command.reconcileTasks.tasks = [entry]
        link.withLock { $0 }?.send(command)
    }
}
