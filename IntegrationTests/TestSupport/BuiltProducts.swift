// Where the repository lies, and the programs that were built together with the running tests.

import Foundation

/// The repository's root.
public let repository = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }

/// The path of an executable of this package. It must be among the test target's dependencies, to be built before it.
public func builtProduct(_ name: String) -> String {
    // Every test bundle lies beside the executables of the same build.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/\(name)"
}
