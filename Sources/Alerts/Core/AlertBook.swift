// Remembers which conditions hold since when, and says once that one holds long enough and once that it is over.
import Resources

/// A condition that holds for something.
public struct AlertKey: Hashable, Comparable, Sendable {
    public var rule: String
    public var subject: String

    public init(rule: String, subject: String) {
        self.rule = rule
        self.subject = subject
    }

    public static func < (left: AlertKey, right: AlertKey) -> Bool {
        (left.rule, left.subject) < (right.rule, right.subject)
    }
}

/// One alert as it stands.
public struct Alert: Equatable, Sendable {
    public enum Phase: String, Sendable {
        /// The condition holds, not long enough yet.
        case pending
        /// It was told.
        case firing
    }

    public var key: AlertKey
    public var phase: Phase
    public var severity: AlertRule.Severity
    public var summary: String
    public var description: String
    /// Since when the condition holds.
    public var since: WallTime

    var holdsSince: Instant
    /// When it was told last.
    var toldAt: Instant?
    /// Since when the condition does not hold any more.
    var clearSince: Instant?
}

/// What receivers are told of one alert.
public struct AlertNews: Equatable, Sendable {
    public enum Kind: String, Sendable { case firing, reminder, resolved }

    public var kind: Kind
    public var key: AlertKey
    public var severity: AlertRule.Severity
    public var summary: String
    public var description: String
    public var since: WallTime
    public var at: WallTime

    public init(
        _ kind: Kind, _ key: AlertKey, _ severity: AlertRule.Severity, summary: String, description: String,
        since: WallTime, at: WallTime
    ) {
        self.kind = kind
        self.key = key
        self.severity = severity
        self.summary = summary
        self.description = description
        self.since = since
        self.at = at
    }
}

public enum AlertEvent: Equatable, Sendable {
    case sampled(ClusterSample)
    /// This master does not lead: whoever does tells from now on.
    case steppedDown
}

public enum AlertEffect: Equatable, Sendable {
    /// Everything that changed in one step, in one message.
    case tell([AlertNews])
}

/// All alerts of one leader.
///
/// A condition must hold without a gap for its rule's time before it is told, and must be gone for ``Settings/resolveAfter`` before its
/// end is told, so that one that flickers is told once. A new leader starts with an empty book: what still holds is told
/// again after the rule's time, and the end of what was told before is not. That is one message too many or too few for
/// each change of leader, and never a storm.
public struct AlertBook: Sendable {
    public struct Settings: Equatable, Sendable {
        public var rules: [AlertRule]
        /// How often an alert that lasts is told again; nil: never.
        public var repeatInterval: Duration?
        /// How long a condition must be gone before that is told.
        public var resolveAfter: Duration

        public init(
            rules: [AlertRule] = AlertRule.standard, repeatInterval: Duration? = nil,
            resolveAfter: Duration = .seconds(60)
        ) {
            self.rules = rules
            self.repeatInterval = repeatInterval
            self.resolveAfter = resolveAfter
        }
    }

    public let settings: Settings
    private var alerts: [AlertKey: Alert] = [:]

    public init(_ settings: Settings = Settings()) { self.settings = settings }

    /// Sorted by rule and subject.
    public var all: [Alert] { alerts.values.sorted { $0.key < $1.key } }

    public mutating func step(_ event: AlertEvent, at now: Moment) -> [AlertEffect] {
        switch event {
        case .steppedDown:
            alerts = [:]
            return []
        case .sampled(let sample):
            let news = settings.rules.flatMap { look(at: sample, through: $0, now) }
            return news.isEmpty ? [] : [.tell(news)]
        }
    }

    private mutating func look(at sample: ClusterSample, through rule: AlertRule, _ now: Moment) -> [AlertNews] {
        var news: [AlertNews] = []
        var held: Set<AlertKey> = []
        for finding in rule.findings(in: sample) {
            let key = AlertKey(rule: rule.name, subject: finding.subject)
            held.insert(key)
            var alert =
                alerts[key]
                ?? Alert(
                    key: key, phase: .pending, severity: rule.severity, summary: "", description: "", since: now.wall,
                    holdsSince: now.instant)
            alert.summary = finding.summary
            alert.description = finding.description
            alert.clearSince = nil
            if let kind = due(alert, rule, now) {
                alert.phase = .firing
                alert.toldAt = now.instant
                news.append(Self.news(kind, alert, now))
            }
            alerts[key] = alert
        }
        let over = alerts.values.filter { $0.key.rule == rule.name && !held.contains($0.key) }
        for alert in over.sorted(by: { $0.key < $1.key }) { news += clear(alert, now) }
        return news
    }

    private func due(_ alert: Alert, _ rule: AlertRule, _ now: Moment) -> AlertNews.Kind? {
        switch alert.phase {
        case .pending: return alert.holdsSince.duration(to: now.instant) >= rule.holdsFor ? .firing : nil
        case .firing:
            guard let interval = settings.repeatInterval, let told = alert.toldAt else { return nil }
            return told.duration(to: now.instant) >= interval ? .reminder : nil
        }
    }

    private mutating func clear(_ alert: Alert, _ now: Moment) -> [AlertNews] {
        guard alert.phase == .firing else {
            alerts[alert.key] = nil
            return []
        }
        let since = alert.clearSince ?? now.instant
        guard since.duration(to: now.instant) >= settings.resolveAfter else {
            alerts[alert.key]?.clearSince = since
            return []
        }
        alerts[alert.key] = nil
        return [Self.news(.resolved, alert, now)]
    }

    private static func news(_ kind: AlertNews.Kind, _ alert: Alert, _ now: Moment) -> AlertNews {
        AlertNews(
            kind, alert.key, alert.severity, summary: alert.summary, description: alert.description, since: alert.since,
            at: now.wall)
    }
}
