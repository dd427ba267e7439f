// The records inside checkpoint files: which tag carries what, as protobuf messages of the public schema.

import Foundation
import MesosProtocol
import Resources
import SwiftProtobuf

/// One record of a checkpoint file, decoded.
package enum CheckpointRecord: Hashable, Sendable {
    case agent(V1AgentInfo)
    /// The config, and when it came.
    case drain(DrainOrder)
    case framework(V1FrameworkInfo)
    case task(V1TaskInfo)
    case placement(ContainerizerKind)
    case group(GroupMembership)
    case update(V1TaskStatus)
    case acknowledgement(UpdateID)
    case kill(KillOrder)
    /// A dynamically reserved resource or a volume.
    case resource(V1Resource)
    case operation(LinkOperation)
    case destroyedVolume(VolumeName)
    case executor(V1ExecutorInfo)
    case executorStep(ExecutorStep)
    case delivery(TaskDelivery)

    private enum Tag: UInt8 {
        case agent = 1
        case framework = 2
        case drain = 20
        case task = 3
        case placement = 4
        case update = 5
        case acknowledgement = 6
        case kill = 7
        case resource = 8
        case operation = 9
        case destroyedVolume = 10
        case executor = 11
        case executorStep = 12
        /// Of revision 2.
        case delivery = 13
        case group = 30
    }

    package var encoded: RecordFile.Record {
        switch self {
        case .agent(let info): record(.agent, info)
        case .drain(let order):
            RecordFile.Record(
                tag: Tag.drain.rawValue,
                payload: Array("\(order.since.nanoseconds)\n".utf8) + MediaType.protobuf.encode(order.config))
        case .framework(let info): record(.framework, info)
        case .task(let info): record(.task, info)
        case .placement(let kind): RecordFile.Record(tag: Tag.placement.rawValue, payload: Array(kind.rawValue.utf8))
        case .group(let membership):
            RecordFile.Record(tag: Tag.group.rawValue, payload: Array(membership.text.utf8))
        case .update(let status): record(.update, status)
        case .acknowledgement(let id): RecordFile.Record(tag: Tag.acknowledgement.rawValue, payload: id.bytes)
        case .kill(let order):
            RecordFile.Record(
                tag: Tag.kill.rawValue,
                payload: Array(
                    (
                        // An ordinary kill is written as it always was: earlier versions read it.
                        "\(order.grace.clampedNanoseconds)"
                        + (order.cause == .request ? "" : " \(order.cause.rawValue)")).utf8))
        case .resource(let resource): record(.resource, resource)
        case .operation(let operation): record(.operation, operation)
        case .executor(let info): record(.executor, info)
        case .executorStep(let step):
            RecordFile.Record(tag: Tag.executorStep.rawValue, payload: Array(step.rawValue.utf8))
        case .delivery(let delivery):
            RecordFile.Record(tag: Tag.delivery.rawValue, payload: Array(delivery.rawValue.utf8))
        case .destroyedVolume(let name):
            RecordFile.Record(
                tag: Tag.destroyedVolume.rawValue, payload: Array("\(name.role.value) \(name.id)".utf8))
        }
    }

    private func record(_ tag: Tag, _ message: some Message) -> RecordFile.Record {
        RecordFile.Record(tag: tag.rawValue, payload: MediaType.protobuf.encode(message))
    }

    /// Whether this program has a meaning for a record's tag.
    static func knows(_ tag: UInt8) -> Bool { Tag(rawValue: tag) != nil }

    /// - Returns: `nil` if the tag is unknown or its payload is not what the tag promises.
    package init?(_ record: RecordFile.Record) {
        switch Tag(rawValue: record.tag) {
        case .agent: self.init(V1AgentInfo.self, record) { .agent($0) }
        case .framework: self.init(V1FrameworkInfo.self, record) { .framework($0) }
        case .task: self.init(V1TaskInfo.self, record) { .task($0) }
        case .update: self.init(V1TaskStatus.self, record) { .update($0) }
        case .placement:
            guard let kind = ContainerizerKind(rawValue: String(decoding: record.payload, as: UTF8.self)) else {
                return nil
            }
            self = .placement(kind)
        case .group:
            guard let membership = GroupMembership(text: String(decoding: record.payload, as: UTF8.self)) else {
                return nil
            }
            self = .group(membership)
        case .acknowledgement:
            guard let id = UpdateID(bytes: record.payload) else { return nil }
            self = .acknowledgement(id)
        case .kill:
            let words = String(decoding: record.payload, as: UTF8.self).split(separator: " ")
            guard let first = words.first, words.count <= 2, let nanoseconds = Int64(first),
                let cause = words.count == 1 ? .request : KillOrder.Cause(rawValue: String(words[1]))
            else { return nil }
            self = .kill(KillOrder(grace: .nanoseconds(nanoseconds), cause: cause))
        case .drain:
            guard let newline = record.payload.firstIndex(of: UInt8(ascii: "\n")),
                let since = Int64(String(decoding: record.payload[..<newline], as: UTF8.self)),
                let config = try? V1DrainConfig(serializedBytes: Array(record.payload[(newline + 1)...]))
            else { return nil }
            self = .drain(DrainOrder(config, since: WallTime(nanoseconds: since)))
        case .executor: self.init(V1ExecutorInfo.self, record) { .executor($0) }
        case .executorStep:
            guard let step = ExecutorStep(rawValue: String(decoding: record.payload, as: UTF8.self)) else { return nil }
            self = .executorStep(step)
        case .delivery:
            guard let delivery = TaskDelivery(rawValue: String(decoding: record.payload, as: UTF8.self)) else {
                return nil
            }
            self = .delivery(delivery)
        case .resource: self.init(V1Resource.self, record) { .resource($0) }
        case .operation: self.init(LinkOperation.self, record) { .operation($0) }
        case .destroyedVolume:
            // A role has no space in its name.
            let words = String(decoding: record.payload, as: UTF8.self)
                .split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, let role = try? RoleName(String(words[0])) else { return nil }
            self = .destroyedVolume(VolumeName(role: role, id: String(words[1])))
        case nil:
            return nil
        }
    }

    private init?<M: Message>(_: M.Type, _ record: RecordFile.Record, _ make: (M) -> CheckpointRecord) {
        guard let message = try? M(serializedBytes: record.payload) else { return nil }
        self = make(message)
    }
}

