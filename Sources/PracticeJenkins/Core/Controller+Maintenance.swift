/// What happens by itself: deadlines, queue items that move on, executors that are given out.
extension Controller {
    /// When `timePassed` would next change something by itself.
    var nextDeadline: PracticeTime? {
        var deadlines: [PracticeTime] = nodes.values.compactMap(\.silenceDeadline)
        for item in queue.items {
            switch item.state {
            // While quieting down nothing leaves the quiet period, however long ago it ended.
            case .waiting(let until): if !isQuietingDown { deadlines.append(until) }
            case .pending(_, _, _, let startsAt): deadlines.append(startsAt)
            case .blocked, .buildable, .left: continue
            }
        }
        for key in building {
            guard let build = build(key) else { continue }
            if let end = build.simulatedEnd { deadlines.append(end) }
            for case .orphaned(_, let deadline) in build.steps { deadlines.append(deadline) }
        }
        return deadlines.min()
    }

    mutating func maintain(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        queue.forgetLeft(at: now)
        for node in sortedNodes {
            if let deadline = node.silenceDeadline, deadline <= now {
                loseChannel(node.name, .channelTermination, now, &effects)
            }
        }
        endSimulatedRuns(now, &effects)
        advancePipelines(now, &effects)
        promoteItems(now, &effects)
        assignExecutors(now)
        startPendingItems(now, &effects)
    }

    mutating func endSimulatedRuns(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for started in building {
            guard let build = build(started), let end = build.simulatedEnd, end <= now else { continue }
            jobs[build.job]?.builds[build.number - 1].simulatedEnd = nil
            for key in runningKeys(of: build) { finishRun(key, exitCode: 0, now, &effects) }
        }
    }

    mutating func advancePipelines(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for key in building {
            if let build = build(key), build.isPipeline { advance(build, now, &effects) }
        }
    }

    mutating func advance(_ build: Build, _ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for (index, progress) in build.steps.enumerated() {
            guard case .orphaned(let node, let deadline) = progress, deadline <= now else { continue }
            let key = RunKey(job: build.job, number: build.number, step: index)
            release(key, sendingAbort: false, &effects)
            log(key, "Agent was removed: \(node)")
            setStep(key, .finished(exitCode: 1))
        }
        guard let current = self.build(RunKey(job: build.job, number: build.number)) else { return }
        let failed = current.steps.contains { if case .finished(let code) = $0 { code != 0 } else { false } }
        let isActive = current.steps.contains {
            switch $0 {
            case .queued, .running, .orphaned: true
            case .notStarted, .finished: false
            }
        }
        guard !isActive else { return }
        guard !failed, let stage = current.currentStage else {
            let result: BuildResult = current.isAbortRequested ? .aborted : failed ? .failure : .success
            return end(build.job, build.number, result, now, &effects)
        }
        for index in stage {
            let key = RunKey(job: build.job, number: build.number, step: index)
            let id = queue.add(
                .step(key), label: current.step(index)?.label, parameters: [], cause: current.cause,
                state: .buildable(since: now), at: now)
            setStep(key, .queued(item: id))
            effects.append(.record(.itemQueued(id: id, job: build.job)))
        }
    }

    mutating func promoteItems(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        let movable = queue.items.filter { item in
            switch item.state {
            case .waiting(let until): until <= now
            case .blocked: true
            case .buildable, .pending, .left: false
            }
        }
        if isQuietingDown || movable.isEmpty { return }
        for item in movable {
            if case .job(let name) = item.task, let job = jobs[name], !job.configuration.allowsConcurrentBuilds,
                isBuilding(name) || queue.isClaimed(name)
            {
                if case .waiting = item.state { queue.move(item.id, to: .blocked(since: now)) }
                continue
            }
            queue.move(item.id, to: .buildable(since: now))
            if case .job(let name) = item.task, jobs[name]?.configuration.isPipeline == true {
                startPipeline(item, name, now, &effects)
            }
        }
    }

    /// A pipeline run needs no executor: it sits on the built-in node beside them.
    mutating func startPipeline(
        _ item: QueueItem, _ name: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard let job = jobs[name], case .pipeline(let stages) = job.configuration.kind else { return }
        var build = Build(
            job: name, number: job.nextBuildNumber, queueID: item.id, startedAt: now, nodeName: "",
            parameters: item.parameters, cause: item.cause, stages: stages)
        build.console.append(line: "Started by \(item.cause.text)")
        begin(build)
        queue.move(item.id, to: .left(at: now, build: build.number))
        effects.append(.record(.buildStarted(RunKey(job: name, number: build.number), node: "")))
        advance(build, now, &effects)
    }

    /// Oldest item first; nodes in the order of their names, so that a run can be told in advance.
    mutating func assignExecutors(_ now: PracticeTime) {
        guard !isQuietingDown else { return }
        var free = sortedNodes.filter { !$0.isOffline && $0.idleExecutorCount > 0 }
        for item in queue.items {
            if free.isEmpty { return }
            guard case .buildable(let since) = item.state,
                let place = free.firstIndex(where: { accepts($0, item) }),
                let executor = free[place].executors.firstIndex(of: .none)
            else { continue }
            let name = free[place].name
            nodes[name]?.executors[executor] = .item(item.id)
            free[place].executors[executor] = .item(item.id)
            if free[place].idleExecutorCount == 0 { free.remove(at: place) }
            let startsAt = now.advanced(byMilliseconds: settings.pendingMilliseconds)
            queue.move(item.id, to: .pending(since: since, node: name, executor: executor, startsAt: startsAt))
        }
    }

    func accepts(_ node: Node, _ item: QueueItem) -> Bool {
        guard let expression = item.expression else { return node.configuration.mode == .normal }
        return expression.matches(node.atoms)
    }

    mutating func startPendingItems(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for item in queue.items {
            guard case .pending(_, let node, let executor, let startsAt) = item.state, startsAt <= now else { continue }
            start(item, on: node, executor: executor, now, &effects)
        }
    }

    mutating func start(
        _ item: QueueItem, on name: String, executor: Int, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard let job = jobs[item.jobName] else { return }
        let key: RunKey
        switch item.task {
        case .step(let step):
            key = step
            setStep(key, .running(node: name))
            jobs[key.job]?.builds[key.number - 1].receivedBytes[key.step ?? -1] = 0
            log(key, "Running on \(name)")
        case .job(let jobName):
            key = RunKey(job: jobName, number: job.nextBuildNumber)
            var build = Build(
                job: jobName, number: key.number, queueID: item.id, startedAt: now, nodeName: name,
                parameters: item.parameters, cause: item.cause)
            build.console.append(line: "Started by \(item.cause.text)")
            build.console.append(line: "Building remotely on \(name) (\(nodes[name]?.configuration.labels ?? ""))")
            begin(build)
        }
        nodes[name]?.executors[executor] = .run(key)
        queue.move(item.id, to: .left(at: now, build: key.number))
        effects.append(.record(.buildStarted(key, node: name)))
        if case .simulated(let milliseconds) = nodes[name]?.channel {
            jobs[key.job]?.builds[key.number - 1].simulatedEnd = now.advanced(byMilliseconds: milliseconds)
        } else {
            let script = script(for: key, on: name)
            nodes[name]?.send(.run(key, script: script))
            effects.append(.wakeAgent(node: name))
        }
    }
}

extension BuildCause {
    var text: String {
        switch self {
        case .user(let name): "user \(name)"
        case .restartedStep: "a resumed pipeline step"
        }
    }
}
