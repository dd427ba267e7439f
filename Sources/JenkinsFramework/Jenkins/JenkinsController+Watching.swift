// Looks between polls, gates, and the sources of labels beside the queue.
import Mailbox
import Resources
import SchedulerClient

extension JenkinsController {
    /// Computers asked for one by one; more are read with all the others in one request.
    private static let singleLooksMax = 3

    /// The queue first and the computers after it: a build that has left the queue is seen on its executor.
    func look(at plan: WatchPlan) async throws(JenkinsFailure) -> NodeWatch {
        let startedAt = Moment.now.instant
        var queued: Set<QueueItemID>?
        if plan.includesQueue {
            let answer = try await client.get(
                JenkinsRequests.query("/queue/api/json", [("tree", JenkinsAnswers.queuedTree)]), in: .watch)
            queued = try read { () throws(UnreadableAnswer) in try JenkinsAnswers.queued(answer.body) }
        }
        var computers: [Computer] = []
        if plan.nodes.count > Self.singleLooksMax {
            let names = Set(plan.nodes.map(\.value))
            computers = try await completeComputers(in: .watch).filter { names.contains($0.name) }
        } else {
            for name in plan.nodes {
                do throws(JenkinsFailure) {
                    computers.append(try await computer(name, in: .watch))
                } catch {
                    guard case .answered(404, _) = error else { throw error }  // A poll will notice.
                }
            }
        }
        return NodeWatch(startedAt: startedAt, computers: computers, queued: queued)
    }

    func computer(_ name: NodeName, in lane: JenkinsClient.Lane) async throws(JenkinsFailure) -> Computer {
        let tree = JenkinsAnswers.oneComputerTree
        let answer = try await client.get(
            JenkinsRequests.query(
                JenkinsRequests.computer(name) + "/api/json",
                [("tree", needsConnections ? JenkinsAnswers.showingConnection(tree) : tree)]), in: lane)
        return try read { () throws(UnreadableAnswer) in try JenkinsAnswers.oneComputer(answer.body) }
    }

    /// Lets builds in again. There is no idempotent request for it: the flag is read first, and flipped only if it is set
    /// for a reason of ours.
    ///
    /// - Returns: Whether the node takes builds now; false if somebody else drained it.
    func open(_ name: NodeName) async throws(JenkinsFailure) -> Bool {
        let computer: Computer
        do throws(JenkinsFailure) {
            computer = try await self.computer(name, in: .opening)
        } catch {
            throw .cannotAsk("\(error)")  // Whatever it was, nothing was changed.
        }
        guard computer.isTemporarilyOffline else { return true }
        guard computer.offlineReason.contains(JenkinsPlanner.drainPrefix) else { return false }
        try await client.post(
            JenkinsRequests.query(JenkinsRequests.computer(name) + "/toggleOffline", [("offlineMessage", "")]),
            in: .opening)
        return true
    }

    // MARK: - Labels

    /// What the source says now. Whatever cannot be read says nothing: its items stay unresolved, and are shown as that.
    func labelFacts(_ source: LabelSource) async -> LabelFacts {
        switch source {
        case .auto, .config:
            return LabelFacts()
        case .prometheus:
            guard let answer = try? await client.get("/prometheus/", in: .poll) else { return LabelFacts() }
            return LabelFacts(
                queueLengths: QueueLengthMetrics.queueLengths(String(decoding: answer.body, as: UTF8.self)))
        case .script:
            let form = JenkinsRequests.form([("script", QueueScript.text)])
            guard let answer = try? await client.post("/scriptText", form: form, in: .poll) else { return LabelFacts() }
            return LabelFacts(scripted: QueueScript.parse(String(decoding: answer.body, as: UTF8.self)))
        }
    }

    func configuredLabel(ofJobAt url: String) async throws(JenkinsFailure) -> QueueItem.LabelField? {
        guard let path = JenkinsRequests.buildPath(url) else { throw .cannotAsk("no job's URL: \(url.prefix(200))") }
        let answer = try await client.get(path + "/config.xml", in: .lookUp)
        return JobConfiguration.label(String(decoding: answer.body, as: UTF8.self))
    }
}
