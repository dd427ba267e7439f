/// What people ask of jobs, queue items and builds, and what a restart does to them.
extension Controller {
    mutating func createJob(
        _ name: String, _ configuration: JobConfiguration, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard Names.isSafe(name) else { return .refused(.unsafeName(name)) }
        guard jobs[name] == nil else { return .refused(.jobExists(name)) }
        jobs[name] = Job(name: name, configuration: configuration)
        touched.insert(.job(name))
        effects.append(.record(.jobCreated(name)))
        return .done
    }

    /// Running builds are stopped and queued ones cancelled before the job goes.
    mutating func deleteJob(
        _ name: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard let job = jobs[name] else { return .refused(.noSuchJob(name)) }
        for item in queue.items where item.jobName == name {
            for node in sortedNodes { nodes[node.name]?.free(.item(item.id)) }
            queue.move(item.id, to: .left(at: now, build: nil))
        }
        for build in job.builds where build.isBuilding {
            for key in runningKeys(of: build) { release(key, sendingAbort: true, &effects) }
            end(build.job, build.number, .aborted, now, &effects)
        }
        jobs[name] = nil
        touched.insert(.job(name))
        if armedJob == name { armedJob = nil }
        effects.append(.record(.jobDeleted(name)))
        return .done
    }

    mutating func queueBuild(
        _ request: BuildRequest, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard let job = jobs[request.job] else { return .refused(.noSuchJob(request.job)) }
        guard !job.configuration.isDisabled else { return .refused(.jobDisabled(request.job)) }
        let parameters = job.configuration.parameters.map {
            ParameterValue(kind: $0.kind, name: $0.name, value: request.values[$0.name] ?? $0.defaultValue)
        }
        if let waiting = queue.waitingItem(of: job.name, parameters: parameters) { return .queued(item: waiting.id) }
        guard !queue.isFull else { return .refused(.queueFull) }
        let chosen = parameters.first { $0.kind != .string }?.value
        let delay = max(0, request.delayMilliseconds ?? settings.quietPeriodMilliseconds)
        let id = queue.add(
            .job(job.name), label: chosen ?? job.configuration.label, parameters: parameters,
            cause: .user(request.user), state: .waiting(until: now.advanced(byMilliseconds: delay)), at: now)
        effects.append(.record(.itemQueued(id: id, job: job.name)))
        return .queued(item: id)
    }

    mutating func cancel(_ id: Int, _ now: PracticeTime, _ effects: inout [ControllerEffect]) -> Reply {
        guard let item = queue.item(id) else { return .refused(.noSuchItem(id)) }
        if item.isLeft || item.isPending { return .refused(.itemNotCancellable(id)) }
        queue.move(id, to: .left(at: now, build: nil))
        effects.append(.record(.itemCancelled(id: id, job: item.jobName)))
        if case .step(let key) = item.task { abort(key.job, key.number, now, &effects) }
        return .done
    }

    mutating func restart(_ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        effects.append(.record(.restarted))
        isQuietingDown = false
        for node in sortedNodes where node.cookie != nil { loseChannel(node.name, .channelTermination, now, &effects) }
        // Pending items lost their executors with the channels; a controller reads them back as buildable.
        for key in building {
            guard let build = build(key) else { continue }
            if build.isPipeline {
                requeueSteps(of: build, now, &effects)
            } else if !isSimulated(build.nodeName) {
                end(build.job, build.number, .failure, now, &effects)
            }
        }
    }

    /// A resumed step asks for its old node by name, so no other node can take it.
    mutating func requeueSteps(of build: Build, _ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for (index, progress) in build.steps.enumerated() {
            let key = RunKey(job: build.job, number: build.number, step: index)
            switch progress {
            case .running(let node), .orphaned(let node, _):
                release(key, sendingAbort: false, &effects)
                let id = queue.add(
                    .step(key), label: node, parameters: [], cause: .restartedStep, state: .buildable(since: now),
                    at: now)
                setStep(key, .queued(item: id))
                effects.append(.record(.itemQueued(id: id, job: build.job)))
            case .notStarted, .queued, .finished:
                continue
            }
        }
    }
}
