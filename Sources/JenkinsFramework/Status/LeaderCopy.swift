// What a process that stands by copies from the one that leads, so that after a takeover builds and sizes are known.
import DatabaseFile
import FoundationEssentials
import HTTPClient
import HTTPServer
import JenkinsUsage
import Logging
import Mailbox
import Resources
import SchedulerClient

/// `GET /memory?store=ID&after=N`: finished builds from a place on, and, with the last of them, the builds under way.
struct LedgerMemory: Codable {
    var finished: StorePart
    /// Only with the last of the finished ones.
    var underWay: KeptPhases?
    /// Where Mesos agents answer, by id.
    var agents: [String: String]

    enum CodingKeys: String, CodingKey {
        case finished, agents
        case underWay = "under_way"
    }
}

extension FarmLedger {
    private static let partMax = 1_000
    private static let bodyMax = 32 << 20
    private static let copyInterval = 2
    private static let timeout = Duration.seconds(5)

    // MARK: - Who acts

    /// This process acts from now on.
    func begin() {
        state.withLock { state in
            state.leader = nil
            state.isActing = true
        }
    }

    /// It does not any more: what it knows of the builds under way becomes old.
    func pause() {
        state.withLock { state in
            state.isActing = false
            state.isRestored = false
            state.phases.forgetBuilds()
            state.series = [:]
            state.keptPart = nil
            // Builds of others change what jobs should ask for.
            state.isAdviceWhole = false
        }
    }

    /// Another process acts, and serves its status there.
    func follow(_ url: String?) { state.withLock { if !$0.isActing { $0.leader = url } } }

    // MARK: - Asked by others

    func memory(_ request: HTTPRequest) -> HTTPResponse {
        guard let after = Int64(request.query("after") ?? "0"), after >= 0 else {
            return .text(400, "after: expected the place of a build")
        }
        return answer { store throws(DatabaseFileError) in
            let part = try store.part(after: after, limit: Self.partMax)
            let (kept, agents) = state.withLock { ($0.phases.keptPart, $0.agentURLs) }
            var underWay: KeptPhases?
            if part.isEnd {
                underWay = kept.map { BuildPhases.kept($0, at: .now) } ?? Self.keptPhases(store)
            }
            return LedgerMemory(
                finished: part, underWay: underWay,
                agents: Dictionary(uniqueKeysWithValues: agents.map { ($0.key.value, $0.value) }))
        }
    }

    // MARK: - Asking

    func copyLeader() async {
        var (beats, trouble) = (0, "")
        var source: CopySource?
        while !isStopping {
            if beats % (2 * Self.copyInterval) == 0, let leader = state.withLock({ $0.leader }),
                let store = state.withLock({ $0.store })
            {
                var problem = ""
                do {
                    if source?.url != leader { source = nil }
                    source = try await copy(from: leader, source, into: store)
                } catch {
                    problem = "\(error)"
                }
                if problem != trouble, !problem.isEmpty {
                    logger.warning(
                        "builds of \(leader), which leads, are not copied and will be missing here if it dies: \(problem)"
                    )
                }
                trouble = problem
            }
            beats += 1
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    /// - Returns: nil if the store was changed for another one meanwhile, or somebody else leads.
    private func copy(from leader: String, _ source: CopySource?, into store: UsageStore) async throws -> CopySource? {
        var source = source
        if source == nil {
            // Which store it is, and so how far it has been copied, its answer tells.
            let identity = try await ask(leader, after: .max).finished.identity
            source = CopySource(url: leader, identity: identity, place: try store.copied(from: identity))
        }
        guard var source else { return nil }
        while !isStopping {
            let memory = try await ask(leader, after: source.place)
            guard memory.finished.identity == source.identity, state.withLock({ $0.leader == leader }) else {
                return nil
            }
            let now = Moment.now.wall.seconds
            if memory.finished.last > source.place { try store.add(memory.finished, at: now) }
            source.place = memory.finished.last
            if let underWay = memory.underWay, let document = try? JSONEncoder().encode(underWay) {
                try store.keep(String(decoding: document, as: UTF8.self), as: Self.phasesName, at: now)
            }
            guard memory.finished.isEnd else { continue }
            let isNew = state.withLock { state in
                let new = memory.agents.filter { state.agentURLs[AgentID($0.key)] != $0.value }
                for (id, url) in new { state.agentURLs[AgentID(id)] = url }
                return !new.isEmpty
            }
            if isNew { try store.remember(agents: memory.agents, at: now) }
            break
        }
        return source
    }

    private func ask(_ leader: String, after place: Int64) async throws -> LedgerMemory {
        let request = HTTPClientRequest(url: "\(leader)/memory?after=\(place)", totalTimeout: Self.timeout)
        let reply = try await HTTPClient.shared.fetch(request, bodyMax: Self.bodyMax)
        guard reply.status == 200 else { throw CopyFailure(description: "status \(reply.status)") }
        return try JSONDecoder().decode(LedgerMemory.self, from: Data(reply.body))
    }
}

private struct CopySource {
    var url: String
    /// Of its store.
    var identity: String
    /// Of the last build that was copied.
    var place: Int64
}

private struct CopyFailure: Error, CustomStringConvertible {
    var description: String
}
