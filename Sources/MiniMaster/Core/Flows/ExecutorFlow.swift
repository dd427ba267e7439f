// Executors begin with the first task that names them and end when their agent says so.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// Notes an executor whose resources the framework holds already.
    mutating func addExecutor(
        _ info: V1ExecutorInfo, of framework: FrameworkID, on agent: AgentID, role: RoleName, _ resources: Resources
    ) {
        let key = ExecutorRecord.Key(agent: agent, framework: framework, executor: ExecutorID(info.executorID))
        executors.insert(ExecutorRecord(key: key, info: info, role: role, resources: resources))
    }

    /// The executors an agent registers with are the ones that run there; all others are over.
    mutating func adoptExecutors(_ reported: [LinkExecutor], on agent: AgentID) {
        var alive: Set<ExecutorRecord.Key> = []
        for executor in reported {
            let framework = FrameworkID(executor.frameworkID)
            let key = ExecutorRecord.Key(
                agent: agent, framework: framework, executor: ExecutorID(executor.info.executorID))
            guard let owner = frameworks[framework] else { continue }
            alive.insert(key)
            guard executors[key] == nil else { continue }
            let role = executor.info.resources.lazy.compactMap { try? RoleName($0.allocationInfo.role) }.first
            let resources = (try? Resources(executor.info.resources)) ?? Resources()
            let payer = role ?? owner.roles.first ?? .any
            allocator.charge(framework, role: payer, agent: agent, resources: resources)
            addExecutor(executor.info, of: framework, on: agent, role: payer, resources)
        }
        for record in executors.executors(on: agent) where !alive.contains(record.key) { release(record) }
    }

    /// An agent says that an executor has ended. Its framework hears of it; its tasks report their own ends.
    mutating func executorExited(_ call: LinkCall.ExitedExecutor, from agent: Agent) {
        count("exited_executor")
        let framework = FrameworkID(call.frameworkID)
        let key = ExecutorRecord.Key(
            agent: agent.id, framework: framework, executor: ExecutorID(call.executorID))
        guard let record = executors[key] else { return }
        // A default executor that ended in peace while another group for it was on its way: that one runs on it.
        let isNeeded = tasks.tasks(on: agent.id).contains {
            $0.key.framework == framework && $0.executor == call.executorID.value && !$0.isTerminal
        }
        if record.info.type == .default, call.status == 0, isNeeded { return }
        release(record)
        tell(framework, .failure(of: agent.id, executor: key.executor, status: call.status))
    }

    private mutating func release(_ record: ExecutorRecord) {
        guard executors.remove(record.key) != nil else { return }
        allocator.recover(
            record.key.framework, role: record.role, agent: record.key.agent, resources: record.resources,
            filter: nil, at: now.instant)
        wantAllocation()
    }

    /// The agent is lost, and the allocator has forgotten or will forget what was held on it.
    mutating func dropExecutors(on agent: AgentID) {
        for record in executors.executors(on: agent) { release(record) }
    }

    mutating func dropExecutors(of framework: FrameworkID) {
        for record in executors.executors(of: framework) { release(record) }
    }

    /// SHUTDOWN: the agent ends the executor and with it its tasks.
    mutating func shutdownExecutor(_ call: V1SchedulerCall.Shutdown, from framework: Framework) {
        count("shutdown_executor")
        let agent = AgentID(call.agentID)
        guard agents[agent]?.isConnected == true else {
            return note(
                .warning, "framework \(framework.id): SHUTDOWN on agent \(agent), which is not connected, dropped")
        }
        command(agent, .shutdownExecutor(framework.id, ExecutorID(call.executorID)))
    }
}
