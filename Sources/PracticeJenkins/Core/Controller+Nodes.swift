/// What people ask of nodes, and how agents come and go.
extension Controller {
    mutating func createNode(
        _ configuration: NodeConfiguration, channel: Node.Channel, _ effects: inout [ControllerEffect]
    ) -> Reply {
        let name = configuration.name
        guard Names.isSafe(name) else { return .refused(.unsafeName(name)) }
        guard nodes[name] == nil else { return .refused(.nodeExists(name)) }
        guard (1...1_000).contains(configuration.executorCount) else { return .refused(.noExecutors(name)) }
        var node = Node(configuration)
        node.channel = channel
        nodes[name] = node
        touched.insert(.node(name))
        effects.append(.record(.nodeCreated(name)))
        return .done
    }

    mutating func drain(
        _ name: String, _ message: String, _ user: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard let node = nodes[name] else { return .refused(.noSuchNode(name)) }
        if let job = armedJob, node.isIdle, !node.isOffline, jobs[job] != nil {
            armedJob = nil
            takeExecutor(of: name, for: job, now, &effects)
        }
        nodes[name]?.drain = OfflineCause(kind: .byUser(user), message: message, since: now)
        touched.insert(.node(name))
        effects.append(.record(.nodeDrained(name, message: message)))
        return .done
    }

    /// A build that slips onto a node between an idle poll and the drain.
    mutating func takeExecutor(
        of name: String, for job: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        let id = queue.add(
            .job(job), label: name, parameters: [], cause: .user("test control"), state: .buildable(since: now), at: now
        )
        effects.append(.record(.itemQueued(id: id, job: job)))
        nodes[name]?.executors[0] = .item(id)
        queue.move(id, to: .pending(since: now, node: name, executor: 0, startsAt: now))
    }

    /// Busy executors are not waited for: freestyle builds fail at once, pipeline steps after a while.
    mutating func deleteNode(
        _ name: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard let node = nodes[name] else { return .refused(.noSuchNode(name)) }
        effects.append(.record(.nodeDeleted(name, wasBusy: !node.isIdle)))
        loseChannel(name, .disconnected("Node is being removed"), now, &effects)
        if case .simulated = node.channel { failRuns(on: name, now, &effects) }
        nodes[name] = nil
        touched.insert(.node(name))
        effects.append(.wakeAgent(node: name))
        return .done
    }

    mutating func connectAgent(
        _ name: String, _ secret: String, _ cookie: String?, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply {
        guard let node = nodes[name] else { return .refused(.noSuchNode(name)) }
        guard secret == self.secret(ofNode: name) else { return .refused(.wrongSecret(name)) }
        if node.isConnected {
            guard let current = node.cookie, current == cookie else { return .refused(.alreadyConnected(name)) }
            // The same peer again: its old connection is over, and so is what ran on it.
            loseChannel(name, .channelTermination, now, &effects)
        }
        cookieCount += 1
        let material = Array("cookie \(cookieCount) \(name)".utf8)
        let fresh = Digest.hexadecimal(Digest.hmacSHA256(key: settings.key, material).prefix(16))
        nodes[name]?.connect(cookie: fresh, at: now)
        effects.append(.record(.agentConnected(name)))
        resumeOrphans(on: name)
        return .connected(cookie: fresh)
    }

    /// Pipeline steps whose agent came back in time run again on the executor they kept.
    mutating func resumeOrphans(on name: String) {
        for occupant in nodes[name]?.executors ?? [] {
            guard case .run(let key) = occupant, let step = key.step, let build = build(key) else { continue }
            guard case .orphaned = build.steps[step] else { continue }
            setStep(key, .running(node: name))
            let script = script(for: key, on: name)
            nodes[name]?.send(.run(key, script: script))
        }
    }

    mutating func loseChannel(
        _ name: String, _ kind: OfflineCause.Kind, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) {
        guard let node = nodes[name], node.cookie != nil else { return }
        let message: String
        switch kind {
        case .byUser(let user): message = "Disconnected by \(user)"
        case .disconnected(let reason): message = reason.isEmpty ? "Disconnected" : reason
        case .channelTermination: message = "Connection was broken"
        }
        nodes[name]?.disconnect(OfflineCause(kind: kind, message: message, since: now))
        effects.append(.record(.agentLost(name)))
        effects.append(.wakeAgent(node: name))
        failRuns(on: name, now, &effects)
    }

    mutating func failRuns(on name: String, _ now: PracticeTime, _ effects: inout [ControllerEffect]) {
        for occupant in nodes[name]?.executors ?? [] {
            switch occupant {
            case .item(let id):
                nodes[name]?.free(.item(id))
                if let since = queue.item(id)?.buildableSince { queue.move(id, to: .buildable(since: since)) }
            case .run(let key):
                guard let build = build(key) else { continue }
                if build.isAbortRequested {
                    finishRun(key, exitCode: 143, now, &effects)
                } else if key.step != nil {
                    let deadline = now.advanced(byMilliseconds: settings.orphanedStepMilliseconds)
                    setStep(key, .orphaned(node: name, deadline: deadline))
                } else {
                    log(key, "FATAL: the connection to \(name) was lost")
                    release(key, sendingAbort: false, &effects)
                    end(key.job, key.number, .failure, now, &effects)
                }
            case nil:
                continue
            }
        }
    }

    func nodeName(cookie: String) -> String? { nodes.first { $0.value.cookie == cookie }?.key }

    func isSimulated(_ name: String) -> Bool {
        if case .simulated = nodes[name]?.channel { return true }
        return false
    }
}
