// The older endpoints that read and, some of them, write: tasks, weights, quota, maintenance, the registry.
import HTTPServer
import MesosProtocol
import Resources

extension MasterAPI {
    static let tasksShownDefault = 100

    /// `limit`, `offset`, `order`, `framework_id`, `task_id`. A limit below zero is none. Additions to Apache Mesos:
    /// `slave_id`, and `with=reasons`, which adds to each status who reported it and why.
    func tasks(_ request: RoutedRequest) async -> HTTPResponse {
        let http = request.http
        var numbers: [String: Int] = [:]
        for name in ["limit", "offset"] {
            guard let text = http.query(name) else { continue }
            guard let number = Int(text) else {
                return .text(400, "Failed to parse query parameter '\(name)': '\(text)' is not a number")
            }
            numbers[name] = number
        }
        let limit = numbers["limit"] ?? Self.tasksShownDefault
        let offset = max(0, numbers["offset"] ?? 0)
        return await document(request) { documents in
            documents.tasks(
                framework: http.query("framework_id").map { FrameworkID($0) },
                task: http.query("task_id").map { TaskID($0) }, agent: http.query("slave_id").map { AgentID($0) },
                isAscending: http.query("order") == "asc", offset: offset, limit: limit < 0 ? nil : limit,
                withReasons: http.query("with") == "reasons")
        }
    }

    func weights(_ request: RoutedRequest) async -> HTTPResponse {
        guard request.isRead else { return await updateWeights(request) }
        let viewer = viewer(of: request)
        return await cluster(request) { cluster in
            var json = JSONWriter()
            json.array { json in
                for (role, weight) in RegistryViews.weights(cluster) where viewer.canSee(role) {
                    json.object { json in
                        json.member("role", role.value)
                        json.member("weight", weight)
                    }
                }
            }
            return request.json(json.bytes)
        }
    }

    func quota(_ request: RoutedRequest) async -> HTTPResponse {
        switch request.http.method {
        case "POST": await setQuota(request)
        case "DELETE": await removeQuota(request)
        default: await cluster(request) { request.json(RegistryViews.quota($0, for: viewer(of: request))) }
        }
    }

    func maintenanceSchedule(_ request: RoutedRequest) async -> HTTPResponse {
        guard request.isRead else { return await updateMaintenanceSchedule(request) }
        return await cluster(request) { request.json(viewer(of: request).visible($0.maintenanceSchedule)) }
    }

    func maintenanceStatus(_ request: RoutedRequest) async -> HTTPResponse {
        await cluster(request) { request.json(viewer(of: request).visible($0.maintenanceStatus)) }
    }

    /// What is durable, as JSON. For people: nobody parses it, and our registry is not Apache Mesos's.
    func registry(_ request: RoutedRequest) async -> HTTPResponse {
        await cluster(request) { request.json(RegistryViews.document($0.registry)) }
    }
}
