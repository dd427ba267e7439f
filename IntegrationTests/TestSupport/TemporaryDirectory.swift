// Directories for one test each, under the system's place for temporary files.

import Foundation
import Mailbox

/// The system refused a directory.
public struct CannotMakeDirectory: Error {
    public var template: String
    public var errno: Int32
}

/// Makes an empty directory that nobody else uses.
///
/// - Parameter name: What it is for; part of its name, so that a leftover can be told apart.
public func makeTemporaryDirectory(named name: String) throws -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let template = "\(base)/mini-test-\(name)-XXXXXX"
    guard let bytes = strdup(template) else { throw CannotMakeDirectory(template: template, errno: errno) }
    defer { free(bytes) }
    guard mkdtemp(bytes) != nil else { throw CannotMakeDirectory(template: template, errno: errno) }
    return String(cString: bytes)
}

/// Directories that are removed, with everything in them, when this object goes: kept by a suite, after each test.
public final class TemporaryDirectories: Sendable {
    private let made = Locked<[String]>([])

    public init() {}

    deinit { removeAll() }

    /// Those that all tests of this process share: removed when it exits.
    public static let ofProcess: TemporaryDirectories = {
        atexit { TemporaryDirectories.ofProcess.removeAll() }
        return TemporaryDirectories()
    }()

    private func removeAll() {
        for directory in made.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: directory) }
    }

    public func make(named name: String) throws -> String {
        let directory = try makeTemporaryDirectory(named: name)
        made.withLock { $0.append(directory) }
        return directory
    }
}
