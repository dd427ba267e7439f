// Control groups of process tasks, on folders that stand in for the kernel's.

import Glibc
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct CgroupTests {
    private let directory = TemporaryDirectory()
    private let container = ContainerID("c1")

    private func text(_ path: String) -> String? { CgroupFile.read("\(directory.path)/\(path)") }

    private func write(_ text: String, _ path: String) throws {
        try DurableFile.makeDirectories(DurableFile.parent(of: "\(directory.path)/\(path)"))
        try CgroupFile.write(text, to: "\(directory.path)/\(path)")
    }

    private func separate(_ controllers: Set<CgroupController> = Set(CgroupController.allCases)) -> CgroupHierarchy {
        for controller in controllers { mkdir("\(directory.path)/\(controller.rawValue)", 0o755) }
        return CgroupHierarchy.find(mount: directory.path, root: "mesos", wanted: Set(CgroupController.allCases))
    }

    private func unified(_ controllers: String = "cpu memory pids") throws -> CgroupHierarchy {
        for path in ["", "mesos/"] {
            try write(controllers, "\(path)cgroup.controllers")
            try write("", "\(path)cgroup.subtree_control")
        }
        return CgroupHierarchy.find(mount: directory.path, root: "mesos", wanted: Set(CgroupController.allCases))
    }

    private static func info(cpus: Double = 0.5, mem: Double = 64, limits: [String: Double] = [:]) -> V1TaskInfo {
        var info = V1TaskInfo()
        info.resources = [("cpus", cpus), ("mem", mem)].map { name, value in
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            return resource
        }
        info.limits = limits.mapValues { value in
            var scalar = V1Value.Scalar()
            scalar.value = value
            return scalar
        }
        return info
    }

    // MARK: Limits

    @Test func `cpus become shares, and a quota only where one is wanted`() {
        #expect(CgroupLimits(Self.info(), enforcesQuota: false).cpuShares == 512)
        #expect(CgroupLimits(Self.info(cpus: 0.001), enforcesQuota: false).cpuShares == 2)
        #expect(CgroupLimits(Self.info(), enforcesQuota: false).cpuQuotaMicroseconds == nil)
        #expect(CgroupLimits(Self.info(), enforcesQuota: true).cpuQuotaMicroseconds == 50_000)
        #expect(CgroupLimits(Self.info(limits: ["cpus": 2]), enforcesQuota: false).cpuQuotaMicroseconds == 200_000)
        #expect(CgroupLimits(Self.info(limits: ["cpus": 0.001]), enforcesQuota: true).cpuQuotaMicroseconds == 1_000)
        #expect(
            CgroupLimits(Self.info(limits: ["cpus": .infinity]), enforcesQuota: true).cpuQuotaMicroseconds == nil)
    }

    @Test func `memory is limited by the request unless the task brings a limit`() {
        let mebibyte: Int64 = 1 << 20
        #expect(CgroupLimits(Self.info(), enforcesQuota: false).memoryBytes == 96 * mebibyte)
        #expect(CgroupLimits(Self.info(), enforcesQuota: false).memoryReservationBytes == nil)
        let limited = CgroupLimits(Self.info(limits: ["mem": 256]), enforcesQuota: false)
        #expect(limited.memoryBytes == 288 * mebibyte)
        #expect(limited.memoryReservationBytes == 96 * mebibyte)
        #expect(CgroupLimits(Self.info(limits: ["mem": .infinity]), enforcesQuota: false).memoryBytes == nil)
        #expect(CgroupLimits(Self.info(mem: 0), enforcesQuota: false).memoryBytes == nil)
    }

    @Test(arguments: [(1024 as Double, 10_000 as Int64), (0.001, 1), (1, 39)])
    func `shares become the weight that stands in the same place`(cpus: Double, weight: Int64) {
        #expect(CgroupLimits(Self.info(cpus: cpus), enforcesQuota: false).cpuWeight == weight)
    }

    // MARK: Groups

    @Test func `a container gets a group in each tree, with its limits`() throws {
        let hierarchy = separate()
        #expect(hierarchy.layout == .separate)
        #expect(hierarchy.refusals == [:])
        let limits = CgroupLimits(
            Self.info(limits: ["cpus": 1, "mem": 128]), enforcesQuota: false, pidsMax: 50, limitsSwap: true)
        let procs = try CgroupIsolation(hierarchy).create(container, limits)
        #expect(
            procs
                == ["cpu", "freezer", "memory", "pids"].map { "\(directory.path)/\($0)/mesos/c1/cgroup.procs" })
        #expect(text("cpu/mesos/c1/cpu.shares") == "512")
        #expect(text("cpu/mesos/c1/cpu.cfs_quota_us") == "100000")
        #expect(text("memory/mesos/c1/memory.limit_in_bytes") == "\(160 << 20)")
        #expect(text("memory/mesos/c1/memory.memsw.limit_in_bytes") == "\(160 << 20)")
        #expect(text("memory/mesos/c1/memory.soft_limit_in_bytes") == "\(96 << 20)")
        #expect(text("pids/mesos/c1/pids.max") == "50")
    }

    @Test func `in the unified tree a container gets one group`() throws {
        let hierarchy = try unified()
        #expect(hierarchy.layout == .unified)
        #expect(hierarchy.refusals == [:])
        let limits = CgroupLimits(Self.info(), enforcesQuota: true, pidsMax: 50)
        let procs = try CgroupIsolation(hierarchy).create(container, limits)
        #expect(procs == ["\(directory.path)/mesos/c1/cgroup.procs"])
        #expect(text("mesos/c1/cpu.max") == "50000 100000")
        #expect(text("mesos/c1/memory.max") == "\(96 << 20)")
        #expect(text("mesos/c1/memory.oom.group") == "1")
        #expect(text("mesos/c1/pids.max") == "50")
    }

    @Test func `a controller that is not there is named, and the others are used`() throws {
        let hierarchy = separate([.cpu])
        #expect(hierarchy.folders.keys.sorted() == [.cpu])
        #expect(hierarchy.refusals[.memory] == "there is no \(directory.path)/memory")
        let choice = IsolationChoice(isolation: ["cgroups/cpu", "cgroups/mem"], launcher: "posix")
        let report = choice.report(hierarchy)
        #expect(report.map(\.name) == ["cpu", "memory", "pids"])
        #expect(report[0].text == "cgroups v1")
        #expect(report[1].text == "not isolated: there is no \(directory.path)/memory")
        #expect(report[2].text == "not isolated")
    }

    @Test func `a controller that the parent does not hand down is named`() throws {
        let hierarchy = try unified("cpu")
        #expect(hierarchy.folders.keys.sorted() == [.cpu, .freezer])
        #expect(hierarchy.refusals[.memory] == "\(directory.path) has no memory controller")
    }

    @Test func `the isolators of Apache Mesos are understood, and what is not here is named`() {
        let choice = IsolationChoice(
            isolation: ["posix/cpu", "cgroups/mem", "docker/runtime"], launcher: "posix")
        #expect(choice.controllers == [.memory, .freezer])
        #expect(choice.unknown == ["docker/runtime"])
        #expect(IsolationChoice(isolation: ["posix/cpu", "posix/mem"], launcher: "posix").controllers == [])
        #expect(IsolationChoice(isolation: [], launcher: "linux").controllers == [.freezer])
    }

    // MARK: The end

    @Test func `a kill for memory is recognised and described`() throws {
        let isolation = CgroupIsolation(separate())
        _ = try isolation.create(container, CgroupLimits(Self.info(), enforcesQuota: false))
        try write("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "memory/mesos/c1/memory.oom_control")
        #expect(isolation.memoryReport(container) == nil)
        try write("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "memory/mesos/c1/memory.oom_control")
        try write("\(96 << 20)\n", "memory/mesos/c1/memory.max_usage_in_bytes")
        try write("cache 0\nrss 100\n", "memory/mesos/c1/memory.stat")
        #expect(
            isolation.memoryReport(container)
                == "Memory limit exceeded: Requested: 96MB Maximum Used: 96MB\n\nMEMORY STATISTICS: \ncache 0\nrss 100")
    }

    @Test func `in the unified tree the kernel's kill takes the whole group`() throws {
        let isolation = CgroupIsolation(try unified())
        _ = try isolation.create(container, CgroupLimits(Self.info(), enforcesQuota: false))
        isolation.kill(container)
        #expect(text("mesos/c1/cgroup.kill") == "1")
        try write("low 0\noom 1\noom_kill 2\n", "mesos/c1/memory.events")
        #expect(isolation.memoryReport(container)?.hasPrefix("Memory limit exceeded: Requested: 96MB") == true)
    }

    @Test func `groups are removed with those below them`() throws {
        let isolation = CgroupIsolation(separate([.cpu]))
        try DurableFile.makeDirectories("\(directory.path)/cpu/mesos/c1/deep/deeper")
        #expect(isolation.remove(container))
        #expect(access("\(directory.path)/cpu/mesos/c1", F_OK) != 0)
        #expect(access("\(directory.path)/cpu/mesos", F_OK) == 0)
        #expect(isolation.remove(container), "again")
    }
}
