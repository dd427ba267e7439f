// The running framework's memory for people: phases and sizes of builds, reasons for waiting, counters.
import DatabaseFile
import FoundationEssentials
import HTTPClient
import JenkinsUsage
import Logging
import Mailbox
import MesosProtocol
import Resources
import SchedulerClient

/// Watches the planner from outside, measures builds, and keeps both on disk. Nothing the planner does waits for it.
final class FarmLedger: Sendable {
    struct State {
        var phases = BuildPhases()
        var facts: WaitingFacts
        var metrics = FarmMetrics()
        var series: [RunningBuild: UsageSeries] = [:]
        var lastLooks = LastLooks()
        /// What was measured of the builds that wait for their last look.
        var measured: [String: BuildUse] = [:]
        /// Builds that have ended and are not on disk yet.
        var unsaved: [BuildRow] = []
        var agentURLs: [AgentID: String] = [:]
        var unsavedAgents: [AgentID: String] = [:]
        /// Whether this process acts; else another one does, and what it knows is copied.
        var isActing = false
        /// Where the one that acts serves its status.
        var leader: String?
        /// Whether what an earlier run or the last leader has kept of the builds under way has been taken up.
        var isRestored = false
        /// What is on disk of the builds under way.
        var keptPart: BuildPhases.KeptPart?
        var store: UsageStore?
        var storeProblem = "the store of builds is being opened"
        var templates: [AgentTemplate]
        /// What jobs should ask for, as the planner was told last.
        var advice: [String: Resources] = [:]
        var isAdviceWhole = false
        var isStopping = false
    }

    private static let unsavedMax = 10_000
    private static let agentURLsMax = 10_000
    static let phasesName = "phases"

    let directory: String
    let logger: Logger
    let state: Locked<State>
    let collector: UsageCollector

    init(
        _ configuration: JenkinsConfiguration, credentials: (principal: String, secret: String)?, logger: Logger
    ) {
        directory = configuration.stateDirectory
        self.logger = logger
        state = Locked(
            State(facts: WaitingFacts(roles: configuration.mesos.roles), templates: configuration.planner.templates))
        collector = UsageCollector(caFile: configuration.mesos.caFile, credentials: credentials)
    }

    // MARK: - What the loop tells

    /// - Parameter planner: After the event.
    func observe(
        _ event: JenkinsPlanner.Event, _ effects: [JenkinsPlanner.Effect], _ planner: JenkinsPlanner, at now: Moment
    ) {
        state.withLock { state in
            if case .reconfigured(let settings) = event {
                state.templates = settings.templates
                state.isAdviceWhole = false
            }
            state.facts.observe(event, planner, at: now.instant)
            for build in state.phases.observe(event, effects, records: planner.agents, at: now) {
                let series = state.series.keys.first { $0.url == build.url && $0.node.value == build.node }
                    .flatMap { state.series.removeValue(forKey: $0) }
                // A build on somebody else's node is none of ours to size.
                guard !build.template.isEmpty else { continue }
                state.measured[build.key] = series?.use
                if let first = state.lastLooks.add(build, at: now.instant) { Self.enter([first], &state) }
            }
        }
    }

    /// Puts builds that have ended among those to be written.
    private static func enter(_ builds: [FinishedBuild], _ state: inout State) {
        for build in builds {
            let row = BuildRow(build, used: state.measured.removeValue(forKey: build.key))
            state.metrics.add(row)
            state.unsaved.append(row)
        }
        if state.unsaved.count > unsavedMax {
            state.metrics.rowsDropped += state.unsaved.count - unsavedMax
            state.unsaved.removeFirst(state.unsaved.count - unsavedMax)
        }
    }

    func explanations(_ planner: JenkinsPlanner, _ status: PlannerStatus, at now: Instant) -> [WaitingExplanation] {
        planner.explanations(state.withLock { $0.facts }, status, at: now)
    }

