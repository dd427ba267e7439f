// What is asked before something is done that cannot be taken back.

import TextTables

/// Questions to the person at the terminal. Names of strangers are shown escaped.
public enum ChangeQuestion {
    /// Before `mini drain --mark_gone`.
    public static func markGone(_ agent: ClusterAgent) -> String {
        "Agent \(agent.id) (\(DisplayWidth.escaped(agent.hostname))) can never come back after it was declared gone. Go on?"
    }

    /// Before `mini teardown`.
    ///
    /// - Parameter tasks: How many of its tasks live.
    public static func teardown(_ framework: ClusterFramework, tasks: Int) -> String {
        "This ends framework \(named(framework)) and its \(counted(tasks)). Go on?"
    }

    /// What `mini teardown` has done.
    public static func tornDown(_ framework: ClusterFramework, tasks: Int) -> String {
        "framework \(named(framework)) and its \(counted(tasks)) are ended"
    }

    /// Before `mini maintenance down`.
    public static func down(_ machines: [String]) -> String {
        let list = machines.map(DisplayWidth.escaped).joined(separator: ", ")
        return "This ends the agents on \(list) with their tasks. Go on?"
    }

    private static func named(_ framework: ClusterFramework) -> String {
        "\(DisplayWidth.escaped(framework.name)) (\(framework.id))"
    }

    private static func counted(_ tasks: Int) -> String { tasks == 1 ? "1 task" : "\(tasks) tasks" }
}
