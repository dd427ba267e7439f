// Runs tasks as Docker containers.

import Logging
import Mailbox
import MesosProtocol
import Resources

/// The Docker containerizer. The engine is the memory: containers are found by name and label, in this life and the next.
package final class DockerContainerizer: Containerizer {
    package struct Settings: Sendable {
        package var workDirectory: String
        /// Reported for containers on the host's network, which have no address of their own.
        package var agentIP: String
        package var mapping = DockerMappingSettings()
        package var removeDelay: Duration = .seconds(6 * 3600)
        package var outputLimits = OutputLimits.none
        package var pullTimeout: Duration = .seconds(15 * 60)
        /// How long to wait for an engine that fell silent while a container was being started.
        package var stalledStartTimeout: Duration = .seconds(120)
        /// Who the agent is to image registries.
        package var credentials = RegistryCredentials()
        /// How many containers are created and started at a time.
        package var startsAtOnce = StartTurns.usual

        package init(workDirectory: String, agentIP: String) {
            self.workDirectory = workDirectory
            self.agentIP = agentIP
        }
    }

    /// What it tells the agent without being asked.
    package enum Notice: Hashable, Sendable {
        case pulling(ContainerID, String)
        /// Why the engine counts as stalled; nil: it answers again.
        case stalled(String?)
        /// It is there, and has not been started.
        case created(ContainerID)
        /// The engine has been asked to start it, and has said yes.
        case started(ContainerID)
    }

    let engine: DockerEngine
    let settings: Settings
    let logger: Logger
    let watch: EngineWatch
    /// Outputs that were attached to before the start, until somebody follows the container.
    let attached = Locked<[ContainerID: AttachedOutput]>([:])
    let streams = EngineStreams()
    /// Who copies whose output, so that a stream that does not end can be ended.
    let followed = Locked<[ContainerID: Followed]>([:])
    let lastSweep = Locked<ContinuousClock.Instant?>(nil)
    private let turns: StartTurns
    private let pause: @Sendable (Duration) async -> Void
    private let puller: ImagePuller
    /// Images that the engine had when it was asked last. A container that is created finds out if one has gone since.
    private let knownImages = Locked<Set<String>>([])
    private static let knownImagesMax = 1000
    private let notify: @Sendable (Notice) -> Void

    /// - Parameters:
    ///   - deadlines: Of calls; a look at the engine's health has `quick`.
    ///   - pause: Waits for milliseconds.
    package init(
        socketPath: String, deadlines: DockerDeadlines = DockerDeadlines(), settings: Settings,
        calls: HTTPCalls = .shared,
        pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) },
        logger: Logger, notify: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        let suspicion = EngineSuspicion()
        var watchDeadlines = deadlines
        watchDeadlines.quick = min(deadlines.quick, .seconds(5))
        engine = DockerEngine(socketPath: socketPath, deadlines: deadlines, calls: calls) { suspicion.note() }
        watch = EngineWatch(
            engine: DockerEngine(socketPath: socketPath, deadlines: watchDeadlines, calls: calls),
            pace: EngineWatch.Pace(interval: deadlines.watchInterval), suspicion: suspicion, logger: logger)
        self.settings = settings
        self.logger = logger
        self.pause = pause
        self.notify = notify
        puller = ImagePuller(engine: engine, timeout: settings.pullTimeout)
        turns = StartTurns(settings.startsAtOnce)
    }

    package func observe(agent: AgentID) async -> Observation {
        do throws(DockerError) {
            let entries = try await engine.containers(label: DockerMapping.agentLabel, value: agent.value)
            var found: [ObservedContainer] = []
            for entry in entries {
                guard let id = entry.labels[DockerMapping.containerLabel].map({ ContainerID($0) }) else { continue }
                var condition: DockerContainer.Condition? = DockerAnswers.condition(entry.state)
                if condition == .created {
                    condition = try await conditionAfterStart(DockerMapping.name(agent: agent, container: id))
                }
                if let condition { found.append(ObservedContainer(id: id, condition: .init(condition))) }
            }
            return .found(found)
        } catch {
            logger.warning("cannot list containers: \(error)")
            return .unavailable
        }
    }

    /// An engine's list shows what it wrote down last, and a start that an earlier life asked for may be under way. Asked for
    /// that one container, it answers when it is done with it.
    ///
    /// - Returns: nil if it is gone.
    private func conditionAfterStart(_ name: String) async throws(DockerError) -> DockerContainer.Condition? {
        do throws(DockerError) {
            return try await engine.inspectBusy(name).condition
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// Watches the engine, and that no container ends unseen.
    package func watch() async {
        await watch.run(
            onChange: { [notify] stall in notify(.stalled(stall)) }, onAnswer: { await self.sweepFollowed() })
    }

    /// Images being pulled, and how far each is.
    package var pulls: [(image: String, text: String?)] { puller.progress }

    // MARK: Launch

    package func prepare(_ launch: Launch) async throws(LaunchFailure) {
        let named = DockerMapping.image(of: launch.record.info)
        guard !named.isEmpty else { throw .preparation("the task names no Docker image") }
        let info = launch.record.info.container
        let forcesPull =
            info.type == .docker
            ? info.docker.forcePullImage : info.mesos.image.hasCached && !info.mesos.image.cached
        let image = ImageReference.name(named, from: settings.mapping.registry)
        if !forcesPull, knownImages.withLock({ $0.contains(image) }) { return }
        try await provide(image, launch, forcesPull: forcesPull)
    }

    private func provide(_ image: String, _ launch: Launch, forcesPull: Bool) async throws(LaunchFailure) {
        let authorization: String?
        do throws(RegistryCredentialsError) {
            authorization =
                try TaskCredentials.find(launch)?.authorization(for: image)
                ?? settings.credentials.authorization(for: image)
        } catch {
            throw .preparation("Failed to pull Docker image '\(image)': the task's docker config: \(error)")
        }
        do throws(DockerError) {
            let isThere = forcesPull ? false : try await engine.hasImage(image)
            if !isThere {
                let container = launch.record.container
                try await puller.pull(image, authorization: authorization) { [notify] progress in
                    notify(.pulling(container, "Pulling image \(image): \(progress)"))
                }
            }
        } catch {
            let login = authorization == nil ? "" : " (with a login of this agent's or the task's docker config)"
            throw .preparation("Failed to pull Docker image '\(image)'\(login): \(error)")
        }
        knownImages.withLock { images in
            if images.count >= Self.knownImagesMax { images = [] }
            images.insert(image)
        }
    }

    package func start(_ launch: Launch) async throws(LaunchFailure) -> StartedContainer {
        guard let turn = await turns.take() else { throw .start("cancelled") }
        defer { turn.giveBack() }
        let mapping = try await mapping(launch, turn)
        do throws(DockerError) {
            try await provideGroupNetwork(launch)
            try await create(mapping, turn)
        } catch  where error.isNotFound && knownImages.withLock({ $0.remove(mapping.image) != nil }) {
            // It was there a while ago, and somebody has removed it.
            turn.giveBack()
            try await provide(mapping.image, launch, forcesPull: false)
            do throws(DockerError) { try await create(mapping, turn) } catch { throw .start("\(error)") }
        } catch { throw .start("\(error)") }
        do throws(DockerError) {
            notify(.created(launch.record.container))
            for network in mapping.furtherNetworks { try await engine.connect(mapping.name, to: network) }
            await attach(launch, mapping.name)
            let container = try await start(mapping.name, turn)
            notify(.started(launch.record.container))
            return started(launch, try await withGroupAddresses(container, launch))
        } catch {
            attached.withLock { $0.removeValue(forKey: launch.record.container) }?.stream.close()
            throw .start("\(error)")
        }
    }

    /// Starts a container and has it described.
    ///
    /// An engine describes a container only while it does nothing else with it: asked during the start it answers as soon as
    /// the container runs, asked afterwards it first clears up behind a container that has ended already.
    private func start(_ name: String, _ turn: StartTurns.Turn) async throws(DockerError) -> DockerContainer {
        async let description = describeStarting(name)
        do throws(DockerError) {
            try await engine.start(name)
        } catch  where error.isUnreachable {
            try await awaitStalledStart(name, turn)
        }
        if let container = await description, container.condition != .created { return container }
        return try await engine.inspect(name)
    }

    /// Time for a start to be under way. There is no engine that would be done by then.
    private static let startUnderWay: Duration = .milliseconds(8)

    private func describeStarting(_ name: String) async -> DockerContainer? {
        await pause(Self.startUnderWay)
        return try? await engine.inspectBusy(name)
    }

    func mapping(_ launch: Launch, _ turn: StartTurns.Turn? = nil) async throws(LaunchFailure) -> DockerMapping {
        var settings = settings.mapping
        do throws(DockerError) {
            settings.engine = try await patiently(turn) { () throws(DockerError) in try await self.engine.info() }
        } catch { throw .start("\(error)") }
        do throws(DockerOptionsError) {
            return try DockerMapping(launch, workDirectory: self.settings.workDirectory, settings: settings)
        } catch { throw .options("\(error)") }
    }

    private func create(_ mapping: DockerMapping, _ turn: StartTurns.Turn) async throws(DockerError) {
        let isRepeated = Locked(false)
        try await patiently(turn) { () throws(DockerError) in
            do throws(DockerError) {
                try await self.engine.create(name: mapping.name, body: mapping.body)
            } catch  where error.isConflict && isRepeated.withLock({ $0 }) {
                return  // The first call got no answer, and took effect.
            } catch  where error.isUnreachable {
                isRepeated.withLock { $0 = true }
                throw error
            }
        }
    }

    /// Output that is attached to before the start is complete and exact, whatever the container's log driver does to it.
    /// Without it, the engine's log has to do.
    private func attach(_ launch: Launch, _ name: String) async {
        guard let output = output(of: launch, name) else { return }
        do throws(DockerError) {
            let attached = AttachedOutput(output: output, stream: try await output.attach())
            self.attached.withLock { $0[launch.record.container] = attached }
        } catch {
            logger.info("cannot attach to \(name), reading its log instead: \(error)")
        }
    }

    func output(of launch: Launch, _ name: String) -> DockerOutput? {
        DockerOutput(
            launch, name: name, limits: settings.outputLimits, engine: engine, streams: streams, logger: logger)
    }

    /// Repeats a call for as long as an engine that is silent may take to come back, meanwhile without a turn: the others
    /// find it silent, too.
    private func patiently<Value>(
        _ turn: StartTurns.Turn?, _ call: () async throws(DockerError) -> Value
    ) async throws(DockerError) -> Value {
        let clock = ContinuousClock()
        let deadline = clock.now + settings.stalledStartTimeout
        while true {
            do throws(DockerError) { return try await call() } catch  where error.isUnreachable && clock.now < deadline
            {
                turn?.giveBack()
                do { try await Task.sleep(for: .seconds(1)) } catch { throw .cancelled }
            }
        }
    }

    /// A start that got no answer may still happen. Looks until the engine says which.
    private func awaitStalledStart(_ name: String, _ turn: StartTurns.Turn) async throws(DockerError) {
        let condition = try await patiently(turn) { () throws(DockerError) in
            try await self.engine.inspect(name).condition
        }
        if condition == .created { try await engine.start(name) }
    }

    func started(_ launch: Launch, _ container: DockerContainer) -> StartedContainer {
        let info = launch.record.info.container
        var network = info.networkInfos.first ?? V1NetworkInfo()
        network.ipAddresses =
            container.ipv4.map { Self.address($0, .ipv4) } + container.ipv6.map { Self.address($0, .ipv6) }
        if network.ipAddresses.isEmpty, info.type != .docker || info.docker.network == .host {
            network.ipAddresses = [Self.address(settings.agentIP, .ipv4)]
        }
        let inspection = container.json.isEmpty ? [] : [UInt8(ascii: "[")] + container.json + [UInt8(ascii: "]")]
        let process =
            container.pid > 0 && !container.id.isEmpty
            ? StartedContainer.EngineProcess(id: container.id, pid: Int32(clamping: container.pid)) : nil
        return StartedContainer(networks: [network], inspection: inspection, engineProcess: process)
    }

    private static func address(_ text: String, _ family: V1NetworkInfo.ProtocolEnum) -> V1NetworkInfo.IPAddress {
        var address = V1NetworkInfo.IPAddress()
        address.protocol = family
        address.ipAddress = text
        return address
    }
}

extension ObservedContainer.Condition {
    init(_ condition: DockerContainer.Condition) {
        switch condition {
        case .created: self = .created
        case .running: self = .running
        case .exited: self = .exited
        }
    }
}
