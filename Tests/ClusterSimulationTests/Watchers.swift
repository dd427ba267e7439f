// Operators who watch: a view built from the state they were given first and the events after it.

import MesosProtocol
import Resources
import SimKit

@testable import MiniMaster

/// What a watching operator believes of the cluster.
struct OperatorView {
    var agents: Set<AgentID> = []
    var frameworks: Set<FrameworkID> = []
    /// Tasks that have not ended.
    var tasks: [TaskKey: V1TaskState] = [:]

    /// What a look at the state shows.
    init(_ cluster: Cluster) {
        agents = Set(cluster.agents.all.filter { !$0.isAwaited }.map(\.id))
        frameworks = Set(cluster.frameworks.all.filter(\.isAnnounced).map(\.id))
        cluster.tasks.forEach { task in
            if !task.isTerminal, frameworks.contains(task.key.framework) { tasks[task.key] = task.state }
        }
    }

    /// Takes an event in.
    ///
    /// - Returns: What is wrong with it, if anything.
    mutating func apply(_ event: V1OperatorEvent) -> String? {
        switch event.type {
        case .agentAdded: agents.insert(AgentID(event.agentAdded.agent.agentInfo.id))
        case .agentRemoved: agents.remove(AgentID(event.agentRemoved.agentID))
        case .frameworkAdded: frameworks.insert(FrameworkID(event.frameworkAdded.framework.frameworkInfo.id))
        case .frameworkUpdated:
            let id = FrameworkID(event.frameworkUpdated.framework.frameworkInfo.id)
            if !frameworks.contains(id) { return "framework \(id) changes before it is there" }
        case .frameworkRemoved:
            let id = FrameworkID(event.frameworkRemoved.frameworkInfo.id)
            frameworks.remove(id)
            tasks = tasks.filter { $0.key.framework != id }
        case .taskAdded:
            let task = event.taskAdded.task
            let key = TaskKey(framework: FrameworkID(task.frameworkID), task: TaskID(task.taskID))
            if !frameworks.contains(key.framework) { return "\(key) comes before its framework" }
            tasks[key] = task.state.isTerminal ? nil : task.state
        case .taskUpdated:
            let key = TaskKey(
                framework: FrameworkID(event.taskUpdated.frameworkID), task: TaskID(event.taskUpdated.status.taskID))
            let state = event.taskUpdated.state
            tasks[key] = state.isTerminal ? nil : state
        case .heartbeat, .subscribed, .unknown: break
        }
        return nil
    }
}

extension ClusterWorld {
    /// Somebody begins or ceases to watch whoever leads.
    mutating func watch() {
        timeline.schedule(.watch, after: side.milliseconds(1000...8000))
        guard let index = masters.firstIndex(where: { $0.core?.cluster != nil && $0.frozenUntil == nil }) else {
            return
        }
        let generation = masters[index].generation
        if let stream = masters[index].watchers.keys.sorted().first,
            side.chance(35)
        {
            masters[index].watchers[stream] = nil
            deliver(.operatorStreamClosed(stream), toMaster: index, generation: generation)
        } else {
            var call = V1OperatorCall()
            call.type = .subscribe
            let stream = StreamID("watch-\(nextRequest)")
            let request = RequestNumber(nextRequest)
            nextRequest += 1
            masters[index].watchRequests.insert(request)
            deliver(
                .operatorCalled(request, OperatorRequest(call: call, freshStreamID: stream)), toMaster: index,
                generation: generation)
        }
    }

    mutating func showState(on stream: StreamID, ofMaster index: Int) {
        guard let cluster = masters[index].core?.cluster else { return fail("master-\(index) has no state to show") }
        masters[index].watchers[stream] = OperatorView(cluster)
    }

    mutating func show(_ event: V1OperatorEvent, on streams: [StreamID], ofMaster index: Int) {
        for stream in streams {
            guard var view = masters[index].watchers[stream] else { continue }
            if let fault = view.apply(event) { fail("master-\(index) tells an operator: \(fault)") }
            masters[index].watchers[stream] = view
        }
    }

    /// Whoever watches sees what is there.
    mutating func checkWatchers(ofMaster index: Int, _ cluster: Cluster) {
        guard !masters[index].watchers.isEmpty else { return }
        if masters[index].watchers.count > Self.masterSettings.operatorStreamsMax {
            fail("\(masters[index].watchers.count) operators watch master-\(index)")
        }
        let truth = OperatorView(cluster)
        for (stream, view) in masters[index].watchers.sorted(by: { $0.key < $1.key }) {
            if view.agents != truth.agents {
                fail("\(stream) at master-\(index) sees agents \(view.agents.sorted()), not \(truth.agents.sorted())")
            }
            if view.frameworks != truth.frameworks {
                fail(
                    "\(stream) at master-\(index) sees frameworks \(view.frameworks.sorted()), not "
                        + "\(truth.frameworks.sorted())")
            }
            if view.tasks != truth.tasks {
                let differing = Set(view.tasks.keys).union(truth.tasks.keys).filter {
                    view.tasks[$0] != truth.tasks[$0]
                }
                let list = differing.sorted().map { key in
                    let states = (view.tasks[key]?.name ?? "nothing", truth.tasks[key]?.name ?? "nothing")
                    return "\(key) as \(states.0), not \(states.1)"
                }
                fail("\(stream) at master-\(index) sees \(list.joined(separator: ", "))")
            }
        }
    }
}
