// The cluster's side of a check: a master that leads, our principal, our roles, and agents that are large enough.
import FoundationEssentials
import HTTPClient
import MasterDetection
import MesosProtocol
import Resources

struct ClusterCheck {
    let configuration: JenkinsConfiguration
    private let http: HTTPClient

    private static let detectionTimeout = Duration.seconds(8)

    init(_ configuration: JenkinsConfiguration) {
        self.configuration = configuration
        http = configuration.mesos.caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared
    }

    func rows() async -> [CheckRow] {
        guard let leader = await leader() else {
            let place = ([configuration.mesos.master] + configuration.mesos.otherMasters).map(\.description)
            return [
                .wrong(
                    "master", "none answers at \(place.joined(separator: ", "))", "check mesos.master and the network")
            ]
        }
        var rows = [CheckRow.ok("master", "\(leader) leads" + (await version(leader)))]
        rows.append(await principal(leader))
        rows += await roles(leader)
        rows += await agents(leader)
        return rows
    }

    // MARK: - The leader

    private func leader() async -> String? {
        if case .zooKeeper = configuration.mesos.master { return await elected() }
        for location in [configuration.mesos.master] + configuration.mesos.otherMasters {
            guard case .address(let host, let port) = location else { continue }
            let name = host.contains(":") ? "[\(host)]" : host
            let base = "\(http.tls == nil ? "http" : "https")://\(name):\(port)"
            // A master that does not lead points to the one that does.
            guard let reply = await ask(base + "/master/redirect") else { continue }
            if let target = reply.header("Location") {
                let rest = target.hasPrefix("//") ? (http.tls == nil ? "http:" : "https:") + target : target
                return String(rest.reversed().drop { $0 == "/" }.reversed())
            }
            return base
        }
        return nil
    }

    private func elected() async -> String? {
        let found = await MasterDetector.leader(at: configuration.mesos.master, within: Self.detectionTimeout)
        return found?.baseURL(isSecure: http.tls != nil)
    }

    private func version(_ leader: String) async -> String {
        guard case .string(let version)? = await document(leader + "/version")?["version"] else { return "" }
        return ", API \(version)"
    }

    // MARK: - Principal and roles

    private func principal(_ leader: String) async -> CheckRow {
        let cluster = configuration.mesos
        let reply = await ask(leader + "/roles")
        switch reply?.status {
        case 401?:
            return cluster.secretFile == nil
                ? .wrong("principal", "the master wants credentials", "set mesos.principal and mesos.secretFile")
                : .wrong("principal", "'\(cluster.principal)' is refused", "check mesos.principal and mesos.secretFile")
        case 403?:
            return .warning("principal", "'\(cluster.principal)' may not see roles", "it may be allowed to register")
        case 200?:
            return .ok("principal", cluster.principal.isEmpty ? "none" : cluster.principal)
        case let status:
            return .warning("principal", "the master answers \(status.map(String.init) ?? "nothing")", "try again")
        }
    }

    private func roles(_ leader: String) async -> [CheckRow] {
        let known = Self.elements(await document(leader + "/roles")?["roles"])
        let quotas = Self.elements(await document(leader + "/quota")?["infos"])
        return configuration.mesos.roles.map { role in
            let entry = known.first { $0["name"] == .string(role.value) }
            let weight = Self.number(entry?["weight"]).map { "weight \(ImportReader.shortest($0))" } ?? "weight 1"
            let quota = quotas.first { $0["role"] == .string(role.value) }
            let limits = Self.elements(quota?["guarantee"]).compactMap { resource -> String? in
                guard case .string(let name)? = resource["name"], let amount = Self.number(resource["scalar"]?["value"])
                else { return nil }
                return "\(name) \(ImportReader.shortest(amount))"
            }
            return .ok(
                "role \(role)", weight + (limits.isEmpty ? ", no quota" : ", quota " + limits.joined(separator: ", ")))
        }
    }

    // MARK: - Agents

    /// Whether any agent is large enough, and has the attributes, at all: an offer can never be larger.
    private func agents(_ leader: String) async -> [CheckRow] {
        let agents = Self.elements(await document(leader + "/slaves")?["slaves"])
        guard !agents.isEmpty else {
            return [.warning("agents", "none is registered", "start agents; `mini doctor` checks their hosts")]
        }
        return configuration.planner.templates.map { template in
            let wanted = template.resources(executors: template.executorsMin)
            let what = "template \(template.name)"
            let fitting = agents.count { agent in
                Self.resources(agent["resources"]).contains(wanted)
                    && template.attributes.allSatisfy { name, _ in agent["attributes"]?[name] != nil }
            }
            if fitting == 0 {
                return .wrong(
                    what, "none of \(agents.count) agents has \(wanted) and the attributes",
                    "ask for less, or start larger agents")
            }
            return .ok(what, "\(wanted) fits on \(fitting) of \(agents.count) agents")
        }
    }

    private static func resources(_ value: JSONValue?) -> Resources {
        func amount(_ name: String) -> Scalar { number(value?[name]).flatMap { Scalar($0) } ?? .zero }
        return Resources(cpus: amount("cpus"), mem: amount("mem"), disk: amount("disk"))
    }

    // MARK: - Requests

    private func ask(_ url: String) async -> HTTPClientReply? {
        var request = HTTPClientRequest(url: url, totalTimeout: .seconds(5))
        if let path = configuration.mesos.secretFile, let secret = try? SecretFile(path: path).read() {
            let pair = Data("\(configuration.mesos.principal):\(secret)".utf8)
            request.headers = [("Authorization", "Basic " + pair.base64EncodedString())]
        }
        return try? await http.fetch(request, bodyMax: 64 << 20)
    }

    private func document(_ url: String) async -> JSONValue? {
        guard let reply = await ask(url), reply.status == 200 else { return nil }
        return try? JSONValue(parsing: reply.body)
    }

    private static func elements(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let elements)? = value { elements } else { [] }
    }

    private static func number(_ value: JSONValue?) -> Double? {
        if case .number(let number)? = value { number.doubleValue } else { nil }
    }
}
