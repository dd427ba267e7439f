/// Builds while they run: output, abort, end, and the script an agent gets.
extension Controller {
    /// Where in the controller's state the runs of one build sit now.
    func runningKeys(of build: Build) -> [RunKey] {
        sortedNodes.flatMap { node in
            node.executors.compactMap { occupant in
                guard case .run(let key) = occupant, key.job == build.job, key.number == build.number else {
                    return nil
                }
                return key
            }
        }
    }

    mutating func setStep(_ key: RunKey, _ progress: StepProgress) {
        guard let step = key.step else { return }
        jobs[key.job]?.builds[key.number - 1].steps[step] = progress
        touched.insert(.build(key.job, key.number))
    }

    mutating func log(_ key: RunKey, _ line: String) {
        jobs[key.job]?.builds[key.number - 1].console.append(line: line)
    }

    mutating func begin(_ build: Build) {
        jobs[build.job]?.builds.append(build)
        building.append(RunKey(job: build.job, number: build.number))
        touched.insert(.build(build.job, build.number))
    }

    func isBuilding(_ job: String) -> Bool { building.contains { $0.job == job } }

    /// Takes the run off its executor.
    mutating func release(_ key: RunKey, sendingAbort: Bool, _ effects: inout [ControllerEffect]) {
        for node in sortedNodes where node.executors.contains(.run(key)) {
            if sendingAbort {
                nodes[node.name]?.send(.abort(key))
                effects.append(.wakeAgent(node: node.name))
            }
            nodes[node.name]?.free(.run(key))
        }
    }

    mutating func end(
        _ job: String, _ number: Int, _ result: BuildResult, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard jobs[job]?.build(number)?.isBuilding == true else { return }
        jobs[job]?.builds[number - 1].end(result, at: now)
        building.removeAll { $0.job == job && $0.number == number }
        touched.insert(.build(job, number))
        effects.append(.record(.buildEnded(job: job, number: number, result)))
    }

    /// Asks the agents to stop; the build ends when they report, or at once where nobody is left to ask.
    mutating func abort(
        _ job: String, _ number: Int, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard let build = jobs[job]?.build(number), build.isBuilding else { return }
        let isFirstRequest = !build.isAbortRequested
        jobs[job]?.builds[number - 1].isAbortRequested = true
        touched.insert(.build(job, number))
        for (index, progress) in build.steps.enumerated() {
            let key = RunKey(job: job, number: number, step: index)
            switch progress {
            case .queued(let id):
                queue.move(id, to: .left(at: now, build: nil))
                for node in sortedNodes { nodes[node.name]?.free(.item(id)) }
                setStep(key, .finished(exitCode: 143))
            case .notStarted:
                setStep(key, .finished(exitCode: 143))
            case .orphaned:
                release(key, sendingAbort: false, &effects)
                setStep(key, .finished(exitCode: 143))
            case .running, .finished:
                continue
            }
        }
        let running = runningKeys(of: build)
        for key in running where isFirstRequest {
            for node in sortedNodes where node.executors.contains(.run(key)) {
                if case .simulated = node.channel { release(key, sendingAbort: false, &effects) }
                nodes[node.name]?.send(.abort(key))
                effects.append(.wakeAgent(node: node.name))
            }
        }
        if runningKeys(of: build).isEmpty { end(job, number, .aborted, now, &effects) }
    }

    mutating func appendOutput(_ key: RunKey, node: String, offset: Int, _ bytes: [UInt8]) {
        guard nodes[node]?.executors.contains(.run(key)) == true, offset >= 0, build(key) != nil else { return }
        let slot = key.step ?? -1
        let received = jobs[key.job]?.builds[key.number - 1].receivedBytes[slot] ?? 0
        // A repeated report starts before what is already here; a gap cannot be filled later and is closed.
        let fresh = bytes.dropFirst(max(0, received - offset))
        jobs[key.job]?.builds[key.number - 1].console.append(fresh)
        jobs[key.job]?.builds[key.number - 1].receivedBytes[slot] = max(received, offset + bytes.count)
    }

    mutating func finishRun(
        _ key: RunKey, exitCode: Int, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard let build = build(key) else { return }
        release(key, sendingAbort: false, &effects)
        if build.isAbortRequested {
            log(key, "Build was aborted")
        } else if exitCode != 0 {
            log(key, "Build step ‘Execute shell’ marked build as failure (exit code \(exitCode))")
        }
        guard key.step != nil else {
            let result: BuildResult = build.isAbortRequested ? .aborted : exitCode == 0 ? .success : .failure
            return end(key.job, key.number, result, now, &effects)
        }
        setStep(key, .finished(exitCode: exitCode))
    }

    /// Everything a run's script needs: the variables of Jenkins and the job's commands.
    func script(for key: RunKey, on node: String) -> String {
        guard let job = jobs[key.job], let build = job.build(key.number) else { return "" }
        var commands: [String]
        switch job.configuration.kind {
        case .freestyle(let scripts): commands = scripts
        case .pipeline: commands = []
        }
        if let index = key.step, let step = build.step(index) {
            commands = [step.command]
            if step.seconds > 0 { commands.append("sleep \(step.seconds)") }
        }
        let executor = nodes[node]?.executors.firstIndex(of: .run(key)) ?? 0
        var variables = [
            ("BUILD_NUMBER", "\(key.number)"), ("BUILD_TAG", "jenkins-\(key.job)-\(key.number)"),
            ("EXECUTOR_NUMBER", "\(executor)"), ("JOB_NAME", key.job), ("NODE_NAME", node),
        ]
        for parameter in build.parameters where Self.isVariableName(parameter.name) {
            variables.append((parameter.name, parameter.value))
        }
        let exports = variables.map { name, value in
            "export \(name)='\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
        }
        return (exports + commands).joined(separator: "\n") + "\n"
    }

    static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95
        }
    }
}
