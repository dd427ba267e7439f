// What goes out: calls to the master, requests to the controller, the record, and lines for people.
import FoundationEssentials
import Logging
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

extension FrameworkTerm {
    func perform(_ effect: JenkinsPlanner.Effect) {
        let roles = live.current.mesos.roles
        switch effect {
        case .persist(let revision, let record): write(record, revision)
        case .accept(let order): accept(order)
        case .decline(let offers, let refuse): submit(Calls.decline(offers, refuse: refuse))
        case .acknowledge(let task, let agent, let uuid): acknowledge(task, agent, uuid)
        case .kill(let task, let agent): submit(Calls.kill(task, on: agent, grace: nil))
        case .reconcile(let tasks): submit(Calls.reconcile(tasks.map { ($0.task, $0.agent) }))
        case .revive: submit(Calls.revive(roles))
        case .suppress: submit(Calls.suppress(roles))
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
        case .openNode(let name): open(name, isGate: false)
        case .openGate(let name): open(name, isGate: true)
        case .deleteNode(let name):
            let work = { @Sendable (controller: JenkinsController) async throws(JenkinsFailure) in
                try await controller.delete(name)
            }
            request(name, work, done: .nodeDeleted(name)) { .nodeDeletionFailed(name, reason: "\($0)") }
        case .deleteDrainedNode(let name):
            let work = { @Sendable (controller: JenkinsController) async throws(JenkinsFailure) in
                try await controller.deleteDrained(name)
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
            logger.info("\(line.text)", metadata: line.fields)
        }
    }

    private func open(_ name: NodeName, isGate: Bool) {
        Task { [controller, gateKeeper, inbox, logger] in
            if isGate { await gateKeeper.willOpen(name) }
            do throws(JenkinsFailure) {
                inbox.send(try await controller.open(name) ? .nodeOpened(name) : .nodeOpenRefused(name))
            } catch {
                logger.warning("node \(name): \(error)")
                inbox.send(.nodeOpenFailed(name, reason: "\(error)", mayBeOpen: error.mayHaveHappened))
            }
        }
    }

    func submit(_ call: V1SchedulerCall) {
        link.submit(call) { [logger] error in
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
        let configuration = live.current
        let builder = AgentTask(
            agentURL: configuration.jenkins.agentURL, frameworkName: configuration.mesos.frameworkName,
            user: configuration.mesos.user, version: controller.version)
        let tasks = order.agents.compactMap { agent -> V1TaskInfo? in
            guard let template = configuration.planner.templates.first(where: { $0.name == agent.template }),
                let launch = configuration.launches[agent.template]
            else { return nil }
            return builder.info(
                for: agent, of: order, template: template, launch: launch,
                pullSecret: launch.container?.pullSecretFile.flatMap(pullSecret))
        }
        link.submit(Calls.accept([order.offer], [Calls.launch(tasks)], refuse: order.refuse)) {
            [inbox, logger] error in
            guard let error else { return }
            logger.warning("ACCEPT was not taken: \(error)")
            inbox.send(.launchUncertain(order.agents.map(\.name)))
        }
    }

    private func pullSecret(_ path: String) -> [UInt8]? {
        do {
            return Array(try SecretFile(path: path, bytesMax: 1 << 20).read().utf8)
        } catch {
            logger.error("pullSecretFile: \(path) cannot be read; the image is pulled without it")
            return nil
        }
    }

    private func create(_ node: NodeSpec) {
        var node = node
        let launch = NodeMarker(description: node.description).flatMap { live.current.launches[$0.template] }
        if let launch { node.remoteFS = WorkFolder.path(node.remoteFS, of: node.name, launch) }
        let form = NodeForm(node, webSocket: launch?.transport == .websocket, tools: launch?.toolLocations ?? [])
        let name = node.name
        Task { [controller, inbox] in
            do throws(JenkinsFailure) {
                inbox.send(.nodeCreated(name, try await controller.create(form)))
            } catch {
                inbox.send(.nodeCreationFailed(name, reason: "\(error)", mayExist: error.mayHaveHappened))
            }
        }
    }

    private func request(
        _ name: NodeName, _ work: @escaping @Sendable (JenkinsController) async throws(JenkinsFailure) -> Void,
        done: JenkinsPlanner.Event, failed: @escaping @Sendable (JenkinsFailure) -> JenkinsPlanner.Event
    ) {
        Task { [controller, gateKeeper, inbox, logger] in
            do throws(JenkinsFailure) {
                try await work(controller)
                // Drained or deleted: whoever had a gate has none open now.
                await gateKeeper.isClosed(name)
                inbox.send(done)
            } catch {
                logger.warning("node \(name): \(error)")
                inbox.send(failed(error))
            }
        }
    }
}
