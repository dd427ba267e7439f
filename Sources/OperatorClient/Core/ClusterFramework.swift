// A framework as the master sees it.

import MesosProtocol
import Resources

public struct ClusterFramework: Encodable, Hashable, Sendable {
    public enum State: String, Encodable, Hashable, Sendable {
        case active
        /// Connected, and wants no offers.
        case inactive
        case disconnected
        /// Known from before the master took over; it has not come back yet.
        case recovering
        /// Its work is over.
        case completed
    }

    public var id: String
    public var name: String
    public var user: String
    public var principal: String?
    public var roles: [String]
    public var state: State
    public var hostname: String
    public var webuiURL: String
    /// How many of its tasks live.
    public var activeTasks = 0
    public var allocated: Amounts
    public var offered: Amounts
    /// Seconds since the Unix epoch.
    public var registered: Double?
    public var unregistered: Double?

    private static let question = "GET_FRAMEWORKS"

    /// Reads the answer to GET_FRAMEWORKS: those that live, then those that are over, each sorted by name and id.
    public static func read(_ answer: V1OperatorResponse.GetFrameworks) throws(AnswerError) -> [ClusterFramework] {
        var living: [ClusterFramework] = []
        for (index, framework) in answer.frameworks.enumerated() {
            living.append(try ClusterFramework(framework, nil, field: "frameworks[\(index)]"))
        }
        var completed: [ClusterFramework] = []
        for (index, framework) in answer.completedFrameworks.enumerated() {
            completed.append(try ClusterFramework(framework, .completed, field: "completed_frameworks[\(index)]"))
        }
        let order = { (left: ClusterFramework, right: ClusterFramework) in
            (left.name, left.id) < (right.name, right.id)
        }
        return living.sorted(by: order) + completed.sorted(by: order)
    }

    private init(
        _ framework: V1OperatorResponse.GetFrameworks.Framework, _ known: State?, field: String
    ) throws(AnswerError) {
        let info = framework.frameworkInfo
        guard !info.id.value.isEmpty else {
            throw AnswerError(
                question: Self.question, field: "\(field).framework_info.id", problem: "expected an id, found none")
        }
        id = info.id.value
        name = info.name
        user = info.user
        principal = info.hasPrincipal ? info.principal : nil
        // One that is not MULTI_ROLE has the single field.
        roles = (info.roles.isEmpty ? [info.role] : info.roles).sorted()
        hostname = info.hostname
        webuiURL = info.webuiURL
        state =
            known
            ?? (framework.recovered
                ? .recovering : !framework.connected ? .disconnected : framework.active ? .active : .inactive)
        allocated = Amounts(
            try Resources(
                framework.allocatedResources, question: Self.question, field: "\(field).allocated_resources"))
        offered = Amounts(
            try Resources(framework.offeredResources, question: Self.question, field: "\(field).offered_resources"))
        let start = framework.hasReregisteredTime ? framework.reregisteredTime : framework.registeredTime
        registered = framework.hasRegisteredTime || framework.hasReregisteredTime ? start.seconds : nil
        unregistered =
            framework.hasUnregisteredTime && framework.unregisteredTime.nanoseconds > 0
            ? framework.unregisteredTime.seconds : nil
    }
}
