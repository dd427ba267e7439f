// Five hosts from the package: crashes, a reboot, and versions exchanged in both directions, under running tasks.

@testable import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Resources
import Testing

/// Takes some minutes: `make test-package` runs it.
@Suite(
    .serialized, .timeLimit(.minutes(30)),
    .enabled(if: ProcessInfo.processInfo.environment["PACKAGE_FLEET"] != nil, "make test-package runs it"))
struct PackageFleetTests {
    @Test
    func `three masters and two agents lose nothing to crashes, a reboot, and an upgrade there and back`() async throws
    {
        let packages = try await BuiltPackages.get()
        let ports = try FreePorts.pick(5)
        try await withTestEnsemble { ensemble in
            let zooKeeper = ensemble.url(path: "/mesos")
            try await withHosts(["m1", "m2", "m3", "a1", "a2"], packages: packages) { hosts in
                let fleet = Fleet(
                    masters: Array(zip(hosts, ports).prefix(3)), agents: Array(zip(hosts, ports).suffix(2)))
                try await fleet.start(packages.older, zooKeeper: zooKeeper)
                let ids: [TaskID] = ["task-one", "task-two"]
                let framework = try LoneTasks(
                    zooKeeper: zooKeeper,
                    tasks: zip(ids, fleet.agents).map {
                        .init(id: $0, hostPort: $1.port, command: PatientTask.command)
                    })
                try await framework.run {
                    var tasks: [PatientTask] = []
                    for (id, agent) in zip(ids, fleet.agents) {
                        tasks.append(try await PatientTask(id, on: agent.host))
                    }
                    var identities: [PatientTask.Identity] = []
                    for task in tasks { identities.append(try await task.identity()) }
                    func expectTasksUntouched(_ when: String) async throws {
                        for (task, identity) in zip(tasks, identities) {
                            #expect(try await task.identity() == identity, "\(when)")
                            try await task.expectProgress()
                        }
                        #expect(ids.allSatisfy { !framework.states(of: $0).contains { $0.isTerminal } }, "\(when)")
                    }

                    // Crashes: the leader, a standby, both agents.
                    let leader = try await fleet.leader()
                    try await leader.host.crash("mini-master")
                    try await fleet.waitUntilComplete()
                    try await fleet.masters[0].host.crash("mini-master")
                    for agent in fleet.agents { try await agent.host.crash("mini-agent") }
                    try await fleet.waitUntilComplete()
                    try await expectTasksUntouched("after crashes")

                    // A reboot of the host of the leading master.
                    let second = try await fleet.leader()
                    try await second.host.reboot()
                    try await second.host.waitUntilActive("mini-master")
                    try await fleet.waitUntilComplete()
                    try await expectTasksUntouched("after the reboot of a master's host")

                    for (package, version) in [
                        (packages.newer, packages.newerVersion), (packages.older, packages.olderVersion),
                    ] {
                        try await fleet.rollingUpgrade(to: package)
                        for host in hosts {
                            #expect(try await host.must("dpkg-query -W -f '${Version}' mini-mesos") == version)
                        }
                        try await fleet.waitUntilComplete()
                        try await expectTasksUntouched("after the way to \(version)")
                    }

                    try await tasks[0].finish()
                    try await eventually("the first task ends", within: .seconds(30)) {
                        framework.states(of: ids[0]).contains { $0.isTerminal }
                    }

                    // A reboot of an agent's host ends what ran there, and the framework hears of it once.
                    try await fleet.agents[1].host.reboot()
                    try await fleet.agents[1].host.waitUntilActive("mini-agent", within: .seconds(120))
                    try await fleet.waitUntilComplete()
                    try await eventually("the end of the second task is told", within: .seconds(60)) {
                        framework.states(of: ids[1]).contains { $0.isTerminal }
                    }
                }
                #expect(framework.states(of: ids[0]).filter { $0.isTerminal } == [.taskFinished])
                #expect(framework.states(of: ids[1]).count { $0.isTerminal } == 1, "\(framework.updates(of: ids[1]))")
                for id in ids { #expect(!framework.states(of: id).contains(.taskLost), "\(framework.states(of: id))") }
            }
        }
    }

    @Test
    func `a rolling upgrade stops at the first step that is not healthy`() async throws {
        let packages = try await BuiltPackages.get()
        let ports = try FreePorts.pick(3)
        try await withTestEnsemble(servers: 1) { ensemble in
            try await withHosts(["m1", "m2", "a1"], packages: packages) { hosts in
                let fleet = Fleet(
                    masters: Array(zip(hosts, ports).prefix(2)), agents: Array(zip(hosts, ports).suffix(1)))
                try await fleet.start(packages.older, zooKeeper: ensemble.url(path: "/mesos"))
                let leader = try await fleet.leader()
                let standby = try #require(fleet.masters.first { $0.port != leader.port })
                // The next start of the standby's master fails.
                try await standby.host.must("echo none-such > /etc/mesos-master/quorum")
                let run = try await fleet.tryRollingUpgrade(to: packages.newer, patience: 15)
                #expect(!run.succeeded)
                #expect(run.output.contains("STOPPED at \(standby.host.name)"), "\(run)")
                for member in [leader] + fleet.agents {
                    #expect(
                        try await member.host.must("dpkg-query -W -f '${Version}' mini-mesos") == packages.olderVersion)
                }
                // Mended, the same command goes on and finishes.
                try await standby.host.must("echo 1 > /etc/mesos-master/quorum")
                try await fleet.rollingUpgrade(to: packages.newer)
            }
        }
    }
}

