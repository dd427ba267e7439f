// One term of acting: the loop that owns the planner, and everything it is connected to.
import FoundationEssentials
import HTTPClient
import Logging
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

/// The framework while it leads. Polls, the cluster's events and the results of requests reach the planner through one
/// inbox; its effects go out from here. With one process the term lasts as long as the process.
final class FrameworkTerm: Sendable {
    struct Ends: Sendable {
        var isOver = false
        var failure: String?
    }

    private struct StateWrite: Sendable {
        var revision: UInt64
        var record: PlannerRecord
    }

    let live: LiveConfiguration
    let logger: Logger
    let board: StatusBoard
    let inbox = Mailbox<JenkinsPlanner.Event>()
    let controller: JenkinsController
    let link: ClusterLink
    let pacer = PollPacer()
    let gateKeeper: GateKeeperProcess
    private let explainer: NodeExplainer
    private let store: any RecordStore
    private let writes = Mailbox<StateWrite>()
    private let ends = Locked(Ends())
    private let start: JenkinsPlanner
    /// Where the framework stood when the loop turned last; taken away by whoever looks.
    private let turned = Locked<FrameworkPosition?>(nil)

    /// - Parameters:
    ///   - record: What an earlier term left behind.
    ///   - url: Where the status is served.
    ///   - gateKeeper: Who closes the gates of strictly single-use agents when this process dies.
    init(
        _ live: LiveConfiguration, record: PlannerRecord, store: any RecordStore, board: StatusBoard, url: String,
        gateKeeper: GateKeeperCommand?, logger: Logger
    ) {
        let configuration = live.current
        var record = record
        if let fixed = configuration.mesos.frameworkID { record.frameworkID = fixed }
        self.live = live
        self.store = store
        self.board = board
        self.logger = logger
        start = JenkinsPlanner(
            settings: configuration.planner, record: record, seed: .random(in: .min ... .max), at: .now)
        controller = JenkinsController(JenkinsClient(live), live)
        self.gateKeeper = GateKeeperProcess(gateKeeper, logger: logger)
        explainer = NodeExplainer(controller, logger: logger)
        link = ClusterLink(
            FrameworkIdentity(configuration: configuration, url: url), record, logger: logger)
    }

    /// Shows what the planner is before its first event.
    func show() { board.publish(start, controller.traffic) }

    /// Works until it is ended, cancelled, or refused by the master.
    ///
    /// - Returns: What went wrong, if anything did.
    func run() async -> String? {
        await withTaskGroup { group in
            group.addTask { await self.link.run() }
            group.addTask { await self.forwardClusterEvents() }
            group.addTask { await self.poll() }
            group.addTask { await self.watch() }
            group.addTask { await self.keepState() }
            group.addTask { await self.tick() }
            group.addTask {
                await withTaskCancellationHandler {
                    await self.loop()
                } onCancel: {
                    self.end(because: nil)
                }
            }
        }
        await gateKeeper.end()
        return ends.withLock { $0.failure }
    }

    /// Ends `run`, and every action from now on: requests that have not been sent are not.
    func end(because failure: String?) {
        ends.withLock { ends in
            ends.isOver = true
            if ends.failure == nil { ends.failure = failure }
        }
        controller.close()
        link.stop()
        pacer.wake()
        inbox.finish()
        writes.finish()
    }

    var isOver: Bool { ends.withLock { $0.isOver } }

    private func loop() async {
        var planner = start
        while case let batch = await inbox.next(), !batch.isEmpty {
            for event in batch where !isOver {
                let now = Moment.now
                let effects = planner.step(event, at: now)
                for effect in effects { perform(effect) }
                board.ledger.observe(event, effects, planner, at: now)
            }
            pacer.follow(planner, live.current.jenkins)
            link.isNeeded = planner.isBusy
            board.publish(planner, controller.traffic, live.current.jenkins.explainsOnNodes ? explainer : nil)
            turned.withLock { $0 = FrameworkPosition(planner) }
        }
    }

    /// nil if the loop, which turns every second at least, has not turned since the last call.
    func takePosition() -> FrameworkPosition? { turned.withLock { $0.take() } }

    func write(_ record: PlannerRecord, _ revision: UInt64) {
        writes.send(StateWrite(revision: revision, record: record))
    }

    /// Writes the newest record of each batch: a later one contains all that earlier ones said.
    private func keepState() async {
        while case let batch = await writes.next(), let newest = batch.last {
            do throws(RecordStoreError) {
                try await store.keep(newest.record)
                inbox.send(.persisted(revision: newest.revision))
            } catch {
                // What cannot be remembered must not be started.
                end(because: error.isDeposed ? nil : "\(error)")
            }
        }
    }
}
