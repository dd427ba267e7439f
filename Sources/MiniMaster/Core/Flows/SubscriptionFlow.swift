// Frameworks come and go: subscription, failover to a new instance, loss, timeout, teardown.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    // MARK: Coming

    mutating func subscribe(_ request: RequestNumber, _ incoming: SchedulerRequest) {
        let stream = incoming.freshStreamID
        let subscribe = incoming.call.subscribe
        let info = subscribe.frameworkInfo
        let id = FrameworkID(info.hasID ? info.id.value : "")
        answer(request, .stream(stream))

        if let fault = FrameworkValidation.fault(in: info, suppressed: subscribe.suppressedRoles, settings: settings) {
            return refuse(stream, info, fault)
        }
        if let fault = unauthorizedRoles(of: info) { return refuse(stream, info, fault) }
        let constraints = subscribe.hasOfferConstraints ? subscribe.offerConstraints : nil
        let wishes: OfferWishes
        do throws(OfferWishes.Fault) { wishes = try OfferWishes(info, constraints) } catch {
            return refuse(stream, info, error.text)
        }
        let asks: (inout Framework) -> Void = { framework in
            framework.suppressed = Set(subscribe.suppressedRoles.compactMap { try? RoleName($0) })
            framework.offerConstraints = constraints
            framework.wishes = wishes
        }
        if id.value.isEmpty {
            let fresh = Framework(
                id: numbers.nextFrameworkID(), info: info, connection: .subscribing(stream), registeredAt: now.wall)
            return admit(fresh, asks)
        }
        if let fault = Self.fault(inChosenID: id) { return refuse(stream, info, fault) }
        guard let known = frameworks[id] else {
            // Removed under this leader, or under an earlier one.
            var isRemoved = frameworks.isCompleted(id)
            if case .removed = registry.frameworks[id]?.phase { isRemoved = true }
            if isRemoved { return refuse(stream, info, "Framework has been removed") }
            // A framework may bring its own id, or have been known to an earlier leader only: taken as it is.
            let fresh = Framework(id: id, info: info, connection: .subscribing(stream), registeredAt: now.wall)
            return admit(fresh, asks)
        }
        if case .leaving = known.connection { return refuse(stream, info, "Framework has been removed") }
        // A framework from before authentication was switched on is the first to prove who it is.
        let isFirstProof = !known.info.hasPrincipal && incoming.principal != nil
        if !isFirstProof, let fault = FrameworkValidation.fault(resubscribing: info, over: known.info) {
            return refuse(stream, info, fault)
        }
        resubscribe(known, as: info, asks, on: stream)
    }

    /// A framework id becomes a file name on agents and a znode name in the registry.
    private static func fault(inChosenID id: FrameworkID) -> String? {
        IdentifierRules.fault(in: id.value).map { "Framework id is invalid: \($0)" }
    }

    private mutating func refuse(_ stream: StreamID, _ info: V1FrameworkInfo, _ reason: String) {
        let who = Self.principal(of: info).map { "principal '\($0)'" } ?? "nobody in particular"
        note(.warning, "framework '\(info.name.prefix(100))' of \(who) refused: \(reason)")
        emit(.sendEvent(stream, .error(reason)))
        emit(.closeStream(stream))
    }

    private mutating func admit(_ new: Framework, _ asks: (inout Framework) -> Void) {
        var framework = new
        asks(&framework)
        frameworks.put(framework)
        numbers.counters.count("master/messages_register_framework")
        allocate(to: framework, active: false)
        persistConnected(framework)
    }

    private mutating func resubscribe(
        _ known: Framework, as info: V1FrameworkInfo, _ asks: (inout Framework) -> Void, on stream: StreamID
    ) {
        numbers.counters.count("master/messages_reregister_framework")
        switch known.connection {
        case .subscribing(let old), .connected(let old):
            emit(.sendEvent(old, .error("Framework failed over")))
            emit(.closeStream(old))
            // The new instance starts without offers, and is not told of the old one's.
            withdrawOffers(of: known.id)
            allocator.deactivateFramework(known.id)
        case .disconnected, .recovered, .leaving: break
        }
        frameworks.update(known.id) { framework in
            framework.adopt(info)
            asks(&framework)
            framework.connection = .subscribing(stream)
            framework.heartbeatTimer = 0
        }
        guard let framework = frameworks[known.id] else { return }
        allocate(to: framework, active: false)
        persistConnected(framework)
    }

    private mutating func persistConnected(_ framework: Framework) {
        guard case .subscribing(let stream) = framework.connection else { return }
        let record = FrameworkRecord(info: framework.info, phase: .connected)
        let continuation = Registrar.Continuation.announceSubscription(framework.id, stream)
        persist([.putFramework(framework.id, record)], then: continuation)
    }

    /// The registry knows the framework: now it may know it too.
    mutating func announceSubscription(_ id: FrameworkID, on stream: StreamID) {
        guard let framework = frameworks[id], framework.connection == .subscribing(stream) else { return }
        let isReturn = framework.reregisteredAt != nil || framework.isKnownBefore
        frameworks.update(id) { framework in
            framework.connection = .connected(stream)
            if isReturn { framework.reregisteredAt = now.wall }
            framework.isKnownBefore = true
        }
        frameworkMetrics.update(id) { $0.countSubscription() }
        emit(.sendEvent(stream, .subscribed(id, heartbeat: settings.heartbeatInterval, master: selfInfo)))
        emit(.sendEvent(stream, .heartbeat))
        scheduleHeartbeat(id)
        // Agents have updates for it that found nobody: hearing of it they send them now, not at their next retry.
        tellAgents(of: framework)
        allocator.activateFramework(id)
        wantAllocation()
        note(.info, "framework \(id) (\(framework.info.name)) subscribed")
    }

    private mutating func scheduleHeartbeat(_ id: FrameworkID) {
        let timer = scheduleNumbered(after: settings.heartbeatInterval) { .heartbeat(id, $0) }
        frameworks.update(id) { $0.heartbeatTimer = timer }
    }

    mutating func heartbeat(_ id: FrameworkID, _ number: UInt64) {
        guard let framework = frameworks[id], framework.isConnected, framework.heartbeatTimer == number else { return }
        tell(id, .heartbeat)
        scheduleHeartbeat(id)
    }

    // MARK: Changing

    /// UPDATE_FRAMEWORK: the answer is 200 or a reason.
    mutating func updateFramework(_ request: RequestNumber, _ known: Framework, _ call: V1SchedulerCall.UpdateFramework)
    {
        let info = call.frameworkInfo
        if let fault = FrameworkValidation.fault(in: info, suppressed: call.suppressedRoles, settings: settings) {
            return answer(request, .refused(status: 400, reason: "Supplied FrameworkInfo is not valid: \(fault)"))
        }
        if let fault = FrameworkValidation.fault(updating: known.info, to: info) {
            return answer(request, .refused(status: 400, reason: "FrameworkInfo update is not valid: \(fault)"))
        }
        if let fault = unauthorizedRoles(of: info) {
            note(.warning, "framework \(known.id) refused: \(fault)")
            return answer(request, .refused(status: 403, reason: fault))
        }
        let constraints = call.hasOfferConstraints ? call.offerConstraints : nil
        let wishes: OfferWishes
        do throws(OfferWishes.Fault) { wishes = try OfferWishes(info, constraints) } catch {
            let what = error.isInDescription ? "Supplied FrameworkInfo" : "'UpdateFramework' call"
            return answer(request, .refused(status: 400, reason: "\(what) is not valid: \(error.text)"))
        }
        frameworks.update(known.id) { framework in
            framework.adopt(info)
            framework.suppressed = Set(call.suppressedRoles.compactMap { try? RoleName($0) })
            framework.offerConstraints = constraints
            framework.wishes = wishes
        }
        guard let framework = frameworks[known.id] else { return }
        for offer in offers.offers(to: known.id) where !framework.roles.contains(offer.role) { rescind(offer.id) }
        allocate(to: framework, active: framework.isConnected)
        if known.info != framework.info {
            tellAgents(of: framework)
            let record = FrameworkRecord(info: framework.info, phase: .connected)
            persist([.putFramework(framework.id, record)], then: .nothing)
        }
        wantAllocation()
        answer(request, .done)
    }

    /// Agents act on a framework's capabilities, so those that hold its tasks hear of every change, and of its return.
    private mutating func tellAgents(of framework: Framework) {
        for agent in tasks.agents(of: framework.id) { command(agent, .updateFramework(framework.info)) }
    }

    // MARK: Going

    mutating func streamClosed(_ stream: StreamID) {
        guard let framework = frameworks.framework(on: stream) else { return }
        if case .leaving = framework.connection { return }
        withdrawOffers(of: framework.id)
        allocator.deactivateFramework(framework.id)
        let timer = scheduleNumbered(after: framework.failoverTimeout) { .frameworkFailover(framework.id, $0) }
        frameworks.update(framework.id) { $0.connection = .disconnected(failoverTimer: timer) }
        let record = FrameworkRecord(info: framework.info, phase: .disconnected(since: now.wall))
        persist([.putFramework(framework.id, record)], then: .nothing)
        wantAllocation()
        note(.info, "framework \(framework.id) disconnected; it has \(framework.info.failoverTimeout) s to come back")
    }

    mutating func failoverTimedOut(_ id: FrameworkID, _ number: UInt64) {
        guard let framework = frameworks[id] else { return }
        switch framework.connection {
        case .disconnected(number), .recovered(number):
            note(.info, "framework \(id) did not come back within its failover timeout")
            beginRemoval(of: framework)
        case .disconnected, .recovered, .subscribing, .connected, .leaving: return
        }
    }

    mutating func teardown(_ request: RequestNumber, _ id: FrameworkID) {
        guard let framework = frameworks[id], !framework.isLeaving else {
            return answer(request, .refused(status: 400, reason: "No framework found with specified ID"))
        }
        // An answer before the registry knows would be a promise that the next leader does not keep.
        beginRemoval(of: framework, then: .operatorChange(.tornDown(id, request)))
    }

    mutating func beginRemoval(of framework: Framework, then continuation: Registrar.Continuation? = nil) {
        if framework.isLeaving { return }
        withdrawOffers(of: framework.id)
        allocator.deactivateFramework(framework.id)
        frameworks.update(framework.id) { $0.connection = .leaving(framework.openStream) }
        let record = FrameworkRecord(info: framework.info, phase: .removed(at: now.wall))
        let operations = [RegistryOperation.putFramework(framework.id, record)] + surplusTombstones()
        persist(operations, then: continuation ?? .removeFramework(framework.id))
    }

    /// Counters last as long as their framework is shown.
    private mutating func forgetMetrics() {
        let completed = Set(frameworks.completed.map(\.id))
        let known = frameworks
        frameworkMetrics.keep { known[$0] != nil || completed.contains($0) }
    }

    /// Removed frameworks beyond the bound, oldest first.
    private func surplusTombstones() -> [RegistryOperation] {
        var removed: [(WallTime, FrameworkID)] = []
        for (id, record) in registry.frameworks {
            if case .removed(let time) = record.phase { removed.append((time, id)) }
        }
        let surplus = removed.count + 1 - max(1, settings.completedFrameworksMax)
        return removed.sorted { $0 < $1 }.prefix(max(0, surplus)).map { .forgetFramework($0.1) }
    }

    /// The registry knows that it is over: now the agents hear of it, and the books are closed.
    mutating func removeFramework(_ id: FrameworkID) {
        guard let framework = frameworks[id], case .leaving(let stream) = framework.connection else { return }
        for agent in agents.all where agent.isConnected { command(agent.id, .shutdownFramework(id)) }
        for task in tasks.tasks(of: id) {
            releaseResources(of: task.key)
            guard var record = tasks.remove(task.key) else { continue }
            if !record.isTerminal {
                record.state = .taskKilled
                record.isUnreachable = false
                let status = V1TaskStatus.fromMaster(
                    record.id, on: record.agent, .taskKilled, .frameworkRemoved, "Framework \(id) removed",
                    at: now.wall)
                record.remember(status)
                countTerminal(status)
            }
            complete(record)
        }
        if let stream { emit(.closeStream(stream)) }
        inverseOffers.forget(id)
        dropExecutors(of: id)
        dropOperations(of: id)
        allocator.removeFramework(id)
        frameworks.complete(id, at: now.wall)
        forgetMetrics()
        wantAllocation()
        note(.info, "framework \(id) removed")
    }
}
