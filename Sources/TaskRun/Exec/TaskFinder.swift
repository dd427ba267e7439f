// Finds the container of a task that runs: from the leading master to the task's agent.

import Foundation
import HTTPClient
import Logging
import MasterDetection
import MesosProtocol

/// Where a task runs.
struct FoundTask: Hashable, Sendable {
    /// `http://host:port`
    var agentURL: String
    var container: V1ContainerID
}

/// Why a command could not be run beside a task. One line.
public struct ExecFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

/// Asks the master's `/tasks` and `/slaves`.
struct TaskFinder: Sendable {
    private static let masterTimeout = Duration.seconds(15)

    var master: MasterLocation
    var http: HTTPClient
    var isSecure: Bool
    var authorization: String?

    /// - Parameter framework: Whose task; nil if there is only one of that name.
    func find(_ task: String, framework: String?) async throws(ExecFailure) -> FoundTask {
        let base = try await masterURL()
        let name = task.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let answer = try await get("\(base)/tasks?limit=-1&task_id=\(name)")
        let named = (answer["tasks"] as? [[String: Any]] ?? []).filter { entry in
            entry["id"] as? String == task && (framework.map { $0 == entry["framework_id"] as? String } ?? true)
        }
        let running = named.filter { $0["state"] as? String == "TASK_RUNNING" }
        guard let found = running.first else {
            guard let last = named.last?["state"] as? String else {
                throw ExecFailure(description: "the master at \(base) knows no task '\(task)'")
            }
            throw ExecFailure(description: "task '\(task)' does not run: it is in state \(last)")
        }
        let frameworks = Set(running.compactMap { $0["framework_id"] as? String })
        guard frameworks.count == 1 else {
            throw ExecFailure(
                description: "\(frameworks.count) frameworks run a task '\(task)': name one with --framework, of "
                    + frameworks.sorted().joined(separator: ", "))
        }
        guard let container = Self.container(found), let agent = found["slave_id"] as? String else {
            throw ExecFailure(description: "the master does not say in which container task '\(task)' runs")
        }
        let slaves = try await get("\(base)/slaves?slave_id=\(agent)")
        let entry = (slaves["slaves"] as? [[String: Any]])?.first { $0["id"] as? String == agent }
        guard let address = (entry?["pid"] as? String)?.split(separator: "@").last else {
            throw ExecFailure(description: "the master does not say where agent \(agent) is")
        }
        // Certificates name hosts.
        let port = address.split(separator: ":").last.map(String.init) ?? "5051"
        let host =
            isSecure ? (entry?["hostname"] as? String).map { "\($0):\(port)" } ?? String(address) : String(address)
        return FoundTask(agentURL: "\(isSecure ? "https" : "http")://\(host)", container: container)
    }

    /// From the newest status that names one.
    private static func container(_ task: [String: Any]) -> V1ContainerID? {
        for status in (task["statuses"] as? [[String: Any]] ?? []).reversed() {
            guard let id = (status["container_status"] as? [String: Any])?["container_id"],
                let json = try? JSONSerialization.data(withJSONObject: id),
                let container = try? MesosJSON.decode(V1ContainerID.self, from: Array(json))
            else { continue }
            return container
        }
        return nil
    }

    private func masterURL() async throws(ExecFailure) -> String {
        var logger = Logger(label: "mini-exec", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let detector = MasterDetector(location: master, sessionTimeout: .seconds(10), logger: logger)
        let patience = Task {
            try? await Task.sleep(for: Self.masterTimeout)
            await detector.stop()
        }
        var url: String?
        for await found in detector.masters {
            guard let found else { continue }
            url = found.baseURL(isSecure: isSecure)
            break
        }
        patience.cancel()
        await detector.stop()
        guard let url else {
            throw ExecFailure(description: "no master was found at \(master) in \(Self.masterTimeout)")
        }
        return url
    }

    private func get(_ url: String) async throws(ExecFailure) -> [String: Any] {
        var request = HTTPClientRequest(url: url, followRedirects: true)
        request.totalTimeout = .seconds(30)
        if let authorization { request.headers = [("Authorization", authorization)] }
        let reply: HTTPClientReply
        do throws(HTTPClientError) { reply = try await http.fetch(request, bodyMax: 256 << 20) } catch {
            throw ExecFailure(description: "\(url): \(error)")
        }
        guard reply.status == 200 else {
            throw ExecFailure(description: "\(url) answered \(reply.status): \(reply.text.prefix(200))")
        }
        guard let object = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] else {
            throw ExecFailure(description: "\(url) did not answer with a JSON object")
        }
        return object
    }
}
