// Network namespaces of a cluster, decided before any is made.

import Testing

@testable import DevCluster

@Suite struct NetworkPlanTests {
    private let network = NetworkPlan(tag: "abc", prefix: "198.18.7", names: ["master-1", "agent-1"])

    @Test func `in namespaces each process listens on an address of its own`() {
        var options = ClusterOptions(masters: 1, agents: 1, executable: "mini")
        options.network = .namespaces
        let plan = ClusterPlan(
            options: options, directory: "/d", ports: [7000, 7001], zooKeeperURL: nil, containerizers: "process",
            host: HostCapacity(cpus: 4, memoryMiB: 9216), network: network)
        #expect(plan.masters.map(\.url) == ["http://198.18.7.10:7000"])
        #expect(plan.agents.map(\.url) == ["http://198.18.7.11:7001"])
        #expect(plan.agents[0].namespace == "mini-abc-agent-1")
        #expect(plan.agents[0].arguments.contains("--master=198.18.7.10:7000"))
        #expect(plan.agents[0].arguments.contains("--ip=198.18.7.11"))
    }

    @Test func `every process gets a cable to the bridge, and this host one`() {
        let commands = network.commands.map { $0.joined(separator: " ") }
        #expect(
            commands.prefix(3) == [
                "netns add mini-abc-hub", "netns add mini-abc-master-1", "netns add mini-abc-agent-1",
            ])
        #expect(commands.contains("link add miniabc type veth peer name host netns mini-abc-hub"))
        #expect(commands.contains("-n mini-abc-agent-1 address add 198.18.7.11/24 dev eth0"))
        #expect(commands.count { $0.contains("type veth") } == 3)
    }

    @Test func `a link is cut and mended at both of its ends`() {
        let cut = network.linkCommands("master-1", "agent-1", isCut: true).map { $0.joined(separator: " ") }
        #expect(
            cut == [
                "-n mini-abc-master-1 neighbour replace 198.18.7.11 lladdr 02:00:00:00:00:01 nud permanent dev eth0",
                "-n mini-abc-agent-1 neighbour replace 198.18.7.10 lladdr 02:00:00:00:00:01 nud permanent dev eth0",
            ])
        let mended = network.linkCommands("agent-1", nil, isCut: false).map { $0.joined(separator: " ") }
        #expect(
            mended == [
                "-n mini-abc-agent-1 neighbour delete 198.18.7.1 dev eth0", "neighbour delete 198.18.7.11 dev miniabc",
            ])
    }

    @Test func `containers and a ZooKeeper elsewhere do not go with namespaces`() {
        var options = ClusterOptions(masters: 1, containerizer: .docker, executable: "mini")
        options.network = .namespaces
        #expect(throws: ClusterError.self) { try options.validate() }
        options.containerizer = .process
        #expect(throws: Never.self) { try options.validate() }
        options.zooKeeper = .external("zk://z:1/mesos")
        #expect(throws: ClusterError.self) { try options.validate() }
    }

    @Test func `the name of the device fits what the kernel allows`() {
        let longest = NetworkPlan(tag: String(ClusterID.random().prefix(10)), prefix: "198.18.7", names: [])
        let device = longest.commands.first { $0.starts(with: ["link", "add"]) }?[2] ?? ""
        #expect(device.utf8.count <= 15)
    }
}
