// The running framework: one loop owns the planner; polls, the cluster's events and the results of requests reach it
// through one inbox, and its effects go out from here.
import FoundationEssentials
import HTTPClient
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

/// Why a framework could not start. One line for people.
public struct JenkinsFrameworkError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

public final class JenkinsFrameworkServer: Sendable {
    private let configuration: JenkinsConfiguration
    private let logger: Logger
    private let inbox = Mailbox<JenkinsPlanner.Event>()
    private let writes = Mailbox<StateWrite>()
    private let stateFile: StateFile
    private let controller: JenkinsController
    private let client: SchedulerClient
    private let board: StatusBoard
    private let server: HTTPServer
    private let pacer = PollPacer()
    /// Where the framework stood when the loop turned last; taken away by whoever looks.
    private let turned = Locked<FrameworkPosition?>(nil)
    private let finished = Locked(Finished())
    private let started: (record: PlannerRecord, planner: JenkinsPlanner)

    private struct StateWrite: Sendable {
        var revision: UInt64
        var record: PlannerRecord
    }

    private struct Finished {
        var isStopping = false
        var failure: String?
    }

    /// Where the status is served: `http://host:port`.
    public let url: String

    /// Checks the configuration against the world, without changing it: the state directory must be writable, secret files
    /// readable. Serves its status when it returns; `run` does the rest.
    public static func start(
        _ configuration: JenkinsConfiguration, logger: Logger
    ) async throws(JenkinsFrameworkError) -> JenkinsFrameworkServer {
        let stateFile = StateFile(directory: configuration.stateDirectory)
        var record: PlannerRecord
        do throws(StateFileError) {
            try stateFile.prepare()
            let loaded = try stateFile.load()
            record = loaded.record
            if let aside = loaded.setAside { logger.error("the state file was not readable; it is now \(aside)") }
        } catch {
            throw JenkinsFrameworkError(description: "stateDir: \(error)")
        }
        if let fixed = configuration.mesos.frameworkID { record.frameworkID = fixed }
        var credentials: (principal: String, secret: String)?
        do {
            if let path = configuration.jenkins.secret.path { _ = try SecretFile(path: path).read() }
            if let path = configuration.mesos.secretFile {
                credentials = (configuration.mesos.principal, try SecretFile(path: path).read())
            }
        } catch {
            let paths = [configuration.jenkins.secret.path, configuration.mesos.secretFile].compactMap(\.self)
            throw JenkinsFrameworkError(
                description: "a secret file cannot be read: one of \(paths.joined(separator: ", "))")
        }
        if let path = configuration.mesos.caFile, let file = ClientTLS(caFile: path).unreadableFile {
            throw JenkinsFrameworkError(description: "mesos.tls.caFile: cannot read \(file.path): \(file.reason)")
        }
        let planner = JenkinsPlanner(
            settings: configuration.planner, record: record, seed: .random(in: .min ... .max), at: .now)
        let ledger = FarmLedger(configuration, credentials: credentials, logger: logger)
        let board = StatusBoard(planner.status(at: .now), ledger)
        do throws(HTTPServerError) {
            let address = configuration.status
            let server = try await HTTPServer.start(host: address.host, port: address.port) { board.answer($0) }
            StatusAddressFile(directory: configuration.stateDirectory).write("http://\(address.host):\(server.port)")
            return JenkinsFrameworkServer(
                configuration, logger, stateFile, board, server, credentials, (record, planner))
        } catch {
            throw JenkinsFrameworkError(description: "status: \(error)")
        }
    }

