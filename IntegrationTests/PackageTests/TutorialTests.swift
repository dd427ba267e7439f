// The tutorial, word for word: from the package on fresh hosts to a Jenkins build that outlives everything around it.

import Foundation
import IntegrationSupport
import Processes
import Testing

/// Takes some minutes: `make test-tutorial` runs it.
@Suite(
    .serialized, .timeLimit(.minutes(20)),
    .enabled(if: ProcessInfo.processInfo.environment["TUTORIAL"] != nil, "make test-tutorial runs it"))
struct TutorialTests {
    /// What the tutorial's hosts have when it begins: what apt-get would fetch there finds itself installed.
    private static let installed = ["zookeeperd", "default-jre-headless", "curl", "busybox", "openssh-server"]

    @Test
    func `whoever follows the tutorial has a build that outlives a leader, its agent and an upgrade`() async throws {
        let page = try TutorialPage(path: "\(repository)/Docs/tutorial.md")
        try #require(page.blocks.count > 15)
        let packages = try await BuiltPackages.get()
        try await withHosts(
            TutorialHosts.addresses.map(\.name), packages: packages, network: .own, installed: Self.installed
        ) { hosts in
            let hosts = TutorialHosts(hosts)
            try await hosts.prepare(packages)
            var killed = ""
            for block in page.blocks {
                if block.script.contains("rolling-upgrade") { #expect(try await hosts.leader() != killed) }
                for name in block.hosts {
                    let host = name == "leader" ? try await hosts.leader() : name
                    if name == "leader" { killed = host }
                    let output = try await hosts.run(block, on: host)
                    if block.script.contains("/job/first/1/consoleText") {
                        #expect(output.contains(/built on a[12]\n/), "\(output)")
                    }
                    if block.script.contains("mini exec") {
                        #expect(output.contains("connected as mj-linux-"), "\(output)")
                    }
                }
            }

            for (name, _) in TutorialHosts.addresses {
                let version = try await hosts["\(name)"].must("dpkg-query -W -f '${Version}' mini-mesos")
                #expect(version == packages.newerVersion, "\(name)")
            }
            for (host, unit) in [("m1", "mini-master"), ("a1", "mini-agent"), ("j1", "mini-jenkins")] {
                #expect(try await hosts[host].property("Type", of: unit) == "notify")
                #expect(try await hosts[host].property("ActiveState", of: unit) == "active")
                // Started once by hand and once by the upgrade, never by a crash (but for the leader that was killed).
                if host != killed { #expect(try await hosts[host].property("NRestarts", of: unit) == "0") }
            }
            let status = try await hosts["j1"].property("StatusText", of: "mini-jenkins")
            #expect(status.hasPrefix("subscribed"), "\(status)")
        }
    }
}

/// The tutorial's hosts: each in a network of its own, with a cable to the first, where a bridge joins them.
struct TutorialHosts {
    static let addresses: [(name: String, address: String)] = [
        ("m1", "10.20.0.11"), ("m2", "10.20.0.12"), ("m3", "10.20.0.13"), ("a1", "10.20.0.21"),
        ("a2", "10.20.0.22"), ("j1", "10.20.0.31"),
    ]
    private let hosts: [String: ServiceHost]

    /// - Parameter hosts: In the order of ``addresses``.
    init(_ hosts: [ServiceHost]) {
        self.hosts = Dictionary(uniqueKeysWithValues: zip(Self.addresses.map(\.name), hosts))
    }

    subscript(name: String) -> ServiceHost {
        guard let host = hosts[name] else { preconditionFailure("the tutorial has no host '\(name)'") }
        return host
    }

    /// What the tutorial asks for before its first step.
    func prepare(_ packages: BuiltPackages) async throws {
        try await layCables()
        for (name, _) in Self.addresses {
            try await self[name].must(
                """
                ln -s /packages/\(packages.older) /root/
                mkdir /root/next && ln -s /packages/\(packages.newer) /root/next/
                """)
        }
        let key = try await self["j1"].must(
            """
            mkdir -p -m 700 /root/.ssh
            ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
            echo 'StrictHostKeyChecking accept-new' > /root/.ssh/config
            cat /root/.ssh/id_ed25519.pub
            """)
        for (name, _) in Self.addresses {
            try await self[name].must(
                """
                mkdir -p -m 700 /root/.ssh
                echo '\(key)' > /root/.ssh/authorized_keys
                echo 'UsePAM no' > /etc/ssh/sshd_config.d/tutorial.conf
                systemctl restart ssh
                """)
        }
    }

    private func layCables() async throws {
        var processes: [String: String] = [:]
        for (name, _) in Self.addresses {
            let inspection = try await runCommand(
                "docker", ["inspect", "--format", "{{.State.Pid}}", self[name].name], within: .seconds(20))
            processes[name] = inspection.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        func ip(_ name: String, _ words: String) async throws {
            let arguments = ["-t", processes[name] ?? "", "-n", "ip"] + words.split(separator: " ").map(String.init)
            let run = try await runCommand("nsenter", arguments, within: .seconds(20))
            guard run.succeeded else { throw HostError(description: "no cable to \(name): ip \(words): \(run)") }
        }
        let (hub, address) = Self.addresses[0]
        try await ip(hub, "link add bridge type bridge")
        try await ip(hub, "address add \(address)/24 dev bridge")
        try await ip(hub, "link set bridge up")
        for (name, address) in Self.addresses.dropFirst() {
            try await ip(hub, "link add to-\(name) type veth peer name eth0 netns \(processes[name] ?? "")")
            try await ip(hub, "link set to-\(name) master bridge up")
            try await ip(name, "address add \(address)/24 dev eth0")
            try await ip(name, "link set eth0 up")
        }
    }

    /// The host of the master that leads.
    func leader() async throws -> String {
        try await eventually("one master leads", within: .seconds(60)) {
            var leading: [String] = []
            for (name, address) in Self.addresses.prefix(3) {
                let metrics = try await self["j1"].run("curl -fsS -m 5 http://\(address):5050/metrics/snapshot")
                guard metrics.succeeded else { return nil }
                if metrics.output.contains(/"master\/elected": ?1/) { leading.append(name) }
            }
            return leading.count == 1 ? leading[0] : nil
        }
    }

    /// Runs a block as a person who stops at the first command that fails.
    ///
    /// - Returns: What it wrote.
    func run(_ block: TutorialPage.Block, on name: String) async throws -> String {
        let begin = ContinuousClock.now
        let run = try await self[name].run("set -e\n" + block.script, within: .seconds(300))
        let time = (ContinuousClock.now - begin).formatted(
            .units(allowed: [.seconds], fractionalPart: .show(length: 1)))
        print("\(block.section) · line \(block.line) · \(name) · \(time)\n\(run.output)")
        guard run.succeeded else {
            throw HostError(description: "Docs/tutorial.md, line \(block.line), on \(name): \(run)")
        }
        return run.output
    }
}
