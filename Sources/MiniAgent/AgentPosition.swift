// Where an agent stands with its master, in a few words.

/// What an agent is to its cluster at one moment.
public struct AgentPosition: Hashable, Sendable {
    /// Whether a master has taken it in.
    public var isRegistered: Bool
    /// One line for people.
    public var text: String
}

extension AgentPosition {
    init(_ core: AgentCore) {
        isRegistered = core.link.registeredLink != nil
        let count = core.tasks.values.reduce(0) { $0 + ($1.isEnded ? 0 : 1) }
        let tasks = "\(count) \(count == 1 ? "task" : "tasks")"
        switch core.link.phase {
        case _ where !core.isRecovered: text = "looks for what ran here before"
        case .detached: text = "waits for a leading master, \(tasks)"
        case .waiting(let master, _), .registering(let master, _), .recordingIdentity(let master, _, _):
            text = "registers with \(master.url), \(tasks)"
        case .registered(let master, _, let grant, _):
            text = "registered with \(master.url) as \(grant.agent), \(tasks)"
        }
    }
}
