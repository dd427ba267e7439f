// Real ZooKeeper ensembles for tests: three servers in a temporary directory, gone when the test is.

import DevCluster
import Glibc

/// Starts three real ZooKeeper servers on free ports with a tick of 500 ms, so that sessions of 1 to 10 s are granted.
///
/// The caller stops it; should the test process die first, the ensemble's guardian does.
public func startTestEnsemble(servers: Int = 3) async throws -> ZooKeeperEnsemble {
    var configuration = ZooKeeperEnsemble.Configuration(directory: try makeTemporaryDirectory(named: "zookeeper"))
    configuration.servers = servers
    return try await ZooKeeperEnsemble.start(configuration)
}

/// Lends an ensemble to `body` and removes it afterwards, whatever happens.
public func withTestEnsemble<Result>(
    servers: Int = 3, isolation: isolated (any Actor)? = #isolation, _ body: (ZooKeeperEnsemble) async throws -> Result
) async throws -> Result {
    let ensemble = try await startTestEnsemble(servers: servers)
    do {
        let result = try await body(ensemble)
        await ensemble.stop()
        return result
    } catch {
        await ensemble.stop()
        throw error
    }
}
