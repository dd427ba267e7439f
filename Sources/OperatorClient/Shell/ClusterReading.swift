// Everything that the reading commands ask a leader, each as one question.

import MesosProtocol

extension LeaderSession {
    private static func checked<Value>(
        _ read: () throws(AnswerError) -> Value
    ) throws(OperatorFailure) -> Value {
        do throws(AnswerError) { return try read() } catch { throw OperatorFailure(.refused, "\(error)") }
    }

    public mutating func agents() async throws(OperatorFailure) -> [ClusterAgent] {
        let answer = try await call(.getAgents)
        return try Self.checked { () throws(AnswerError) in try ClusterAgent.read(answer.getAgents) }
    }

    /// Agents that the leader remembers as unreachable or gone. Empty where it does not tell.
    public mutating func lostAgents() async throws(OperatorFailure) -> [ClusterAgent] {
        let document: [UInt8]
        do throws(OperatorFailure) { document = try await get("/registrar(1)/registry") } catch {
            // Apache Mesos may not offer it, and not everybody may see it.
            if error.kind == .unreachable { throw error }
            return []
        }
        return try Self.checked { () throws(AnswerError) in
            try DocumentReading.read(document, "/registrar(1)/registry", as: LostAgents.self).agents
        }
    }

    /// The agent that a text means; one that is unreachable, if no other is meant.
    public mutating func agent(_ text: String) async throws -> ClusterAgent {
        let present = try await agents()
        do throws(LookupFailure) { return try Lookup.agent(text, among: present) } catch {
            guard case .notFound = error else { throw error }
            let lost = try await lostAgents().filter { $0.state == .unreachable }
            return try Lookup.agent(text, among: lost)
        }
    }

    public mutating func frameworks() async throws(OperatorFailure) -> [ClusterFramework] {
        let answer = try await call(.getFrameworks)
        return try Self.checked { () throws(AnswerError) in try ClusterFramework.read(answer.getFrameworks) }
    }

    /// Tasks with the names of their frameworks and agents.
    public mutating func tasks() async throws(OperatorFailure) -> [ClusterTask] {
        try await tasks(frameworks: frameworks(), agents: agents())
    }

    public mutating func tasks(
        frameworks: [ClusterFramework], agents: [ClusterAgent]
    ) async throws(OperatorFailure) -> [ClusterTask] {
        let answer = try await call(.getTasks)
        return try Self.checked { () throws(AnswerError) in
            try ClusterTask.read(answer.getTasks, frameworks: frameworks, agents: agents)
        }
    }

    public mutating func roles() async throws(OperatorFailure) -> [ClusterRole] {
        let total = try await agents().filter(\.isConnected).reduce(Amounts()) { $0 + $1.total }
        let document = try await get("/roles")
        return try Self.checked { () throws(AnswerError) in
            try DocumentReading.read(document, "/roles", as: RolesAnswer.self).read(total: total)
        }
    }

    public mutating func weights() async throws(OperatorFailure) -> WeightsReport {
        WeightsReport(try await call(.getWeights).getWeights)
    }

    /// - Parameter roles: Tell what counts against the quotas.
    public mutating func quotas(roles: [ClusterRole] = []) async throws(OperatorFailure) -> QuotaReport {
        QuotaReport(try await call(.getQuota).getQuota, roles: roles)
    }

    public mutating func masters() async throws(OperatorFailure) -> ClusterLeader {
        let answer = try await call(.getMaster)
        let leader = ClusterLeader(answer.getMaster, url: url)
        let document: [UInt8]
        do throws(OperatorFailure) { document = try await get("/masters") } catch {
            // Apache Mesos has no such thing.
            if error.kind == .unreachable { throw error }
            return leader
        }
        return try Self.checked { () throws(AnswerError) in
            leader.adding(try DocumentReading.read(document, "/masters"))
        }
    }

    public mutating func state() async throws(OperatorFailure) -> StateReport {
        let leader = try await masters()
        let (agents, frameworks) = (try await agents(), try await frameworks())
        let document = try await get("/metrics/snapshot")
        return try Self.checked { () throws(AnswerError) in
            StateReport(
                leader: leader, agents: agents, frameworks: frameworks,
                metrics: try DocumentReading.read(document, "/metrics/snapshot"))
        }
    }
}

extension LeaderSession {
    /// A task by id, name or the beginning of its id, and where its files are.
    ///
    /// - Parameters:
    ///   - framework: Whose task; nil if that does not matter.
    ///   - onlyLiving: Whether those that are over do not count.
    public mutating func find(
        _ text: String, framework: String?, onlyLiving: Bool = false
    ) async throws -> (task: ClusterTask, agents: [ClusterAgent]) {
        let agents = try await agents()
        let frameworks = try await frameworks()
        var tasks = try await tasks(frameworks: frameworks, agents: agents)
        if let framework {
            let id = try Lookup.framework(framework, among: frameworks).id
            tasks.removeAll { $0.frameworkID != id }
        }
        return (try Lookup.task(text, among: tasks, onlyLiving: onlyLiving), agents)
    }

    /// Whether a task is over, or forgotten.
    public mutating func hasEnded(_ task: ClusterTask) async throws(OperatorFailure) -> Bool {
        struct Answer: Decodable {
            struct Entry: Decodable {
                var id: String
                var state: String
            }
            var tasks: [Entry]
        }
        let document = try await get(
            "/tasks", [("task_id", task.id), ("framework_id", task.frameworkID), ("limit", "-1")])
        let answer = try Self.checked { () throws(AnswerError) in
            try DocumentReading.read(document, "/tasks", as: Answer.self)
        }
        // The newest of that name comes first.
        guard let entry = answer.tasks.first(where: { $0.id == task.id }) else { return true }
        return V1TaskState.allCases.first { $0.name == entry.state }?.isTerminal ?? false
    }
}

/// A call of the v1 operator API, for programs that do not read messages.
public typealias OperatorCall = V1OperatorCall

extension LeaderSession {
    public mutating func maintenance(now: Double) async throws(OperatorFailure) -> MaintenanceReport {
        let schedule = try await call(.getMaintenanceSchedule).getMaintenanceSchedule.schedule
        let status = try await call(.getMaintenanceStatus).getMaintenanceStatus.status
        return MaintenanceReport(schedule, status, now: now)
    }

    /// The machines that these texts mean.
    public mutating func machines(_ texts: [String]) async throws -> [Machine] {
        let schedule = try await call(.getMaintenanceSchedule).getMaintenanceSchedule.schedule
        let scheduled = MaintenanceChange.machines(of: schedule)
        let agents = try await agents()
        return try texts.map { try Machine.find($0, agents: agents, scheduled: scheduled) }
    }

    /// Replaces the schedule by one made from what it is now.
    public mutating func changeSchedule(
        _ change: (V1MaintenanceSchedule) -> V1OperatorCall
    ) async throws(OperatorFailure) {
        try await call(change(try await call(.getMaintenanceSchedule).getMaintenanceSchedule.schedule))
    }
}
