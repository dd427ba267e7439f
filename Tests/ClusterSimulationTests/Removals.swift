// How leaders remove agents: one at a time where that is wanted, and loudly not at all when too many are silent.

import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

/// What one master process has removed and said of removals, by its own clock's instant.
struct RemovalWatch {
    /// Agents that it had the registry call unreachable, in this term.
    var unreachable: Set<AgentID>?
    var lastRemoval: Int64?
    var lastAlarm: Int64?
}

extension ClusterWorld {
    mutating func hear(_ note: MasterNote, ofMaster index: Int) {
        if note.level == .error, note.text.hasPrefix("AGENT REMOVAL STOPPED") {
            masters[index].removals.lastAlarm = timeline.nanoseconds
        }
    }

    /// Removals keep their distance, and a brake that holds is spoken of again and again.
    mutating func checkRemovals(ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else {
            masters[index].removals = RemovalWatch()
            return
        }
        checkRate(of: cluster, ofMaster: index)
        guard cluster.removals.isBraked else { return }
        let silence = Cluster.alarmInterval + Self.masterSettings.agentPingInterval * 2
        let spoke = masters[index].removals.lastAlarm
        // A frozen master cannot speak.
        let slack = silence.nanoseconds + 20_000_000_000
        if spoke.map({ timeline.nanoseconds - $0 > slack }) ?? true {
            fail("master-\(index) has stopped removing agents and does not say so")
        }
    }

    private mutating func checkRate(of cluster: Cluster, ofMaster index: Int) {
        guard let interval = plan.removalInterval else { return }
        let unreachable = Set(cluster.registrar.planned.unreachable.keys)
        defer { masters[index].removals.unreachable = unreachable }
        guard let before = masters[index].removals.unreachable else { return }
        let new = unreachable.subtracting(before)
        if new.isEmpty { return }
        if new.count > 1 { fail("master-\(index) removes \(new.sorted()) at once") }
        if let last = masters[index].removals.lastRemoval, timeline.nanoseconds - last < interval.nanoseconds {
            fail("master-\(index) removes \(new.sorted()) too soon after another agent")
        }
        masters[index].removals.lastRemoval = timeline.nanoseconds
    }
}
