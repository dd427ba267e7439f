// The master's side of the agent link, small enough to see through: it takes agents in, sends what a test tells it to,
// and remembers what it is told.

import Foundation
import Mailbox
import MesosProtocol
import Resources

final class StubMaster: Sendable {
    private struct State {
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
    private let link = Locked<LinkServer?>(nil)

    static func start() async throws -> StubMaster {
        let master = StubMaster()
        let link = try await LinkServer.start(agentID: master.agentID, pingIntervalSeconds: 15) { [master] in
            master.receive($0)
        }
        master.link.withLock { $0 = link }
        return master
    }

    var port: Int { link.withLock { $0?.port ?? 0 } }
    var registrations: [LinkCall.Register] { state.withLock { $0.registrations } }
    var updates: [V1TaskStatus] { state.withLock { $0.updates } }
    var exitedExecutors: [LinkCall.ExitedExecutor] { state.withLock { $0.exitedExecutors } }
    /// Executors of which the agent said that they are over.
    var executorEnds: [String] { exitedExecutors.map(\.executorID.value) }
    var hasUnregistered: Bool { state.withLock { $0.hasUnregistered } }

    /// Why the agent says that it takes no tasks.
    var stall: String? { state.withLock { $0.stall } }

    func acknowledge(_ acknowledges: Bool) { state.withLock { $0.acknowledges = acknowledges } }

    func stop() async { await link.withLock { $0 }?.stop() }

    func send(_ command: LinkCommand) { link.withLock { $0 }?.send(command) }

    private func receive(_ call: LinkCall) {
        switch call.type {
        case .register: state.withLock { $0.registrations.append(call.register) }
        case .update:
            let acknowledges = state.withLock { state in
                state.updates.append(call.update.status)
                return state.acknowledges
            }
            if acknowledges { link.withLock { $0 }?.acknowledge(call.update) }
        case .unregister: state.withLock { $0.hasUnregistered = true }
        case .exitedExecutor: state.withLock { $0.exitedExecutors.append(call.exitedExecutor) }
        case .pong: state.withLock { $0.stall = call.pong.hasStalledBecause ? call.pong.stalledBecause : nil }
        case .message, .tasksReconciled, .operationStatus, .unknown: break
        }
    }

    // MARK: What tests ask for

    func run(_ task: V1TaskInfo) { link.withLock { $0 }?.run(task, of: "test-F0") }

    func kill(_ name: String, grace: Duration? = nil) {
        link.withLock { $0 }?.kill(name, of: "test-F0", graceNanoseconds: grace?.clampedNanoseconds)
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
