// The process that takes a cluster away when the one that started it ends, however that comes about.

import Glibc
import Mailbox
import Processes

/// The starting side: keeps the janitor waiting for as long as this process lives.
///
/// The janitor reads from a pipe whose other end only this process holds. The kernel closes it when this process ends,
/// be it by SIGKILL; the janitor then does its work.
final class Janitor: Sendable {
    /// The hidden subcommand of `mini` that runs ``JanitorDuty``.
    static let commandName = "janitor"

    private let process: LoggedProcess
    private let leash: Locked<Int32?>
    private let teardown: ClusterTeardown

    private init(process: LoggedProcess, leash: Int32, teardown: ClusterTeardown) {
        self.process = process
        self.leash = Locked(leash)
        self.teardown = teardown
    }

    /// Starts a janitor for the launcher's cluster.
    ///
    /// - Throws: ``ClusterError/host(_:)``.
    static func start(launcher: ProcessLauncher, dockerSocket: String) async throws(ClusterError) -> Janitor {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw .host("cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        defer { close(ends[0]) }
        // Our children get no descriptors but their own; this is for whatever else a program that embeds us may start.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let teardown = ClusterTeardown(
            clusterID: launcher.clusterID, directory: launcher.directory, dockerSocket: dockerSocket)
        do {
            let process = try await LoggedProcess.start(
                name: "janitor", program: launcher.executable,
                arguments: [
                    commandName, "--cluster_id=\(launcher.clusterID)", "--directory=\(launcher.directory)",
                    "--docker_socket=\(dockerSocket)",
                ],
                environment: launcher.environment.filter { !$0.hasPrefix(ClusterTeardown.environmentMark) },
                standardInput: ends[0], logPath: "/dev/null")
            return Janitor(process: process, leash: ends[1], teardown: teardown)
        } catch {
            close(ends[1])
            throw error
        }
    }

    /// What the janitor would do with containers, now.
    func removeContainers() async -> [String] { await teardown.removeContainers() }

    /// Lets the janitor do its work and waits for it.
    ///
    /// - Returns: One line for each thing that is still there; empty when nothing is left.
    func clearAway() async -> [String] {
        if let descriptor = leash.withLock({ leash in
            defer { leash = nil }
            return leash
        }) {
            close(descriptor)
        }
        if await process.waitForEnd(deadline: .seconds(40)) == .exited(0) { return [] }
        // The janitor is gone or could not do it all: do it here, and say what remains.
        return await teardown.run()
    }
}

/// The janitor's side, run by a hidden subcommand of `mini`.
public enum JanitorDuty {
    /// Waits until standard input ends, then takes the cluster away.
    ///
    /// - Returns: The exit status: 0 when nothing is left.
    public static func run(_ teardown: ClusterTeardown) async -> Int32 {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            // A blocking read has no place on the cooperative pool.
            DedicatedThread.start(named: "leash") {
                var byte: UInt8 = 0
                while true {
                    let count = read(STDIN_FILENO, &byte, 1)
                    if count == 0 || (count < 0 && errno != EINTR) { break }
                }
                done.resume()
            }
        }
        return await teardown.run().isEmpty ? 0 : 1
    }
}
