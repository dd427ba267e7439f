// Name servers of containers that name none themselves: `--default_container_dns`.

import MesosProtocol

/// The `docker` part of Apache Mesos' DefaultContainerDNSInfo; the `mesos` part is for networks this agent does not make.
package struct ContainerDNS: Hashable, Sendable {
    package struct Servers: Hashable, Sendable {
        package var nameservers: [String]
        package var search: [String]
        package var options: [String]
    }

    private var bridge: Servers?
    private var user: Servers?
    private var userByName: [String: Servers] = [:]

    package init() {}

    /// - Throws: ``DockerOptionsError`` naming the member that makes no sense.
    package init(_ text: String) throws(DockerOptionsError) {
        guard let value = try? JSONValue(parsing: Array(text.utf8)), value.objectValue != nil else {
            throw DockerOptionsError("expected a JSON object")
        }
        guard let entries = (value["docker"] ?? .array([])).arrayValue else {
            throw DockerOptionsError("'docker' is not a list")
        }
        for entry in entries {
            guard let dns = entry["dns"] else { throw DockerOptionsError("an entry of 'docker' has no 'dns'") }
            let servers = Servers(
                nameservers: try Self.list(dns, "nameservers"), search: try Self.list(dns, "search"),
                options: try Self.list(dns, "options"))
            switch entry["network_mode"]?.stringValue ?? "BRIDGE" {
            case "BRIDGE":
                guard bridge == nil else { throw DockerOptionsError("BRIDGE is there twice") }
                bridge = servers
            case "USER":
                let name = entry["network_name"]?.stringValue
                guard name.map({ userByName[$0] == nil }) ?? (user == nil) else {
                    throw DockerOptionsError("USER network '\(name ?? "")' is there twice")
                }
                if let name { userByName[name] = servers } else { user = servers }
            case let mode: throw DockerOptionsError("network_mode '\(mode)' is neither BRIDGE nor USER")
            }
        }
    }

    private static func list(_ dns: JSONValue, _ name: String) throws(DockerOptionsError) -> [String] {
        guard let value = dns[name] else { return [] }
        guard let items = value.arrayValue else { throw DockerOptionsError("'\(name)' is not a list") }
        var texts: [String] = []
        for item in items {
            guard let text = item.stringValue else { throw DockerOptionsError("'\(name)' holds what is no text") }
            texts.append(text)
        }
        return texts
    }

    func servers(forNetwork name: String) -> Servers? {
        name == "bridge" || name == "default" ? bridge : userByName[name] ?? user
    }
}
