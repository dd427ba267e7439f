// The file of --alerts_config: rules, receivers, and the build farms to watch.
import FoundationEssentials
import HTTPClient
import Resources
import Settings
import Yams

/// Who is told, and how.
public struct AlertReceiver: Equatable, Sendable {
    public enum Way: Equatable, Sendable {
        case webhook(url: String, token: String?)
        case mail(MailServer, from: String, to: [String])
    }

    public var name: String
    public var way: Way

    public init(name: String, way: Way) {
        self.name = name
        self.way = way
    }
}

/// What is wrong with such a file: each problem names its key.
public struct AlertsConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public var problems: [String]
    public var description: String { problems.joined(separator: "\n") }

    public init(_ problems: [String]) { self.problems = problems }
}

/// The file, understood. `Docs/alerts.md` describes it.
public struct AlertsConfiguration: Equatable, Sendable {
    public var book = AlertBook.Settings()
    public var receivers: [AlertReceiver] = []
    /// Status servers of `mini jenkins`: `http://host:port`.
    public var farms: [String] = []
    public var evaluationInterval = Duration.seconds(15)

    public init() {}

    static let bytesMax = 1 << 20
    static let listMax = 20

    /// - Throws: All problems at once.
    public static func load(_ path: String) throws(AlertsConfigurationError) -> AlertsConfiguration {
        let text: String
        do throws(SecretFileError) { text = try SecretText.read(path, bytesMax: bytesMax) } catch {
            throw AlertsConfigurationError(["\(path): \(error.reason)"])
        }
        return try parse(text)
    }

    /// Secrets are read from the files that the text names.
    public static func parse(_ text: String) throws(AlertsConfigurationError) -> AlertsConfiguration {
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw AlertsConfigurationError(["not YAML: \("\(error)".split(separator: "\n").first ?? "")"])
        }
        var reader = Reader()
        let configuration = node.map { reader.configuration($0) } ?? AlertsConfiguration()
        guard reader.problems.isEmpty else { throw AlertsConfigurationError(reader.problems) }
        return configuration
    }
}

// MARK: - Reading

private struct Reader {
    var problems: [String] = []

    mutating func configuration(_ node: Node) -> AlertsConfiguration {
        var configuration = AlertsConfiguration()
        guard let map = mapping(node, "") else { return configuration }
        for (key, value) in map {
            switch key {
            case "repeat_interval":
                configuration.book.repeatInterval = duration(value, key, least: .seconds(60))
            case "resolve_after":
                configuration.book.resolveAfter = duration(value, key, least: .zero) ?? .seconds(60)
            case "evaluation_interval":
                // A log store that has missed the line of each look for three minutes says that no master leads.
                configuration.evaluationInterval =
                    duration(value, key, least: .seconds(1), most: .seconds(60)) ?? .seconds(15)
            case "farms": configuration.farms = strings(value, key).filter { isHTTP($0, key) }
            case "rules": configuration.book.rules = rules(value)
            case "receivers":
                guard let list = value.sequence, list.count <= AlertsConfiguration.listMax else {
                    problems.append("receivers: expected a list of at most \(AlertsConfiguration.listMax)")
                    continue
                }
                configuration.receivers = list.enumerated().compactMap { receiver($1, "receivers[\($0)]") }
                let names = configuration.receivers.map(\.name)
                if Set(names).count < names.count { problems.append("receivers: two have the same name") }
            default:
                unknown(
                    key, ["receivers", "rules", "farms", "repeat_interval", "resolve_after", "evaluation_interval"])
            }
        }
        return configuration
    }

    // MARK: Rules

    /// The names of rules in the file: `role_starved` is `RoleStarved`.
    private static let names = [
        "role_starved": "RoleStarved", "agents_lost": "AgentsLost", "quorum_thin": "QuorumThin",
        "engine_stalled": "EngineStalled", "builds_waiting": "BuildsWaiting", "label_unserved": "LabelUnserved",
    ]

    private mutating func rules(_ node: Node) -> [AlertRule] {
        var rules = AlertRule.standard
        for (key, value) in mapping(node, "rules") ?? [] {
            guard let name = Self.names[key], let index = rules.firstIndex(where: { $0.name == name }) else {
                if Self.names[key] == nil { unknown("rules.\(key)", Self.names.keys.sorted()) }
                continue
            }
            if value.bool == false {
                rules.remove(at: index)
                continue
            }
            for (option, value) in mapping(value, "rules.\(key)") ?? [] {
                set(option, value, "rules.\(key).\(option)", of: &rules[index])
            }
        }
        return rules
    }

    private mutating func set(_ option: String, _ value: Node, _ path: String, of rule: inout AlertRule) {
        switch (option, rule.condition) {
        case ("for", _): rule.holdsFor = duration(value, path, least: .zero) ?? rule.holdsFor
        case ("severity", _):
            guard let severity = value.string.flatMap(AlertRule.Severity.init) else {
                return problems.append("\(path): expected info, warning or critical")
            }
            rule.severity = severity
        case ("share_left", .roleStarved):
            guard let share = value.float, (0...1).contains(share) else {
                return problems.append("\(path): expected a share from 0 to 1")
            }
            rule.condition = .roleStarved(shareLeft: share)
        case ("longer_than", .buildsWaiting):
            if let limit = duration(value, path, least: .zero) { rule.condition = .buildsWaiting(longerThan: limit) }
        case (_, .roleStarved): unknown(path, ["for", "severity", "share_left"])
        case (_, .buildsWaiting): unknown(path, ["for", "severity", "longer_than"])
        default: unknown(path, ["for", "severity"])
        }
    }

    // MARK: Receivers

