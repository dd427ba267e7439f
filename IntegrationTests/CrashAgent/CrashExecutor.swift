// A custom executor as small as one can be, for the crash tests: it runs one task by appending a line to a file, and comes
// back to its agent as often as that is killed.
//
// Usage, from an executor's description: crash-agent executor ends|waits. With `ends` the task fails by itself once its
// TASK_RUNNING is acknowledged; with `waits` only a kill ends it.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol

struct CrashExecutor {
    private static let patience = Duration.seconds(60)

    private let endsByItself: Bool
    private let environment = ProcessInfo.processInfo.environment
    private var task: V1TaskInfo?
    /// The launch was not followed by an acknowledged update yet.
    private var isTaskUnacknowledged = false
    private var updates: [V1ExecutorCall.Update] = []
    private var hasEnded = false
    private var isOver = false

    init(endsByItself: Bool) { self.endsByItself = endsByItself }

    /// - Returns: Its exit status.
    mutating func run() async -> Int32 {
        let deadline = ContinuousClock.now + Self.patience
        while !isOver, ContinuousClock.now < deadline {
            do { try await follow() } catch {}
            if !isOver { try? await Task.sleep(for: .milliseconds(50)) }
        }
        return isOver ? 0 : 1
    }

    /// Subscribes and reads events until the agent is gone.
    private mutating func follow() async throws {
        var call = V1ExecutorCall()
        call.type = .subscribe
        call.subscribe.unacknowledgedUpdates = updates
        if let task, isTaskUnacknowledged { call.subscribe.unacknowledgedTasks = [task] }
        let response = try await HTTPClient.shared.execute(request(call))
        guard response.status == 200 else { return }
        var decoder = RecordIODecoder()
        for try await chunk in response.body {
            decoder.append(chunk)
            while let record = try decoder.next() {
                guard try await take(try MediaType.protobuf.decode(from: record)) else { return }
            }
        }
    }

    /// - Returns: Whether to go on with this stream.
    private mutating func take(_ event: V1ExecutorEvent) async throws -> Bool {
        switch event.type {
        case .launch:
            // A second delivery is a second run, which the tests count.
            run(event.launch.task)
            guard task == nil else { return true }
            task = event.launch.task
            isTaskUnacknowledged = true
            return try await tell(.taskRunning, "")
        case .acknowledged:
            let known = updates.first { $0.status.uuid == event.acknowledged.uuid }
            updates.removeAll { $0.status.uuid == event.acknowledged.uuid }
            isTaskUnacknowledged = false
            isOver = hasEnded && updates.isEmpty
            if isOver { return false }
            if endsByItself, known?.status.state == .taskRunning {
                return try await end(.taskFailed, "it ended by itself")
            }
            return true
        case .kill:
            return try await end(.taskKilled, "it was killed")
        case .shutdown:
            isOver = true
            return false
        default:
            return true
        }
    }

    private func run(_ task: V1TaskInfo) {
        let file = open("\(environment["MESOS_SANDBOX"] ?? ".")/ran", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        _ = write(file, "ran\n", 4)
        close(file)
    }

    private mutating func end(_ state: V1TaskState, _ message: String) async throws -> Bool {
        if hasEnded { return true }
        hasEnded = true
        return try await tell(state, message)
    }

    private mutating func tell(_ state: V1TaskState, _ message: String) async throws -> Bool {
        var update = V1ExecutorCall.Update()
        update.status.taskID = task?.taskID ?? V1TaskID()
        update.status.executorID.value = environment["MESOS_EXECUTOR_ID"] ?? ""
        update.status.state = state
        update.status.source = .executor
        update.status.message = message
        update.status.timestamp = Date().timeIntervalSince1970
        update.status.uuid = withUnsafeBytes(of: UUID().uuid) { Data($0) }
        updates.append(update)
        var call = V1ExecutorCall()
        call.type = .update
        call.update = update
        return (200..<300).contains(try await HTTPClient.shared.fetch(request(call)).status)
    }

    private func request(_ call: V1ExecutorCall) -> HTTPClientRequest {
        var call = call
        call.frameworkID.value = environment["MESOS_FRAMEWORK_ID"] ?? ""
        call.executorID.value = environment["MESOS_EXECUTOR_ID"] ?? ""
        var request = HTTPClientRequest(
            method: "POST", url: "http://\(environment["MESOS_AGENT_ENDPOINT"] ?? "")/api/v1/executor",
            body: MediaType.protobuf.encode(call))
        request.headers = [
            ("Content-Type", MediaType.protobuf.rawValue), ("Accept", MediaType.protobuf.rawValue),
        ]
        return request
    }
}
