// A framework that lives as long as one command line: it subscribes, hands on what happens, and is torn down at the end.

import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// The way to the master of a command that runs tasks.
struct ShortFramework: Sendable {
    private let client: SchedulerClient

    init(
        masters: MasterLocations, framework: V1FrameworkInfo, media: MediaType = .protobuf,
        credentials: (principal: String, secret: String)?, http: HTTPClient = .shared, logger: Logger
    ) {
        var configuration = SchedulerClient.Configuration(
            master: masters.first, framework: framework, media: media, credentials: credentials)
        configuration.otherMasters = masters.others
        client = SchedulerClient(configuration, logger: logger, http: http)
    }

    /// Runs `body` while the framework is subscribed, and ends the framework after it.
    ///
    /// - Parameters:
    ///   - tell: Told of everything that happens.
    ///   - body: Returns the exit status, and whether a master ever took the framework.
    /// - Returns: The exit status.
    func run(
        interruptions: AsyncStream<Void>, tell: @escaping @Sendable (FrameworkHappening) -> Void,
        _ body: () async -> (status: Int32, isKnownToMaster: Bool)
    ) async -> Int32 {
        let running = Task { await client.run() }
        let events = Task {
            for await event in client.events {
                switch event {
                case .subscribed(let id, _): tell(.subscribed(id))
                case .event(let event) where event.type == .offers: tell(.offered(event.offers.offers))
                case .event(let event) where event.type == .update: tell(.updated(event.update.status))
                case .refused(let reason): tell(.refused(reason))
                case .disconnected: tell(.disconnected)
                case .event: break
                }
            }
        }
        let interrupting = Task { for await _ in interruptions { tell(.interrupted) } }
        let (status, isKnownToMaster) = await body()
        if isKnownToMaster { await tearDown() }
        client.stop()
        await running.value
        events.cancel()
        interrupting.cancel()
        return status
    }

    /// Ends the framework at the master, and with it tasks that still run. If there is no master to hear it now, the
    /// framework's failover timeout does the same.
    private func tearDown() async {
        let done = Mailbox<Void>()
        client.submit(Calls.teardown()) { _ in done.send(()) }
        let timer = Timers.shared.scheduleOnce(after: .seconds(3)) { done.send(()) }
        _ = await done.next()
        timer.cancel()
    }

    // MARK: Calls

    func accept(_ offer: OfferID, _ operation: V1Offer.Operation) {
        client.submit(Calls.accept([offer], [operation], refuse: nil)) { _ in }
    }

    func decline(_ offers: [OfferID]) { client.submit(Calls.decline(offers, refuse: .seconds(5))) { _ in } }

    func suppress() { client.submit(Calls.suppress([])) { _ in } }

    func acknowledge(_ status: V1TaskStatus) {
        if let call = Calls.acknowledge(status) { client.submit(call) { _ in } }
    }

    func kill(_ task: TaskID, on agent: AgentID?) { client.submit(Calls.kill(task, on: agent, grace: nil)) { _ in } }

    func reconcile(_ tasks: [TaskID], on agent: AgentID?) {
        client.submit(Calls.reconcile(tasks.map { ($0, agent) })) { _ in }
    }
}
