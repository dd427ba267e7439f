// Finds the container of a task that runs: from the leading master to the task's agent.

import Foundation
import MesosProtocol
import OperatorClient

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

/// Asks the leading master's `/tasks` and `/slaves`.
struct TaskFinder: Sendable {
    var connection: OperatorConnection

    /// - Parameter framework: Whose task; nil if there is only one of that name.
    func find(_ task: String, framework: String?) async throws(ExecFailure) -> FoundTask {
        var leader: LeaderSession
        do throws(OperatorFailure) { leader = try await connection.leader() } catch {
            throw ExecFailure(description: "\(error)")
        }
        let answer = try await Self.get("/tasks", [("limit", "-1"), ("task_id", task)], of: &leader)
        let (base, isSecure) = (leader.url, connection.isSecure)
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
        let slaves = try await Self.get("/slaves", [("slave_id", agent)], of: &leader)
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

    private static func get(
        _ path: String, _ query: [(String, String)], of leader: inout LeaderSession
    ) async throws(ExecFailure) -> [String: Any] {
        let body: [UInt8]
        do throws(OperatorFailure) { body = try await leader.get(path, query) } catch {
            throw ExecFailure(description: "\(error)")
        }
        guard let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else {
            throw ExecFailure(description: "\(leader.url)\(path) did not answer with a JSON object")
        }
        return object
    }
}
