// What agents are used for: counts their builds, and takes them out of service when they have had enough.
import Resources

extension JenkinsPlanner {
    /// Remembers what a look shows an agent to run.
    mutating func noteBuilds(_ name: NodeName, _ computer: Computer, at now: Instant) {
        guard let agent = agents[name] else { return }
        var isUnseen = agent.isBusyUnseen
        for url in computer.executors.compactMap(\.buildURL) {
            countBuild(url, on: name, at: now)
            isUnseen = false
        }
        if agent.isBusy, !agent.sawBuild {
            update(name) { $0.sawBuild = true }
            isRecordChanged = true
        }
        if agent.isBusy, computer.executors.allSatisfy({ $0.buildURL == nil }) {
            isUnseen = true
        } else if !agent.isBusy, isUnseen {
            // A build of a job the user may not see.
            isUnseen = false
            update(name) { $0.builds += 1 }
            isRecordChanged = true
        }
        update(name) { $0.isBusyUnseen = isUnseen }
        settleUse(name, at: now)
    }

    mutating func countBuild(_ url: String, on name: NodeName, at now: Instant) {
        guard let agent = agents[name], !agent.buildURLs.contains(url) else { return }
        let template = settings.template(agent.template)
        let endsIt =
            template.map { template in
                !template.singleUseJobs.isEmpty
                    && JobName.ofBuild(url: url).map { job in template.singleUseJobs.contains { $0.matches(job) } }
                        ?? false
            } ?? false
        update(name) { agent in
            // Those that run now are at most as many as executors; the others need not be told apart for ever.
            if agent.buildURLs.count >= 500 { agent.buildURLs = [] }
            agent.buildURLs.insert(url)
            agent.builds += 1
            agent.sawBuild = true
            if endsIt { agent.isUsedUp = true }
        }
        isRecordChanged = true
        if template?.isSingleUse ?? false { noteSingleUse(name, url) }
    }

    /// Drains an agent that has had enough, the moment that is seen.
    mutating func settleUse(_ name: NodeName, at now: Instant) {
        guard let agent = agents[name], let template = settings.template(agent.template) else { return }
        let isFull = template.buildsMax.map { agent.builds >= $0 } ?? false
        let isUsed = template.isSingleUse && agent.sawBuild
        guard agent.isUsedUp || isFull || isUsed else { return }
        useUp(name, because: isUsed ? "single use" : isFull ? "it ran \(agent.builds) builds" : "its last job", at: now)
    }

    /// It takes no more builds: drained now, removed when it is idle.
    mutating func useUp(_ name: NodeName, because reason: String, at now: Instant) {
        guard let agent = agents[name] else { return }
        if !agent.isUsedUp {
            update(name) { $0.isUsedUp = true }
            isRecordChanged = true
        }
        switch agent.phase {
        case .launching, .connecting, .online: drain(name, because: reason, at: now)
        case .draining: update(name) { $0.mayReopen = false }
        case .requested, .registering, .deleting, .killing: break
        }
    }

    /// Builds that were followed from the queue to their end, however short they were.
    mutating func followed(_ outcome: BuildWatch.Outcome, at now: Instant) {
        effects += outcome.effects
        for use in outcome.used {
            if agents[use.node] == nil {
                noteSingleUse(use.node, use.buildURL)
                continue
            }
            countBuild(use.buildURL, on: use.node, at: now)
            settleUse(use.node, at: now)
        }
        for settled in outcome.settled { itemSettled(settled.item, on: settled.node, at: now) }
    }

    /// A build shorter than the time between two looks leaves its agent open for another. That cannot be prevented from
    /// outside the controller, so it is counted and told.
    private mutating func noteSingleUse(_ node: NodeName, _ url: String) {
        guard let first = singleUses[node] else {
            guard agents[node] != nil else { return }
            if singleUses.count >= 1_000 { singleUses = singleUses.filter { agents[$0.key] != nil } }
            singleUses[node] = url
            return
        }
        guard first != url else { return }
        singleUseViolations += 1
        effects.append(.report(.problem("single-use agent \(node) ran a second build: \(first) and \(url)")))
    }
}