extension ResourceState {
    package var records: [CheckpointRecord] {
        converted.protobuf().map { .resource($0) } + operations.map { .operation($0.message) }
            + destroyed.map { .destroyedVolume($0) }
    }

    /// - Returns: `nil` if a record does not belong here or cannot be read.
    package init?(_ records: [CheckpointRecord]) {
        self.init()
        var resources: [V1Resource] = []
        for record in records {
            switch record {
            case .resource(let resource): resources.append(resource)
            case .operation(let message):
                guard let operation = AgentOperation(message) else { return nil }
                operations.append(operation)
            case .destroyedVolume(let name): destroyed.append(name)
            case .agent, .drain, .framework, .task, .placement, .group, .update, .acknowledgement, .kill, .executor,
                .executorStep, .delivery:
                return nil
            }
        }
        guard let sum = try? Resources(resources) else { return nil }
        converted = sum
    }
}

extension AgentOperation {
    /// The operation as it lies on disk and as a master learns of it.
    package var message: LinkOperation {
        var message = LinkOperation()
        if let framework { message.frameworkID = V1FrameworkID(framework) }
        if info.hasID { message.operationID = info.id }
        message.id = id
        message.info = info
        message.latestStatus = status
        message.statuses = [status]
        return message
    }

    package init?(_ message: LinkOperation) {
        guard let id = message.id else { return nil }
        self.init(
            id: id, framework: message.hasFrameworkID ? FrameworkID(message.frameworkID) : nil, info: message.info,
            status: message.latestStatus)
    }
}

extension StatusUpdate {
    /// The update as a framework reads it and as it lies on disk.
    package func status(agent: AgentID) -> V1TaskStatus {
        var status = details ?? V1TaskStatus()
        status.taskID = V1TaskID(key.task)
        status.state = state
        status.source = source
        if let reason { status.reason = reason }
        if let message { status.message = message }
        status.agentID = V1AgentID(agent)
        status.executorID = V1ExecutorID(executor)
        status.timestamp = timestamp.seconds
        status.updateUUID = id
        if !data.isEmpty { status.data = Data(data) }
        if let container {
            status.containerStatus.containerID = V1ContainerID(container)
            if let parent { status.containerStatus.containerID.parent = V1ContainerID(parent) }
            status.containerStatus.networkInfos = networks
        }
        if let healthy { status.healthy = healthy }
        if let checkStatus { status.checkStatus = checkStatus }
        if let limitation { status.limitation.resources = limitation.protobuf() }
        return status
    }

    /// Reads an update back; `nil` without a uuid.
    package init?(_ status: V1TaskStatus, framework: FrameworkID) {
        guard let id = status.updateUUID else { return nil }
        self.init(
            id: id, key: TaskKey(framework: framework, task: TaskID(status.taskID)),
            executor: ExecutorID(status.executorID),
            container: status.hasContainerStatus ? ContainerID(status.containerStatus.containerID) : nil,
            state: status.state, source: status.source, reason: status.hasReason ? status.reason : nil,
            message: status.hasMessage ? status.message : nil,
            timestamp: WallTime(nanoseconds: Int64((status.timestamp * 1e9).rounded())),
            limitation: status.hasLimitation ? try? Resources(status.limitation.resources) : nil,
            networks: status.containerStatus.networkInfos, data: Array(status.data),
            healthy: status.hasHealthy ? status.healthy : nil,
            checkStatus: status.hasCheckStatus ? status.checkStatus : nil, details: Self.details(in: status))
        let own = status.containerStatus.containerID
        if own.hasParent { parent = ContainerID(own.parent) }
    }

    /// What of a status has no field of its own in ``StatusUpdate``; nil if there is nothing.
    private static func details(in status: V1TaskStatus) -> V1TaskStatus? {
        var details = V1TaskStatus()
        if status.hasLabels { details.labels = status.labels }
        if status.containerStatus.hasCgroupInfo {
            details.containerStatus.cgroupInfo = status.containerStatus.cgroupInfo
        }
        if status.containerStatus.hasExecutorPid {
            details.containerStatus.executorPid = status.containerStatus.executorPid
        }
        return details == V1TaskStatus() ? nil : details
    }
}
