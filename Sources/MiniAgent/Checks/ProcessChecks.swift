// Checks of process tasks: the command is run in the task's sandbox, with its user and variables.

import Glibc
import Mailbox
import MesosProtocol
import Processes
import Resources

extension ProcessContainerizer {
    /// Under a supervisor of its own, which takes the command's whole tree with it: at the end, at the timeout, and when
    /// this agent dies.
    package func check(
        _ command: V1CommandInfo, in launch: Launch, timeout: Duration?
    ) async -> CheckOutcome {
        let owner: HostUser?
        do throws(LaunchFailure) { owner = try Sandbox.owner(of: launch, switchUser: switchUser) } catch {
            return .notRun("\(error)")
        }
        var request = SpawnRequest(
            program: supervisor.path, arguments: supervisor.prefix + checkArguments(command, launch, owner),
            environment: environment.entries(for: launch, running: command))
        // A supervisor that gets this signal ends its tree.
        request.deathSignal = SIGUSR1
        let process: ChildProcess
        do throws(SpawnError) { process = try await ChildProcess.spawn(request) } catch {
            return .notRun("\(error)")
        }
        let end = Latch<ProcessEnd>()
        Task { end.open(await process.end()) }
        let hasTimedOut = Locked(false)
        let alarm = timeout.map { timeout in
            Timers.shared.scheduleOnce(after: timeout) {
                hasTimedOut.withLock { $0 = true }
                process.send(signal: SIGUSR1)
            }
        }
        let result = await end.wait()
        alarm?.cancel()
        guard let result else {
            process.send(signal: SIGUSR1)
            return .notRun("cancelled")
        }
        if hasTimedOut.withLock({ $0 }) { return .failed("Command timed out after \(timeout?.inSeconds ?? 0) s") }
        switch result {
        case .exited(let status): return .exited(status: status)
        case .signaled, .unknown: return .notRun("its supervisor was killed")
        }
    }

    private func checkArguments(_ command: V1CommandInfo, _ launch: Launch, _ owner: HostUser?) -> [String] {
        // Where the task is, so that what it may use limits its checks, too, and is counted together.
        let groups = isolation?.entrances(launch.record.container) ?? []
        return ["--cwd", launch.run.sandbox] + Self.userArguments(owner) + groups.flatMap { ["--cgroup", $0] } + ["--"]
            + Self.program(of: command)
    }

    package func checkNetwork(of launch: Launch) async -> CheckNetwork { .host }
}