    private init(
        _ configuration: JenkinsConfiguration, _ logger: Logger, _ stateFile: StateFile, _ board: StatusBoard,
        _ server: HTTPServer, _ credentials: (principal: String, secret: String)?,
        _ started: (record: PlannerRecord, planner: JenkinsPlanner)
    ) {
        self.configuration = configuration
        self.logger = logger
        self.stateFile = stateFile
        self.board = board
        self.server = server
        self.started = started
        url = "http://\(configuration.status.host):\(server.port)"
        controller = JenkinsController(
            JenkinsClient(configuration.jenkins),
            needsModes: configuration.planner.templates.contains { $0.servesUnlabelled })
        var subscription = SubscriptionSettings()
        subscription.backoffMin = configuration.mesos.reconnectMin
        subscription.backoffMax = configuration.mesos.reconnectMax
        subscription.subscribesAnewWhenRemoved = true
        client = SchedulerClient(
            SchedulerClient.Configuration(
                master: configuration.mesos.master,
                framework: Self.frameworkInfo(configuration, started.record.frameworkID, url: url),
                suppressedRoles: configuration.mesos.roles, credentials: credentials, subscription: subscription),
            logger: logger,
            http: configuration.mesos.caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared)
    }

    private static func frameworkInfo(
        _ configuration: JenkinsConfiguration, _ id: FrameworkID?, url: String
    ) -> V1FrameworkInfo {
        let cluster = configuration.mesos
        var info = V1FrameworkInfo()
        info.user = cluster.user
        info.name = cluster.frameworkName
        if let id { info.id = V1FrameworkID(id) }
        info.failoverTimeout = Double(cluster.failoverTimeout.clampedNanoseconds) / 1e9
        info.checkpoint = cluster.checkpoint
        info.roles = cluster.roles.map(\.value)
        if !cluster.principal.isEmpty { info.principal = cluster.principal }
        info.webuiURL = url
        let capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [
            .multiRole, .partitionAware, .taskKillingState, .reservationRefinement,
        ]
        info.capabilities = capabilities.map {
            var capability = V1FrameworkInfo.Capability()
            capability.type = $0
            return capability
        }
        return info
    }

    // MARK: - Running

    /// Works until `stop`, cancellation, or a refusal of the master.
    ///
    /// - Throws: If the master refuses the framework for good, or its state cannot be kept.
    public func run() async throws(JenkinsFrameworkError) {
        await withTaskGroup { group in
            group.addTask { await self.client.run() }
            group.addTask { await self.forwardClusterEvents() }
            group.addTask { await self.poll() }
            group.addTask { await self.watch() }
            group.addTask { await self.keepState() }
            group.addTask { await self.tick() }
            group.addTask { await self.board.ledger.run { _ in } }
            group.addTask {
                await withTaskCancellationHandler {
                    await self.loop()
                } onCancel: {
                    self.requestStop()
                }
            }
        }
        await server.stop()
        StatusAddressFile(directory: configuration.stateDirectory).remove()
        if let failure = finished.withLock({ $0.failure }) { throw JenkinsFrameworkError(description: failure) }
    }

    /// Ends `run`. The framework stays registered and its agents run on until it comes back or `failoverTimeout` passes.
    public func stop() async { requestStop() }

    private func requestStop() { end(because: nil) }

    private func end(because failure: String?) {
        finished.withLock { finished in
            finished.isStopping = true
            if finished.failure == nil { finished.failure = failure }
        }
        client.stop()
        board.ledger.stop()
        pacer.wake()
        inbox.finish()
        writes.finish()
    }

    private var isStopping: Bool { finished.withLock { $0.isStopping } }

    private func loop() async {
        var planner = started.planner
        while case let batch = await inbox.next(), !batch.isEmpty {
            for event in batch {
                let now = Moment.now
                let effects = planner.step(event, at: now)
                for effect in effects { perform(effect) }
                board.ledger.observe(event, effects, planner, at: now)
            }
            pacer.follow(planner)
            board.publish(planner, controller.traffic)
            turned.withLock { $0 = FrameworkPosition(planner) }
        }
    }

    /// Where the framework stands; nil if its loop, which turns every second at least, has not turned since the last call.
    public func takePosition() -> FrameworkPosition? { turned.withLock { $0.take() } }

    // MARK: - What comes in

    private func forwardClusterEvents() async {
        for await event in client.events {
            switch event {
            case .subscribed(let id, let master):
                board.allowPage(of: master)
                inbox.send(.subscribed(id))
            case .disconnected: inbox.send(.disconnected)
            case .refused(let reason): end(because: "the master refuses the framework: \(reason)")
            case .event(let event): forward(event)
            }
        }
        end(because: nil)
    }

