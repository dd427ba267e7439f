// Runs one command in the cluster as if it ran here: its output, its exit status.

import Foundation
import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// Runs one task and waits for it.
public struct TaskRunner: Sendable {
    public var masters: MasterLocations
    public var request: TaskRequest
    public var role: RoleName
    /// How long to wait for a leading master before giving up, as long as the task is not launched.
    public var leaderTimeout: Duration
    /// How long to wait in silence before saying what it waits for.
    public var patience: Duration
    /// Proves who asks, to the master and to the agent whose files are read.
    public var credentials: (principal: String, secret: String)?
    /// Nil: plain HTTP.
    public var tls: ClientTLS?

    public init(
        masters: MasterLocations, request: TaskRequest, role: RoleName = .any, leaderTimeout: Duration = .seconds(60),
        patience: Duration = .seconds(3), credentials: (principal: String, secret: String)? = nil, tls: ClientTLS? = nil
    ) {
        self.credentials = credentials
        self.tls = tls
        self.masters = masters
        self.request = request
        self.role = role
        self.leaderTimeout = leaderTimeout
        self.patience = patience
    }

    /// Runs the task. Its output goes to our standard output and error; what we have to say, too, goes to the latter.
    ///
    /// - Parameter interruptions: Each element asks to end the task; the second one, to leave at once.
    /// - Returns: The exit status for the calling process.
    public func run(interruptions: AsyncStream<Void>, logger: Logger) async -> Int32 {
        let inbox = Mailbox<TaskRunMachine.Event>()
        let http = tls.map { HTTPClient(tls: $0) } ?? .shared
        let master = ShortFramework(
            masters: masters, framework: framework, credentials: credentials, http: http, logger: logger)
        inbox.send(.started)
        Timers.shared.scheduleOnce(after: patience) { inbox.send(.patienceEnded) }
        return await master.run(interruptions: interruptions, tell: { inbox.send(.happened($0)) }) {
            await follow(inbox, master, http)
        }
    }

    private var framework: V1FrameworkInfo {
        var framework = V1FrameworkInfo()
        framework.user = ProcessInfo.processInfo.userName
        framework.name = "mini run: \(request.name)"
        framework.roles = [role.value]
        // A short absence of ours, or of the leading master, should not end the task; our death should, soon.
        framework.failoverTimeout = 30
        framework.checkpoint = true
        framework.capabilities = [V1FrameworkInfo.Capability.TypeEnum.multiRole, .partitionAware].map { type in
            var capability = V1FrameworkInfo.Capability()
            capability.type = type
            return capability
        }
        return framework
    }

    /// - Returns: The exit status, and whether a master ever took the framework.
    private func follow(
        _ inbox: Mailbox<TaskRunMachine.Event>, _ master: ShortFramework, _ http: HTTPClient
    ) async -> (status: Int32, isKnownToMaster: Bool) {
        var machine = TaskRunMachine(
            request: request, task: TaskID("\(request.name).\(UUID().uuidString.lowercased())"),
            leaderTimeout: leaderTimeout)
        var output: SandboxOutput?
        while true {
            for event in await inbox.next() {
                for effect in machine.step(event) {
                    switch effect {
                    case .launch(let offer, let task): master.accept(offer, Calls.launch([task]))
                    case .decline(let offers): master.decline(offers)
                    case .suppress: master.suppress()
                    case .acknowledge(let status): master.acknowledge(status)
                    case .kill(let task): master.kill(task, on: nil)
                    case .reconcile(let task, let agent): master.reconcile([task], on: agent)
                    case .follow(let sandbox):
                        output = SandboxOutput(sandbox: sandbox, http: http, credentials: credentials)
                        output?.start()
                    case .drain:
                        Task { [output] in
                            if await output?.drain() == false { say("the rest of the output could not be read") }
                            inbox.send(.outputDrained)
                        }
                    case .expectUpdate(let status):
                        // The agent's first resending comes with its registration, the next after 10 s.
                        Timers.shared.scheduleOnce(after: .seconds(25)) { inbox.send(.updateOverdue(status)) }
                    case .expectLeader(let absence, let limit):
                        Timers.shared.scheduleOnce(after: limit) { inbox.send(.leaderOverdue(absence: absence)) }
                    case .expectEnd(let limit):
                        Timers.shared.scheduleOnce(after: limit) { inbox.send(.killOverdue) }
                    case .say(let text):
                        say(text)
                    case .finish(let status):
                        return (status, machine.isKnownToMaster)
                    }
                }
            }
        }
    }

    private func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("mini run: \(text)\n".utf8))
    }
}
