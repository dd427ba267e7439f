// Checks of a container: commands run in it, and the way into its network.

import Glibc
import Mailbox
import MesosProtocol
import Resources

extension DockerContainerizer {
    package func check(
        _ command: V1CommandInfo, in launch: Launch, timeout: Duration?
    ) async -> CheckOutcome {
        let container = DockerMapping.name(agent: launch.agent, container: launch.record.container)
        var variables = TaskEnvironment()
        variables.add(command)
        let id: String
        do throws(DockerError) {
            var request = DockerExecRequest(Self.program(of: command))
            request.environment = variables.entries
            id = try await engine.createExec(in: container, request)
        } catch {
            return .notRun("\(error)")
        }
        let running = Task { () async -> DockerError? in
            do throws(DockerError) {
                try await engine.runExec(id)
                return nil
            } catch {
                return error
            }
        }
        let hasTimedOut = Locked(false)
        let alarm = timeout.map { timeout in
            Timers.shared.scheduleOnce(after: timeout) {
                hasTimedOut.withLock { $0 = true }
                running.cancel()
            }
        }
        let failure = await withTaskCancellationHandler {
            await running.value
        } onCancel: {
            running.cancel()
        }
        alarm?.cancel()
        if failure != nil { await endExec(id, in: container) }
        if hasTimedOut.withLock({ $0 }), failure != nil {
            return .failed("Command timed out after \(timeout?.inSeconds ?? 0) s")
        }
        if let failure { return .notRun("\(failure)") }
        return await outcome(of: id)
    }

    private static func program(of command: V1CommandInfo) -> [String] {
        command.shell
            ? ["/bin/sh", "-c", command.value] : (command.hasValue ? [command.value] : []) + command.arguments
    }

    /// The exit status, which the engine may know a moment after the output's end.
    private func outcome(of id: String) async -> CheckOutcome {
        for _ in 0..<50 {
            do throws(DockerError) {
                let state = try await engine.inspectExec(id)
                if !state.isRunning, let code = state.exitCode { return .exited(status: Int32(clamping: code)) }
            } catch {
                return .notRun("\(error)")
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return .notRun("cancelled") }
        }
        return .failed("Command closed its output and goes on")
    }

    /// The engine has no call to end an exec. Its processes are this host's as well, so they are killed here, if what
    /// bears the number is in the container indeed.
    private func endExec(_ id: String, in container: String) async {
        // Not cancelled with the check: this is what is done about the cancelled one.
        await Task {
            guard let state = try? await engine.inspectExec(id), state.isRunning, state.pid > 1,
                let full = try? await engine.inspect(container).id, !full.isEmpty
            else { return }
            let pid = pid_t(state.pid)
            for _ in 0..<5 {
                guard ProcessTree.isInControlGroup(pid, named: full) else { return }
                for child in ProcessTree().descendants(of: pid) { Glibc.kill(child, SIGKILL) }
                Glibc.kill(pid, SIGKILL)
                try? await Task.sleep(for: .milliseconds(20))
            }
        }.value
    }

    package func checkNetwork(of launch: Launch) async -> CheckNetwork {
        let name = DockerMapping.name(agent: launch.agent, container: launch.record.container)
        do throws(DockerError) {
            let container = try await engine.inspect(name)
            guard container.pid > 0 else { return .unknown("the container has no process") }
            if container.networkMode == "host" { return .host }
            return .namespace(path: "/proc/\(container.pid)/ns/net", address: container.ipv4.first)
        } catch {
            return .unknown("\(error)")
        }
    }
}
