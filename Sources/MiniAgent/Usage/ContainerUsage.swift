// What a container has used so far, in the units of the kernel's own counters.

import Resources

/// One look at a container. What could not be found out is absent, never zero.
package struct ContainerUsage: Hashable, Sendable {
    /// Times since the container's start. They never go back.
    package struct CPU: Hashable, Sendable {
        package var userSeconds: Double
        package var systemSeconds: Double

        package init(userSeconds: Double, systemSeconds: Double) {
            self.userSeconds = userSeconds
            self.systemSeconds = systemSeconds
        }
    }

    /// How often the kernel held the container up because it had used its share of a period.
    package struct Throttling: Hashable, Sendable {
        package var periods: UInt64
        package var throttledPeriods: UInt64
        package var throttledSeconds: Double

        package init(periods: UInt64, throttledPeriods: UInt64, throttledSeconds: Double) {
            self.periods = periods
            self.throttledPeriods = throttledPeriods
            self.throttledSeconds = throttledSeconds
        }
    }

    package struct Memory: Hashable, Sendable {
        /// Everything that counts against the limit, page cache included.
        package var totalBytes: UInt64?
        /// Anonymous memory; for a process tree, resident memory.
        package var rssBytes: UInt64?
        /// The most that `totalBytes` (or, without it, `rssBytes`) has been.
        package var peakBytes: UInt64?
        package var limitBytes: UInt64?
        package var cacheBytes: UInt64?
        package var mappedFileBytes: UInt64?
        package var swapBytes: UInt64?
        package var unevictableBytes: UInt64?
        /// Processes that the kernel has killed because the limit was reached.
        package var kills: UInt64?

        package init() {}
    }

    /// Over all block devices.
    package struct IO: Hashable, Sendable {
        package var readBytes: UInt64 = 0
        package var writtenBytes: UInt64 = 0
        /// Absent for a process tree, which the kernel counts in bytes only.
        package var reads: UInt64?
        package var writes: UInt64?

        package init() {}
    }

    /// Over all interfaces of the container's own network but loopback.
    package struct Network: Hashable, Sendable {
        package struct Direction: Hashable, Sendable {
            package var bytes: UInt64 = 0
            package var packets: UInt64 = 0
            package var errors: UInt64 = 0
            package var dropped: UInt64 = 0

            package init() {}
        }
        package var received = Direction()
        package var sent = Direction()

        package init() {}
    }

    package var at: WallTime
    package var cpu: CPU?
    package var throttling: Throttling?
    /// CPUs that the kernel's quota lets it use at once.
    package var cpuQuota: Double?
    package var memory = Memory()
    package var io: IO?
    /// Absent on the host's network.
    package var network: Network?
    package var processes: Int?
    package var threads: Int?

    package init(at: WallTime) { self.at = at }

    /// Counters that went missing or back, as happens while a container ends, keep what an earlier look saw.
    package mutating func keepMost(of earlier: ContainerUsage) {
        let peaks = [memory.peakBytes, memory.totalBytes ?? memory.rssBytes, earlier.memory.peakBytes].compactMap { $0 }
        memory.peakBytes = peaks.max()
        if let before = earlier.cpu {
            cpu = CPU(
                userSeconds: max(cpu?.userSeconds ?? 0, before.userSeconds),
                systemSeconds: max(cpu?.systemSeconds ?? 0, before.systemSeconds))
        }
        if throttling == nil { throttling = earlier.throttling }
        if cpuQuota == nil { cpuQuota = earlier.cpuQuota }
        if let before = earlier.io {
            var now = io ?? before
            now.readBytes = max(now.readBytes, before.readBytes)
            now.writtenBytes = max(now.writtenBytes, before.writtenBytes)
            io = now
        }
        if network == nil { network = earlier.network }
        if memory.limitBytes == nil { memory.limitBytes = earlier.memory.limitBytes }
        memory.kills = [memory.kills, earlier.memory.kills].compactMap { $0 }.max()
    }
}
