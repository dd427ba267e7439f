// The example for other languages: a cluster as a fixture of pytest.

import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct PytestTests {
    @Test func `the pytest example passes with the system's Python`() async throws {
        let arguments = ["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "\(repository)/Examples/pytest"]
        let run = try await runCommand(
            "/usr/bin/python3", arguments, environment: ["MINI": builtProduct("mini")], within: .seconds(150))
        #expect(run.succeeded, "\(run)")
        #expect(run.output.contains("4 passed"), "\(run)")
    }
}