    private mutating func receiver(_ node: Node, _ path: String) -> AlertReceiver? {
        guard let map = mapping(node, path) else { return nil }
        var name: String?
        var way: AlertReceiver.Way?
        for (key, value) in map {
            switch key {
            case "name": name = string(value, "\(path).name")
            case "webhook", "mail":
                if way != nil { problems.append("\(path): give one of webhook, mail") }
                way = key == "mail" ? mail(value, "\(path).mail") : webhook(value, "\(path).webhook")
            default: unknown("\(path).\(key)", ["name", "webhook", "mail"])
            }
        }
        guard let name else {
            problems.append("\(path).name: missing")
            return nil
        }
        guard let way else {
            if !map.contains(where: { $0.0 == "webhook" || $0.0 == "mail" }) {
                problems.append("\(path): give one of webhook, mail")
            }
            return nil
        }
        return AlertReceiver(name: name, way: way)
    }

    private mutating func webhook(_ node: Node, _ path: String) -> AlertReceiver.Way? {
        var url: String?
        var token: String?
        for (key, value) in mapping(node, path) ?? [] {
            switch key {
            case "url": url = string(value, "\(path).url").flatMap { isHTTP($0, "\(path).url") ? $0 : nil }
            case "token_file": token = secret(value, "\(path).token_file")
            default: unknown("\(path).\(key)", ["url", "token_file"])
            }
        }
        guard let url else {
            if node.mapping?["url"] == nil { problems.append("\(path).url: missing") }
            return nil
        }
        return .webhook(url: url, token: token)
    }

    private mutating func mail(_ node: Node, _ path: String) -> AlertReceiver.Way? {
        var server = MailServer(url: "")
        var sender: String?
        var recipients: [String] = []
        for (key, value) in mapping(node, path) ?? [] {
            let place = "\(path).\(key)"
            switch key {
            case "server":
                server.url = string(value, place) ?? ""
                if !server.url.hasPrefix("smtp://") && !server.url.hasPrefix("smtps://") {
                    problems.append("\(place): expected smtp://host:port or smtps://host:port")
                }
            case "from": sender = address(value, place)
            case "to":
                recipients = strings(value, place)
                for recipient in recipients where !Self.isAddress(recipient) {
                    problems.append("\(place): '\(recipient)' is no address")
                }
            case "username": server.username = string(value, place)
            case "password_file": server.password = secret(value, place)
            case "encryption":
                guard let encryption = value.string.flatMap(MailServer.Encryption.init) else {
                    problems.append("\(place): expected required, offered or never")
                    continue
                }
                server.encryption = encryption
            case "ca_file": server.tls.caFile = string(value, place)
            default: unknown(place, ["server", "from", "to", "username", "password_file", "encryption", "ca_file"])
            }
        }
        for key in ["server", "from", "to"] where node.mapping?[Node(key)] == nil {
            problems.append("\(path).\(key): missing")
        }
        if server.password != nil, server.encryption == .never, !server.url.hasPrefix("smtps://") {
            problems.append("\(path).encryption: a password is not sent in clear")
        }
        guard let sender, !recipients.isEmpty else { return nil }
        return .mail(server, from: sender, to: recipients)
    }

    // MARK: Values

    private mutating func mapping(_ node: Node, _ path: String) -> [(String, Node)]? {
        guard let mapping = node.mapping else {
            problems.append("\(path.isEmpty ? "the file" : path): expected a mapping of keys to values")
            return nil
        }
        return mapping.map { ($0.key.string ?? "", $0.value) }
    }

    private mutating func string(_ node: Node, _ path: String) -> String? {
        guard let text = node.string, !text.isEmpty else {
            problems.append("\(path): expected a text")
            return nil
        }
        return text
    }

    private mutating func strings(_ node: Node, _ path: String) -> [String] {
        guard let list = node.sequence, list.count <= AlertsConfiguration.listMax else {
            problems.append("\(path): expected a list of at most \(AlertsConfiguration.listMax)")
            return []
        }
        return list.compactMap { string($0, path) }
    }

    private mutating func duration(
        _ node: Node, _ path: String, least: Duration, most: Duration = .seconds(31 * 86_400)
    ) -> Duration? {
        guard let duration = node.string.flatMap(FlagText.duration), duration >= least, duration <= most else {
            problems.append(
                "\(path): expected a duration such as 90secs, 5mins or 4hrs"
                    + (least > .zero ? ", at least \(FlagText.text(least))" : "")
                    + (most < .seconds(86_400) ? ", at most \(FlagText.text(most))" : ""))
            return nil
        }
        return duration
    }

    private mutating func address(_ node: Node, _ path: String) -> String? {
        guard let text = string(node, path) else { return nil }
        guard Self.isAddress(text) else {
            problems.append("\(path): '\(text)' is no address")
            return nil
        }
        return text
    }

    /// Not more than must be: nothing that could end the command it is put into.
    private static func isAddress(_ text: String) -> Bool {
        text.utf8.count <= 254 && text.contains("@")
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F && $0 != "<" && $0 != ">" }
    }

    private mutating func isHTTP(_ url: String, _ path: String) -> Bool {
        let isHTTP = url.hasPrefix("http://") || url.hasPrefix("https://")
        if !isHTTP { problems.append("\(path): expected http:// or https://, found '\(url)'") }
        return isHTTP
    }

    private mutating func secret(_ node: Node, _ path: String) -> String? {
        guard let file = string(node, path) else { return nil }
        do throws(SecretFileError) { return try SecretText.read(file, bytesMax: 4_096).trimmed } catch {
            problems.append("\(path): \(file): \(error.reason)")
            return nil
        }
    }

    private mutating func unknown(_ path: String, _ known: [String]) {
        problems.append("\(path): unknown; expected one of \(known.joined(separator: ", "))")
    }
}
