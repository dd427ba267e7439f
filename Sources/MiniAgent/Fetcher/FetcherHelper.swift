// The program that reads strangers' archives and writes into sandboxes, as the task's user.

import Beneath
import CLinux
import Glibc
import Mailbox
import Processes

/// How to start `mini-fetcher`.
package struct FetcherHelper: Hashable, Sendable {
    package var path: String

    package init(path: String) { self.path = path }

    /// The given path; else `mini-fetcher` beside this program.
    static func find(_ given: String?) -> FetcherHelper {
        if let given { return FetcherHelper(path: given) }
        guard let resolved = realpath("/proc/self/exe", nil) else { return FetcherHelper(path: "mini-fetcher") }
        defer { free(resolved) }
        return FetcherHelper(path: DurableFile.parent(of: String(cString: resolved)) + "/mini-fetcher")
    }

    /// No archive is worth more time.
    static let deadline: Duration = .seconds(3600)

    /// Runs it in a sandbox until it ends; cancelling ends it.
    func run(
        _ arguments: [String], input: Descriptor?, sandbox: String, as owner: HostUser?
    ) async throws(FetchError) {
        var (reading, writing): (Int32, Int32) = (-1, -1)
        let code = clinux_pipe(&reading, &writing)
        guard code == 0 else { throw .helper("\(FileError("make", "a pipe", code: code))") }
        let complaints = Descriptor(reading)
        let errors = Descriptor(writing)
        let process: ChildProcess
        do throws(SpawnError) {
            process = try await ChildProcess.spawn(
                request(arguments, input: input, errors: errors.number, sandbox: sandbox, as: owner))
        } catch {
            let hint = error.stage == .execute ? "; it belongs beside mini" : ""
            throw .helper("\(error)\(hint)")
        }
        withExtendedLifetime((input, errors)) {}
        let patience = Timers.shared.scheduleOnce(after: Self.deadline) { process.send(signal: SIGKILL) }
        let end = await withTaskCancellationHandler {
            await process.end()
        } onCancel: {
            process.send(signal: SIGKILL)
        }
        patience.cancel()
        if Task.isCancelled { throw .cancelled }
        guard end != .exited(0) else { return }
        throw .helper(Self.complaint(complaints) ?? "mini-fetcher \(arguments.first ?? "") \(end)")
    }

    private func request(
        _ arguments: [String], input: Descriptor?, errors: Int32, sandbox: String, as owner: HostUser?
    ) -> SpawnRequest {
        var request = SpawnRequest(program: path, arguments: arguments, environment: ["PATH=/usr/bin:/bin"])
        request.directory = sandbox
        request.standardInput = input?.number
        request.standardError = errors
        request.deathSignal = SIGKILL
        if let owner {
            request.identity = SpawnRequest.Identity(user: owner.user, group: owner.group, groups: owner.groups)
        }
        request.limits = [
            // What a decoder of these formats may need, and no more: some name gigabytes in a header.
            .init(resource: Int32(RLIMIT_AS.rawValue), soft: 1 << 30, hard: 1 << 30),
            .init(resource: Int32(RLIMIT_CORE.rawValue), soft: 0, hard: 0),
            .init(resource: Int32(RLIMIT_NOFILE.rawValue), soft: 64, hard: 64),
        ]
        return request
    }

    /// The last line it wrote.
    private static func complaint(_ pipe: Descriptor) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(pipe.number, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let line = buffer[..<count].split(separator: UInt8(ascii: "\n")).last.map { printable(Array($0)) } ?? ""
        let prefix = "mini-fetcher: "
        return line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : line
    }
}
