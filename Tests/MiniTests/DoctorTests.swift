// What the doctor says of a host, by what was seen there.

import Foundation
import Testing

@testable import mini

@Suite struct DoctorTests {
    /// A host at which nothing is wrong.
    private static var well: HostFacts {
        var facts = HostFacts()
        facts.kernel = "5.15.0-91-generic"
        facts.forwardsIP = true
        facts.cgroups = .v2
        facts.limits = .init(files: 1024, filesMax: 1 << 20, pids: 4 << 20, groupPids: nil)
        facts.folders = [
            .init(
                use: .work, path: "/var/lib/mesos", freeBytes: 80 << 30, totalBytes: 100 << 30, freeFiles: 900_000,
                totalFiles: 1_000_000, flush: .milliseconds(8))
        ]
        facts.engine = engine
        facts.port = .init(number: 5051, condition: .free)
        facts.name = .init(name: "node-7", addresses: ["10.0.0.7"])
        facts.zooKeepers = [.init(address: "zk1:2181", answer: .serving(mode: "leader"))]
        facts.masters = [.init(url: "http://10.0.0.1:5050", answer: .answered(status: 200), clockAhead: 0.3)]
        return facts
    }

    private static var engine: HostFacts.Engine {
        var engine = HostFacts.Engine(socket: "/var/run/docker.sock", condition: .answers)
        engine.version = "24.0.7"
        engine.storageDriver = "overlay2"
        engine.storage = ["Backing Filesystem": "extfs", "Supports d_type": "true"]
        engine.cgroupDriver = "systemd"
        return engine
    }

    @Test func `a host at which nothing is wrong is told so, check by check, with exit status 0`() {
        let findings = Self.well.findings
        #expect(findings.filter { $0.severity != .fine } == [])
        #expect(findings.exitStatus == 0)
        let checks = Set(findings.map(\.check))
        for check in [
            "ip_forward", "cgroups", "kernel", "user", "open files", "process ids", "disk (work_dir)", "engine",
            "storage driver", "engine's access", "port", "host name", "ZooKeeper zk1:2181",
            "master http://10.0.0.1:5050", "clock",
        ] {
            #expect(checks.contains(check), "\(check)")
        }
    }