    private func forward(_ event: V1SchedulerEvent) {
        switch event.type {
        case .offers:
            board.ledger.note(event.offers.offers)
            let offers = event.offers.offers.compactMap { AgentOffer($0) }
            let unread = Set(event.offers.offers.map { OfferID($0.id) }).subtracting(offers.map(\.id))
            if !unread.isEmpty { submit(Calls.decline(unread.sorted(), refuse: configuration.planner.declineIdle)) }
            if !offers.isEmpty { inbox.send(.offersArrived(offers)) }
        case .rescind:
            inbox.send(.offerRescinded(OfferID(event.rescind.offerID)))
        case .update:
            inbox.send(.taskUpdated(TaskUpdate(event.update.status)))
        case .unknown, .subscribed, .inverseOffers, .rescindInverseOffer, .updateOperationStatus, .message, .failure,
            .error, .heartbeat:
            break
        }
    }

    private func poll() async {
        var failures = 0
        var fullPollAt = Instant.zero
        while !isStopping {
            let now = Moment.now.instant
            // The computers of a quiet controller are looked at now and then, for orphans and beacons.
            let isFull = pacer.isBusy || fullPollAt.duration(to: now) >= .seconds(5)
            do throws(JenkinsFailure) {
                let snapshot = try await controller.poll(full: isFull, labelSource: pacer.labelSource)
                if snapshot.computers != nil { fullPollAt = now }
                failures = 0
                inbox.send(.polled(snapshot))
            } catch {
                failures += 1
                inbox.send(.pollFailed("\(error)"))
            }
            let interval =
                failures > 0
                ? min(.seconds(1) * (1 << min(failures - 1, 6)), .seconds(10))
                : pacer.isBusy ? configuration.jenkins.pollInterval : configuration.jenkins.idlePollInterval
            await pacer.sleep(interval)
        }
    }

    /// Looks at single-use agents between polls, when polls are not frequent enough to see their first build.
    private func watch() async {
        while !isStopping {
            let plan = pacer.watchPlan
            if let plan, plan.includesQueue || plan.interval < configuration.jenkins.pollInterval {
                if let look = try? await controller.look(at: plan) { inbox.send(.watched(look)) }
            }
            try? await Task.sleep(for: plan?.interval ?? .milliseconds(100))
        }
    }

    private func tick() async {
        while !isStopping {
            inbox.send(.ticked)
            try? await Task.sleep(for: .seconds(1))
        }
    }

    // MARK: - What goes out

    private func perform(_ effect: JenkinsPlanner.Effect) {
        switch effect {
        case .persist(let revision, let record): writes.send(StateWrite(revision: revision, record: record))
        case .accept(let order): accept(order)
        case .decline(let offers, let refuse): submit(Calls.decline(offers, refuse: refuse))
        case .acknowledge(let task, let agent, let uuid): acknowledge(task, agent, uuid)
        case .kill(let task, let agent): submit(Calls.kill(task, on: agent, grace: nil))
        case .reconcile(let tasks): submit(Calls.reconcile(tasks.map { ($0.task, $0.agent) }))
        case .revive: submit(Calls.revive(configuration.mesos.roles))
        case .suppress: submit(Calls.suppress(configuration.mesos.roles))
        case .createNode(let node): create(node)
        case .createBeacon(let node):
            Task { [controller, logger] in
                do throws(JenkinsFailure) {
                    try await controller.createBeacon(node)
                } catch {
                    logger.warning("beacon \(node.name): \(error)")
                }
            }
        case .drainNode(let name, let reason):
            let work = { @Sendable (controller: JenkinsController) async throws(JenkinsFailure) in
                try await controller.drain(name, reason: reason)
            }
            request(name, work, done: .nodeDrained(name)) { .nodeDrainFailed(name, reason: "\($0)") }
        case .openNode(let name):
            Task { [controller, inbox, logger] in
                do throws(JenkinsFailure) {
                    inbox.send(try await controller.open(name) ? .nodeOpened(name) : .nodeOpenRefused(name))
                } catch {
                    logger.warning("node \(name): \(error)")
                    inbox.send(.nodeOpenFailed(name, reason: "\(error)"))
                }
            }
        case .deleteNode(let name):
            let work = { @Sendable (controller: JenkinsController) async throws(JenkinsFailure) in
                try await controller.delete(name)
            }
            request(name, work, done: .nodeDeleted(name)) { .nodeDeletionFailed(name, reason: "\($0)") }
        case .lookUpItem(let id):
            Task { [controller, inbox] in inbox.send(.itemLookedUp(id, try? await controller.fate(of: id))) }
        case .lookUpBuild(let url):
            Task { [controller, inbox] in inbox.send(.buildLookedUp(url: url, try? await controller.build(at: url))) }
        case .lookUpJobLabel(let job):
            Task { [controller, inbox] in
                inbox.send(.jobLabelLookedUp(job: job, try? await controller.configuredLabel(ofJobAt: job)))
            }
        case .report(let progress):
            let line = board.add(progress, at: Moment.now.wall)
            logger.info("\(line.text)")
        }
    }

