// The answers of the operator API's reads, built from a cluster. Pure.
import MesosProtocol
import Resources

/// What the lists of the operator API hold.
struct OperatorAnswers {
    let cluster: Cluster
    let facts: MasterFacts
    private let figures: ClusterFigures
    private let viewer: Viewer

    /// - Parameters:
    ///   - cluster: As the viewer may see it.
    ///   - viewer: Resources of agents that they may not see are left out.
    init(_ cluster: Cluster, _ facts: MasterFacts, for viewer: Viewer = .everything) {
        self.viewer = viewer
        self.cluster = cluster
        self.facts = facts
        figures = ClusterFigures(cluster)
    }

    private var frameworks: [Framework] { cluster.frameworks.all.filter(\.isAnnounced) }

    // MARK: GET_STATE and its parts

    func state(_ answer: inout AnswerWriter) {
        answer.message("get_tasks", 1) { tasks(&$0) }
        answer.message("get_executors", 2) { executors(&$0) }
        answer.message("get_frameworks", 3) { frameworks(&$0) }
        answer.message("get_agents", 4) { agents(&$0) }
    }

    func tasks(_ answer: inout AnswerWriter) {
        var unreachable: [TaskRecord] = []
        answer.list("tasks", 2) { answer in
            for framework in frameworks {
                for task in cluster.tasks.tasks(of: framework.id) {
                    if task.isUnreachable {
                        unreachable.append(task)
                    } else {
                        answer.element(V1Task(task))
                    }
                }
            }
        }
        answer.list("unreachable_tasks", 5) { answer in
            for task in unreachable { answer.element(V1Task(task)) }
        }
        answer.list("completed_tasks", 3) { answer in
            for framework in frameworks + cluster.frameworks.completed {
                for task in framework.completedTasks { answer.element(V1Task(task)) }
            }
        }
    }

    func executors(_ answer: inout AnswerWriter) {
        answer.list("executors", 1) { answer in
            for executor in ExecutorViews.all(cluster) { answer.element(executor) }
        }
    }

    func frameworks(_ answer: inout AnswerWriter) {
        answer.list("frameworks", 1) { answer in
            for framework in frameworks { answer.element(message(framework, isOver: false)) }
        }
        answer.list("completed_frameworks", 2) { answer in
            for framework in cluster.frameworks.completed { answer.element(message(framework, isOver: true)) }
        }
    }

    private func message(_ framework: Framework, isOver: Bool) -> V1OperatorResponse.GetFrameworks.Framework {
        var message = V1OperatorResponse.GetFrameworks.Framework(
            framework, used: figures.used(by: framework.id).byRole, offered: figures.offered(to: framework.id).byRole,
            offers: cluster.offers.offers(to: framework.id), isOver: isOver)
        message.inverseOffers = isOver ? [] : cluster.inverseOffers(to: framework.id)
        message.offerConstraints = framework.offerConstraints ?? V1SchedulerOfferConstraints()
        return message
    }

    func agents(_ answer: inout AnswerWriter) {
        answer.list("agents", 1) { answer in
            for agent in cluster.agents.all where !agent.isAwaited {
                let description = cluster.description(
                    of: agent, used: figures.used(on: agent.id).byRole, offered: figures.offered(on: agent.id).byRole)
                answer.element(viewer.visible(description))
            }
        }
        answer.list("recovered_agents", 2) { answer in
            for agent in cluster.agents.all where agent.isRecovered { answer.element(viewer.visible(agent.info)) }
        }
    }

    /// The first record of an operator's event stream.
    func subscribed(heartbeat: Duration, in media: MediaType) -> [UInt8] {
        AnswerWriter.answer(media) { event in
            event.type("SUBSCRIBED", V1OperatorEvent.TypeEnum.subscribed.rawValue)
            event.message("subscribed", 2) { subscribed in
                subscribed.message("get_state", 1) { state(&$0) }
                subscribed.number("heartbeat_interval_seconds", 2, heartbeat.inSeconds)
            }
        }
    }

    // MARK: The others

    var roles: [V1Role] {
        RoleFigures(cluster, figures).rows.map { row in
            var role = V1Role()
            role.name = row.role.value
            role.weight = row.weight
            role.frameworks = row.frameworks.map { V1FrameworkID($0) }
            role.resources = (row.allocated + row.offered).scalars.map { name, value in
                V1Resource(quantity: name, value.doubleValue)
            }
            return role
        }
    }

    var master: V1OperatorResponse.GetMaster {
        var master = V1OperatorResponse.GetMaster()
        master.masterInfo = facts.selfInfo
        master.startTime = facts.startedAt.seconds
        master.electedTime = cluster.electedAt.seconds
        return master
    }
}

/// Executors of custom executors' tasks; those of command tasks are nobody's business.
enum ExecutorViews {
    /// Sorted by agent. Those of frameworks that are not in the book, as for a reader who may not see them, are left out.
    static func all(_ cluster: Cluster) -> [V1OperatorResponse.GetExecutors.Executor] {
        cluster.executors.all.compactMap { record in
            guard cluster.frameworks[record.key.framework] != nil else { return nil }
            var executor = V1OperatorResponse.GetExecutors.Executor()
            executor.executorInfo = record.info
            executor.agentID = V1AgentID(record.key.agent)
            return executor
        }
    }
}

/// Operations that somebody still waits for, in the order they came.
enum OperationViews {
    static func all(_ cluster: Cluster) -> [V1Operation] {
        cluster.operations.all.filter { operation in
            operation.framework.map { cluster.frameworks[$0] != nil } ?? true
        }.map(\.message)
    }
}
