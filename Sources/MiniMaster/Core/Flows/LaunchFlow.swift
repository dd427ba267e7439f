// ACCEPT: offers turn into tasks, and what is left of them goes back.
import Allocator
import MesosProtocol
import Resources

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
                isKnown ? "Agent disconnected" : "Agent removed", operation: "Agent is not connected")
        }
        let filter = Self.filterDuration(call.hasFilters ? call.filters : V1Filters())
        let offered = taken.reduce(into: Resources()) { $0 += $1.resources }
        var pool = offered
        for operation in call.operations {
            switch operation.type {
            case .launch:
                if operation.hasID {
                    fail(operation.launch.taskInfos, framework, "The `id` field cannot be set on LAUNCH operations")
                    continue
                }
                for task in operation.launch.taskInfos {
                    launch(task, of: framework, role: first.role, on: agent, link, from: &pool)
                }
            case .launchGroup:
                let message =
                    operation.hasID
                    ? "The `id` field cannot be set on LAUNCH_GROUP operations"
                    : "LAUNCH_GROUP is not supported: launch each task with LAUNCH"
                fail(operation.launchGroup.taskGroup.tasks, framework, message, reason: .taskGroupInvalid)
            case .unknown, .reserve, .unreserve, .create, .destroy, .growVolume, .shrinkVolume, .createDisk,
                .destroyDisk:
                failOperation(operation, of: framework, "Operation is not supported by this master")
            }
        }
        guard !pool.isEmpty else { return wantAllocation() }
        allocator.recover(
            framework.id, role: first.role, agent: agent.id, resources: pool, filter: filter, at: now.instant)
        wantAllocation()
    }

    // MARK: One task

    private mutating func launch(
        _ info: V1TaskInfo, of framework: Framework, role: RoleName, on agent: Agent, _ link: LinkID,
        from pool: inout Resources
    ) {
        if let fault = unauthorizedUser(of: info, in: framework) {
            return fail([info], framework, fault, reason: .taskUnauthorized)
        }
        let resources: Resources
        switch judge(info, of: framework, role: role, on: agent.id, from: pool) {
        case .invalid(let reason): return fail([info], framework, reason)
        case .valid(let needed): resources = needed
        }
        pool -= resources
        let key = TaskKey(framework: framework.id, task: TaskID(info.taskID))
        tasks.insert(
            TaskRecord(
                key: key, agent: agent.id, name: info.name, role: role, resources: resources,
                executor: info.hasExecutor ? info.executor.executorID.value : "", state: .taskStaging,
                details: TaskDetails(info), sequence: 0, isCharged: true))
        emit(.sendCommand(link, .run(Self.completed(info, framework, role), of: framework.info)))
    }

    /// On its own, so that the copy of the books that the rules look at is gone before the books change.
    private func judge(
        _ info: V1TaskInfo, of framework: Framework, role: RoleName, on agent: AgentID, from pool: Resources
    ) -> TaskValidation.Verdict {
        TaskValidation(framework: framework, role: role, agent: agent, available: pool, book: tasks).judge(info)
    }

    /// The description as the agent gets it: what the framework may leave out is filled in.
    private static func completed(_ info: V1TaskInfo, _ framework: Framework, _ role: RoleName) -> V1TaskInfo {
        var task = info
        task.resources = task.resources.map { allocated($0, to: role) }
        if task.hasExecutor {
            task.executor.frameworkID = V1FrameworkID(framework.id)
            task.executor.resources = task.executor.resources.map { allocated($0, to: role) }
        }
        if task.hasHealthCheck, !task.healthCheck.hasType {
            if task.healthCheck.hasCommand { task.healthCheck.type = .command }
            if task.healthCheck.hasHTTP { task.healthCheck.type = .http }
        }
        return task
    }

    private static func allocated(_ resource: V1Resource, to role: RoleName) -> V1Resource {
        var allocated = resource
        if !allocated.hasAllocationInfo { allocated.allocationInfo.role = role.value }
        return allocated
    }

    // MARK: Failures

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
        operation operationMessage: String
    ) {
        let state: V1TaskState = framework.isPartitionAware ? .taskDropped : .taskLost
        for operation in operations {
            let infos: [V1TaskInfo]
            switch operation.type {
            case .launch: infos = operation.launch.taskInfos
            case .launchGroup: infos = operation.launchGroup.taskGroup.tasks
            case .unknown, .reserve, .unreserve, .create, .destroy, .growVolume, .shrinkVolume, .createDisk,
                .destroyDisk:
                failOperation(operation, of: framework, operationMessage)
                continue
            }
            for info in infos {
                report(
                    .fromMaster(TaskID(info.taskID), on: AgentID(info.agentID), state, reason, message, at: now.wall),
                    to: framework.id)
            }
        }
    }

    /// Only an operation with an id is answered; the others are dropped, as in Apache Mesos.
    private mutating func failOperation(_ operation: V1Offer.Operation, of framework: Framework, _ message: String) {
        note(.warning, "framework \(framework.id): operation \(operation.type) dropped: \(message)")
        guard operation.hasID else { return }
        var status = V1OperationStatus()
        status.operationID = operation.id
        status.state = .operationError
        status.message = message
        tell(framework.id, .operation(status))
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
