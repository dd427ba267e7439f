// One real ensemble for all tests of this target, started before the first and removed after the last.

import DevCluster
import IntegrationSupport
import Testing
import ZooKeeper

/// Everything that runs against the shared ensemble, one test after another: some of them take it apart.
@Suite(.serialized, .withSharedEnsemble, .timeLimit(.minutes(2)))
struct RealZooKeeper {
    static var ensemble: ZooKeeperEnsemble {
        get throws { try #require(SharedEnsembleTrait.current) }
    }
}

/// Starts the ensemble around the suite it is put on.
struct SharedEnsembleTrait: SuiteTrait, TestScoping {
    @TaskLocal static var current: ZooKeeperEnsemble?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTestEnsemble { ensemble in
            try await Self.$current.withValue(ensemble) { try await function() }
        }
    }
}

extension Trait where Self == SharedEnsembleTrait {
    static var withSharedEnsemble: Self { Self() }
}

/// A connected session with the shared ensemble; the test closes it.
func connect(
    timeout: Duration = .seconds(10), credentials: ZooKeeperCredentials? = nil, probesContact: Bool = false,
    onStateChange: @escaping @Sendable (SessionState) -> Void = { _ in }
) async throws -> ZooKeeperSession {
    let session = try await ZooKeeperSession.open(
        servers: try RealZooKeeper.ensemble.addresses, timeout: timeout, credentials: credentials,
        probesContact: probesContact, onStateChange: onStateChange)
    try await eventually("connected") {
        if case .connected = session.state { true } else { false }
    }
    return session
}

/// A directory for one test, created empty.
func makeDirectory(_ session: ZooKeeperSession) async throws -> String {
    try await session.create("/test-", mode: .persistentSequential)
}
