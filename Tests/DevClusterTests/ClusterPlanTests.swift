// What a cluster consists of, decided before anything is started.

import Testing

@testable import DevCluster

@Suite struct ClusterPlanTests {
    private let host = HostCapacity(cpus: 4, memoryMiB: 9216)

    private func plan(_ options: ClusterOptions, zooKeeperURL: String?) -> ClusterPlan {
        ClusterPlan(
            options: options, directory: "/d", ports: Array(7000..<(7000 + options.masters + options.agents)),
            zooKeeperURL: zooKeeperURL, containerizers: "process", host: host)
    }

    @Test func `masters take the first ports and agents the following`() {
        let plan = plan(ClusterOptions(masters: 3, agents: 2, executable: "mini"), zooKeeperURL: "zk://z:1/mesos")
        #expect(plan.masters.map(\.url).last == "http://127.0.0.1:7002")
        #expect(plan.agents.map(\.url) == ["http://127.0.0.1:7003", "http://127.0.0.1:7004"])
        #expect((plan.masters + plan.agents).map(\.name) == ["master-1", "master-2", "master-3", "agent-1", "agent-2"])
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 2), (5, 3)])
    func `the quorum is a majority of the masters`(masters: Int, quorum: Int) {
        let plan = plan(ClusterOptions(masters: masters, executable: "mini"), zooKeeperURL: "zk://z:1/mesos")
        #expect(plan.masters.allSatisfy { $0.arguments.contains("--quorum=\(quorum)") })
    }

    @Test func `a master on its own is found by its address`() {
        let plan = plan(ClusterOptions(masters: 1, agents: 1, executable: "mini"), zooKeeperURL: nil)
        #expect(plan.agents[0].arguments.contains("--master=127.0.0.1:7000"))
        #expect(!plan.masters[0].arguments.contains { $0.hasPrefix("--zk=") || $0.hasPrefix("--quorum=") })
    }

    @Test func `agents of one host share its memory and ports, and each offers all CPUs`() {
        #expect(host.agentResources(offset: 0, of: 2) == "cpus:4;mem:4096;disk:4096;ports:[31000-31499]")
        #expect(host.agentResources(offset: 1, of: 2) == "cpus:4;mem:4096;disk:4096;ports:[31500-31999]")
    }

    @Test(arguments: [
        (ClusterOptions(masters: 0, executable: "mini"), "--masters must be 1 to 9, not 0"),
        (ClusterOptions(agents: -1, executable: "mini"), "--agents must be 0 to 100, not -1"),
        (ClusterOptions(basePort: 70_000, executable: "mini"), "--base_port must be 0 to 65000, not 70000"),
        (
            ClusterOptions(masters: 3, zooKeeper: .none, executable: "mini"),
            "--zk=none allows one master only, not 3: without ZooKeeper nothing elects a leader"
        ),
    ])
    func `what cannot be is refused before anything starts`(options: ClusterOptions, reason: String) {
        let error = #expect(throws: ClusterError.self) { try options.validate() }
        #expect(error?.description == reason)
    }
}

@Suite struct ClusterTeardownTests {
    private let teardown = ClusterTeardown(clusterID: "abc", directory: "/tmp/mini-x", dockerSocket: "/none")

    private func process(_ commandLine: String, environment: String = "") -> RunningProcess {
        RunningProcess(
            pid: 10, parent: 1, startTime: 1, commandLine: commandLine, environment: environment, isZombie: false)
    }

    @Test func `a process with the cluster's mark belongs to it`() {
        #expect(teardown.owns(process("java", environment: "PATH=/bin\nMINI_CLUSTER_ID=abc\nHOME=/root\n")))
        #expect(!teardown.owns(process("java", environment: "MINI_CLUSTER_ID=abcd\n")))
    }

    @Test func `a process that works in the cluster's folder belongs to it, however it was started`() {
        #expect(teardown.owns(process("mini\nmaster\n--work_dir=/tmp/mini-x/master-1")))
        #expect(!teardown.owns(process("mini\nmaster\n--work_dir=/tmp/mini-xy/master-1")))
    }

    @Test func `descendants are found whatever they are called, zombies are not`() {
        var table = ProcessTable(processes: [])
        for (pid, parent, name, isZombie) in [
            (2, 1, "supervisor /tmp/mini-x/a", false), (3, 2, "sh", false), (4, 3, "sleep", false),
            (5, 3, "dead", true),
            (6, 1, "other", false),
        ] {
            table.processes.append(
                RunningProcess(
                    pid: Int32(pid), parent: Int32(parent), startTime: 1, commandLine: name, environment: "",
                    isZombie: isZombie))
        }
        #expect(table.trees { teardown.owns($0) }.map(\.pid) == [2, 3, 4])
    }
}
