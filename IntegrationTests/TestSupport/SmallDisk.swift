// A file system that is easily filled, for tests of full disks.
import Foundation
import Glibc
import Processes

/// A small file system in memory, in a mount namespace of its own: programs that are started in it see it. It goes with the
/// process that holds it, which dies with the test's. Needs root.
public struct SmallDisk: Sendable {
    /// Where programs in it see it.
    public let directory: String
    private let holder: RunningCommand
    /// Where this process reaches it. Not for what follows links itself, as SQLite does: that ends up on another disk.
    public var seenFromHere: String { "/proc/\(holder.process.pid)/root\(directory)" }
    private var filling: String { seenFromHere + "/filling" }

    public static func mount(on directory: String, mebibytes: Int) async throws -> SmallDisk {
        let line =
            "mount -t tmpfs -o size=\(mebibytes)m tmpfs '\(directory)' && touch '\(directory)/.mounted' && exec sleep 600"
        let holder = try await startCommand("/usr/bin/unshare", ["-m", "sh", "-c", line])
        let disk = SmallDisk(directory: directory, holder: holder)
        try await eventually("there is a tmpfs: \(holder.output)", within: .seconds(30)) {
            FileManager.default.fileExists(atPath: disk.seenFromHere + "/.mounted")
        }
        return disk
    }

    /// What runs a program in it.
    public var entrance: [String] { ["/usr/bin/nsenter", "-t", "\(holder.process.pid)", "-m"] }

    /// Leaves no byte free.
    ///
    /// - Returns: Whether it is full now.
    public func fill() -> Bool {
        let descriptor = open(filling, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: 4_096)
        while write(descriptor, zeros, zeros.count) > 0 {}
        return errno == ENOSPC
    }

    /// Takes away what filled it.
    public func empty() { unlink(filling) }

    public func unmount() async {
        holder.process.send(signal: SIGKILL)
        _ = await holder.process.end()
    }
}
