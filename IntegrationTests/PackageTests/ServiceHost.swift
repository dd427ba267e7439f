// A host that boots systemd: a container whose first process is systemd.

import Foundation
import Glibc
import IntegrationSupport
import Testing

/// Something that the tests need is not on this machine, or did not do what it was told.
struct HostError: Error, CustomStringConvertible {
    var description: String
}

/// One host. Unless told otherwise it shares the network with the test, so its services listen on ports of their own.
final class ServiceHost: Sendable {
    /// The container's name.
    let name: String

    private init(name: String) { self.name = name }

    /// Which network a host is in.
    enum Network {
        /// The test machine's.
        case shared
        /// One of its own that leads nowhere until somebody lays a cable; the host is called what its part is.
        case own
    }

    /// Boots a host and waits until systemd has started what it starts.
    ///
    /// - Parameters:
    ///   - packages: The folder that the host has as `/packages`.
    ///   - installed: Debian packages, with what they need, that are there beforehand.
    static func boot(
        _ part: String, packages: String, network: Network = .shared, installed: [String] = []
    ) async throws -> ServiceHost {
        await removeLeftovers()
        let image = try await systemdImage(installed)
        let host = ServiceHost(name: "mini-package-\(part)-\(getpid())-\(UInt16.random(in: 0...UInt16.max))")
        var arguments = [
            "run", "--detach", "--name", host.name, "--label", "\(ownerLabel)=\(getpid())", "--pull", "never",
            "--net", network == .shared ? "host" : "none",
            "--cgroupns", "private", "--cap-add", "SYS_ADMIN", "--stop-signal", "SIGRTMIN+3", "--tmpfs", "/run:exec",
            "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "--env", "container=docker", "--volume",
            "\(packages):/packages:ro",
        ]
        // Scripts of other packages look by /proc/PID/exe whether their daemon of another user runs.
        arguments += network == .own ? ["--hostname", part, "--cap-add", "SYS_PTRACE"] : []
        arguments += [image, "/sbin/init"]
        let run = try await runCommand("docker", arguments, within: .seconds(60))
        guard run.succeeded else { throw HostError(description: "a host does not start: \(run)") }
        do { try await host.waitUntilBooted() } catch {
            await host.remove()
            throw error
        }
        return host
    }

    /// Runs a script as root.
    func run(_ script: String, within limit: Duration = .seconds(60)) async throws -> CommandRun {
        try await runCommand("docker", ["exec", name, "sh", "-c", script], within: limit)
    }

    /// Runs a script that must succeed.
    ///
    /// - Returns: What it wrote, without the last line's end.
    @discardableResult
    func must(
        _ script: String, within limit: Duration = .seconds(60), _ sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let run = try await run(script, within: limit)
        guard run.succeeded else {
            let journal = try? await self.run("journalctl --no-pager -n 40 -u 'mini-*'")
            Issue.record("on \(name): \(script): \(run)\n\(journal?.output ?? "")", sourceLocation: sourceLocation)
            throw HostError(description: "on \(name): \(script): \(run.end)")
        }
        return run.output.trimmingCharacters(in: .newlines)
    }

    /// A property of a unit, as `systemctl show` prints it.
    func property(_ property: String, of unit: String) async throws -> String {
        try await must("systemctl show --property \(property) --value \(unit)")
    }

    func mainProcess(of unit: String) async throws -> Int32 {
        Int32(try await property("MainPID", of: unit)) ?? 0
    }

    /// Reboots: everything in it ends, its files stay.
    func reboot() async throws {
        _ = try await run("systemctl reboot")
        try await eventually("\(name) is down", within: .seconds(120)) {
            try await runCommand(
                "docker", ["inspect", "--format", "{{.State.Running}}", name], within: .seconds(20)
            ).output.hasPrefix("false")
        }
        let start = try await runCommand("docker", ["start", name], within: .seconds(60))
        guard start.succeeded else { throw HostError(description: "\(name) does not start again: \(start)") }
        try await waitUntilBooted()
    }

    func remove() async {
        _ = try? await runCommand("docker", ["rm", "--force", "--volumes", name], within: .seconds(60))
    }

    private func waitUntilBooted() async throws {
        try await eventually("\(name) has booted", within: .seconds(90)) {
            // Units that find nothing to do in a container may fail: the system is then called degraded.
            let state = try await runCommand(
                "docker", ["exec", name, "systemctl", "is-system-running"], within: .seconds(20))
            return state.output.hasPrefix("running") || state.output.hasPrefix("degraded")
        }
    }

    // MARK: Images and leftovers

    private static let ownerLabel = "org.mini-mesos.package-test"

    private static func systemdImage(_ installed: [String]) async throws -> String {
        let run = try await runCommand("\(repository)/scripts/systemd-image", installed, within: .seconds(900))
        let name = run.output.split(separator: "\n").last.map(String.init) ?? ""
        guard run.succeeded, !name.isEmpty else { throw HostError(description: "no image of systemd: \(run)") }
        return name
    }

    /// Hosts of test runs that were killed.
    private static func removeLeftovers() async {
        let format = "{{.ID}} {{.Label \"\(ownerLabel)\"}}"
        let list = try? await runCommand(
            "docker", ["ps", "--all", "--filter", "label=\(ownerLabel)", "--format", format], within: .seconds(20))
        for line in list?.output.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ")
            guard words.count == 2, let owner = pid_t(words[1]), kill(owner, 0) != 0 else { continue }
            _ = try? await runCommand("docker", ["rm", "--force", "--volumes", String(words[0])], within: .seconds(60))
        }
    }
}

/// Lends hosts to `body` and removes them afterwards, whatever happens.
///
/// - Parameters:
///   - network: Which network they are in.
///   - installed: As for ``ServiceHost/boot(_:packages:network:installed:)``.
func withHosts(
    _ parts: [String], packages: BuiltPackages, network: ServiceHost.Network = .shared, installed: [String] = [],
    isolation: isolated (any Actor)? = #isolation, _ body: ([ServiceHost]) async throws -> Void
) async throws {
    var hosts: [ServiceHost] = []
    do {
        for part in parts {
            hosts.append(
                try await ServiceHost.boot(
                    part, packages: packages.directory, network: network, installed: installed))
        }
        try await body(hosts)
    } catch {
        for host in hosts {
            let journal = try? await host.run(
                "journalctl --no-pager -n 60 -u 'mini-*'; systemctl status --no-pager 'mini-*'")
            print("\(host.name):\n\(journal?.output ?? "no answer")")
            await host.remove()
        }
        throw error
    }
    for host in hosts { await host.remove() }
}
