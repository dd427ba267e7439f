// `/state`: the agent, its frameworks and their tasks, key by key as Apache Mesos prints them.

import MesosProtocol
import Resources

/// Prints a core as JSON.
struct AgentStateView {
    let core: AgentCore
    let source: AgentAPI.Source
    private let figures: UsageFigures

    init(_ core: AgentCore, _ source: AgentAPI.Source, _ figures: UsageFigures = UsageFigures()) {
        self.core = core
        self.source = source
        self.figures = figures
    }

    var json: JSONValue {
        let total = core.total
        return .members([
            ("version", .string(Versions.mesosAPI)),
            ("mini_version", .string(Versions.mini)),
            ("build_date", .string(AgentVersion.buildDate)),
            ("build_time", .double(0)),
            ("build_user", .string(AgentVersion.buildUser)),
            ("start_time", .double(source.startedAt.wall.seconds)),
            ("id", core.agent.map { .string($0.value) }),
            ("pid", .string("slave(1)@\(source.advertisedIP):\(source.info.port)")),
            ("hostname", .string(source.info.hostname)),
            ("docker_engine_stalled", core.engineStall.map { .string($0) }),
            ("capabilities", .strings(AgentCapabilities.names)),
            ("resources", Self.summary(total)),
            ("reserved_resources", reservedSummaries(total)),
            ("unreserved_resources", Self.summary(total.unreserved)),
            ("reserved_resources_full", reservedFull(total)),
            ("unreserved_resources_full", .array(total.unreserved.protobuf().map { .message(MesosJSON.encode($0)) })),
            ("reserved_resources_allocated", reservedSummaries(core.used)),
            ("unreserved_resources_allocated", Self.summary(core.used.unreserved)),
            ("resource_providers", .array([])),
            ("drain_config", core.drain.map { .message(MesosJSON.encode($0.config)) }),
            ("estimated_drain_start_time_seconds", core.drain.map { .double($0.since.seconds) }),
            ("attributes", attributes),
            ("master_hostname", core.link.master.map { .string($0.hostname) }),
            ("flags", AgentFlags.json(source.configuration)),
            ("process_isolation", .members(source.isolation.map { ($0.name, .string($0.text)) })),
            ("frameworks", .array(frameworks)),
            ("completed_frameworks", .array(completedFrameworks)),
        ])
    }

    // MARK: Frameworks

    private var frameworks: [JSONValue] {
        core.frameworks.sorted { $0.key < $1.key }.map { id, info in framework(id, info) }
    }

    private var completedFrameworks: [JSONValue] {
        var gone: [FrameworkID: V1FrameworkInfo] = [:]
        for task in core.completed where core.frameworks[task.record.key.framework] == nil {
            gone[task.record.key.framework] = task.framework
        }
        for executor in core.completedExecutors where core.frameworks[executor.record.key.framework] == nil {
            gone[executor.record.key.framework] = executor.framework
        }
        return gone.sorted { $0.key < $1.key }.map { id, info in framework(id, info) }
    }

    private func framework(_ id: FrameworkID, _ info: V1FrameworkInfo) -> JSONValue {
        let lives = core.tasks.filter { $0.record.key.framework == id && $0.record.group == nil }
            .sorted { $0.key < $1.key }.map(\.value)
        let completed = core.completed.filter {
            $0.record.key.framework == id && $0.record.group == nil && $0.record.host == nil
        }
        return .members([
            ("id", .string(id.value)),
            ("name", .string(info.name)),
            ("user", .string(info.user)),
            ("failover_timeout", .double(info.failoverTimeout)),
            ("checkpoint", .bool(info.checkpoint)),
            ("hostname", .string(info.hostname)),
            ("principal", info.hasPrincipal ? .string(info.principal) : nil),
            info.roles.isEmpty ? ("role", .string(info.role)) : ("roles", .strings(info.roles)),
            (
                "executors",
                .array(
                    lives.map { executor($0.record, $0.history, $0.state, isLive: true, $0.resources) }
                        + defaultExecutors(of: id) + customExecutors(of: id))
            ),
            (
                "completed_executors",
                .array(
                    completed.map { task in
                        let resources = (try? Resources(task.record.info.resources)) ?? Resources()
                        let state = task.history.last?.state ?? .taskStaging
                        return executor(task.record, task.history, state, isLive: false, resources)
                    } + completedDefaultExecutors(of: id) + completedCustomExecutors(of: id))
            ),
        ])
    }

    /// A command task is shown under an executor of its own, as in Apache Mesos.
    private func executor(
        _ record: TaskRecord, _ history: [StatusUpdate], _ state: V1TaskState, isLive: Bool, _ resources: Resources
    ) -> JSONValue {
        let task = task(record, history, state, resources)
        let isQueued = isLive && history.isEmpty
        return .members([
            ("id", .string(record.executor.value)),
            ("name", .string(Self.executorName(record.info))),
            ("source", .string(record.key.task.value)),
            ("container", .string(record.container.value)),
            ("directory", core.agent.map { .string(source.paths.run($0, record).sandbox) }),
            ("resources", Self.summary(resources)),
            ("role", .string(Self.role(record.info))),
            ("tasks", .array(isLive && !isQueued ? [task] : [])),
            ("queued_tasks", .array(isQueued ? [task] : [])),
            ("completed_tasks", .array(isLive ? [] : [task])),
            // Not in Apache Mesos: what an ended container had used, for as long as it is remembered.
            (
                "statistics",
                isLive
                    ? nil
                    : figures.ended[record.container].map {
                        UsageStatistics.json($0, UsageAllowance(of: [record.info]))
                    }
            ),
        ])
    }

