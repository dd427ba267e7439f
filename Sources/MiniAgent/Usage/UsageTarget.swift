// Which processes of this host make up a container, and one look at what they have used.

import Glibc
import MesosProtocol
import Resources

/// What is measured for one container.
package struct UsageTarget: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A container of the engine: its main process and the engine's id for it, which its control group bears.
        case docker(pid: pid_t, id: String)
        /// A process task: the file in which its supervisor names the main process and when it started.
        case process(pidFile: String)
    }

    package var container: ContainerID
    package var source: Source

    package init(container: ContainerID, source: Source) {
        self.container = container
        self.source = source
    }

    /// - Returns: Nil if the engine's description does not say which process it is.
    init?(_ launch: Launch, _ started: StartedContainer) {
        container = launch.record.container
        switch launch.record.containerizer {
        case .process: source = .process(pidFile: launch.run.pid)
        case .docker:
            guard let process = started.engineProcess else { return nil }
            source = .docker(pid: process.pid, id: process.id)
        }
    }

    /// The main process, if it still is the one that was started.
    func mainProcess(_ file: KernelFile) -> pid_t? {
        switch source {
        case .docker(let pid, _): return pid
        case .process(let path):
            guard let content = file(path) else { return nil }
            let line = content.prefix { $0 != UInt8(ascii: "\n") }
            let words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let pid = pid_t(words[0]), let start = UInt64(words[1]),
                let stat = file("/proc/\(pid)/stat"), ProcessTable.Entry(stat: stat)?.startTicks == start
            else { return nil }
            return pid
        }
    }
}

/// Measures one container after another. Remembers where it found them, because a container's group has another name than
/// its process only has at first sight.
package struct UsageMeter: Sendable {
    private var mounts: CgroupMounts?
    private var places: [ContainerID: CgroupPlace] = [:]
    private var supervisors: [ContainerID: pid_t] = [:]
    private var ownNetwork: String?

    package init() {}

    /// - Parameters:
    ///   - table: Called at most once, if a target has no group of its own.
    ///   - detail: Whether to read what is expensive to count.
    /// - Returns: Nil if nothing of the container is there.
    mutating func measure(
        _ target: UsageTarget, table: () -> ProcessTable, detail: Bool, at now: WallTime, file: KernelFile
    ) -> ContainerUsage? {
        var usage = ContainerUsage(at: now)
        let pid = target.mainProcess(file)
        let mark =
            switch target.source {
            case .docker(_, let id): id
            case .process: target.container.value
            }
        if let place = place(of: target.container, pid, mark, file) {
            CgroupFigures.read(place, into: &usage, detail: detail, file: file)
            // A group that is gone has no files left to read.
            guard usage.cpu != nil || usage.memory.totalBytes != nil else { return nil }
            if let pid, isOwned(pid, mark, file) { usage.network = network(of: pid, file) }
            return usage
        }
        guard case .process = target.source else { return nil }
        let table = table()
        if let pid, let parent = table[pid]?.parent, parent > 1 { supervisors[target.container] = parent }
        guard let supervisor = supervisors[target.container] else { return nil }
        table.measure(supervisor, into: &usage, file: file)
        return usage.cpu == nil ? nil : usage
    }

    /// What the supervisor of a process has counted, once that has ended.
    func final(_ target: UsageTarget, at now: WallTime, file: KernelFile) -> ContainerUsage? {
        guard case .process(let path) = target.source, let content = file(path) else { return nil }
        return SupervisorStatus.usage(content, at: now)
    }

    mutating func forget(_ container: ContainerID) {
        places[container] = nil
        supervisors[container] = nil
    }

    private mutating func place(
        of container: ContainerID, _ pid: pid_t?, _ mark: String, _ file: KernelFile
    ) -> CgroupPlace? {
        if let known = places[container] { return known }
        guard let pid, let groups = file("/proc/\(pid)/cgroup") else { return nil }
        let mounts = mounts ?? CgroupMounts(mountInfo: file("/proc/self/mountinfo") ?? [])
        self.mounts = mounts
        guard let place = CgroupPlace(cgroupFile: groups, mounts: mounts, mark: mark) else { return nil }
        places[container] = place
        return place
    }

    /// Whether the pid still belongs to the container.
    private func isOwned(_ pid: pid_t, _ mark: String, _ file: KernelFile) -> Bool {
        file("/proc/\(pid)/cgroup").map { String(decoding: $0, as: UTF8.self).contains(mark) } ?? false
    }

    private mutating func network(of pid: pid_t, _ file: KernelFile) -> ContainerUsage.Network? {
        let own = ownNetwork ?? KernelFiles.namespace("net", of: "self") ?? ""
        ownNetwork = own
        guard let theirs = KernelFiles.namespace("net", of: "\(pid)"), theirs != own else { return nil }
        return file("/proc/\(pid)/net/dev").map { NetworkFigures.read($0) }
    }
}
