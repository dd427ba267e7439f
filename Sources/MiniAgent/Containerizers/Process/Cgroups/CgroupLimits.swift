// What a process task may use, in the units of control groups.

import MesosProtocol
import Resources

/// Limits of one container, by the formulas of Apache Mesos.
///
/// | limit | from |
/// |---|---|
/// | CPU shares | 1024 for each CPU, at least 2 |
/// | CPU quota | 100 ms for each CPU of the limit, at least 1 ms, in each 100 ms; without a limit only if quotas are on |
/// | memory | the limit if it is finite; without a limit the request, at least 32 MB |
/// | memory kept | the request, at least 32 MB, only beside a limit |
///
/// Mesos counts 32 MB for the executor that it runs beside each task; this agent runs none, and grants them to the task,
/// as it does for containers.
package struct CgroupLimits: Hashable, Sendable {
    package static let period = 100_000
    static let memoryHeadroom = Scalar(milli: 32_000)
    static let memoryMin = Scalar(milli: 32_000)

    package var cpuShares: Int64?
    /// In each ``period``.
    package var cpuQuotaMicroseconds: Int64?
    package var memoryBytes: Int64?
    package var memoryReservationBytes: Int64?
    package var pidsMax: Int?
    /// Whether swap counts as memory.
    package var limitsSwap = false

    /// - Parameters:
    ///   - info: The task; its `limits` may be infinite.
    ///   - enforcesQuota: Whether cpus limit a task without a limit, too.
    package init(_ info: V1TaskInfo, enforcesQuota: Bool, pidsMax: Int? = nil, limitsSwap: Bool = false) {
        let resources = (try? Resources(info.resources)) ?? Resources()
        self.pidsMax = pidsMax
        self.limitsSwap = limitsSwap
        let cpus = resources["cpus"]
        if !cpus.isZero { cpuShares = max(1024 * cpus.milli / 1000, 2) }
        if let limit = info.limits["cpus"]?.value {
            if limit.isFinite { cpuQuotaMicroseconds = Self.quota(Scalar(limit) ?? cpus) }
        } else if enforcesQuota, !cpus.isZero {
            cpuQuotaMicroseconds = Self.quota(cpus)
        }
        let memory = resources["mem"]
        let request = Self.bytes(max(memory + Self.memoryHeadroom, Self.memoryMin))
        if let limit = info.limits["mem"]?.value {
            if limit.isFinite, let scalar = Scalar(limit) { memoryBytes = Self.bytes(scalar + Self.memoryHeadroom) }
            memoryReservationBytes = request
        } else if !memory.isZero {
            memoryBytes = request
        }
    }

    /// The unified hierarchy weighs 1 to 10,000 where the older one shares 2 to 262,144.
    package var cpuWeight: Int64? { cpuShares.map { 1 + (min(max($0, 2), 262_144) - 2) * 9_999 / 262_142 } }

    private static func quota(_ cpus: Scalar) -> Int64 { max(100 * cpus.milli, 1000) }

    /// Mesos counts memory in MB of 2^20 bytes.
    private static func bytes(_ memory: Scalar) -> Int64 {
        let (product, overflow) = memory.milli.multipliedReportingOverflow(by: 1 << 20)
        return overflow ? .max : product / 1000
    }
}