    /// Where Mesos agents answer, as their offers say.
    func note(_ offers: [V1Offer]) {
        state.withLock { state in
            for offer in offers where offer.hasURL {
                let (address, id) = (offer.url.address, AgentID(offer.agentID))
                // A certificate names the host; without one the address needs no look-up.
                let isSecure = offer.url.scheme == "https"
                let host = isSecure || address.ip.isEmpty ? address.hostname : address.ip
                guard !host.isEmpty, address.port > 0 else { continue }
                let url =
                    (isSecure ? "https" : "http") + "://" + (host.contains(":") ? "[\(host)]" : host)
                    + ":\(address.port)"
                guard state.agentURLs[id] != url else { continue }
                if state.agentURLs.count >= Self.agentURLsMax { state.agentURLs = [:] }
                state.agentURLs[id] = url
                state.unsavedAgents[id] = url
            }
        }
    }

    // MARK: - Work of its own

    /// Measures and writes until `stop`.
    ///
    /// - Parameter advise: Told what jobs should ask for, all of them, whenever that changes. Only jobs whose template
    ///   says `autoSize: apply` are among them.
    func run(advise: @escaping @Sendable ([String: Resources]) -> Void) async {
        await withTaskGroup { group in
            group.addTask { await self.measure() }
            group.addTask { await self.keep(advise) }
            group.addTask { await self.copyLeader() }
        }
    }

