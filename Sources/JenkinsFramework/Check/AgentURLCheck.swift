// The address agents are given, as far as it can be judged from here.
import FoundationEssentials
import HTTPClient
import MesosProtocol
import Resources

struct AgentURLCheck {
    let configuration: JenkinsConfiguration
    let client: JenkinsClient
    let version: JenkinsVersion

    private var agentURL: String { configuration.jenkins.agentURL }

    func rows() async -> [CheckRow] {
        var rows = [await address()]
        let methods = configuration.launches.values
        if methods.contains(where: { $0.method == .java }), let jar = await jar() { rows.append(jar) }
        if methods.contains(where: { $0.transport == .tcp }) { rows.append(await port()) }
        return rows
    }

    private func address() async -> CheckRow {
        let host = agentURL.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != ":" }
        let isLocal = host == "localhost" || host.hasPrefix("127.") || host == "[::1]"
        do {
            let here = try await ask(configuration.jenkins.url + "/login")
            let there = try await ask(agentURL + "/login")
            guard there.header("X-Jenkins") != nil else {
                return .wrong("agent URL", "\(agentURL) is not Jenkins", "check jenkins.agentUrl")
            }
            if let session = here.header("X-Jenkins-Session"), session != there.header("X-Jenkins-Session") {
                return .wrong("agent URL", "\(agentURL) is another controller", "check jenkins.agentUrl")
            }
        } catch {
            return .warning(
                "agent URL", "\(agentURL) does not answer here: \(error)",
                "fine only if the agents' hosts reach it; else set jenkins.agentUrl")
        }
        if isLocal {
            return .warning(
                "agent URL", "\(agentURL) is this host only",
                "set jenkins.agentUrl to an address that agents on other hosts and in containers reach")
        }
        return .ok("agent URL", "\(agentURL) is this controller")
    }

    private func jar() async -> CheckRow? {
        let name = version.hasAgentJar ? "agent.jar" : "slave.jar"
        guard let reply = try? await ask("\(agentURL)/jnlpJars/\(name)", method: "HEAD") else { return nil }
        return reply.status == 200
            ? .ok("agent.jar", "served without a login")
            : .wrong("agent.jar", "\(agentURL)/jnlpJars/\(name) answers \(reply.status)", "check jenkins.agentUrl")
    }

    private func port() async -> CheckRow {
        do throws(JenkinsFailure) {
            let answer = try await client.get("/api/json?tree=slaveAgentPort", in: .lookUp)
            guard case .number(.integer(let port))? = (try? JSONValue(parsing: answer.body))?["slaveAgentPort"] else {
                return .warning("agent port", "the controller does not say it", "check its security page")
            }
            if port < 0 {
                return .wrong(
                    "agent port", "off, and templates have transport tcp",
                    "open the TCP port for inbound agents, or set launch.transport: websocket")
            }
            return .ok("agent port", port == 0 ? "any that is free" : "\(port)")
        } catch {
            return .warning("agent port", "\(error)", "check the controller's security page")
        }
    }

    private func ask(_ url: String, method: String = "GET") async throws(HTTPClientError) -> HTTPClientReply {
        let http = configuration.jenkins.caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared
        return try await http.fetch(
            HTTPClientRequest(method: method, url: url, totalTimeout: .seconds(5)), bodyMax: 8 << 20)
    }
}
