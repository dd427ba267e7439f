// Temporary files, pipes and patience for tests of processes.
import Glibc
import Testing

/// A directory that goes when the test does.
final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/processes-test-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            unlink("\(path)/\(name)")
        }
        closedir(directory)
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// - Returns: `nil` if there is no such file.
    func text(_ name: String) -> String? { fileText(file(name)) }

    /// Opens a file for a process to write to.
    func output(_ name: String) -> Int32 { open(file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
}

func fileText(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

/// Waits for a condition, with a deadline.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Programs of this package lie beside the test bundle.
func builtProgram(_ name: String) throws -> String {
    let bundle = try #require(CommandLine.arguments.first { $0.hasSuffix(".xctest") })
    let end = try #require(bundle.lastIndex(of: "/"))
    return String(bundle[...end]) + name
}

/// What a supervisor's pid file says.
func pidFile(_ scratch: Scratch) throws -> (pid: pid_t, startTimeTicks: UInt64) {
    let words = try #require(scratch.text("pid")).split(separator: "\n")[0].split(separator: " ")
    try #require(words.count == 2)
    return (try #require(pid_t(words[0])), try #require(UInt64(words[1])))
}
