// ACCEPT: offers turn into tasks, reservations and volumes, and what is left of them goes back.
import Allocator
import MesosProtocol
import Resources

/// The offers of one ACCEPT while its operations use them up one after another.
struct Acceptance {
    let framework: Framework
    let role: RoleName
    let agent: AgentID
    let link: LinkID
    /// As they were offered.
    let offered: Resources
    /// What is left of them, converted by the operations so far.
    var pool: Resources
}

extension Cluster {
    mutating func accept(_ call: V1SchedulerCall.Accept, from framework: Framework) {
        count("launch_tasks")
        let ids = call.offerIds.map { OfferID($0) }
        let fault = OfferChoice.fault(in: ids, of: framework.id, offers)
        // Whatever comes of it, every offer named that is this framework's is used up.
        let taken = ids.compactMap { id in offers[id]?.framework == framework.id ? offers.remove(id) : nil }

        if let fault {
            for offer in taken { giveBack(offer) }
            return refuse(
                call.operations, of: framework, .invalidOffers, "Task launched with invalid offers: \(fault)",
                operation: "Operation attempted with invalid offers: \(fault)")
        }
        guard let first = taken.first else { preconditionFailure("valid offers of \(ids), but none in the book") }
        guard let agent = agents[first.agent], let link = agent.link else {
            for offer in taken { giveBack(offer) }
            let isKnown = agents[first.agent] != nil
            return refuse(
                call.operations, of: framework, isKnown ? .agentDisconnected : .agentRemoved,
                isKnown ? "Agent disconnected" : "Agent removed",
                operation: isKnown ? "Agent disconnected" : "Agent removed", on: first.agent)
        }
        let filters = call.hasFilters ? call.filters : V1Filters()
        // An ACCEPT without operations is a DECLINE.
        let filter = call.operations.isEmpty ? Self.declineFilter(filters) : Self.filterDuration(filters)
        let offered = taken.reduce(into: Resources()) { $0 += $1.resources }
        var acceptance = Acceptance(
            framework: framework, role: first.role, agent: agent.id, link: link, offered: offered, pool: offered)
        for operation in call.operations { perform(operation, on: &acceptance) }
        giveBackRest(of: acceptance, filter: filter)
    }

    private mutating func perform(_ operation: V1Offer.Operation, on acceptance: inout Acceptance) {
        let framework = acceptance.framework
        switch operation.type {
        case .launch:
            if operation.hasID {
                return fail(
                    operation.launch.taskInfos, framework, "The `id` field cannot be set on LAUNCH operations")
            }
            for task in operation.launch.taskInfos { launch(task, from: &acceptance) }
        case .launchGroup:
            let tasks = operation.launchGroup.taskGroup.tasks
            if operation.hasID {
                return fail(
                    tasks, framework, "The `id` field cannot be set on LAUNCH_GROUP operations",
                    reason: .taskGroupInvalid)
            }
            launch(operation.launchGroup, from: &acceptance)
        case .reserve, .unreserve, .create, .destroy, .growVolume, .shrinkVolume, .createDisk, .destroyDisk:
            apply(operation, to: &acceptance)
        case .unknown:
            failOperation(operation, of: framework, "Operation of unknown type", on: acceptance.agent)
        }
    }

    /// What the operations converted goes back without a filter: the framework shall see it in its next offer.
    private mutating func giveBackRest(of acceptance: Acceptance, filter: Duration?) {
        let converted = acceptance.pool.without(acceptance.offered)
        let untouched = acceptance.pool.without(converted)
        for (rest, filter) in [(untouched, filter), (converted, nil)] where !rest.isEmpty {
            allocator.recover(
                acceptance.framework.id, role: acceptance.role, agent: acceptance.agent, resources: rest,
                filter: filter, at: now.instant)
        }
        wantAllocation()
    }

    // MARK: One task

    private mutating func launch(_ info: V1TaskInfo, from acceptance: inout Acceptance) {
        let framework = acceptance.framework
        if let fault = unauthorizedUser(of: info, in: framework) {
            noteRefused(info, of: framework, fault)
            return fail([info], framework, fault, reason: .taskUnauthorized)
        }
        let need: TaskValidation.Need
        switch judge(info, acceptance) {
        case .invalid(let reason): return fail([info], framework, reason)
        case .valid(let found): need = found
        }
        acceptance.pool -= need.sum
        let task = LaunchedTask.completed(info, framework.id, acceptance.role)
        if let executor = need.executor {
            addExecutor(task.executor, of: framework.id, on: acceptance.agent, role: acceptance.role, executor)
        }
        insert(info, under: info.hasExecutor ? info.executor : nil, need.task, acceptance)
        emit(.sendCommand(acceptance.link, .run(task, of: framework.info)))
    }

    private mutating func insert(
        _ info: V1TaskInfo, under executor: V1ExecutorInfo?, _ resources: Resources, _ acceptance: Acceptance
    ) {
        tasks.insert(
            TaskRecord(
                key: TaskKey(framework: acceptance.framework.id, task: TaskID(info.taskID)), agent: acceptance.agent,
                name: info.name, role: acceptance.role, resources: resources,
                executor: executor?.executorID.value ?? "", state: .taskStaging, details: TaskDetails(info),
                sequence: 0, isCharged: true))
    }

