// Whether this agent can run a task at all, and with which containerizer.

import MesosProtocol
import Resources

/// The answer to a task, decided before anything is done for it and again when it is recovered.
enum TaskAdmission: Hashable, Sendable {
    case run(ContainerizerKind, Resources)
    case refuse(ExitReport)

    init(_ given: V1TaskInfo, settings: AgentSettings) {
        let info = settings.withDefaultContainer(given)
        let resources: Resources
        do {
            resources = try Resources(info.resources)
        } catch {
            self = .refuse(
                ExitReport(state: .taskError, reason: .taskInvalid, message: "Task uses invalid resources: \(error)"))
            return
        }
        // The agent itself is the default executor.
        if info.hasExecutor, info.executor.type != .default {
            self = .refuse(
                ExitReport(
                    state: .taskError, reason: .taskInvalid,
                    message: "The agent could not launch the executor of this task"))
            return
        }
        if info.hasExecutor, !Self.needsDocker(info),
            let network = info.executor.container.networkInfos.first(where: { !$0.name.isEmpty })
        {
            self = .refuse(
                ExitReport(
                    state: .taskError, reason: .taskGroupInvalid,
                    message: "A task without an image cannot be put on the network '\(network.name)' of its group"))
            return
        }
        let wanted: ContainerizerKind = Self.needsDocker(info) ? .docker : .process
        guard settings.containerizers.contains(wanted) else {
            let enabled = settings.containerizers.map(\.rawValue).joined(separator: ",")
            self = .refuse(
                ExitReport(
                    state: .taskFailed, reason: .containerLaunchFailed,
                    message: "Failed to launch container: it needs the \(wanted.rawValue) containerizer, and none of "
                        + "the enabled containerizers (\(enabled)) could create it"))
            return
        }
        self = .run(wanted, resources)
    }

    private static func needsDocker(_ info: V1TaskInfo) -> Bool { info.hasContainer && info.container.needsDocker }

    /// Ids become directory names.
    static func isUsable(_ id: String) -> Bool {
        let bytes = id.utf8
        if bytes.isEmpty || bytes.count > 255 || id == "." || id == ".." { return false }
        return !bytes.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
    }
}