    func task(
        _ record: TaskRecord, _ history: [StatusUpdate], _ state: V1TaskState, _ resources: Resources
    ) -> JSONValue {
        let info = record.info
        return .members([
            ("id", .string(record.key.task.value)),
            ("name", .string(info.name)),
            ("framework_id", .string(record.key.framework.value)),
            (
                "executor_id",
                .string(record.group == nil && record.host == nil ? "" : record.executor.value)
            ),
            ("slave_id", .string(info.agentID.value)),
            ("state", .string(state.name)),
            ("resources", Self.summary(resources)),
            ("limits", Self.limits(info)),
            ("role", .string(Self.role(info))),
            ("statuses", .array(history.map(status))),
            ("user", info.command.hasUser ? .string(info.command.user) : nil),
            ("labels", info.hasLabels ? JSONValue.message(MesosJSON.encode(info.labels))["labels"] : nil),
            ("discovery", info.hasDiscovery ? .message(MesosJSON.encode(info.discovery)) : nil),
            ("container", info.hasContainer ? .message(MesosJSON.encode(info.container)) : nil),
            ("health_check", info.hasHealthCheck ? .message(MesosJSON.encode(info.healthCheck)) : nil),
        ])
    }

    private func status(_ update: StatusUpdate) -> JSONValue {
        let message = update.status(agent: core.agent ?? AgentID(""))
        return .members([
            ("state", .string(update.state.name)),
            ("timestamp", .double(update.timestamp.seconds)),
            ("labels", message.hasLabels ? JSONValue.message(MesosJSON.encode(message.labels))["labels"] : nil),
            (
                "container_status",
                message.hasContainerStatus ? .message(MesosJSON.encode(message.containerStatus)) : nil
            ),
            ("healthy", message.hasHealthy ? .bool(message.healthy) : nil),
        ])
    }

    /// None is written as a word, which JSON has no number for.
    private static func limits(_ info: V1TaskInfo) -> JSONValue? {
        if info.limits.isEmpty { return nil }
        return .members(
            info.limits.sorted { $0.key < $1.key }.map { name, limit in
                (name, limit.value.isFinite ? .double(limit.value) : .string("Infinity"))
            })
    }

    private static func role(_ info: V1TaskInfo) -> String { role(info.resources) }

    static func role(_ resources: [V1Resource]) -> String {
        resources.first { $0.hasAllocationInfo }?.allocationInfo.role ?? "*"
    }

    static func executorName(_ info: V1TaskInfo) -> String {
        let command = info.command
        let what: String
        if command.shell {
            what = command.hasValue ? "sh -c '\(command.value.prefix(60))'" : "NO COMMAND"
        } else if command.hasValue || !command.arguments.isEmpty {
            what = "[\((command.hasValue ? [command.value] : []).joined() + command.arguments.joined(separator: ", "))]"
        } else {
            what = "NO EXECUTABLE"
        }
        return "Command Executor (Task: \(info.taskID.value)) (Command: \(what))"
    }

    // MARK: Resources and attributes

    /// The four well-known scalars, zero or not, then whatever else there is.
    static func summary(_ resources: Resources) -> JSONValue {
        let known = ["disk", "mem", "gpus", "cpus"]
        var members: [(String, JSONValue?)] = known.map { ($0, .double(resources[$0].doubleValue)) }
        for name in Set(resources.entries.map(\.name)).sorted() where !known.contains(name) {
            let ranges = resources.ranges(named: name)
            members.append((name, ranges.isEmpty ? .double(resources[name].doubleValue) : .string(ranges.description)))
        }
        return .members(members)
    }

    private func roles(_ resources: Resources) -> [RoleName] {
        Set(resources.entries.compactMap { $0.reservations.last?.role }).sorted()
    }

    private func reserved(_ resources: Resources, _ role: RoleName) -> Resources {
        Resources(entries: resources.entries.filter { $0.reservations.last?.role == role })
    }

    private func reservedSummaries(_ resources: Resources) -> JSONValue {
        .members(roles(resources).map { ($0.value, Self.summary(reserved(resources, $0))) })
    }

    private func reservedFull(_ resources: Resources) -> JSONValue {
        .members(
            roles(resources).map { role in
                (role.value, .array(reserved(resources, role).protobuf().map { .message(MesosJSON.encode($0)) }))
            })
    }

    private static func text(_ ranges: V1Value.Ranges) -> String {
        "[\(ranges.range.map { "\($0.begin)-\($0.end)" }.joined(separator: ", "))]"
    }

    private var attributes: JSONValue {
        .members(
            source.info.attributes.map { attribute in
                switch attribute.type {
                case .scalar: (attribute.name, .double(attribute.scalar.value))
                case .ranges: (attribute.name, .string(Self.text(attribute.ranges)))
                case .text, .set: (attribute.name, .string(attribute.text.value))
                }
            })
    }
}

/// What the agent can do, as masters and frameworks ask for it.
enum AgentCapabilities {
    static let all: [V1AgentInfo.Capability.TypeEnum] = [
        .multiRole, .hierarchicalRole, .reservationRefinement, .resourceProvider, .resizeVolume,
        .agentOperationFeedback, .agentDraining, .taskResourceLimits,
    ]

    /// RESOURCE_PROVIDER is named because masters and frameworks take it, with AGENT_OPERATION_FEEDBACK, for the ability
    /// to report on operations; there are no resource providers.
    static var messages: [V1AgentInfo.Capability] {
        all.map { type in
            var capability = V1AgentInfo.Capability()
            capability.type = type
            return capability
        }
    }

    static let names = [
        "MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "RESOURCE_PROVIDER", "RESIZE_VOLUME",
        "AGENT_OPERATION_FEEDBACK", "AGENT_DRAINING", "TASK_RESOURCE_LIMITS",
    ]
}