    func stop() { state.withLock { $0.isStopping = true } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    private func measure() async {
        let clock = ContinuousClock()
        var next = clock.now
        while !isStopping {
            await look()
            // A little more than the second for which an agent gives the same answer again.
            next = max(next + .milliseconds(1_050), clock.now)
            try? await Task.sleep(until: next, clock: clock)
        }
    }

    private func look() async {
        let (running, ended) = state.withLock { state in
            (
                state.phases.running.map { build in (build, build.agentID.flatMap { state.agentURLs[$0] }) },
                state.lastLooks.nodes.map { node in state.phases.agentID(of: node).flatMap { state.agentURLs[$0] } }
            )
        }
        guard !running.isEmpty || !ended.isEmpty else { return }
        let start = Moment.now.instant
        let samples = await collector.look(at: Set(running.compactMap(\.1) + ended.compactMap(\.self)).sorted())
        state.withLock { state in
            let current = Set(state.phases.running)
            state.series = state.series.filter { current.contains($0.key) || state.phases.isKnown($0.key) }
            for (build, _) in running {
                if let sample = samples[build.node.value] { state.series[build, default: UsageSeries()].add(sample) }
            }
            var kills: [NodeName: Int] = [:]
            for (name, sample) in samples { kills[NodeName(name)] = sample.memoryKills }
            state.lastLooks.keep(state.phases.nodes)
            let (builds, struck) = state.lastLooks.looked(
                kills.filter { state.phases.nodes.contains($0.key) }, since: start, fresh: state.phases.launchedNodes)
            for node in struck { state.phases.noteMemoryKill(on: node) }
            Self.enter(builds, &state)
        }
    }

    // MARK: - Disk

    private func keep(_ advise: @Sendable ([String: Resources]) -> Void) async {
        var tryAgainAt = ContinuousClock.now
        while !isStopping {
            if ContinuousClock.now >= tryAgainAt, !save(advise) { tryAgainAt = .now + .seconds(30) }
            try? await Task.sleep(for: .milliseconds(500))
        }
        state.withLock { state in Self.enter(state.lastLooks.close(), &state) }
        _ = save { _ in }
    }

    /// - Returns: Whether the disk took everything.
    private func save(_ advise: @Sendable ([String: Resources]) -> Void) -> Bool {
        let now = Moment.now.wall.seconds
        do throws(DatabaseFileError) {
            let store = try opened(at: now)
            let (rows, agents) = state.withLock { ($0.unsaved, $0.unsavedAgents) }
            if !rows.isEmpty { try store.add(rows, at: now) }
            if !agents.isEmpty {
                try store.remember(
                    agents: Dictionary(agents.map { ($0.key.value, $0.value) }) { first, _ in first }, at: now)
            }
            try keepPhases(store, at: now)
            let had = state.withLock { state -> String in
                // More may have ended meanwhile, and the oldest have been dropped.
                let saved = Set(rows)
                state.unsaved.removeAll { saved.contains($0) }
                state.unsavedAgents = state.unsavedAgents.filter { agents[$0.key] != $0.value }
                defer { state.storeProblem = "" }
                return state.storeProblem
            }
            if !had.isEmpty { logger.info("builds are remembered in \(store.path)") }
            try settleAdvice(store, Set(rows.map(\.job)), advise)
            return true
        } catch {
            let isNew = state.withLock { state -> Bool in
                state.metrics.storeErrors += 1
                // A broken file is set aside when it is opened again.
                if case .corrupt = error { state.store = nil }
                defer { state.storeProblem = "\(error)" }
                return state.storeProblem != "\(error)"
            }
            if isNew { logger.error("builds are not remembered for now: \(error)") }
            return false
        }
    }

    /// What is known of the builds under way, for the next run of the framework.
    private func keepPhases(_ store: UsageStore, at now: Double) throws(DatabaseFileError) {
        guard state.withLock({ $0.isActing }) else { return }
        restorePhases(store)
        let part = state.withLock { state in
            let part = state.phases.keptPart
            return part == state.keptPart ? nil : part
        }
        guard let part, let document = try? JSONEncoder().encode(BuildPhases.kept(part, at: .now)) else { return }
        try store.keep(String(decoding: document, as: UTF8.self), as: Self.phasesName, at: now)
        state.withLock { $0.keptPart = part }
    }

    static func keptPhases(_ store: UsageStore) -> KeptPhases? {
        guard let text = try? store.kept(as: phasesName) else { return nil }
        return try? JSONDecoder().decode(KeptPhases.self, from: Data(text.utf8))
    }

    private func restorePhases(_ store: UsageStore) {
        let isDue = state.withLock { state in
            defer { state.isRestored = true }
            return !state.isRestored
        }
        guard isDue, let kept = Self.keptPhases(store) else { return }
        state.withLock { $0.phases.restore(kept, at: .now) }
    }

    /// Works out anew what jobs should ask for: all jobs the first time, later those that have had builds.
    private func settleAdvice(
        _ store: UsageStore, _ changed: Set<String>, _ advise: @Sendable ([String: Resources]) -> Void
    ) throws(DatabaseFileError) {
        let (templates, isWhole) = state.withLock { ($0.templates, $0.isAdviceWhole) }
        let automatic = templates.filter { $0.sizing.automatic == .apply }
        guard !automatic.isEmpty, !changed.isEmpty || !isWhole else { return }
        var advice: [String: Resources?] = [:]
        for job in isWhole ? changed.sorted() : try store.jobs() {
            let rows = try store.builds(job: job, limit: SuggestionRule().buildsMax * 2)
            guard let template = automatic.first(where: { $0.name.value == rows.first?.template }) else {
                advice[job] = .some(nil)
                continue
            }
            advice[job] = .some(SuggestionRule(template).suggest(from: rows).map { Resources($0.size) })
        }
        let told = state.withLock { state -> [String: Resources]? in
            let before = state.advice
            for (job, size) in advice { state.advice[job] = size }
            state.isAdviceWhole = true
            return state.advice == before ? nil : state.advice
        }
        if let told { advise(told) }
    }

    private func opened(at now: Double) throws(DatabaseFileError) -> UsageStore {
        if let store = state.withLock({ $0.store }) { return store }
        let (store, setAside) = try UsageStore.open(directory: directory, at: now)
        if let setAside { logger.error("the store of builds was not readable; it is now \(setAside)") }
        let known = (try? store.agents()) ?? [:]
        state.withLock { state in
            state.store = store
            for (id, url) in known where state.agentURLs[AgentID(id)] == nil { state.agentURLs[AgentID(id)] = url }
        }
        return store
    }
}
