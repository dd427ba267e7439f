// What a master must be able to do to lead with a registry, written there by the masters before it.
import MesosProtocol
import Resources

/// The least that a master must understand, so that an older one does not lead and ignore what operators decided.
///
/// As Apache Mesos keeps it in its registry: present while something is there that needs it.
enum MasterCapabilities {
    static let draining = "AGENT_DRAINING"
    static let quotaLimits = "QUOTA_V2"
    /// What this master has.
    static let supported: Set<String> = ["AGENT_UPDATE", draining, quotaLimits]

    /// What somebody must have who leads with this registry.
    static func needed(by state: RegistryState) -> Set<String> {
        var needed: Set<String> = []
        if !state.standings.isEmpty { needed.insert(draining) }
        if !state.quotas.isEmpty { needed.insert(quotaLimits) }
        return needed
    }

    /// Why this master must not lead; nil if it may.
    static func refusal(of state: RegistryState) -> String? {
        let missing = state.minimumCapabilities.subtracting(supported).sorted()
        if missing.isEmpty { return nil }
        return "The registry was written by a master that could do more: leading needs the "
            + "\(missing.count == 1 ? "capability" : "capabilities") \(missing.joined(separator: ", ")), which this "
            + "master does not have. Start the version that wrote it, or a newer one"
    }
}

extension Cluster {
    /// Keeps the list in step with what a change brings or takes away.
    func withCapabilities(_ operations: [RegistryOperation]) -> [RegistryOperation] {
        let isRelevant = operations.contains { operation in
            switch operation {
            case .setQuota, .setStanding, .removeAgent, .markGone, .forgetUnreachable: true
            default: false
            }
        }
        guard isRelevant else { return operations }
        var next = registrar.planned
        for operation in operations { next.apply(operation) }
        let needed = MasterCapabilities.needed(by: next)
        return needed == next.minimumCapabilities ? operations : operations + [.setMinimumCapabilities(needed)]
    }
}
