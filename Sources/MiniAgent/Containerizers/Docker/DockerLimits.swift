// How much of the host a container may use.

import MesosProtocol
import Resources

extension DockerMapping {
    /// Memory added to what the task asked for. Apache Mesos grants it for the executor that it runs beside every
    /// container; images tuned there count on it.
    static let memoryHeadroom = Scalar(milli: 32_000)
    static let memoryMin = Scalar(milli: 32_000)

    mutating func addLimits() throws(DockerOptionsError) {
        let limits = launch.record.info.limits
        let cpus = resources["cpus"]
        if !cpus.isZero { options.cpuShares = max(1024 * cpus.milli / 1000, 2) }
        if let limit = limits["cpus"]?.value {
            if limit.isFinite { options.cpuQuotaMicroseconds = Self.quota(milliCPUs: Scalar(limit)?.milli ?? 0) }
        } else if settings.enforcesCPUQuota, !cpus.isZero {
            options.cpuQuotaMicroseconds = Self.quota(milliCPUs: cpus.milli)
        }
        addMemory(limits["mem"]?.value)
        try addGPUs()
        try addProcessLimits()
        try addLinuxInfo()
    }

    private mutating func addMemory(_ limit: Double?) {
        let memory = resources["mem"]
        let request = Self.bytes(max(memory + Self.memoryHeadroom, Self.memoryMin))
        if let limit {
            if limit.isFinite, let scalar = Scalar(limit) {
                options.memoryBytes = Self.bytes(scalar + Self.memoryHeadroom)
            }
            options.memoryReservationBytes = request
            // Who may take more than it asked for goes first when the host runs short, unless it asked for much.
            if let host = settings.hostMemoryBytes, host > 0, !limit.isFinite || limit > memory.doubleValue {
                let safe = 1000.0 * Double(request) / Double(host)
                options.hostConfig.append(("OomScoreAdj", .integer(Int64(1000 - min(max(safe, 0), 1000)))))
            }
        } else if !memory.isZero {
            options.memoryBytes = request
        }
        // No swap on top of the limit: a task over its memory ends instead of crawling.
        options.memorySwapBytes = options.memoryBytes
    }

    private static func quota(milliCPUs: Int64) -> Int64 { max(100 * milliCPUs, 1000) }

    /// Mesos counts memory in MB of 2^20 bytes.
    private static func bytes(_ memory: Scalar) -> Int64 {
        let (product, overflow) = memory.milli.multipliedReportingOverflow(by: 1 << 20)
        return overflow ? .max : product / 1000
    }

    /// The engine picks the devices; a task says only how many.
    private mutating func addGPUs() throws(DockerOptionsError) {
        let gpus = resources["gpus"]
        if gpus.isZero { return }
        guard gpus.milli % 1000 == 0 else {
            throw DockerOptionsError("The 'gpus' resource must be a whole number, not \(gpus.doubleValue)")
        }
        options.append(DockerOptions.deviceRequest(count: gpus.milli / 1000), to: "DeviceRequests")
    }

    private mutating func addProcessLimits() throws(DockerOptionsError) {
        let limits: [ResourceLimit]
        do throws(ResourceLimit.Fault) {
            limits = try ResourceLimit.all(of: launch.record.info.container)
        } catch { throw DockerOptionsError(error.description) }
        for limit in limits {
            options.append(
                DockerOptions.ulimit(
                    name: limit.name, soft: limit.soft.map { Int64(clamping: $0) } ?? -1,
                    hard: limit.hard.map { Int64(clamping: $0) } ?? -1), to: "Ulimits")
        }
    }
}
