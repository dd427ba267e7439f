// Two packages of the programs that were built together with the tests: one and the next version.

import Foundation
import IntegrationSupport

/// The packages, in a folder that is removed when the tests end.
final class BuiltPackages: Sendable {
    let directory: String
    /// File names below ``directory``.
    let older: String
    let newer: String
    let olderVersion: String
    let newerVersion: String

    private init(directory: String, files: [String]) {
        self.directory = directory
        (older, newer) = (files[0], files[1])
        (olderVersion, newerVersion) = (Self.version(of: files[0]), Self.version(of: files[1]))
    }

    /// Builds them once for all tests of this process.
    static func get() async throws -> BuiltPackages { try await Builder.shared.get() }

    private actor Builder {
        static let shared = Builder()
        private var building: Task<BuiltPackages, any Error>?

        func get() async throws -> BuiltPackages {
            let task = building ?? Task { try await BuiltPackages.build() }
            building = task
            return try await task.value
        }
    }

    private static func build() async throws -> BuiltPackages {
        let directory = try TemporaryDirectories.ofProcess.make(named: "packages")
        let programs = (builtProduct("mini") as NSString).deletingLastPathComponent
        var files: [String] = []
        for suffix in ["+test1", "+test2"] {
            let run = try await runCommand(
                "\(repository)/scripts/build-deb", ["--fast", "--suffix", suffix, "--output", directory, programs],
                within: .seconds(300))
            guard run.succeeded, let path = run.output.split(separator: "\n").last else {
                throw HostError(description: "scripts/build-deb: \(run)")
            }
            files.append((String(path) as NSString).lastPathComponent)
        }
        return BuiltPackages(directory: directory, files: files)
    }

    private static func version(of file: String) -> String {
        file.split(separator: "_").dropFirst().first.map(String.init) ?? ""
    }
}
