// Who looks at the state, and what they may see of it.
import MesosProtocol
import Resources
import Security

/// A reader of the state documents. What they may not see is left out without a word, as in Apache Mesos.
///
/// Ask `canSee` for each object while writing a document. Without ACLs everything is seen, at no cost.
struct Viewer: Sendable {
    let principal: Principal?
    private let acls: AccessControlList?

    init(principal: Principal?, acls: AccessControlList?) {
        self.principal = principal
        self.acls = acls
    }

    /// Sees everything: for documents that nobody outside reads.
    static let everything = Viewer(principal: nil, acls: nil)

    /// Whether nothing is ever hidden from this viewer, so that a document may be shared with others like it.
    var seesEverything: Bool { acls == nil }

    func canSee(_ framework: Framework) -> Bool { canSeeFramework(user: framework.info.user) }

    func canSeeFramework(user: String) -> Bool { allows(.viewFrameworks, user) }

    /// - Parameter framework: The task's own. Nil: unknown, and so is the user.
    func canSee(_ task: TaskRecord, of framework: Framework?) -> Bool {
        guard acls != nil else { return true }
        let user = task.details?.user ?? framework?.info.user ?? ""
        return (framework.map { canSee($0) } ?? true) && allows(.viewTasks, user)
    }

    func canSee(executorOf task: TaskRecord, of framework: Framework?) -> Bool {
        guard acls != nil else { return true }
        let user = task.details?.user ?? framework?.info.user ?? ""
        return (framework.map { canSee($0) } ?? true) && allows(.viewExecutors, user)
    }

    func canSee(_ role: RoleName) -> Bool { allows(.viewRoles, role.value) }

    /// Resources are seen by who may see the roles they are allocated to and reserved for, every one of a refined reservation.
    func canSee(_ resource: V1Resource) -> Bool {
        guard acls != nil else { return true }
        var roles = resource.reservations.map(\.role)
        if resource.hasAllocationInfo { roles.append(resource.allocationInfo.role) }
        if resource.hasRole, resource.role != "*" { roles.append(resource.role) }
        return roles.allSatisfy { allows(.viewRoles, $0) }
    }

    /// An agent's description without the resources that this viewer may not see.
    func visible(_ agent: V1OperatorResponse.GetAgents.Agent) -> V1OperatorResponse.GetAgents.Agent {
        if seesEverything { return agent }
        var visible = agent
        visible.agentInfo = self.visible(agent.agentInfo)
        visible.totalResources.removeAll { !canSee($0) }
        visible.allocatedResources.removeAll { !canSee($0) }
        visible.offeredResources.removeAll { !canSee($0) }
        return visible
    }

    func visible(_ agent: V1AgentInfo) -> V1AgentInfo {
        if seesEverything { return agent }
        var visible = agent
        visible.resources.removeAll { !canSee($0) }
        return visible
    }

    var canSeeFlags: Bool { allows(.viewFlags, nil) }

    /// Endpoints that have no objects of their own: `/metrics/snapshot`, `/logging/toggle`.
    func canGet(_ path: String) -> Bool { allows(.getEndpoints, path) }

    func canSeeQuota(of role: String) -> Bool { allows(.getQuotas, role) }

    var canSeeMasterLog: Bool { allows(.accessMesosLogs, nil) }

    var canSetLogLevel: Bool { allows(.setLogLevel, nil) }

    func canSeeMaintenance(of machine: String) -> Bool { allows(.getMaintenanceSchedules, machine) }

    /// For what has no method of its own here.
    func allows(_ action: AuthorizationAction, _ object: String?) -> Bool {
        guard let acls else { return true }
        return acls.allows(principal, action, object.map { [$0] })
    }
}

// MARK: The cluster as somebody sees it

extension Viewer {
    /// A copy of the cluster without what this viewer may not see, for documents to be written from.
    ///
    /// Written from such a copy, no document can forget to ask. What agents have in use is not told from it: hidden tasks
    /// use resources, too.
    func visible(_ cluster: Cluster) -> Cluster {
        if seesEverything { return cluster }
        var copy = cluster
        for id in cluster.tasks.frameworks {
            let framework = cluster.frameworks[id]
            for task in cluster.tasks.tasks(of: id) where !canSee(task, of: framework) { copy.tasks.remove(task.key) }
        }
        copy.frameworks.leaveOut(where: { !canSee($0) }, completedTasks: { !canSee($0, of: $1) })
        return copy
    }
}
