// Whether the user may create, connect, drain and delete nodes: tried on a node that is made for it and removed again.
import FoundationEssentials
import Resources

struct NodeProbe {
    let client: JenkinsClient

    func rows() async -> [CheckRow] {
        var names = NameGenerator(seed: .random(in: .min ... .max))
        let name = names.next("check")
        let node = NodeSpec(
            name: name, description: "made by a check of the Jenkins framework, which removes it again", labels: [],
            mode: .exclusive, executors: 1, remoteFS: "/tmp")
        guard let form = try? JenkinsRequests.createForm(NodeForm(node, webSocket: false)) else { return [] }
        let path = JenkinsRequests.computer(name)
        var rows: [CheckRow] = []
        do throws(JenkinsFailure) {
            try await client.post("/computer/doCreateItem", form: form)
            rows.append(.ok("Agent/Create", "granted"))
        } catch {
            rows.append(.wrong("Agent/Create", "\(error)", "grant Agent/Create to the user"))
            let unknown = "cannot be tried without Agent/Create"
            return rows
                + ["Agent/Connect", "Agent/Disconnect", "Agent/Delete"].map {
                    .warning($0, unknown, "grant it to the user, too")
                }
        }
        rows.append(await secret(path, name))
        rows.append(
            await tried("Agent/Disconnect") { () async throws(JenkinsFailure) in
                try await client.post(
                    JenkinsRequests.query(path + "/changeOfflineCause", [("offlineMessage", "check")]))
            })
        let deleted = await tried("Agent/Delete") { () async throws(JenkinsFailure) in
            try await client.post(path + "/doDelete", alsoFine: [404])
        }
        rows.append(deleted)
        if deleted.state != .ok {
            rows.append(.warning("left behind", "node \(name)", "delete it by hand on the controller's page of nodes"))
        }
        return rows
    }

    private func secret(_ path: String, _ name: NodeName) async -> CheckRow {
        var failure = ""
        for document in ["/jenkins-agent.jnlp", "/slave-agent.jnlp"] {
            do throws(JenkinsFailure) {
                let answer = try await client.get(path + document, in: .lookUp)
                do throws(UnreadableAnswer) {
                    _ = try JenkinsAnswers.secret(of: name, answer.body)
                    return .ok("Agent/Connect", "granted: an agent's secret can be read")
                } catch {
                    return .wrong("Agent/Connect", "\(error)", "look for a proxy that changes the answer")
                }
            } catch {
                failure = "\(error)"
                guard case .answered(404, _) = error else { break }
            }
        }
        return .wrong("Agent/Connect", failure, "grant Agent/Connect to the user: it reads agents' secrets")
    }

    private func tried(_ right: String, _ work: () async throws(JenkinsFailure) -> Void) async -> CheckRow {
        do throws(JenkinsFailure) {
            try await work()
            return .ok(right, "granted")
        } catch {
            return .wrong(right, "\(error)", "grant \(right) to the user")
        }
    }
}
