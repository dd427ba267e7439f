// Runs tasks and prints their updates, as the `mesos-execute` of Apache Mesos does.

import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// Runs the tasks of one request.
public struct ExecuteRunner: Sendable {
    public var master: MasterLocation
    public var request: ExecuteRequest
    public var framework: V1FrameworkInfo
    public var media: MediaType
    /// For HTTP Basic.
    public var credentials: (principal: String, secret: String)?

    public init(
        master: MasterLocation, request: ExecuteRequest, framework: V1FrameworkInfo, media: MediaType = .protobuf,
        credentials: (principal: String, secret: String)? = nil
    ) {
        self.master = master
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
        let client = SchedulerClient(
            .init(
                master: master, framework: framework, media: media, credentials: credentials,
                subscription: SubscriptionSettings()), logger: logger)
        let running = Task { await client.run() }
        let events = Task {
            for await event in client.events {
                switch event {
                case .subscribed(let id, _): inbox.send(.subscribed(id))
                case .event(let event) where event.type == .offers: inbox.send(.offered(event.offers.offers))
                case .event(let event) where event.type == .update: inbox.send(.updated(event.update.status))
                case .refused(let reason): inbox.send(.refused(reason))
                case .event, .disconnected: break
                }
            }
        }
        let interrupting = Task { for await _ in interruptions { inbox.send(.interrupted) } }
        var machine = ExecuteMachine(request)
        let status = await follow(inbox, client, &machine)
        if machine.isKnownToMaster { await tearDown(client) }
        client.stop()
        await running.value
        events.cancel()
        interrupting.cancel()
        return status
    }

    private func follow(
        _ inbox: Mailbox<ExecuteMachine.Event>, _ client: SchedulerClient, _ machine: inout ExecuteMachine
    ) async -> Int32 {
        while true {
            for event in await inbox.next() {
                for effect in machine.step(event) {
                    switch effect {
                    case .accept(let offer, let operation):
                        client.submit(Calls.accept([offer], [operation], refuse: nil)) { _ in }
                    case .decline(let offers): client.submit(Calls.decline(offers, refuse: .seconds(5))) { _ in }
                    case .suppress: client.submit(Calls.suppress([])) { _ in }
                    case .acknowledge(let status):
                        if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
                    case .scheduleKill(let task, let delay):
                        Timers.shared.scheduleOnce(after: delay) { inbox.send(.killDue(task)) }
                    case .kill(let task, let agent): client.submit(Calls.kill(task, on: agent, grace: nil)) { _ in }
                    case .reconcile(let tasks, let agent):
                        client.submit(Calls.reconcile(tasks.map { ($0, agent) })) { _ in }
                    case .say(let line): say(line)
                    case .report(let status): report(status)
                    case .finish(let status): return status
                    }
                }
            }
        }
    }

    /// Ends the framework at the master, and with it tasks that still run.
    private func tearDown(_ client: SchedulerClient) async {
        let done = Mailbox<Void>()
        client.submit(Calls.teardown()) { _ in done.send(()) }
        let timer = Timers.shared.scheduleOnce(after: .seconds(3)) { done.send(()) }
        _ = await done.next()
        timer.cancel()
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