    /// One thing that is wrong, and what is said about it.
    struct Illness: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var check: String
        var severity: Finding.Severity
        var text: String
        var fix: String
        var change: @Sendable (inout HostFacts) -> Void
    }

    static let illnesses: [Illness] = [
        .init(
            testDescription: "no forwarding", check: "ip_forward", severity: .problem, text: "reach nobody",
            fix: "net.ipv4.ip_forward=1"
        ) { $0.forwardsIP = false },
        .init(
            testDescription: "no forwarding, no Docker", check: "ip_forward", severity: .warning,
            text: "is 0", fix: "net.ipv4.ip_forward=1"
        ) { ($0.forwardsIP, $0.engine) = (false, nil) },
        .init(
            testDescription: "two versions of control groups", check: "cgroups", severity: .warning, text: "hybrid",
            fix: "systemd.unified_cgroup_hierarchy=1"
        ) { $0.cgroups = .hybrid },
        .init(
            testDescription: "no control groups", check: "cgroups", severity: .problem, text: "no control groups",
            fix: "cgroup2"
        ) { $0.cgroups = HostFacts.ControlGroups.none },
        .init(
            testDescription: "an old kernel", check: "kernel", severity: .warning, text: "unregister_netdevice",
            fix: "4.19"
        ) { $0.kernel = "3.10.0-957.el7.x86_64" },
        .init(
            testDescription: "not root", check: "user", severity: .problem, text: "ci is not root",
            fix: "--no-switch_user"
        ) { $0.user = .init(id: 1000, name: "ci") },
        .init(
            testDescription: "few files", check: "open files", severity: .warning, text: "4096", fix: "LimitNOFILE"
        ) { $0.limits.filesMax = 4096 },
        .init(
            testDescription: "few process ids", check: "process ids", severity: .warning, text: "4096",
            fix: "kernel.pid_max"
        ) { $0.limits.pids = 4096 },
        .init(
            testDescription: "a service with few processes", check: "processes of the service", severity: .warning,
            text: "4915", fix: "TasksMax"
        ) { $0.limits.groupPids = 4915 },
        .init(
            testDescription: "a full disk", check: "disk (work_dir)", severity: .problem, text: "0.5 GiB of 100.0",
            fix: "larger disk"
        ) { $0.folders[0].freeBytes = 512 << 20 },
        .init(
            testDescription: "a disk that fills up", check: "disk (work_dir)", severity: .warning,
            text: "10.0 GiB of 100.0", fix: "gc_delay"
        ) { $0.folders[0].freeBytes = 10 << 30 },
        .init(
            testDescription: "no inodes", check: "disk (work_dir)", severity: .warning, text: "inodes",
            fix: "sandboxes"
        ) { $0.folders[0].freeFiles = 20_000 },
        .init(
            testDescription: "a work_dir that cannot be written", check: "disk (work_dir)", severity: .problem,
            text: "not writable", fix: "--work_dir"
        ) { $0.folders[0].fault = "not writable" },
        .init(
            testDescription: "a work_dir in memory", check: "disk (work_dir)", severity: .warning, text: "in memory",
            fix: "--work_dir"
        ) { $0.folders[0].isInMemory = true },
        .init(
            testDescription: "a work_dir without programs", check: "disk (work_dir)", severity: .problem,
            text: "noexec", fix: "noexec"
        ) { $0.folders[0].allowsPrograms = false },
        .init(
            testDescription: "a slow disk", check: "disk (work_dir)", severity: .warning, text: "a flush takes 45.0 ms",
            fix: "faster disk"
        ) { $0.folders[0].flush = .milliseconds(45) },
        .init(
            testDescription: "an engine on a slow disk", check: "disk (engine's data)", severity: .warning,
            text: "forty times for each container", fix: "faster disk"
        ) { facts in
            facts.folders.append(facts.folders[0])
            facts.folders[1].use = .engine
            facts.folders[1].flush = .milliseconds(45)
        },
        .init(
            testDescription: "no engine", check: "engine", severity: .problem, text: "nothing listens",
            fix: "systemctl start docker"
        ) { $0.engine?.condition = .absent },
        .init(
            testDescription: "a forbidden engine", check: "engine", severity: .problem, text: "ci may not use",
            fix: "usermod -aG docker ci"
        ) {
            $0.user = .init(id: 1000, name: "ci", switchesUser: false)
            $0.engine?.condition = .denied
        },
        .init(
            testDescription: "an engine that hangs", check: "engine", severity: .problem, text: "hangs",
            fix: "systemctl restart docker"
        ) { $0.engine?.condition = .silent(seconds: 10) },
        .init(
            testDescription: "a very old engine", check: "engine", severity: .problem, text: "1.12.6", fix: "20.10"
        ) { $0.engine?.version = "1.12.6" },
        .init(
            testDescription: "an engine with a known hole", check: "engine", severity: .warning,
            text: "CVE-2019-5736", fix: "20.10"
        ) { $0.engine?.version = "18.09.1-ce" },
        .init(
            testDescription: "vfs", check: "storage driver", severity: .warning, text: "copies", fix: "overlay2"
        ) { $0.engine?.storageDriver = "vfs" },
        .init(
            testDescription: "overlay2 without d_type", check: "storage driver", severity: .problem, text: "d_type",
            fix: "ftype=1"
        ) { $0.engine?.storage = ["Backing Filesystem": "xfs", "Supports d_type": "false"] },
        .init(
            testDescription: "devicemapper on loopback", check: "thin pool", severity: .problem, text: "loopback",
            fix: "dm.thinpooldev"
        ) {
            $0.engine?.storageDriver = "devicemapper"
            $0.engine?.storage = ["Data loop file": "/var/lib/docker/devicemapper/devicemapper/data"]
        },
        .init(
            testDescription: "a full thin pool", check: "thin pool", severity: .problem, text: "4 % of the data space",
            fix: "lvextend"
        ) {
            $0.engine?.storageDriver = "devicemapper"
            $0.engine?.storage = [
                "Pool Name": "docker-thinpool", "Data Space Available": "4.2GB", "Data Space Total": "102 GB",
            ]
        },
        .init(
            testDescription: "xfs that tries for ever", check: "thin pool", severity: .problem, text: "for ever",
            fix: "dm.xfs_nospace_max_retries=0"
        ) {
            $0.engine?.storageDriver = "devicemapper"
            $0.engine?.storage = ["Backing Filesystem": "xfs", "Pool Name": "docker-thinpool"]
        },
        .init(
            testDescription: "an open engine", check: "engine's access", severity: .problem,
            text: "tcp://0.0.0.0:2375", fix: "--tlsverify"
        ) { $0.engine?.openAddresses = ["tcp://0.0.0.0:2375"] },
        .init(
            testDescription: "two drivers of control groups", check: "cgroups", severity: .warning, text: "cgroupfs",
            fix: "native.cgroupdriver=systemd"
        ) { $0.engine?.cgroupDriver = "cgroupfs" },
        .init(
            testDescription: "a taken port", check: "port", severity: .problem, text: "no agent listens on 5051",
            fix: "ss -ltnp"
        ) { $0.port?.condition = .taken },
        .init(
            testDescription: "a name that is everybody's own", check: "host name", severity: .warning,
            text: "127.0.1.1", fix: "/etc/hosts"
        ) { $0.name?.addresses = ["127.0.1.1"] },
        .init(
            testDescription: "a name nobody knows", check: "host name", severity: .warning, text: "nobody knows",
            fix: "--hostname"
        ) { $0.name?.addresses = [] },
        .init(
            testDescription: "one ZooKeeper server of two is away", check: "ZooKeeper zk2:2181", severity: .warning,
            text: "Connection refused", fix: "nc -vz zk2 2181"
        ) { $0.zooKeepers.append(.init(address: "zk2:2181", answer: .unreachable("Connection refused"))) },
        .init(
            testDescription: "ZooKeeper without quorum", check: "ZooKeeper zk1:2181", severity: .problem,
            text: "no quorum", fix: "other servers"
        ) { $0.zooKeepers[0].answer = .notServing },
        .init(
            testDescription: "no master leads", check: "master", severity: .problem, text: "none is elected",
            fix: "start the masters"
        ) { ($0.masters, $0.leaderUnknown) = ([], "none is elected at /mesos") },
        .init(
            testDescription: "a master that cannot be reached", check: "master http://10.0.0.1:5050",
            severity: .problem, text: "timed out", fix: "port"
        ) { $0.masters[0].answer = .unreachable("timed out") },
        .init(
            testDescription: "a clock that is a little off", check: "clock", severity: .warning, text: "5 s behind",
            fix: "chrony"
        ) { $0.masters[0].clockAhead = -5.2 },
        .init(
            testDescription: "a clock that is far off", check: "clock", severity: .problem, text: "300 s ahead",
            fix: "set-ntp"
        ) { $0.masters[0].clockAhead = 300 },
    ]

    @Test(arguments: illnesses) func `what is wrong is said, with the name of what mends it`(_ illness: Illness) throws
    {
        var facts = Self.well
        illness.change(&facts)
        let findings = facts.findings
        let finding = try #require(findings.first { $0.check == illness.check && $0.severity == illness.severity })
        #expect(finding.text.contains(illness.text), "\(finding.text)")
        #expect(finding.fix?.contains(illness.fix) == true, "\(finding.fix ?? "")")
        #expect(findings.exitStatus == (findings.contains { $0.severity == .problem } ? 2 : 1))
    }

    @Test func `one wrong thing spoils nothing else`() {
        for illness in Self.illnesses where illness.testDescription != "a forbidden engine" {
            var facts = Self.well
            illness.change(&facts)
            let others = facts.findings.filter { $0.severity > illness.severity && $0.check != illness.check }
            #expect(others == [], "\(illness.testDescription)")
        }
    }

    @Test func `an engine's answer and its command line are understood`() throws {
        var engine = HostFacts.Engine(socket: "/var/run/docker.sock", condition: .answers)
        EngineLook.read(
            [
                "ServerVersion": "1.13.1", "Driver": "devicemapper", "CgroupDriver": "cgroupfs",
                "LiveRestoreEnabled": false, "DockerRootDir": "/var/lib/docker",
                "DriverStatus": [["Pool Name", "docker-thinpool"], ["Data Space Total", "102 GB"]],
                "Warnings": ["WARNING: No swap limit support"],
            ], into: &engine)
        #expect(engine.version == "1.13.1")
        #expect(engine.storage["Pool Name"] == "docker-thinpool")
        #expect(engine.warnings == ["WARNING: No swap limit support"])
        EngineLook.read(
            [
                "dockerd", "-H", "fd://", "-Htcp://0.0.0.0:2375", "--host=tcp://10.0.0.7:4243", "--storage-opt",
                "dm.xfs_nospace_max_retries=0",
            ], [:], into: &engine)
        #expect(engine.openAddresses == ["tcp://0.0.0.0:2375", "tcp://10.0.0.7:4243"])
        #expect(engine.xfsRetries == 0)
        var guarded = HostFacts.Engine(socket: "/var/run/docker.sock", condition: .answers)
        EngineLook.read(["dockerd", "--tlsverify"], ["hosts": ["tcp://0.0.0.0:2376"]], into: &guarded)
        #expect(guarded.openAddresses == [])
    }

    @Test func `sizes, versions, dates and ZooKeeper's words are read`() {
        #expect(HostFacts.bytes("1.5 GB") == 1.5e9)
        #expect(HostFacts.bytes("512kB") == 512e3)
        #expect(HostFacts.bytes("plenty") == nil)
        #expect(LooseVersion("18.09.1-ce") == LooseVersion(18, 9, 1))
        #expect(LooseVersion("dev") == nil)
        #expect(DateHeader.parse("Sun, 06 Nov 1994 08:49:37 GMT") == Date(timeIntervalSince1970: 784_111_777))
        let then = Date(timeIntervalSince1970: 1000)
        #expect(MasterLook.clockAhead(of: then, at: Date(timeIntervalSince1970: 1000.9)) == 0)
        #expect(MasterLook.clockAhead(of: then, at: Date(timeIntervalSince1970: 1005)) == 4)
        #expect(MasterLook.clockAhead(of: then, at: Date(timeIntervalSince1970: 990)) == -10)
        #expect(
            FourLetterWord.judge("Zookeeper version: 3.8.0\nMode: follower\nNode count: 5\n")
                == .serving(mode: "follower"))
        #expect(FourLetterWord.judge("This ZooKeeper instance is not currently serving requests\n") == .notServing)
        #expect(FourLetterWord.judge("srvr is not executed because it is not in the whitelist.\n") == .silent)
    }

    @Test func `the report names each fix under its line, and says how many there are`() throws {
        let report = DoctorReport(findings: [
            .fine("kernel", "6.1"), .problem("port", "taken", fix: "free it"), .warning("clock", "off", fix: "set it"),
        ])
        #expect(
            report.text == """
                ok       kernel  6.1
                problem  port    taken
                                 -> free it
                warning  clock   off
                                 -> set it
                1 problem, 1 warning, 1 fine
                """)
        #expect(DoctorReport(findings: []).text == "0 problems, 0 warnings, 0 fine")
        let document = try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any]
        #expect(document?["exit_status"] as? Int == 2)
        #expect((document?["findings"] as? [[String: String]])?.map { $0["fix"] } == [nil, "free it", "set it"])
    }

    @Test func `a flush is timed where files can be made, and nothing is left of it`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let time = try #require(HostLook.flush(in: directory))
        #expect(time > .zero)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
        #expect(HostLook.flush(in: "\(directory)/nowhere") == nil)
    }
}
