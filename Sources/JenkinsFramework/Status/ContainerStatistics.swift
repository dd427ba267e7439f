// What a Mesos agent answers about its containers, reduced to samples of our agents' tasks.
import FoundationEssentials
import JenkinsUsage

/// `/monitor/statistics` of a Mesos agent, as far as it is used. Apache Mesos answers the same, without the peak
/// and without the kills.
struct ContainerStatistics: Decodable {
    struct Figures: Decodable {
        var timestamp: Double
        var cpus_user_time_secs: Double?
        var cpus_system_time_secs: Double?
        var cpus_throttled_time_secs: Double?
        var mem_rss_bytes: Double?
        var mem_total_bytes: Double?
        var mem_peak_bytes: Double?
        var mem_oom_kills: Int?
    }

    var executor_id: String?
    var source: String?
    var statistics: Figures?

    /// Samples by the id of the task, which is the name of the node.
    ///
    /// - Throws: If the body is no such answer.
    static func samples(_ body: [UInt8]) throws -> [String: UsageSample] {
        var samples: [String: UsageSample] = [:]
        for entry in try JSONDecoder().decode([ContainerStatistics].self, from: Data(body)) {
            guard let figures = entry.statistics, let user = figures.cpus_user_time_secs,
                let memory = figures.mem_rss_bytes ?? figures.mem_total_bytes
            else { continue }
            let sample = UsageSample(
                time: figures.timestamp, cpuSeconds: user + (figures.cpus_system_time_secs ?? 0),
                throttledSeconds: figures.cpus_throttled_time_secs ?? 0, memoryBytes: memory,
                memoryPeakBytes: figures.mem_peak_bytes, memoryKills: figures.mem_oom_kills)
            for name in Set([entry.executor_id, entry.source].compactMap(\.self)) where !name.isEmpty {
                samples[name] = sample
            }
        }
        return samples
    }
}
