// One real ensemble for all tests of this target, started before the first and removed after the last.

import DevCluster
import IntegrationSupport
import Testing

/// Everything that runs against the shared ensemble, one test after another.
@Suite(.serialized, .withSharedEnsemble, .timeLimit(.minutes(3)))
struct RealEnsemble {
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
