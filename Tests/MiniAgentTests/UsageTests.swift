// What containers use, from the kernel's own files as Docker 20.10 (control groups version 1) and 28 (version 2) leave them.

import Glibc
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite struct UsageTests {
    static let engineID = "6231064ed8f53c9b1519056a44875ce2f4fd4d8c81d7f865a7d994de20fd5ed0"

    @Test func `a Docker container's figures are read from control groups of version 1`() async throws {
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: KernelSnapshot.version1.read, table: Self.noTable)
        await sampler.began(Self.docker)
        let usage = try #require(await sampler.figures().running[ContainerID("c1")])
        #expect(usage.cpu == ContainerUsage.CPU(userSeconds: 1.05, systemSeconds: 0.25))
        #expect(
            usage.throttling
                == ContainerUsage.Throttling(periods: 22, throttledPeriods: 20, throttledSeconds: 0.669206229))
        #expect(usage.cpuQuota == 0.5)
        #expect(usage.memory.totalBytes == 6_762_496)
        #expect(usage.memory.peakBytes == 8_122_368)
        #expect(usage.memory.kills == 2)
        #expect(usage.memory.limitBytes == 67_108_864)
        #expect(usage.memory.rssBytes == 65_536)
        #expect(usage.memory.cacheBytes == 6_254_592)
        #expect(usage.io?.readBytes == 4096)
        #expect(usage.io?.writtenBytes == 12_288)
        #expect(usage.io?.writes == 3)
        #expect(usage.processes == 2)
        #expect(usage.threads == 5)
    }

    @Test func `a Docker container's figures are read from control groups of version 2`() async throws {
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: KernelSnapshot.version2.read, table: Self.noTable)
        await sampler.began(Self.docker)
        let usage = try #require(await sampler.figures().running[ContainerID("c1")])
        #expect(usage.cpu == ContainerUsage.CPU(userSeconds: 2.5, systemSeconds: 0.5))
        #expect(
            usage.throttling == ContainerUsage.Throttling(periods: 40, throttledPeriods: 7, throttledSeconds: 1.25))
        #expect(usage.cpuQuota == 1.5)
        #expect(usage.memory.totalBytes == 10_485_760)
        #expect(usage.memory.peakBytes == 20_971_520)
        #expect(usage.memory.kills == 1)
        #expect(usage.memory.limitBytes == nil)
        #expect(usage.memory.rssBytes == 4_194_304)
        #expect(usage.memory.swapBytes == 0)
        #expect(usage.io?.readBytes == 8192 + 100)
        #expect(usage.io?.writes == 4)
        #expect(usage.processes == 1)
        #expect(usage.threads == 3)
    }

    @Test func `a pid that has come to mean another process has no figures`() async throws {
        var snapshot = KernelSnapshot.version2
        snapshot.files["/proc/4711/cgroup"] = "0::/system.slice/sshd.service\n"
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: snapshot.read, table: Self.noTable)
        await sampler.began(Self.docker)
        #expect(await sampler.figures().running.isEmpty)
    }

    @Test func `groups that this host does not show are not guessed at`() async throws {
        // An agent in a container whose own group is the top of what it sees.
        var snapshot = KernelSnapshot.version2
        snapshot.files["/proc/4711/cgroup"] = "0::/../docker-\(Self.engineID).scope\n"
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: snapshot.read, table: Self.noTable)
        await sampler.began(Self.docker)
        #expect(await sampler.figures().running.isEmpty)
    }

    @Test func `a process task without a group of its own is the sum of what its supervisor keeps together`()
        async throws
    {
        let snapshot = KernelSnapshot(files: [
            "/meta/forked.pid": "501 7000\n",
            "/proc/501/stat": Self.stat(501, "sh", parent: 500, own: (10, 5), waitedFor: (100, 50), start: 7000),
            "/proc/501/cgroup": "0::/user.slice\n",
            "/proc/self/mountinfo": KernelSnapshot.unifiedMount,
            "/proc/502/io": "rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n",
        ])
        let stats = [
            Self.stat(500, "mini-supervisor", parent: 1, own: (0, 1), waitedFor: (7, 0), start: 6999),
            Self.stat(501, "sh", parent: 500, own: (10, 5), waitedFor: (100, 50), start: 7000),
            Self.stat(
                502, "a) b (c", parent: 501, own: (200, 0), waitedFor: (0, 0), start: 7001, threads: 4, pages: 10),
            Self.stat(900, "stranger", parent: 1, own: (9999, 0), waitedFor: (0, 0), start: 1),
        ]
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: snapshot.read) {
            ProcessTable(stats.compactMap { ProcessTable.Entry(stat: Array($0.utf8)) })
        }
        await sampler.began(UsageTarget(container: ContainerID("p1"), source: .process(pidFile: "/meta/forked.pid")))
        let usage = try #require(await sampler.figures().running[ContainerID("p1")])
        #expect(usage.cpu == ContainerUsage.CPU(userSeconds: 3.17, systemSeconds: 0.56))
        #expect(usage.processes == 2)
        #expect(usage.threads == 5)
        #expect(usage.memory.rssBytes == 11 * KernelFiles.pageBytes)
        #expect(usage.io?.writtenBytes == 8192)
        #expect(usage.network == nil)
    }

    @Test func `a task too short to be looked at shows what its supervisor has counted`() async throws {
        let snapshot = KernelSnapshot(files: ["/meta/c.process": "501 7000\n256 250000 50000 5120\n"])
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: snapshot.read, table: Self.noTable)
        let container = ContainerID("p1")
        await sampler.began(UsageTarget(container: container, source: .process(pidFile: "/meta/c.process")))
        await sampler.ended(container)
        let usage = try #require(await sampler.figures().ended[container])
        #expect(usage.cpu == ContainerUsage.CPU(userSeconds: 0.25, systemSeconds: 0.05))
        #expect(usage.memory.peakBytes == 5120 << 10)
    }

    @Test func `peaks and times survive the container's end and can still be read`() async throws {
        let files = ChangingFiles(KernelSnapshot.version2.files)
        let sampler = UsageSampler(settings: .onlyWhenAsked, file: { files.read($0) }, table: Self.noTable)
        await sampler.began(Self.docker)
        _ = await sampler.figures()
        files.removeAll(below: KernelSnapshot.unifiedFolder)
        await sampler.ended(ContainerID("c1"))
        let figures = await sampler.figures()
        #expect(figures.running.isEmpty)
        #expect(figures.ended[ContainerID("c1")]?.cpu?.userSeconds == 2.5)
        #expect(figures.ended[ContainerID("c1")]?.memory.peakBytes == 20_971_520)
    }

    @Test func `only so many ended containers are remembered, the newest`() async throws {
        var settings = UsageSampler.Settings.onlyWhenAsked
        settings.endedMax = 2
        let sampler = UsageSampler(settings: settings, file: KernelSnapshot.version2.read, table: Self.noTable)
        for name in ["a", "b", "c"] {
            await sampler.began(
                UsageTarget(container: ContainerID(name), source: .docker(pid: 4711, id: Self.engineID)))
            _ = await sampler.figures()
            await sampler.ended(ContainerID(name))
        }
        #expect(await sampler.figures().ended.keys.sorted() == [ContainerID("b"), ContainerID("c")])
    }

    @Test func `lines that make no sense are left out`() {
        #expect(ProcessTable.Entry(stat: Array("4 (half".utf8)) == nil)
        #expect(ProcessTable.Entry(stat: Array("x (sh) S 1".utf8)) == nil)
        #expect(ProcessTable.Entry(stat: []) == nil)
        #expect(
            CgroupPlace(cgroupFile: Array("nonsense\n::\n".utf8), mounts: CgroupMounts(mountInfo: []), mark: "x") == nil
        )
    }

    private static let docker = UsageTarget(container: ContainerID("c1"), source: .docker(pid: 4711, id: engineID))
    private static let noTable: @Sendable () -> ProcessTable = { ProcessTable([]) }

    private static func stat(
        _ pid: Int, _ name: String, parent: Int, own: (Int, Int), waitedFor: (Int, Int), start: Int, threads: Int = 1,
        pages: Int = 1
    ) -> String {
        "\(pid) (\(name)) S \(parent) \(pid) \(pid) 0 -1 4194560 1077 286 1 0 \(own.0) \(own.1) \(waitedFor.0) "
            + "\(waitedFor.1) 20 0 \(threads) 0 \(start) 2322432 \(pages) 18446744073709551615 0 0 0 0 0 0 0 4 65538 0"
    }
}

extension UsageSampler.Settings {
    static var onlyWhenAsked: UsageSampler.Settings {
        var settings = UsageSampler.Settings()
        settings.interval = .zero
        settings.freshFor = .zero
        return settings
    }
}
