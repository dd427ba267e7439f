// Where a master stands in the election, in a few words.
import MesosProtocol

/// What a master is to its cluster at one moment.
public struct MasterPosition: Hashable, Sendable {
    /// Whether it leads, or is a member of the election and would lead in turn.
    public var isMember: Bool
    /// One line for people.
    public var text: String
}

extension MasterPosition {
    init(_ core: MasterCore) {
        let leadership = core.leadership
        if case .member = leadership.membership { isMember = true } else { isMember = false }
        switch core.availability {
        case .leading:
            let agents = core.cluster?.agents.presentCount ?? 0
            isMember = true
            text = "leads, \(agents) \(agents == 1 ? "agent" : "agents")"
        case .recovering: text = "is to lead, reads the registry"
        case .following(let leader): text = "stands by; \(leader.hostname):\(leader.port) leads"
        case .unavailable(let reason):
            text = leadership.session.timeout == nil ? "waits for ZooKeeper" : reason
        }
    }
}
