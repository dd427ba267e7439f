// What an administrator does on a fresh host: install, say where ZooKeeper is, enable a service.

import Foundation
import IntegrationSupport
import MesosProtocol
import Resources
import Testing

extension ServiceHost {
    /// Installs a package from `/packages`.
    func install(_ package: String) async throws {
        try await must("dpkg -i /packages/\(package)", within: .seconds(180))
    }

    /// Configures a master that listens on a port of its own.
    func configureMaster(port: Int, zooKeeper: String, quorum: Int) async throws {
        try await must(
            """
            echo '\(zooKeeper)' > /etc/mesos/zk
            echo \(quorum) > /etc/mesos-master/quorum
            echo 127.0.0.1 > /etc/mesos-master/ip
            echo 127.0.0.1 > /etc/mesos-master/hostname
            echo 3secs > /etc/mesos-master/zk_session_timeout
            printf 'MINI_PORT=\(port)\\n' >> /etc/default/mini-master
            """)
    }

    /// Configures an agent for process tasks that listens on a port of its own.
    func configureAgent(port: Int, zooKeeper: String) async throws {
        try await must(
            """
            echo '\(zooKeeper)' > /etc/mesos/zk
            echo 127.0.0.1 > /etc/mesos-agent/ip
            echo 127.0.0.1 > /etc/mesos-agent/hostname
            echo process > /etc/mesos-agent/containerizers
            printf 'MINI_PORT=\(port)\\nMINI_RESOURCES=cpus:1;mem:256\\n' >> /etc/default/mini-agent
            """)
    }

    /// Waits until a unit is active: with Type=notify this means ready.
    func waitUntilActive(_ unit: String, within limit: Duration = .seconds(60)) async throws {
        try await eventually("\(unit) is active on \(name)", within: limit) {
            try await run("systemctl is-active --quiet \(unit)").succeeded
        }
    }

    /// Ends a daemon as a crash would, and waits until systemd has started another one that is ready.
    func crash(_ unit: String, with signal: String = "KILL") async throws {
        let before = try await mainProcess(of: unit)
        try await must("systemctl kill --signal \(signal) --kill-who main \(unit)")
        try await eventually("\(unit) is started again on \(name)", within: .seconds(90)) {
            let now = try await mainProcess(of: unit)
            guard now != 0, now != before else { return false }
            return try await run("systemctl is-active --quiet \(unit)").succeeded
        }
    }
}

/// A task that writes its process id, then a line every tenth of a second until it is told to end.
struct PatientTask {
    static let command = "echo $$ > pid; until [ -e go ]; do echo tick >> ticks; sleep 0.1; done; echo end"

    /// A process, told from another that has its number later.
    struct Identity: Hashable {
        var process: String
        var startTime: String
    }

    let id: TaskID
    let host: ServiceHost
    private let sandbox: String

    /// Finds the sandbox of a task that runs.
    init(_ id: TaskID, on host: ServiceHost) async throws {
        self.id = id
        self.host = host
        let find = "find /var/lib/mini-mesos/agent/slaves -path '*/executors/\(id)/runs/latest'"
        sandbox = try await eventually("\(id) has a sandbox", within: .seconds(20)) {
            let path = try await host.must(find)
            return path.isEmpty ? nil : path
        }
        try await eventually("\(id) writes", within: .seconds(20)) { try await ticks() > 0 }
    }

    func identity() async throws -> Identity {
        let process = try await host.must("cat \(sandbox)/pid")
        return Identity(process: process, startTime: try await host.must("cut -d ' ' -f 22 /proc/\(process)/stat"))
    }

    private func ticks() async throws -> Int {
        Int(try await host.run("wc -l < \(sandbox)/ticks").output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// Waits until it has written something new.
    func expectProgress() async throws {
        let before = try await ticks()
        try await eventually("\(id) goes on", within: .seconds(20)) { try await ticks() > before }
    }

    func finish() async throws { try await host.must("touch \(sandbox)/go") }

    func output() async throws -> String { try await host.must("cat \(sandbox)/stdout") }
}
