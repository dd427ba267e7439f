// One host from the package: what installing does and does not, and that services may die or be exchanged under a task.

@testable import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(20))) struct PackageServiceTests {
    @Test
    func `a task outlives the death, the hang and the upgrade of its agent, and ends once`() async throws {
        let packages = try await BuiltPackages.get()
        let ports = try FreePorts.pick(2)
        try await withTestEnsemble(servers: 1) { ensemble in
            try await withHosts(["one"], packages: packages) { hosts in
                let host = hosts[0]
                try await host.install(packages.older)
                try await expectNothingStarted(on: host)

                // Without ZooKeeper a master is not ready, says why, and is waited for.
                try await host.configureMaster(port: ports[0], zooKeeper: "zk://127.0.0.1:1/mesos", quorum: 1)
                try await host.must("systemctl enable --quiet --no-block --now mini-master")
                try await eventually("the master says what it waits for", within: .seconds(30)) {
                    try await host.property("StatusText", of: "mini-master") == "waits for ZooKeeper"
                }
                #expect(try await host.property("ActiveState", of: "mini-master") == "activating")

                let zooKeeper = ensemble.url(path: "/mesos")
                try await host.configureMaster(port: ports[0], zooKeeper: zooKeeper, quorum: 1)
                try await host.configureAgent(port: ports[1], zooKeeper: zooKeeper)
                try await host.must("systemctl restart mini-master", within: .seconds(90))
                try await host.must("systemctl enable --quiet --now mini-agent", within: .seconds(90))
                #expect(try await host.property("StatusText", of: "mini-agent").hasPrefix("registered with "))
                #expect(try await host.property("User", of: "mini-master") == "mini-master")

                let id: TaskID = "patient"
                let framework = try LoneTasks(
                    zooKeeper: zooKeeper,
                    tasks: [.init(id: id, hostPort: ports[1], command: PatientTask.command)])
                try await framework.run {
                    let task = try await PatientTask(id, on: host)
                    let identity = try await task.identity()
                    let groups = try await host.must("cat /proc/\(identity.process)/cgroup")
                    #expect(groups.contains("/mesos_executors.slice"), "\(groups)")
                    try await expectTaskMayDoItsWork(identity.process, on: host)

                    try await host.crash("mini-agent")
                    #expect(try await task.identity() == identity)
                    try await task.expectProgress()

                    try await expectWatchdogEnds(
                        ["mini-master", "mini-agent"], on: host)
                    #expect(try await task.identity() == identity)

                    for (package, version) in [
                        (packages.newer, packages.newerVersion), (packages.older, packages.olderVersion),
                    ] {
                        let agent = try await host.mainProcess(of: "mini-agent")
                        let master = try await host.mainProcess(of: "mini-master")
                        try await host.install(package)
                        #expect(try await host.must("dpkg-query -W -f '${Version}' mini-mesos") == version)
                        for unit in ["mini-master", "mini-agent"] { try await host.waitUntilActive(unit) }
                        #expect(try await host.mainProcess(of: "mini-agent") != agent)
                        #expect(try await host.mainProcess(of: "mini-master") != master)
                        #expect(try await task.identity() == identity)
                        try await task.expectProgress()
                    }

                    let followed = try await host.must("journalctl --no-pager -o json -u mini-master TASK_ID=\(id)")
                    #expect(followed.contains("\"TASK_ID\":\"\(id)\"") && followed.contains("\"REQUEST_ID\":"))

                    try await task.finish()
                    try await eventually("the task ends", within: .seconds(30)) {
                        framework.states(of: id).contains { $0.isTerminal }
                    }
                    #expect(try await task.output() == "end")
                }
                #expect(
                    framework.states(of: id).filter { $0.isTerminal } == [.taskFinished], "\(framework.updates(of: id))"
                )
            }
        }
    }

    /// What holds the agent holds its tasks: capabilities that concern the whole host are gone, nothing else is.
    private func expectTaskMayDoItsWork(_ process: String, on host: ServiceHost) async throws {
        let status = try await host.must("cat /proc/\(process)/status /proc/1/status")
        func values(_ name: String) -> [String] {
            status.split(separator: "\n").filter { $0.hasPrefix("\(name):") }.map {
                $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
        }
        let sets = values("CapBnd").compactMap { UInt64($0, radix: 16) }
        // SYS_MODULE, RAWIO, PACCT, BOOT, TIME, TTY_CONFIG, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, WAKE_ALARM, BLOCK_SUSPEND
        let hosts: UInt64 = [16, 17, 20, 22, 25, 26, 32, 33, 34, 35, 36].reduce(0) { $0 | 1 << $1 }
        try #require(sets.count == 2, "\(status)")
        #expect(sets[0] == sets[1] & ~hosts, "\(status)")
        #expect(values("NoNewPrivs").first == "0")
        #expect(values("Seccomp_filters").first == values("Seccomp_filters").last)
        let mounts = try await host.must("readlink /proc/\(process)/ns/mnt /proc/1/ns/mnt")
        #expect(Set(mounts.split(separator: "\n")).count == 1, "\(mounts)")
    }

    @Test
    func `a removal keeps configuration and state, a purge takes both, and neither ends a task`() async throws {
        let packages = try await BuiltPackages.get()
        try await withHosts(["purge"], packages: packages) { hosts in
            let host = hosts[0]
            try await host.install(packages.older)
            try await host.must("echo 7 > /etc/mesos-master/quorum; touch /var/lib/mini-mesos/agent/state")
            let homes = try await host.must("stat -c '%U %G %a' /var/lib/mini-mesos/master /var/lib/mini-mesos/jenkins")
            #expect(homes == "mini-master mini-master 750\nmini-jenkins mini-jenkins 750")
            // It stands for the supervisor of a task that runs: what counts is which program it is.
            try await host.must("cp /bin/sleep /usr/lib/mini-mesos/mini-supervisor")
            try await host.must("systemd-run --quiet --unit task /usr/lib/mini-mesos/mini-supervisor 1000")

            let removal = try await host.must("dpkg -r mini-mesos 2>&1")
            #expect(removal.contains("tasks of this agent are running"))
            #expect(try await host.must("cat /etc/mesos-master/quorum; ls /var/lib/mini-mesos/agent") == "7\nstate")
            #expect(try await !host.run("command -v mini").succeeded)

            let purge = try await host.must("dpkg -P mini-mesos 2>&1")
            #expect(purge.contains("tasks are running; their files in /var/lib/mini-mesos/agent are left"))
            #expect(try await host.must("ls /var/lib/mini-mesos") == "agent")
            #expect(try await host.must("systemctl is-active task") == "active")

            try await host.must("systemctl stop task")
            try await host.install(packages.newer)
            #expect(try await host.must("cat /etc/mesos-master/quorum") == "1")
            try await host.must("dpkg -P mini-mesos")
            let left = try await host.must(
                "find / -xdev -name 'mini-*' -o -xdev -name 'mesos*' | sort")
            #expect(left == "")
        }
    }

    /// Installed is not started, nor enabled.
    private func expectNothingStarted(on host: ServiceHost) async throws {
        for unit in ["mini-master", "mini-agent", "mini-jenkins"] {
            #expect(try await host.run("systemctl is-enabled \(unit)").output == "disabled\n")
            #expect(try await host.run("systemctl is-active \(unit)").output == "inactive\n")
        }
        #expect(
            try await host.must("mini config explain master >/dev/null; mini config explain agent >/dev/null") == "")
        #expect(try await host.must("mesos-agent --version").hasPrefix("mesos 1."))
    }

    /// A daemon whose loop does not turn is ended and started again, with everything in its unit; tasks are not there.
    private func expectWatchdogEnds(_ units: [String], on host: ServiceHost) async throws {
        for unit in units {
            try await host.must(
                """
                mkdir -p /run/systemd/system/\(unit).service.d
                printf '[Service]\\nWatchdogSec=4s\\nKillMode=control-group\\n' > /run/systemd/system/\(unit).service.d/watchdog.conf
                """)
        }
        try await host.must("systemctl daemon-reload")
        try await host.must("systemctl restart \(units.joined(separator: " "))", within: .seconds(90))
        for unit in units {
            try await host.crash(unit, with: "STOP")
            let journal = try await host.must("journalctl --no-pager -u \(unit)")
            #expect(journal.contains("Watchdog timeout"), "\(journal)")
            try await host.must("rm -r /run/systemd/system/\(unit).service.d")
        }
        try await host.must("systemctl daemon-reload")
        try await host.must("systemctl restart \(units.joined(separator: " "))", within: .seconds(90))
    }
}