/// Hosts with masters, hosts with agents.
struct Fleet {
    struct Member {
        var host: ServiceHost
        var port: Int
        var url: String { "http://127.0.0.1:\(port)" }
    }

    let masters: [Member]
    let agents: [Member]

    init(masters: [(ServiceHost, Int)], agents: [(ServiceHost, Int)]) {
        self.masters = masters.map { Member(host: $0, port: $1) }
        self.agents = agents.map { Member(host: $0, port: $1) }
    }

    /// Installs, configures and enables everything, and waits until it is complete.
    func start(_ package: String, zooKeeper: String) async throws {
        for member in masters {
            try await member.host.install(package)
            try await member.host.configureMaster(
                port: member.port, zooKeeper: zooKeeper, quorum: masters.count / 2 + 1)
            try await member.host.must("systemctl enable --quiet --now mini-master", within: .seconds(90))
        }
        for member in agents {
            try await member.host.install(package)
            try await member.host.configureAgent(port: member.port, zooKeeper: zooKeeper)
            try await member.host.must("systemctl enable --quiet --now mini-agent", within: .seconds(90))
        }
        try await waitUntilComplete()
    }

    func leader() async throws -> Member {
        try await eventually("a master leads", within: .seconds(60)) {
            for member in masters where await metric("master/elected", of: member) == 1 { return member }
            return nil
        }
    }

    /// Waits until all masters answer, one leads, and all agents are connected to it.
    func waitUntilComplete() async throws {
        try await eventually("one of \(masters.count) masters leads \(agents.count) agents", within: .seconds(120)) {
            var leading: [Member] = []
            for member in masters {
                guard let elected = await metric("master/elected", of: member) else { return false }
                if elected == 1 { leading.append(member) }
            }
            guard leading.count == 1 else { return false }
            return await metric("master/slaves_connected", of: leading[0]) == Double(agents.count)
        }
    }

    func rollingUpgrade(to package: String) async throws {
        let run = try await tryRollingUpgrade(to: package, patience: 120)
        #expect(run.succeeded, "\(run)")
    }

    func tryRollingUpgrade(to package: String, patience: Int) async throws -> CommandRun {
        let script = "\(repository)/scripts/rolling-upgrade"
        func list(_ members: [Member]) -> String { members.map { "\($0.host.name)=\($0.url)" }.joined(separator: " ") }
        return try await runCommand(
            script,
            [
                "--masters", list(masters), "--agents", list(agents), "--via", "docker exec -i",
                "--install", "dpkg -i /packages/\(package)", "--patience", "\(patience)",
            ], within: .seconds(900))
    }

    private func metric(_ name: String, of member: Member) async -> Double? {
        let request = HTTPClientRequest(url: "\(member.url)/metrics/snapshot", totalTimeout: .seconds(3))
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200,
            let values = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Double]
        else { return nil }
        return values[name]
    }
}
