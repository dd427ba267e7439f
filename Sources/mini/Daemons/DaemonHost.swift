// What the settings of both daemons say about the host's addresses.

import Foundation
import Glibc
import Mailbox
import Processes
import Settings

enum DaemonHost {
    /// The address to listen on: given, or printed by the command that finds it out; `nil`: all.
    static func ip(_ settings: ResolvedSettings) async throws -> String? {
        let given = settings.text("ip")
        guard let command = settings.text("ip_discovery_command") else { return given }
        // The stand-in that a process of libprocess is given is no decision against the command.
        if given != nil, settings.settings["ip"]?.origin != .environment("LIBPROCESS_IP") {
            throw settings.problem("ip_discovery_command", "only one of it and --ip may be given")
        }
        let output: String
        do { output = try await run(command) } catch {
            throw settings.problem("ip_discovery_command", "\(error)")
        }
        let address = FlagText.trimmed(output)
        var parsed = in_addr()
        guard inet_pton(AF_INET, address, &parsed) == 1 else {
            throw settings.problem(
                "ip_discovery_command", "expected an IPv4 address from the command, got '\(address.prefix(100))'")
        }
        return address
    }

    /// The output of a shell command that ends well within ten seconds.
    private static func run(_ command: String) async throws -> String {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw CommandFailure(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        defer { close(ends[0]) }
        var request = SpawnRequest(program: "/bin/sh", arguments: ["-c", command])
        request.standardOutput = ends[1]
        request.standardError = STDERR_FILENO
        request.deathSignal = SIGKILL
        let process: ChildProcess
        do { process = try await ChildProcess.spawn(request) } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        let token = Timers.shared.scheduleOnce(after: .seconds(10)) { process.send(signal: SIGKILL) }
        let end = await process.end()
        token.cancel()
        guard end == .exited(0) else { throw CommandFailure(description: "the command failed: \(end)") }
        // An address fits into what a pipe holds; nothing that the command may have left running is waited for.
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
