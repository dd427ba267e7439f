// Runs tasks and prints their updates, as the `mesos-execute` of Apache Mesos does.

import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources

/// Runs the tasks of one request.
public struct ExecuteRunner: Sendable {
    public var masters: MasterLocations
    public var request: ExecuteRequest
    public var framework: V1FrameworkInfo
    public var media: MediaType
    /// For HTTP Basic.
    public var credentials: (principal: String, secret: String)?

    public init(
        masters: MasterLocations, request: ExecuteRequest, framework: V1FrameworkInfo, media: MediaType = .protobuf,
        credentials: (principal: String, secret: String)? = nil
    ) {
        self.masters = masters
        self.request = request
        self.framework = framework
        self.media = media
        self.credentials = credentials
    }

    /// Runs the tasks; what happens is printed on standard output.
    ///
    /// - Parameter interruptions: The first element ends the tasks with their framework.
    /// - Returns: The exit status: 0 when all tasks have ended, however they did.
    public func run(interruptions: AsyncStream<Void>, logger: Logger) async -> Int32 {
        let inbox = Mailbox<ExecuteMachine.Event>()
        let master = ShortFramework(
            masters: masters, framework: framework, media: media, credentials: credentials, logger: logger)
        return await master.run(interruptions: interruptions, tell: { inbox.send(.happened($0)) }) {
            var machine = ExecuteMachine(request)
            let status = await follow(inbox, master, &machine)
            return (status, machine.isKnownToMaster)
        }
    }

    private func follow(
        _ inbox: Mailbox<ExecuteMachine.Event>, _ master: ShortFramework, _ machine: inout ExecuteMachine
    ) async -> Int32 {
        while true {
            for event in await inbox.next() {
                for effect in machine.step(event) {
                    switch effect {
                    case .accept(let offer, let operation): master.accept(offer, operation)
                    case .decline(let offers): master.decline(offers)
                    case .suppress: master.suppress()
                    case .acknowledge(let status): master.acknowledge(status)
                    case .scheduleKill(let task, let delay):
                        Timers.shared.scheduleOnce(after: delay) { inbox.send(.killDue(task)) }
                    case .kill(let task, let agent): master.kill(task, on: agent)
                    case .reconcile(let tasks, let agent): master.reconcile(tasks, on: agent)
                    case .say(let line): say(line)
                    case .report(let status): report(status)
                    case .finish(let status): return status
                    }
                }
            }
        }
    }

    private func report(_ status: V1TaskStatus) {
        say("Received status update \(status.state.name) for task '\(status.taskID.value)'")
        if status.hasMessage { say("  message: '\(status.message)'") }
        // The wire's names of sources and reasons are those that people know.
        let wire = (try? JSONSerialization.jsonObject(with: Data(MesosJSON.encode(status)))) as? [String: Any]
        if let source = wire?["source"] as? String { say("  source: \(source)") }
        if let reason = wire?["reason"] as? String { say("  reason: \(reason)") }
        if status.hasHealthy { say("  healthy?: \(status.healthy ? 1 : 0)") }
    }

    private func say(_ line: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
    }
}
