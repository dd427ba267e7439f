// What this host has after reservations and volumes, and the operations whose outcome somebody still waits for.

import MesosProtocol
import Resources

/// An operation that this agent has dealt with: it was applied, or could not be.
package struct AgentOperation: Hashable, Sendable {
    /// Names it between master and agent.
    package var id: WireUUID
    /// Nil when an operator asked for it.
    package var framework: FrameworkID?
    package var info: V1Offer.Operation
    /// Its end. Carries a uuid when it wants to be acknowledged.
    package var status: V1OperationStatus

    package init(id: WireUUID, framework: FrameworkID?, info: V1Offer.Operation, status: V1OperationStatus) {
        self.id = id
        self.framework = framework
        self.info = info
        self.status = status
    }

    package var statusID: WireUUID? { status.statusUUID }
}

/// The directory of a persistent volume, by the names that make its path.
package struct VolumeName: Hashable, Comparable, Sendable {
    package var role: RoleName
    package var id: String

    package init(role: RoleName, id: String) {
        self.role = role
        self.id = id
    }

    package static func < (left: Self, right: Self) -> Bool { (left.role, left.id) < (right.role, right.id) }
}

/// The part of it that is on disk, written as a whole with every change.
package struct ResourceState: Hashable, Sendable {
    /// Everything that is dynamically reserved or a persistent volume.
    package var converted = Resources()
    /// Operations whose end was not acknowledged yet, oldest first.
    package var operations: [AgentOperation] = []
    /// Volumes that this change destroyed: their directories go once it is on disk.
    package var destroyed: [VolumeName] = []

    package init() {}

    /// Sorted.
    package var volumes: [VolumeName] { converted.volumeNames }
}

extension Resources {
    /// The persistent volumes in it, sorted.
    package var volumeNames: [VolumeName] {
        volumes.entries.compactMap { entry in
            guard let role = entry.role, let id = entry.disk?.persistenceID else { return nil }
            return VolumeName(role: role, id: id)
        }.sorted()
    }
}

/// Applies operations to the host's resources and delivers their outcomes.
///
/// Changes become durable one at a time; while one is on its way to disk the agent takes no further command, and does
/// not register, so that whatever it says of its resources is on disk.
package struct ResourceBook: Hashable, Sendable {
    /// What is on disk.
    package private(set) var state: ResourceState
    /// What this host has.
    package private(set) var total: Resources
    /// What the flags give, before any operation.
    private let base: Resources
    /// On its way to disk.
    private var change: ResourceState?
    /// Outcomes to tell once they are on disk.
    private var untold: [AgentOperation] = []
    /// How often each outcome was sent, so that a timer of an earlier send can be told apart.
    private var sends: [WireUUID: Delivery] = [:]

    private struct Delivery: Hashable, Sendable {
        var count = 0
        var delay = StatusUpdateStream.retryMin
    }

    /// Far more than a framework leaves unacknowledged on one agent.
    static let operationsMax = 2000

    init(base: Resources) {
        self.base = base
        state = ResourceState()
        total = base
    }

    /// The total as an earlier life of this agent left it.
    ///
    /// - Returns: Nil if the flags no longer give what reservations and volumes were made of.
    package static func total(of base: Resources, with converted: Resources) -> Resources? {
        let origin = converted.withoutOperations
        return base.contains(origin) ? base - origin + converted : nil
    }

    var isWriting: Bool { change != nil }

    mutating func recover(_ recovered: ResourceState) {
        state = recovered
        state.destroyed = []
        // Checked when the agent started.
        total = Self.total(of: base, with: recovered.converted) ?? base
    }

    // MARK: Operations

    /// Applies an operation; what is to be written.
    mutating func apply(
        _ id: WireUUID, of framework: FrameworkID?, _ info: V1Offer.Operation, statusID: WireUUID
    ) -> [AgentEffect] {
        if isKnown(id) { return [] }
        precondition(change == nil, "operation \(id) while another change is on its way to disk")
        var next = state
        next.destroyed = []
        var status = V1OperationStatus()
        if info.hasID { status.operationID = info.id }
        do throws(ResourceConversionFault) {
            let conversion = try ResourceConversion(info)
            if !total.contains(conversion.consumed) {
                status.state = .operationFailed
                status.message = "The agent's resources \(total) do not contain \(conversion.consumed)"
            } else if conversion.converted.volumeNames.contains(where: { !TaskAdmission.isUsable($0.id) }) {
                status.state = .operationFailed
                status.message = "A persistence id cannot be used as a directory name"
            } else if state.operations.count >= Self.operationsMax {
                status.state = .operationFailed
                status.message = "\(state.operations.count) operations on this agent were not acknowledged"
            } else {
                let result = total - conversion.consumed + conversion.converted
                next.converted = result.madeByOperations
                let left = Set(result.volumeNames)
                next.destroyed = total.volumeNames.filter { !left.contains($0) }
                status.state = .operationFinished
                status.convertedResources = conversion.converted.protobuf()
            }
        } catch {
            status.state = .operationFailed
            status.message = "Invalid operation: \(error)"
        }
        // Without a framework's name for it nobody wants to know twice.
        let wantsFeedback = framework != nil && info.hasID && state.operations.count < Self.operationsMax
        if wantsFeedback { status.statusUUID = statusID }
        let operation = AgentOperation(id: id, framework: framework, info: info, status: status)
        untold.append(operation)
        if wantsFeedback { next.operations.append(operation) }
        return write(next)
    }

    /// The framework has heard of it.
    mutating func acknowledge(_ id: WireUUID, _ statusID: WireUUID) -> [AgentEffect] {
        guard state.operations.contains(where: { $0.id == id && $0.statusID == statusID }) else { return [] }
        var next = state
        next.destroyed = []
        next.operations.removeAll { $0.id == id }
        sends[id] = nil
        return write(next)
    }

    func isKnown(_ id: WireUUID) -> Bool { state.operations.contains { $0.id == id } }

    private mutating func write(_ next: ResourceState) -> [AgentEffect] {
        change = next
        return [.checkpoint(.resources(next))]
    }

    /// The change is on disk.
    ///
    /// - Returns: The outcomes that can be told now.
    mutating func written() -> [AgentOperation] {
        guard let change else { return [] }
        self.change = nil
        state = change
        total = Self.total(of: base, with: change.converted) ?? total
        defer { untold = [] }
        return untold
    }

    // MARK: Delivery

    /// - Returns: The send's number and when it is due again; nil when nobody needs to acknowledge it.
    mutating func noteSend(of operation: AgentOperation, isRepeat: Bool) -> (send: Int, after: Duration)? {
        guard isKnown(operation.id) else { return nil }
        var delivery = sends[operation.id, default: Delivery()]
        delivery.count += 1
        delivery.delay = isRepeat ? min(delivery.delay * 2, StatusUpdateStream.retryMax) : StatusUpdateStream.retryMin
        sends[operation.id] = delivery
        return (delivery.count, delivery.delay)
    }

    /// The operation whose send of that number was not acknowledged.
    func due(_ id: WireUUID, send: Int) -> AgentOperation? {
        guard sends[id]?.count == send else { return nil }
        return state.operations.first { $0.id == id }
    }

    /// Whether everything that a task uses of reservations and volumes is here.
    func knows(_ resources: Resources) -> Bool {
        let special = resources.madeByOperations
        return special.isEmpty || total.contains(special)
    }
}
