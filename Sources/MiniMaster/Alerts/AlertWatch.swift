// Looks at the cluster every so often while this master leads, and tells receivers what the rules find.
import Alerts
import Logging
import Mailbox
import MesosProtocol
import Metrics
import Resources

/// The rules of a running master. Nothing the master does waits for it.
final class AlertWatch: Sendable {
    private let configuration: AlertsConfiguration
    private let shell: MasterShell
    private let clock: MasterClock
    private let logger: Logger
    private let courier: AlertCourier
    private let farms: FarmWatch
    private let book: Locked<AlertBook>
    /// When the log was last told that the rules are looked at: a log store that misses these lines has no leader.
    private let toldAt = Locked<ContinuousClock.Instant?>(nil)

    init(_ configuration: AlertsConfiguration, cluster: String?, shell: MasterShell, logger: Logger) {
        self.configuration = configuration
        self.shell = shell
        clock = shell.clock
        self.logger = logger
        courier = AlertCourier(configuration.receivers, cluster: cluster ?? "", logger: logger)
        farms = FarmWatch(configuration.farms)
        book = Locked(AlertBook(configuration.book))
    }

    /// Until cancelled.
    func run() async {
        while (try? await Task.sleep(for: configuration.evaluationInterval)) != nil { await look() }
    }

    private func look() async {
        guard case .leading = shell.availability else { return step(.steppedDown) }
        let waits = await farms.look()
        guard let snapshot = await shell.snapshot(), let cluster = snapshot.core.cluster else {
            return step(.steppedDown)
        }
        step(.sampled(ClusterSample(ClusterReading(cluster), snapshot.core, farms: waits)))
        let isDue = toldAt.withLock { told in
            if let told, told.duration(to: .now) < .seconds(60) { return false }
            told = .now
            return true
        }
        if isDue { logger.info("alert rules evaluated", metadata: ["event": "alerts_evaluated"]) }
    }

    private func step(_ event: AlertEvent) {
        for effect in book.withLock({ $0.step(event, at: clock.now) }) {
            switch effect {
            case .tell(let news):
                for item in news { log(item) }
                courier.tell(news)
            }
        }
    }

    private func log(_ news: AlertNews) {
        let metadata: Logger.Metadata = [
            "alert": "\(news.key.rule)", "alert_state": "\(news.kind.rawValue)", "subject": "\(news.key.subject)",
            "severity": "\(news.severity.rawValue)", "detail": "\(news.description)",
        ]
        switch news.kind {
        case .firing, .reminder: logger.warning("alert: \(news.summary)", metadata: metadata)
        case .resolved: logger.info("alert is over: \(news.summary)", metadata: metadata)
        }
    }

    /// The answer of `/alerts`.
    func document() -> [UInt8] {
        let alerts = book.withLock { $0.all }
        var json = JSONWriter()
        json.object { json in
            json.array("alerts") { json in
                for alert in alerts {
                    json.object { json in
                        json.member("alert", alert.key.rule)
                        json.member("subject", alert.key.subject)
                        json.member("state", alert.phase.rawValue)
                        json.member("severity", alert.severity.rawValue)
                        json.member("summary", alert.summary)
                        json.member("description", alert.description)
                        json.member("since", alert.since.seconds)
                    }
                }
            }
            json.array("receivers") { json in
                for standing in courier.standings {
                    json.object { json in
                        json.member("name", standing.receiver)
                        json.member("waiting", standing.waiting)
                        json.member("delivered", standing.delivered)
                        json.member("dropped", standing.dropped)
                        if let problem = standing.problem { json.member("problem", problem) }
                    }
                }
            }
        }
        return json.bytes
    }
}

extension ClusterSample {
    init(_ reading: ClusterReading, _ core: MasterCore, farms: [Farm]) {
        let cluster = reading.cluster
        self.init(cpus: reading.total("cpus"), memoryMiB: reading.total("mem"), farms: farms)
        roles = reading.roles.map { row in
            Role(
                name: "\(row.role)", wanting: reading.wanting(row.role),
                allocatedCPUs: row.allocated["cpus"].doubleValue, allocatedMemoryMiB: row.allocated["mem"].doubleValue,
                obtainableCPUs: reading.obtainable(.cpus, by: row.role),
                obtainableMemoryMiB: reading.obtainable(.memory, by: row.role))
        }
        let agents = cluster.agents.all.filter { !$0.isRecovered }
        lostAgents = agents.filter { !$0.isConnected }.map(\.hostname)
        lostAgents += cluster.registry.unreachable.keys.sorted().map { "\($0)" }
        stalledAgents = agents.compactMap { agent in
            agent.stall.map { StalledAgent(host: agent.hostname, reason: $0) }
        }
        masters = core.leadership.group.count
        quorum = core.settings.quorum
    }
}
