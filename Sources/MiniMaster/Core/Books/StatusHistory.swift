// The statuses of one task, as the state endpoints show them: nearly always one, which then takes no heap.
import MesosProtocol

/// What is kept of a status.
package struct StatusSummary: Sendable {
    package var timestamp: Double
    package var state: V1TaskState
    package var healthy: Bool?
    package var source: V1TaskStatus.Source?
    package var reason: V1TaskStatus.Reason?
    /// A `ContainerStatus` as on the wire, without the process id, which is for the framework only; empty for none. The
    /// decoded message takes ten times the memory, and is asked for a thousand times less often.
    package var encodedContainer: [UInt8] { container.bytes }
    private(set) var container = EncodedContainer()
    private var rare: Rare?

    /// What most statuses have not.
    private final class Rare: Sendable {
        let labels: V1Labels?
        let message: String?

        init(labels: V1Labels?, message: String?) {
            self.labels = labels
            self.message = message
        }
    }

    init(_ status: V1TaskStatus) {
        state = status.state
        timestamp = status.timestamp
        healthy = status.hasHealthy ? status.healthy : nil
        source = status.hasSource ? status.source : nil
        reason = status.hasReason ? status.reason : nil
        if status.hasLabels || !status.message.isEmpty {
            rare = Rare(
                labels: status.hasLabels ? status.labels : nil, message: status.message.isEmpty ? nil : status.message)
        }
        if status.hasContainerStatus {
            var container = status.containerStatus
            container.clearExecutorPid()
            self.container = EncodedContainer(MediaType.protobuf.encode(container))
        }
    }

    /// - Parameter container: Well-formed and without a process id.
    init(
        state: V1TaskState, timestamp: Double, healthy: Bool?, source: V1TaskStatus.Source?,
        reason: V1TaskStatus.Reason?, message: String?, container: EncodedContainer
    ) {
        self.state = state
        self.timestamp = timestamp
        self.healthy = healthy
        self.source = source
        self.reason = reason
        self.container = container
        if let message, !message.isEmpty { rare = Rare(labels: nil, message: message) }
    }

    package var labels: V1Labels? { rare?.labels }
    package var message: String? { rare?.message }

    /// Decoded anew each time.
    package var containerStatus: V1ContainerStatus? {
        if container.isEmpty { return nil }
        return try? MediaType.protobuf.decode(from: encodedContainer)
    }
}

/// Statuses in the order they came.
package struct StatusHistory: RandomAccessCollection, Sendable {
    private var newest: StatusSummary?
    private var earlier: [StatusSummary] = []

    init() {}

    package var startIndex: Int { 0 }
    package var endIndex: Int { newest == nil ? 0 : earlier.count + 1 }

    package subscript(index: Int) -> StatusSummary {
        if index < earlier.count { return earlier[index] }
        guard let newest, index == earlier.count else { preconditionFailure("status \(index) of \(endIndex)") }
        return newest
    }

    /// Runs of one state keep their newest entry only.
    mutating func remember(_ summary: StatusSummary) {
        if let newest, newest.state != summary.state { earlier.append(newest) }
        newest = summary
    }
}
