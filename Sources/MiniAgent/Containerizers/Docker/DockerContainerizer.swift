// Runs tasks as Docker containers.

import Foundation
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

        package init(workDirectory: String, agentIP: String) {
            self.workDirectory = workDirectory
            self.agentIP = agentIP
        }
    }

    let engine: DockerEngine
    let settings: Settings
    private let logger: Logger
    private let puller: ImagePuller

    package init(engine: DockerEngine, settings: Settings, logger: Logger) {
        self.engine = engine
        self.settings = settings
        self.logger = logger
        puller = ImagePuller(engine: engine, timeout: settings.pullTimeout)
    }

    package func observe(agent: AgentID) async -> Observation {
        do throws(DockerError) {
            let entries = try await engine.containers(label: DockerMapping.agentLabel, value: agent.value)
            return .found(
                entries.compactMap { entry in
                    guard let id = entry.labels[DockerMapping.containerLabel] else { return nil }
                    return ObservedContainer(
                        id: ContainerID(id), condition: .init(DockerAnswers.condition(entry.state)))
                })
        } catch {
            logger.warning("cannot list containers: \(error)")
            return .unavailable
        }
    }

    // MARK: Launch

    package func prepare(_ launch: Launch) async throws(LaunchFailure) {
        let image = DockerMapping.image(of: launch.record.info)
        guard !image.isEmpty else { throw .preparation("the task names no Docker image") }
        do throws(DockerError) {
            let forcesPull = launch.record.info.container.docker.forcePullImage
            if !forcesPull, try await engine.hasImage(image) { return }
            try await puller.pull(image)
        } catch {
            throw .preparation("Failed to pull Docker image '\(image)': \(error)")
        }
    }

    package func start(_ launch: Launch) async throws(LaunchFailure) -> StartedContainer {
        let mapping: DockerMapping
        do throws(DockerOptionsError) {
            mapping = try DockerMapping(
                launch, workDirectory: settings.workDirectory, settings: settings.mapping)
        } catch {
            throw .options("\(error)")
        }
        do throws(DockerError) {
            try await provideGroupNetwork(launch)
            try await engine.create(name: mapping.name, body: mapping.body)
            do throws(DockerError) {
                try await engine.start(mapping.name)
            } catch  where error.isUnreachable {
                try await awaitStalledStart(mapping.name)
            }
            return started(launch, try await withGroupAddresses(engine.inspect(mapping.name), launch))
        } catch {
            throw .start("\(error)")
        }
    }

    /// A start that got no answer may still happen. Looks until the engine says which.
    private func awaitStalledStart(_ name: String) async throws(DockerError) {
        let clock = ContinuousClock()
        let deadline = clock.now + settings.stalledStartTimeout
        while true {
            do throws(DockerError) {
                switch try await engine.inspect(name).condition {
                case .running, .exited: return
                case .created: throw .unreachable("it did not start the container")
                }
            } catch  where error.isUnreachable && clock.now < deadline {
                do { try await Task.sleep(for: .seconds(1)) } catch { throw .cancelled }
            }
        }
    }

    private func started(_ launch: Launch, _ container: DockerContainer) -> StartedContainer {
        let info = launch.record.info.container
        var network = info.networkInfos.first ?? V1NetworkInfo()
        network.ipAddresses =
            container.ipv4.map { Self.address($0, .ipv4) } + container.ipv6.map { Self.address($0, .ipv6) }
        if network.ipAddresses.isEmpty, info.type != .docker || info.docker.network == .host {
            network.ipAddresses = [Self.address(settings.agentIP, .ipv4)]
        }
        return StartedContainer(
            networks: [network], inspection: [UInt8(ascii: "[")] + container.json + [UInt8(ascii: "]")])
    }

    private static func address(_ text: String, _ family: V1NetworkInfo.ProtocolEnum) -> V1NetworkInfo.IPAddress {
        var address = V1NetworkInfo.IPAddress()
        address.protocol = family
        address.ipAddress = text
        return address
    }

    // MARK: Life and end

    package func follow(
        _ launch: Launch, isRecovered: Bool, onRunning: @Sendable (StartedContainer) -> Void
    ) async -> ContainerExit? {
        let name = name(of: launch)
        let hasEnded = Locked(false)
        let copier = DockerLogCopier(
            engine: engine, name: name, run: launch.run, limits: settings.outputLimits, logger: logger)
        let copying = Task { await copier.copy(until: { hasEnded.withLock { $0 } }) }
        var mustAnnounce = isRecovered
        let exit = await withTaskCancellationHandler {
            await awaitEnd(name) { container in
                if mustAnnounce { onRunning(started(launch, container)) }
                mustAnnounce = false
            }
        } onCancel: {
            copying.cancel()
        }
        hasEnded.withLock { $0 = true }
        // The output should be complete before the framework hears of the end, but not at any price: as long as more of it
        // comes.
        let patience = Task {
            var seen = -1
            while !Task.isCancelled, copier.copiedBytes.withLock({ $0 }) != seen {
                seen = copier.copiedBytes.withLock { $0 }
                try? await Task.sleep(for: .seconds(10))
            }
            copying.cancel()
        }
        await copying.value
        patience.cancel()
        return Task.isCancelled ? nil : exit
    }

    /// Asks until the engine says that the container has ended. An engine that does not answer is waited for.
    private func awaitEnd(_ name: String, onRunning: (DockerContainer) -> Void) async -> ContainerExit {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do throws(DockerError) {
                let container = try await engine.inspect(name)
                switch container.condition {
                case .exited: return Self.exit(container)
                case .created: return .unknown("its container was never started")
                case .running: onRunning(container)
                }
                if try await engine.wait(name, atMost: .seconds(300)) {
                    pause = .milliseconds(100)
                    continue
                }
            } catch {
                switch error {
                case .refused(404, _): return .unknown("its container is gone")
                case .cancelled: return .unknown("cancelled")
                case .unreachable, .refused, .malformed: logger.debug("waiting for \(name): \(error)")
                }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
        return .unknown("cancelled")
    }

    static func exit(_ container: DockerContainer) -> ContainerExit {
        if container.wasOutOfMemory {
            let limit = container.memoryLimitBytes >> 20
            return .memoryLimitExceeded(
                message: "Memory limit exceeded: the kernel killed the container at its limit of \(limit) MB; "
                    + "Container exited with status \(container.exitCode)")
        }
        return .exited(status: container.exitCode)
    }

    package func stop(_ launch: Launch, grace: Duration) async {
        let (seconds, attoseconds) = grace.components
        let whole = Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0)
        await attempt("stop", launch) { engine, name throws(DockerError) in
            try await engine.stop(name, graceSeconds: whole)
        }
    }

    package func kill(_ launch: Launch) async {
        await attempt("kill", launch) { engine, name throws(DockerError) in try await engine.kill(name) }
    }

    /// A failed attempt is not repeated here: the core asks again until the container has ended.
    private func attempt(
        _ what: String, _ launch: Launch,
        _ call: (DockerEngine, String) async throws(DockerError) -> Void
    ) async {
        do throws(DockerError) {
            try await call(engine, name(of: launch))
        } catch  where error.isNotFound || error.isConflict || error == .cancelled {
            // Gone, or not running.
        } catch {
            logger.warning("cannot \(what) \(name(of: launch)): \(error)")
        }
    }

    package func release(_ launch: Launch) async {
        do { try await Task.sleep(for: settings.removeDelay) } catch { return }
        await removeForSure(name(of: launch))
    }

    package func remove(orphan: ContainerID, agent: AgentID) async {
        let name = DockerMapping.name(agent: agent, container: orphan)
        logger.info("removing container \(name): it belongs to no task of this agent")
        await removeForSure(name)
    }

    private func removeForSure(_ name: String) async {
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            do throws(DockerError) {
                return try await engine.remove(name)
            } catch  where error.isNotFound || error.isConflict || error == .cancelled {
                return  // Gone, or being removed.
            } catch {
                logger.warning("cannot remove \(name), trying again: \(error)")
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(60))
        }
    }

    private func name(of launch: Launch) -> String {
        DockerMapping.name(agent: launch.agent, container: launch.record.container)
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

/// Pulls each image once at a time: tasks that want an image that is being pulled wait for that pull.
private actor ImagePuller {
    private let engine: DockerEngine
    private let timeout: Duration
    private var pulls: [String: Task<Result<Void, DockerError>, Never>] = [:]

    init(engine: DockerEngine, timeout: Duration) {
        self.engine = engine
        self.timeout = timeout
    }

    /// Cancelling the caller does not cancel the pull: others may wait for it, and a pulled image is no loss.
    func pull(_ image: String) async throws(DockerError) {
        let pull =
            pulls[image]
            ?? Task { [engine, timeout] in
                do throws(DockerError) {
                    try await engine.pull(image, timeout: timeout)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
        pulls[image] = pull
        let result = await pull.value
        if pulls[image] == pull { pulls[image] = nil }
        try result.get()
    }
}
