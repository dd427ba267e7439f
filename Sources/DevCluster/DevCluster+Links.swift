// Links between the members of a cluster: cut and mended.

/// One end of a link.
public enum ClusterMember: Sendable {
    /// A master or an agent.
    case process(ClusterProcess)
    /// This host: the ZooKeeper servers, and the program that started the cluster.
    case host

    fileprivate var name: String? {
        switch self {
        case .process(let process): process.plan.name
        case .host: nil
        }
    }
}

extension DevCluster {
    /// Cuts the link between two members, in both directions: connections stay open, and nothing passes.
    ///
    /// A link that is cut already stays so.
    ///
    /// - Throws: ``ClusterError/invalid(_:)`` if the cluster is not in namespaces (``ClusterOptions/network``),
    ///   ``ClusterError/host(_:)`` if the host refuses.
    public func cut(_ one: ClusterMember, _ other: ClusterMember) async throws(ClusterError) {
        try await setLink(one, other, isCut: true)
    }

    /// Mends a link that was cut.
    ///
    /// - Throws: As ``cut(_:_:)``; also if the link was not cut.
    public func mend(_ one: ClusterMember, _ other: ClusterMember) async throws(ClusterError) {
        try await setLink(one, other, isCut: false)
    }

    private func setLink(_ one: ClusterMember, _ other: ClusterMember, isCut: Bool) async throws(ClusterError) {
        guard let network else {
            throw .invalid("only a cluster in network namespaces has links that can be cut")
        }
        guard one.name != other.name else { throw .invalid("a link has two ends") }
        for command in network.linkCommands(one.name, other.name, isCut: isCut) {
            try await NetworkPlan.ip(command, logPath: "\(directory)/network.log")
        }
    }
}
