/// The controller as a pure state machine: jobs, queue, builds, nodes and agents.

/// What does not change while a controller runs, except by test control.
struct ControllerSettings: Equatable, Sendable {
    /// How long a build request waits before it may start, so that several requests become one build.
    var quietPeriodMilliseconds: Int64 = 300
    /// How long a queue item with an executor stays listed before its build starts.
    var pendingMilliseconds: Int64 = 50
    /// How long a pipeline step outlives its node. Jenkins waits five minutes.
    var orphanedStepMilliseconds: Int64 = 300_000
    /// Secrets of agents are derived from this.
    var key: [UInt8]
}

struct Controller: Equatable, Sendable {
    var settings: ControllerSettings
    var jobs: [String: Job] = [:]
    var nodes: [String: Node] = [:]
    var queue = BuildQueue()
    var isQuietingDown = false
    /// Builds that have not ended, oldest first: an index into `jobs`.
    var building: [RunKey] = []
    /// Set by test control: see `ControllerEvent.buildOnDrainArmed`.
    var armedJob: String?
    var cookieCount = 0
    /// What changed since it was last persisted, apart from the queue, which keeps its own account.
    var touched: Set<StoredKey> = []

    init(settings: ControllerSettings) { self.settings = settings }

    var sortedJobs: [Job] { jobs.keys.sorted().compactMap { jobs[$0] } }
    var sortedNodes: [Node] { nodes.keys.sorted().compactMap { nodes[$0] } }

    /// The secret of an inbound agent: it depends on the node's name only, so the same name keeps it for ever.
    func secret(ofNode name: String) -> String {
        Digest.hexadecimal(Digest.hmacSHA256(key: settings.key, Array(name.utf8)))
    }

    func build(_ key: RunKey) -> Build? { jobs[key.job]?.build(key.number) }

    mutating func step(_ event: ControllerEvent, at now: PracticeTime) -> [ControllerEffect] {
        var effects: [ControllerEffect] = []
        var reply = decide(event, now, &effects)
        maintain(now, &effects)
        // What became due in this very step may be a build for the agent that asks. It is not waiting yet, so nothing would
        // wake it: it gets the build now and not at the end of its long poll.
        if case .agentAsked(let cookie, let after) = event, case .command(nil) = reply {
            reply =
                nodeName(cookie: cookie).map { .command(nodes[$0]?.nextCommand(after: after)) }
                ?? .refused(.staleCookie)
        }
        let changed = takeTouched()
        if !changed.isEmpty { effects.append(.persist(changed)) }
        if let reply { effects.append(.reply(reply)) }
        return effects
    }

    private mutating func takeTouched() -> [StoredKey] {
        defer { touched = [] }
        return (touched.sorted() + queue.takeTouched().map { .item($0) })
    }

    private mutating func decide(
        _ event: ControllerEvent, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> Reply? {
        switch event {
        case .jobCreationRequested(let name, let configuration):
            return createJob(name, configuration, &effects)
        case .jobChangeRequested(let name, let configuration):
            guard jobs[name] != nil else { return .refused(.noSuchJob(name)) }
            jobs[name]?.configuration = configuration
            touched.insert(.job(name))
            queue.relabel(job: name, label: configuration.label)
            return .done
        case .jobDeletionRequested(let name):
            return deleteJob(name, now, &effects)
        case .jobSwitchRequested(let name, let enabled):
            guard jobs[name] != nil else { return .refused(.noSuchJob(name)) }
            jobs[name]?.configuration.isDisabled = !enabled
            touched.insert(.job(name))
            return .done
        case .buildRequested(let request):
            return queueBuild(request, now, &effects)
        case .cancelRequested(let id):
            return cancel(id, now, &effects)
        case .stopRequested(let job, let number):
            guard jobs[job]?.build(number) != nil else { return .refused(.noSuchBuild(job: job, number: number)) }
            abort(job, number, now, &effects)
            return .done
        case .executorStopRequested(let name, let index):
            guard let node = nodes[name], node.executors.indices.contains(index) else {
                return .refused(.noSuchNode(name))
            }
            if case .run(let key) = node.executors[index] { abort(key.job, key.number, now, &effects) }
            return .done

        case .nodeCreationRequested(let configuration):
            return createNode(configuration, channel: .none, &effects)
        case .nodeChangeRequested(let name, let configuration):
            guard nodes[name] != nil else { return .refused(.noSuchNode(name)) }
            guard configuration.name == name else { return .refused(.unsafeName(configuration.name)) }
            nodes[name]?.configuration = configuration
            touched.insert(.node(name))
            return .done
        case .nodeDeletionRequested(let name):
            return deleteNode(name, now, &effects)
        case .drainRequested(let name, let message, let user):
            return drain(name, message, user, now, &effects)
        case .drainToggleRequested(let name, let message, let user):
            guard nodes[name]?.drain != nil else { return drain(name, message, user, now, &effects) }
            nodes[name]?.drain = nil
            touched.insert(.node(name))
            effects.append(.record(.nodeOpened(name)))
            return .done
        case .disconnectionRequested(let name, let message):
            guard nodes[name] != nil else { return .refused(.noSuchNode(name)) }
            loseChannel(name, .disconnected(message), now, &effects)
            return .done

        case .agentConnected(let name, let secret, let cookie):
            return connectAgent(name, secret, cookie, now, &effects)
        case .agentAsked(let cookie, let after):
            guard let name = nodeName(cookie: cookie) else { return .refused(.staleCookie) }
            nodes[name]?.heard(at: now)
            return .command(nodes[name]?.nextCommand(after: after))
        case .agentLogged(let cookie, let key, let offset, let bytes):
            guard let name = nodeName(cookie: cookie) else { return .refused(.staleCookie) }
            nodes[name]?.heard(at: now)
            appendOutput(key, node: name, offset: offset, bytes)
            return .done
        case .agentFinished(let cookie, let key, let exitCode):
            guard let name = nodeName(cookie: cookie) else { return .refused(.staleCookie) }
            nodes[name]?.heard(at: now)
            if nodes[name]?.executors.contains(.run(key)) == true { finishRun(key, exitCode: exitCode, now, &effects) }
            return .done
        case .agentLeft(let cookie):
            guard let name = nodeName(cookie: cookie) else { return .refused(.staleCookie) }
            effects.append(.record(.agentLeft(name)))
            loseChannel(name, .channelTermination, now, &effects)
            return .done

        case .restarted:
            restart(now, &effects)
            return .done
        case .quietDownSwitched(let on):
            isQuietingDown = on
            return .done
        case .channelDropped(let name):
            guard nodes[name] != nil else { return .refused(.noSuchNode(name)) }
            loseChannel(name, .channelTermination, now, &effects)
            return .done
        case .simulatedNodeAdded(let configuration, let milliseconds):
            return createNode(configuration, channel: .simulated(buildMilliseconds: milliseconds), &effects)
        case .jobRelabelled(let name, let label):
            guard jobs[name] != nil else { return .refused(.noSuchJob(name)) }
            jobs[name]?.configuration.label = label
            touched.insert(.job(name))
            queue.relabel(job: name, label: label)
            return .done
        case .buildOnDrainArmed(let job):
            guard jobs[job] != nil else { return .refused(.noSuchJob(job)) }
            armedJob = job
            return .done
        case .thawed:
            for name in nodes.keys { nodes[name]?.heard(at: now) }
            return nil
        case .timePassed:
            return nil
        }
    }
}