    /// On its own, so that the copies of the books that the rules look at are gone before the books change.
    private func judge(_ info: V1TaskInfo, _ acceptance: Acceptance) -> TaskValidation.Verdict {
        rules(for: acceptance).judge(info)
    }

    private func rules(for acceptance: Acceptance) -> TaskValidation {
        TaskValidation(
            framework: acceptance.framework, role: acceptance.role, agent: acceptance.agent,
            available: acceptance.pool, book: tasks, executors: executors,
            takesLimits: agents[acceptance.agent]?.can(.taskResourceLimits) == true)
    }

    // MARK: A group

    private mutating func launch(_ group: V1Offer.Operation.LaunchGroup, from acceptance: inout Acceptance) {
        let infos = group.taskGroup.tasks
        if infos.isEmpty { return }
        for info in infos {
            guard let fault = unauthorizedUser(of: info, in: acceptance.framework) else { continue }
            noteRefused(info, of: acceptance.framework, fault)
            return fail(infos, acceptance.framework, fault, reason: .taskGroupUnauthorized)
        }
        let need: TaskGroupValidation.Need
        switch judge(group, acceptance) {
        case .invalid(let reason): return fail(infos, acceptance.framework, reason, reason: .taskGroupInvalid)
        case .valid(let found): need = found
        }
        acceptance.pool -= need.tasks.reduce(need.executor ?? Resources(), +)
        let framework = acceptance.framework
        let executor = ExecutorRules.completed(group.executor, framework.id, acceptance.role)
        if let resources = need.executor {
            addExecutor(executor, of: framework.id, on: acceptance.agent, role: acceptance.role, resources)
        }
        for (info, resources) in zip(infos, need.tasks) { insert(info, under: executor, resources, acceptance) }
        let tasks = infos.map { LaunchedTask.completed($0, framework.id, acceptance.role) }
        emit(.sendCommand(acceptance.link, .run(tasks, under: executor, of: framework.info)))
    }

    private func judge(
        _ group: V1Offer.Operation.LaunchGroup, _ acceptance: Acceptance
    ) -> TaskGroupValidation.Verdict {
        TaskGroupValidation(rules: rules(for: acceptance)).judge(group)
    }

    // MARK: Failures

    private mutating func noteRefused(_ info: V1TaskInfo, of framework: Framework, _ fault: String) {
        let who = Self.principal(of: framework.info).map { " of principal '\($0)'" } ?? ""
        note(.warning, "framework \(framework.id)\(who): task '\(info.taskID.value.prefix(255))' refused: \(fault)")
    }

    private mutating func fail(
        _ infos: [V1TaskInfo], _ framework: Framework, _ message: String,
        reason: V1TaskStatus.Reason = .taskInvalid
    ) {
        for info in infos {
            report(
                .fromMaster(
                    TaskID(info.taskID), on: AgentID(info.agentID), .taskError, reason, message, at: now.wall),
                to: framework.id)
        }
    }

    /// Tells of a task that never came to be.
    private mutating func report(_ status: V1TaskStatus, to framework: FrameworkID) {
        countTerminal(status)
        tell(framework, update: status)
    }

    /// Answers every operation of a call whose offers cannot be used.
    private mutating func refuse(
        _ operations: [V1Offer.Operation], of framework: Framework, _ reason: V1TaskStatus.Reason, _ message: String,
        operation operationMessage: String, on agent: AgentID? = nil
    ) {
        let state: V1TaskState = framework.isPartitionAware ? .taskDropped : .taskLost
        for operation in operations {
            let infos: [V1TaskInfo]
            switch operation.type {
            case .launch: infos = operation.launch.taskInfos
            case .launchGroup: infos = operation.launchGroup.taskGroup.tasks
            case .unknown, .reserve, .unreserve, .create, .destroy, .growVolume, .shrinkVolume, .createDisk,
                .destroyDisk:
                failOperation(operation, of: framework, operationMessage, on: agent)
                continue
            }
            for info in infos {
                report(
                    .fromMaster(TaskID(info.taskID), on: AgentID(info.agentID), state, reason, message, at: now.wall),
                    to: framework.id)
            }
        }
    }
}

/// Which offers may be accepted together.
enum OfferChoice {
    /// What is wrong with the choice; nil if nothing is.
    static func fault(in ids: [OfferID], of framework: FrameworkID, _ book: OfferBook) -> String? {
        if ids.isEmpty { return "No offers specified" }
        var seen: Set<OfferID> = []
        var chosen: [Offer] = []
        for id in ids {
            guard let offer = book[id] else { return "Offer \(id) is no longer valid" }
            if !seen.insert(id).inserted { return "Duplicate offer \(id) in offer list" }
            chosen.append(offer)
        }
        for offer in chosen where offer.framework != framework {
            return "Offer \(offer.id) has invalid framework \(offer.framework) while framework \(framework) is expected"
        }
        for offer in chosen where offer.role != chosen[0].role {
            return "Aggregated offers must be allocated to the same role. Offer \(offer.id) uses role '\(offer.role) "
                + "but another is using role '\(chosen[0].role)"
        }
        for offer in chosen where offer.agent != chosen[0].agent {
            return "Aggregated offers must belong to one single agent. Offer \(offer.id) uses agent \(offer.agent) "
                + "but another is using agent \(chosen[0].agent)"
        }
        return nil
    }
}
