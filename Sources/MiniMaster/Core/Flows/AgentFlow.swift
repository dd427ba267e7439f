// Agents come: admission, return, and the comparison of what they hold with what the master knows.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// The version of the link's messages. An agent that needs another one is told so.
    static let linkVersion: UInt32 = 1

    /// Answers one call of an agent.
    mutating func receive(_ request: RequestNumber, _ incoming: AgentRequest) {
        let call = incoming.call
        guard call.hasType else { return refuseLink(request, 400, "Expecting 'type' to be present") }
        if call.type == .register {
            guard call.hasRegister else { return refuseLink(request, 400, "Expecting 'register' to be present") }
            guard incoming.linkID == nil else {
                return refuseLink(request, 400, "Register calls should not include the 'Mini-Link-Stream-Id' header")
            }
            return register(request, incoming)
        }
        guard let link = incoming.linkID else {
            return refuseLink(request, 400, "All calls but register should include the 'Mini-Link-Stream-Id' header")
        }
        guard let agent = agents.agent(on: link), agent.link == link else {
            return refuseLink(request, 403, "No agent is registered on the link \(link)")
        }
        answer(request, .accepted)
        switch call.type {
        case .update: updateArrived(call.update, from: agent)
        case .pong:
            pongArrived(call.pong.sequence, from: agent)
            hearStall(call.pong.hasStalledBecause ? call.pong.stalledBecause : nil, from: agent)
        case .message: passMessage(call.message, from: agent)
        case .unregister: unregister(agent)
        case .operationStatus: operationStatusArrived(call.operationStatus, from: agent)
        case .exitedExecutor: executorExited(call.exitedExecutor, from: agent)
        case .register, .tasksReconciled, .unknown: break
        }
    }

    private mutating func refuseLink(_ request: RequestNumber, _ status: Int, _ reason: String) {
        answer(request, .refused(status: status, reason: reason))
    }

    // MARK: Registering

    private mutating func register(_ request: RequestNumber, _ incoming: AgentRequest) {
        let message = incoming.call.register
        let link = incoming.freshLinkID
        count(message.agent.hasID ? "reregister_slave" : "register_slave")
        let unfit = AgentAdmission.refusal(of: message, cluster: registry.cluster, selfInfo, settings)
        if let reason = unauthorizedAgent(incoming.principal) ?? unfit {
            answer(request, .link(link))
            return turnAway(link, reason, message, shutdown: false)
        }
        let ip = message.hasAdvertisedIp ? message.advertisedIp : incoming.remoteHost
        let predecessor = agents.agent(at: AgentRoster.address(of: message.agent, at: ip))
        let id = self.id(for: message, predecessor)
        if isOnDownMachine(message.agent.hostname, ip) {
            answer(request, .link(link))
            return turnAway(link, Self.machineDownReason, message, shutdown: true)
        }
        if registry.gone[id] != nil {
            answer(request, .link(link))
            return turnAway(link, "Agent has been marked gone", message, shutdown: true)
        }
        if registrar.isBeingMarkedGone(id) {
            // The registry is just being told; admitting it now would be written after that, and undo it.
            return refuseLink(request, 503, "The agent is being marked gone; try again")
        }
        if let known = agents[id] {
            if case .leaving = known.phase {
                // Its removal is being written; it may come back when that is done.
                return refuseLink(request, 503, "The agent is being removed; try again")
            }
            if let fault = Self.fault(returning: known, message, from: incoming.remoteHost) {
                answer(request, .link(link))
                return turnAway(link, fault, message, shutdown: true)
            }
            if known.isConnected, known.remoteHost != incoming.remoteHost {
                // Its old link may not have been missed yet; or another bears its id and its address.
                return refuseLink(
                    request, 503, "The agent is still connected from \(known.remoteHost); try again")
            }
        }
        answer(request, .link(link))
        if let predecessor, predecessor.id != id, !predecessor.isLeaving {
            remove(predecessor, "a new agent registered at the same address")
        }
        admit(id, message, incoming.tasks, on: link, from: incoming.remoteHost)
    }

    /// The agent's own id, the one it was given when it asked before without hearing the answer, or a new one.
    private mutating func id(for message: LinkCall.Register, _ predecessor: Agent?) -> AgentID {
        if message.agent.hasID { return AgentID(message.agent.id) }
        if let predecessor, !predecessor.isConfirmed, !predecessor.isLeaving { return predecessor.id }
        return numbers.nextAgentID()
    }

    /// An id belongs to one host. Two that bear it are copies of one work directory, and only one of them is the agent.
    ///
    /// A host is known by where its link comes from. That may change for one with several ways to the master, which is then
    /// known by the address that it was told to advertise.
    private static func fault(returning known: Agent, _ message: LinkCall.Register, from remoteHost: String) -> String?
    {
        if known.hostname != message.agent.hostname {
            return "Agent \(known.id) is registered with host name '\(known.hostname)', not '\(message.agent.hostname)'"
        }
        // Empty until it has registered with this leader: the registry does not keep addresses.
        let isSameAddress = message.hasAdvertisedIp && known.advertisedIP == message.advertisedIp
        if !known.remoteHost.isEmpty, known.remoteHost != remoteHost, !isSameAddress {
            return "Agent \(known.id) is registered from \(known.remoteHost), not from \(remoteHost)"
        }
        return nil
    }

    private mutating func turnAway(
        _ link: LinkID, _ reason: String, _ message: LinkCall.Register, shutdown: Bool
    ) {
        let who = message.agent.hasID ? "agent \(message.agent.id.value)" : "a new agent"
        note(.warning, "\(who) at \(message.agent.hostname) refused: \(reason)")
        emit(.sendCommand(link, .refused(reason, shutdown: shutdown)))
        emit(.closeLink(link))
    }

    /// Puts the registration before the registry, if that does not know the agent exactly so, and then acknowledges it.
    private mutating func admit(
        _ id: AgentID, _ message: LinkCall.Register, _ tasks: ReportedTasks, on link: LinkID, from remoteHost: String
    ) {
        var info = message.agent
        info.id = V1AgentID(id)
        let known = agents[id]
        let wasUnreachable = registry.unreachable[id] != nil
        keep(id)
        if let known {
            closeOldLink(of: known)
            // Not offered again before it is acknowledged.
            if known.isAllocated { allocator.setAgentActive(id, false) }
        }
        let registration = Agent.Registration(
            link: link, message: message, tasks: tasks, remoteHost: remoteHost,
            kind: wasUnreachable ? .reachableAgain : message.agent.hasID ? .returning : .new)
        var agent = known ?? Agent(id: id, info: info, total: Resources(), phase: .recovered)
        // The registry's own copy, if it is the same: it takes kilobytes.
        agent.info = registry.agents[id].flatMap { $0 == info ? $0 : nil } ?? info
        agent.remoteHost = remoteHost
        agent.advertisedIP = message.hasAdvertisedIp ? message.advertisedIp : nil
        agent.phase = .admitting(registration)
        agents.put(agent)
        if registry.agents[id] == info {
            acknowledgeAgent(id)
        } else {
            persist([.admitAgent(id, info)], then: .acknowledgeAgent(id))
        }
    }

    private mutating func closeOldLink(of agent: Agent) {
        switch agent.phase {
        case .connected(let old):
            rescindOffers(of: agent.id)
            emit(.closeLink(old))
        case .admitting(let registration): emit(.closeLink(registration.link))
        case .recovered, .disconnected, .leaving: break
        }
    }

    /// The registry knows the agent: it is told so, and its resources and tasks enter the books.
    mutating func acknowledgeAgent(_ id: AgentID) {
        guard let agent = agents[id], case .admitting(let registration) = agent.phase else { return }
        // Judged when the registration came in.
        let reported = registration.message.totalResources
        guard let total = try? Resources(reported.isEmpty ? registration.message.agent.resources : reported) else {
            return
        }
        if agent.isAwaited { countTowardsQuotaHold() }
        agents.update(id) { agent in
            agent.phase = .connected(registration.link)
            agent.total = total
            agent.version = registration.message.version
            agent.capabilities = registration.message.capabilities
            agent.pings = PingCount()
            agent.stall = nil  // It says so again if it still is.
            if agent.registeredAt == nil {
                agent.registeredAt = now.wall
                // An agent of an earlier leader is back rather than new.
                if registration.kind != .new { agent.reregisteredAt = now.wall }
            } else {
                agent.reregisteredAt = now.wall
            }
            agent.isAllocated = true
            // It can only say its id if it has that on disk.
            agent.isConfirmed = registration.message.agent.hasID
        }
        numbers.counters.count(
            registration.kind == .new ? "master/slave_registrations" : "master/slave_reregistrations")
        if agent.isAllocated {
            allocator.updateAgent(id, total: total, traits: Self.traits(of: agent.info))
        } else {
            allocator.addAgent(id, total: total, traits: Self.traits(of: agent.info), at: now)
        }
        emit(
            .sendCommand(
                registration.link,
                .registered(
                    id, pingInterval: settings.agentPingInterval, missesMax: settings.agentPingMissesMax,
                    master: selfInfo, cluster: registry.cluster, agents: agents.count)))
        adopt(registration, on: agent.id)
        adoptOperations(registration.message.operations, on: id)
        // A new agent's answer to this ping says that it has its id on disk. It is none of those that may not be missed.
        if !registration.message.agent.hasID { command(id, .ping(0, connected: true)) }
        allocator.setAgentActive(id, isOfferable(id))
        remindOfStanding(id, registration.message)
        wantAllocation()
        schedulePing(id)
        note(.info, "agent \(id) at \(agent.hostname) registered with \(total)")
    }

    /// A new agent has answered a ping, which it does only with its id on disk: now it can be given work.
    mutating func confirm(_ agent: Agent) {
        guard !agent.isConfirmed, agent.isConnected else { return }
        agents.update(agent.id) { $0.isConfirmed = true }
        allocator.setAgentActive(agent.id, isOfferable(agent.id))
        wantAllocation()
    }

    // MARK: Comparing

    /// Brings the books and the agent's own list of tasks together.
    private mutating func adopt(_ registration: Agent.Registration, on agent: AgentID) {
        let message = registration.message
        for info in message.frameworks where info.hasID { adoptFramework(info, on: agent) }
        adoptExecutors(message.executors, on: agent)
        let before = tasks.keys(on: agent)
        var reports = registration.tasks.records
        if !message.tasks.isEmpty { reports += message.tasks.map { TaskRecord($0) } }
        // Asked for only when the books know tasks of the agent, as they do not when all agents come at once.
        var reported: Set<TaskKey> = []
        adoptTasks(reports, on: agent, reported: before.isEmpty ? nil : { reported.insert($0) })
        var missing: [TaskKey] = []
        for key in before {
            guard let task = tasks[key], task.agent == agent else { continue }
            if !reported.contains(task.key) {
                let isTruth = task.isUnreachable && frameworks[task.key.framework]?.isPartitionAware != true
                let hasEnded = task.isTerminal && !task.isUnreachable
                if hasEnded, !task.isHeldByAgent {
                    // The agent said so when its framework was away; reconciliation will tell it.
                    continue
                } else if isTruth || hasEnded {
                    // The framework was told TASK_LOST and the agent does not have it: that was the truth. Or it has
                    // acknowledged the end, and an earlier leader or a broken link kept that from us.
                    tasks.remove(task.key).map { complete($0) }
                } else {
                    missing.append(task.key)
                }
            }
            if reported.contains(task.key), let kill = task.kill, !task.isTerminal {
                command(agent, .kill(task.key, policy: kill.policy))
            }
        }
        // The agent answers for each with an update, which then takes the ordinary way.
        if !missing.isEmpty { command(agent, .reconcile(missing)) }
    }

    private mutating func adoptFramework(_ info: V1FrameworkInfo, on agent: AgentID) {
        let id = FrameworkID(info.id)
        if let known = frameworks[id] {
            if known.info != info { command(agent, .updateFramework(known.info)) }
            return
        }
        var isRemoved = frameworks.isCompleted(id)
        if case .removed = registry.frameworks[id]?.phase { isRemoved = true }
        guard !isRemoved else { return command(agent, .shutdownFramework(id)) }
        recoverFramework(id, info, failoverAfter: nil)
    }

    /// Resources that tasks of one framework and role are to be charged with.
    private struct Bill {
        var framework: FrameworkID
        var role: RoleName
        var resources: Resources
    }

    /// - Parameter reported: Told the key of each that has a framework.
    private mutating func adoptTasks(
        _ reports: [TaskRecord], on agent: AgentID, reported: ((TaskKey) -> Void)?
    ) {
        tasks.expect(reports.count, on: agent)
        // An agent's tasks are of a few frameworks: found here, their ids are the books' own and stored once.
        var owners: [FrameworkID: TaskOwner?] = [:]
        var bills: [Bill] = []
        for var report in reports {
            let named = report.key.framework
            let owner: TaskOwner?
            if let known = owners[named] {
                owner = known
            } else {
                owner = frameworks[named].map { TaskOwner(id: $0.id, role: $0.roles.first ?? .any) }
                owners[named] = .some(owner)
            }
            // Of a framework that is over, or that the agent itself cannot describe: nothing to keep a book for.
            guard let owner else {
                command(agent, .shutdownFramework(named))
                continue
            }
            report.key = TaskKey(framework: owner.id, task: report.key.task)
            report.agent = agent
            if !report.isRoleKnown { report.role = owner.role }
            report.isRoleKnown = true
            reported?(report.key)
            adoptTask(report, on: agent, &bills)
        }
        settle(&bills, on: agent)
    }

    /// What a report needs to know of its framework.
    private struct TaskOwner {
        var id: FrameworkID
        /// That of tasks which name none.
        var role: RoleName
    }

    private mutating func settle(_ bills: inout [Bill], on agent: AgentID) {
        for bill in bills {
            allocator.charge(bill.framework, role: bill.role, agent: agent, resources: bill.resources)
        }
        bills = []
    }

    private mutating func adoptTask(_ report: TaskRecord, on agent: AgentID, _ bills: inout [Bill]) {
        let key = report.key
        var wasUnreachable = false
        var fresh = report
        fresh.isHeldByAgent = true
        // Charged with the others, at the end.
        fresh.isCharged = !fresh.isTerminal && fresh.resources.isPlainScalars
        if tasks.insertNew(fresh) {
            if fresh.isCharged { return Self.add(fresh, to: &bills) }
        } else if let known = tasks[key] {
            // An id in use on another agent: the agent's copy is older than ours and must go.
            guard known.agent == agent else { return command(agent, .kill(key, policy: nil)) }
            settle(&bills, on: agent)  // It may be one of them: nobody keeps an agent from naming a task twice.
            wasUnreachable = known.isUnreachable
            tasks.update(key) { record in
                if !record.isTerminal || record.isUnreachable { record.state = report.state }
                record.isUnreachable = false
                record.isHeldByAgent = true
                if let pending = report.forwarded { record.forwarded = pending }
            }
        }
        guard let record = tasks[key] else { return }
        if record.isTerminal {
            releaseResources(of: key)
        } else if !record.isCharged {
            charge(record)
        }
        guard wasUnreachable, let record = tasks[key] else { return }
        // Not the newest state if older updates are still on their way: a terminal one would be followed by them.
        tell(
            key.framework,
            update: .fromMaster(
                key.task, on: agent, record.toldState, .agentReregistered, "Agent reregistered", at: now.wall))
    }

    private static func add(_ record: TaskRecord, to bills: inout [Bill]) {
        if let index = bills.firstIndex(where: { $0.framework == record.key.framework && $0.role == record.role }) {
            bills[index].resources += record.resources
        } else {
            bills.append(
                Bill(framework: record.key.framework, role: record.role, resources: record.resources))
        }
    }

    private mutating func charge(_ record: TaskRecord) {
        allocator.charge(
            record.key.framework, role: record.role, agent: record.agent, resources: record.resources)
        tasks.update(record.key) { $0.isCharged = true }
    }

    // MARK: Messages

    private mutating func passMessage(_ message: LinkFrameworkMessage, from agent: Agent) {
        count("executor_to_framework")
        numbers.counters.count("master/valid_executor_to_framework_messages")
        var event = V1SchedulerEvent()
        event.type = .message
        event.message.agentID = V1AgentID(agent.id)
        event.message.executorID = message.executorID
        event.message.data = message.data
        tell(FrameworkID(message.frameworkID), event)
    }
}
