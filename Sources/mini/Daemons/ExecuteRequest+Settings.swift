// From the settings of `mesos-execute` to the tasks that it runs.

import Foundation
import MesosProtocol
import Resources
import Settings
import TaskRun

extension ExecuteRequest {
    /// Flags that describe a task piece by piece, and have no place beside a whole one.
    private static let pieces = ["name", "command", "env", "docker_image", "volumes"]

    init(_ settings: ResolvedSettings) throws {
        self.init(tasks: [], isGroup: settings.text("task_group") != nil, killAfter: settings.duration("kill_after"))
        let whole = ["task", "task_group"].filter { settings.text($0) != nil }
        if whole.count == 2 { throw settings.problem("task_group", "only one of it and --task may be given") }
        if let flag = whole.first {
            if let piece = Self.pieces.first(where: { settings.text($0) != nil }) {
                throw settings.problem(piece, "cannot be given together with --\(flag)")
            }
            tasks = try Self.parsed(settings, flag)
        } else {
            tasks = [try Self.composed(settings)]
        }
    }

    // MARK: A whole task

    private static func parsed(_ settings: ResolvedSettings, _ flag: String) throws -> [V1TaskInfo] {
        let text = settings.text(flag) ?? ""
        let object = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
        guard let object else { throw settings.problem(flag, "expected a JSON object") }
        let tasks = flag == "task" ? [object] : object["tasks"] as? [[String: Any]] ?? []
        if tasks.isEmpty { throw settings.problem(flag, "expected a list of tasks in 'tasks'") }
        return try tasks.map { task in
            // Nobody knows the agent yet, but the message has no place for nobody.
            let complete = task.merging(["agent_id": ["value": ""]]) { known, _ in known }
            do {
                let bytes = Array(try JSONSerialization.data(withJSONObject: complete))
                return try MesosJSON.decode(V1TaskInfo.self, from: bytes)
            } catch {
                throw settings.problem(flag, "\(error)")
            }
        }
    }

    // MARK: A task from its pieces

    private static func composed(_ settings: ResolvedSettings) throws -> V1TaskInfo {
        guard let name = settings.text("name") else { throw settings.problem("name", "is required") }
        var task = V1TaskInfo()
        task.name = name
        task.taskID.value = name
        do { task.resources = try Resources.parse(settings.text("resources") ?? "").protobuf() } catch {
            throw settings.problem("resources", "\(error)")
        }
        let isShell = settings.boolean("shell")
        task.command.shell = isShell
        if let command = settings.text("command") {
            task.command.value = command
        } else if isShell {
            throw settings.problem("command", "is required")
        }
        task.command.environment.variables = try variables(settings)
        if let container = try container(settings) { task.container = container }
        return task
    }

    private static func variables(_ settings: ResolvedSettings) throws -> [V1Environment.Variable] {
        guard let text = settings.text("env") else { return [] }
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String] else {
            throw settings.problem("env", "expected a JSON object of strings")
        }
        return object.sorted { $0.key < $1.key }.map { entry in
            var variable = V1Environment.Variable()
            variable.name = entry.key
            variable.value = entry.value
            return variable
        }
    }

    private static func container(_ settings: ResolvedSettings) throws -> V1ContainerInfo? {
        var container = V1ContainerInfo()
        if let volumes = settings.text("volumes") {
            do {
                container = try MesosJSON.decode(from: Array("{\"type\":\"MESOS\",\"volumes\":\(volumes)}".utf8))
            } catch {
                throw settings.problem("volumes", "\(error)")
            }
        }
        let networks = settings.list("networks") ?? []
        container.networkInfos = networks.map { name in
            var network = V1NetworkInfo()
            network.name = name
            return network
        }
        let image = settings.text("docker_image")
        if settings.text("containerizer") == "docker" {
            guard let image else { throw settings.problem("docker_image", "is required with --containerizer=docker") }
            if networks.count > 1 { throw settings.problem("networks", "expected one network for docker") }
            container.type = .docker
            container.docker.image = image
            if !networks.isEmpty { container.docker.network = .user }
            return container
        }
        if !networks.isEmpty { throw settings.problem("networks", "goes with --containerizer=docker") }
        guard image != nil || !container.volumes.isEmpty else { return nil }
        container.type = .mesos
        if let image {
            container.mesos.image.type = .docker
            container.mesos.image.docker.name = image
        }
        return container
    }
}
