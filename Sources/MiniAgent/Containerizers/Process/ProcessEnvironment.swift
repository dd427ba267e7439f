// The variables of process tasks: what comes from the agent, from Mesos, and from the task.

import MesosProtocol
import Processes
import Resources

package struct ProcessEnvironment: Sendable {
    /// `NAME=value` of this process, without what configures this agent.
    private let inherited: [(name: String, value: String)]
    private let ip: String?

    /// - Parameters:
    ///   - base: The flag's variables, which replace those of this process.
    ///   - ip: Set if the agent was bound to one address.
    package init(base: [String: String]?, ip: String?, own: [String] = SpawnRequest.ownEnvironment) {
        self.ip = ip
        if let base {
            inherited = base.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            return
        }
        inherited = own.compactMap { entry in
            guard let equals = entry.firstIndex(of: "=") else { return nil }
            let name = String(entry[..<equals])
            // Flags given to this agent by environment are not meant for its tasks. The mark of a dev cluster is: it
            // lets everything the cluster started be found again.
            if name.hasPrefix("MESOS_") || name.hasPrefix("LIBPROCESS_") { return nil }
            if name.hasPrefix("MINI_") && name != "MINI_CLUSTER_ID" { return nil }
            return (name, String(entry[entry.index(after: equals)...]))
        }
    }

    /// - Parameter check: A command that is run beside the task, with the task's variables and its own.
    func entries(for launch: Launch, running check: V1CommandInfo? = nil) -> [String] {
        var environment = TaskEnvironment()
        for (name, value) in inherited { environment.set(name, value) }
        environment.set("MESOS_SANDBOX", launch.run.sandbox)
        environment.set("MESOS_DIRECTORY", launch.run.sandbox)
        if launch.executorVariables.isEmpty { environment.set("MESOS_TASK_ID", launch.record.key.task.value) }
        environment.set("MESOS_EXECUTOR_ID", launch.record.executor.value)
        environment.set("MESOS_FRAMEWORK_ID", launch.record.key.framework.value)
        environment.set("MESOS_SLAVE_ID", launch.agent.value)
        if let role = launch.allocationRole { environment.set("MESOS_ALLOCATION_ROLE", role) }
        if let ip { environment.set("LIBPROCESS_IP", ip) }
        if launch.terminal != nil { environment.set("TERM", "xterm") }
        for variable in launch.executorVariables { environment.set(variable.name, variable.value) }
        environment.add(launch.command)
        if let check { environment.add(check) }
        return environment.entries
    }
}
