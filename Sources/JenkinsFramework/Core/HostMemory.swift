// What is remembered of the cluster's machines: which ones let agents hang, and where a template ran not long ago.
import Resources

struct HostMemory: Equatable, Sendable {
    private static let recentMax = 10
    private static let hostsMax = 5_000

    private var health: [String: TemplateHealth] = [:]
    private var recent: [TemplateName: [String]] = [:]
    /// When tasks were launched there, of the last minute.
    private var launches: [String: [Instant]] = [:]

    /// A launch there has timed out: its container runtime may hang. 60 s, doubling to 10 min.
    mutating func timedOut(_ host: String, because reason: String, begunAt: Instant, at now: Instant) {
        guard !host.isEmpty else { return }
        if health.count >= Self.hostsMax { health = health.filter { $0.value.backsOff(at: now) } }
        health[host, default: TemplateHealth(backoffMin: .seconds(60), failuresAllowed: 1)].failed(
            because: reason, begunAt: begunAt, at: now)
    }

    mutating func connected(_ host: String, _ template: TemplateName) {
        guard !host.isEmpty else { return }
        health[host] = nil
        var hosts = recent[template] ?? []
        hosts.removeAll { $0 == host }
        hosts.insert(host, at: 0)
        recent[template] = Array(hosts.prefix(Self.recentMax))
    }

    mutating func launched(_ count: Int, on host: String, at now: Instant) {
        launches = launches.compactMapValues { times in
            let kept = times.filter { $0.duration(to: now) < .seconds(60) }
            return kept.isEmpty ? nil : kept
        }
        launches[host, default: []] += Array(repeating: now, count: count)
    }

    func launchesInLastMinute(on host: String, at now: Instant) -> Int {
        launches[host]?.count { $0.duration(to: now) < .seconds(60) } ?? 0
    }

    /// How long offers of a machine are still refused.
    func refusal(of host: String, at now: Instant) -> Duration? {
        guard let until = health[host]?.backsOffUntil, until > now else { return nil }
        return now.duration(to: until)
    }

    func recentHosts(of template: TemplateName) -> [String] { recent[template] ?? [] }

    /// Machines refused now and why, by name.
    func refused(at now: Instant) -> [(host: String, reason: String)] {
        health.filter { $0.value.backsOff(at: now) }.map { ($0.key, $0.value.lastReason) }.sorted { $0.0 < $1.0 }
    }
}