    private func submit(_ call: V1SchedulerCall) {
        client.submit(call) { [logger] error in
            if let error { logger.warning("\(call.type) was not taken: \(error)") }
        }
    }

    private func acknowledge(_ task: TaskID, _ agent: AgentID, _ uuid: [UInt8]) {
        var status = V1TaskStatus()
        status.taskID = V1TaskID(task)
        status.agentID = V1AgentID(agent)
        status.uuid = Data(uuid)
        if let call = Calls.acknowledge(status) { submit(call) }
    }

    private func accept(_ order: LaunchOrder) {
        let builder = AgentTask(
            agentURL: configuration.jenkins.agentURL, frameworkName: configuration.mesos.frameworkName,
            user: configuration.mesos.user)
        let tasks = order.agents.compactMap { agent -> V1TaskInfo? in
            guard let template = configuration.planner.templates.first(where: { $0.name == agent.template }),
                let launch = configuration.launches[agent.template]
            else { return nil }
            return builder.info(for: agent, of: order, template: template, launch: launch)
        }
        client.submit(Calls.accept([order.offer], [Calls.launch(tasks)], refuse: order.refuse)) {
            [inbox, logger] error in
            guard let error else { return }
            logger.warning("ACCEPT was not taken: \(error)")
            inbox.send(.launchUncertain(order.agents.map(\.name)))
        }
    }

    private func create(_ node: NodeSpec) {
        let template = NodeMarker(description: node.description)?.template
        let webSocket = template.flatMap { configuration.launches[$0] }?.transport == .websocket
        Task { [controller, inbox] in
            do throws(JenkinsFailure) {
                inbox.send(.nodeCreated(node.name, try await controller.create(node, webSocket: webSocket)))
            } catch {
                inbox.send(.nodeCreationFailed(node.name, reason: "\(error)", mayExist: error.mayHaveHappened))
            }
        }
    }

    private func request(
        _ name: NodeName, _ work: @escaping @Sendable (JenkinsController) async throws(JenkinsFailure) -> Void,
        done: JenkinsPlanner.Event, failed: @escaping @Sendable (JenkinsFailure) -> JenkinsPlanner.Event
    ) {
        Task { [controller, inbox, logger] in
            do throws(JenkinsFailure) {
                try await work(controller)
                inbox.send(done)
            } catch {
                logger.warning("node \(name): \(error)")
                inbox.send(failed(error))
            }
        }
    }

    /// Writes the newest record of each batch: a later one contains all that earlier ones said.
    private func keepState() async {
        while case let batch = await writes.next(), let newest = batch.last {
            do throws(StateFileError) {
                try stateFile.save(newest.record)
                inbox.send(.persisted(revision: newest.revision))
            } catch {
                // What cannot be remembered must not be started.
                end(because: "\(error)")
            }
        }
    }
}
