// Stays with a container until its end, and cleans up after it.

import Logging
import Mailbox
import MesosProtocol
import Resources

/// A container that somebody follows.
struct Followed: Sendable {
    var agent: AgentID
    /// Ends the copying of its output, after which the engine is asked how the container is.
    var interrupt: @Sendable () -> Void
    /// In the last sweep it did not run although its output had not ended.
    var isSuspect = false
}

extension DockerContainerizer {
    // MARK: Life

    /// One connection serves for output and end: the output's end is the container's, or a reason to ask.
    package func follow(
        _ launch: Launch, isRecovered: Bool, onRunning: @Sendable (StartedContainer) -> Void
    ) async -> Following {
        let name = name(of: launch)
        let attached = attached.withLock { $0.removeValue(forKey: launch.record.container) }
        guard let output = attached?.output ?? self.output(of: launch, name) else {
            return await awaitEnd(name).map { .ended($0) } ?? .cancelled
        }
        if isRecovered, case .over(let exit) = await announce(launch, onRunning) {
            await output.complete()
            return .ended(exit)
        }
        if let stream = attached?.stream { return wait(for: stream, of: launch, output, isWhole: true) }
        return await resume(launch, output)
    }

    /// Copies output from the engine's log, until there is none because the container has ended.
    private func resume(_ launch: Launch, _ output: DockerOutput) async -> Following {
        while !Task.isCancelled {
            do throws(DockerError) {
                // The engine ends the stream of a log with its container, now and then before the last of it.
                return wait(for: try await output.resume(), of: launch, output, isWhole: false)
            } catch {
                let result = output.result(of: error)
                if let exit = await exit(of: launch, after: result, output, isWhole: false) { return .ended(exit) }
            }
        }
        return .cancelled
    }

    /// - Parameter isWhole: Whether the stream has had the container's output from its start and has it to its end.
    private func wait(
        for stream: EngineStream, of launch: Launch, _ output: DockerOutput, isWhole: Bool
    ) -> Following {
        let container = launch.record.container
        followed.withLock { $0[container] = Followed(agent: launch.agent, interrupt: { stream.close() }) }
        let end = Awaited(
            whenOver: { stream.whenEnded($0) },
            interrupt: { self.followed.withLock { $0.removeValue(forKey: container) }?.interrupt() })
        return .waiting(end) {
            let result = await output.outlast(stream)
            self.followed.withLock { $0[container] = nil }
            if let exit = await self.exit(of: launch, after: result, output, isWhole: isWhole) { return .ended(exit) }
            return await self.resume(launch, output)
        }
    }

    /// Asks how a container is whose output has ended in some way.
    ///
    /// - Returns: nil unless it has ended, too.
    private func exit(
        of launch: Launch, after result: DockerOutput.Result, _ output: DockerOutput, isWhole: Bool
    ) async -> ContainerExit? {
        if Task.isCancelled { return nil }
        // A moment passes between the end of the output and that of the container. If that is not all, the program has
        // closed its output, or the engine the connection.
        let patience: Duration = result == .unavailable ? .seconds(300) : .seconds(2)
        switch await look(name(of: launch), patience) {
        case .over(let exit):
            if !isWhole || result != .ended { await output.complete() }
            return exit
        case .running: break
        case .unknown: try? await Task.sleep(for: .seconds(1))
        }
        return nil
    }

    private enum Glance: Sendable {
        case over(ContainerExit)
        case running
        /// The engine does not answer.
        case unknown
    }

    /// Says that a container of an earlier life runs, as soon as the engine says so.
    private func announce(_ launch: Launch, _ onRunning: (StartedContainer) -> Void) async -> Glance {
        while !Task.isCancelled {
            do throws(DockerError) {
                let container = try await engine.inspect(name(of: launch))
                if let exit = Self.end(container) { return .over(exit) }
                onRunning(started(launch, container))
                return .running
            } catch {
                if let exit = Self.end(error) { return .over(exit) }
                logger.debug("looking for \(name(of: launch)): \(error)")
            }
            try? await Task.sleep(for: .seconds(1))
        }
        return .unknown
    }

    private func look(_ name: String, _ patience: Duration) async -> Glance {
        do throws(DockerError) {
            // An engine that is clearing up behind a container describes it when it has, so this is mostly all.
            if let exit = Self.end(try await engine.inspect(name)) { return .over(exit) }
            _ = try await engine.wait(name, atMost: patience)
            return Self.end(try await engine.inspect(name)).map { .over($0) } ?? .running
        } catch {
            return Self.end(error).map { .over($0) } ?? .unknown
        }
    }

    /// Without a place for the output there is still an end to wait for.
    private func awaitEnd(_ name: String) async -> ContainerExit? {
        while !Task.isCancelled {
            if case .over(let exit) = await look(name, .seconds(300)) { return exit }
            try? await Task.sleep(for: .seconds(1))
        }
        return nil
    }

    private static func end(_ container: DockerContainer) -> ContainerExit? {
        switch container.condition {
        case .running: nil
        case .created: .unknown("its container was never started")
        case .exited: exit(container)
        }
    }

    private static func end(_ error: DockerError) -> ContainerExit? {
        error.isNotFound ? .unknown("its container is gone") : nil
    }

    package static func exit(_ container: DockerContainer) -> ContainerExit {
        if container.wasOutOfMemory {
            let limit = container.memoryLimitBytes >> 20
            return .memoryLimitExceeded(
                message: "Memory limit exceeded: the kernel killed the container at its limit of \(limit) MB; "
                    + "Container exited with status \(container.exitCode)")
        }
        return .exited(status: container.exitCode)
    }

    /// A list of a hundred containers is much to read for an agent that has nothing to do.
    private static let sweepInterval: Duration = .seconds(30)

    /// Ends the streams of containers that have not run for two sweeps: whatever keeps such a stream open, it would keep the
    /// task from ending.
    func sweepFollowed() async {
        guard let agent = followed.withLock({ $0.values.first?.agent }) else { return }
        let isDue = lastSweep.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < Self.sweepInterval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        do throws(DockerError) {
            let entries = try await engine.containers(
                label: DockerMapping.agentLabel, value: agent.value,
                states: ["created", "running", "paused"])
            let live = Set(entries.compactMap { $0.labels[DockerMapping.containerLabel] })
            let interrupts = followed.withLock { followed in
                var interrupts: [@Sendable () -> Void] = []
                for (id, entry) in followed {
                    let isGone = !live.contains(id.value)
                    if isGone && entry.isSuspect { interrupts.append(entry.interrupt) }
                    followed[id]?.isSuspect = isGone
                }
                return interrupts
            }
            for interrupt in interrupts { interrupt() }
        } catch {
            logger.debug("cannot list containers: \(error)")
        }
    }

    // MARK: End

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

    package func signal(_ launch: Launch, _ signal: Int32) async {
        await attempt("signal", launch) { engine, name throws(DockerError) in
            try await engine.kill(name, signal: signal)
        }
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
        attached.withLock { $0.removeValue(forKey: launch.record.container) }?.stream.close()
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

    func name(of launch: Launch) -> String {
        DockerMapping.name(agent: launch.agent, container: launch.record.container)
    }
}
