/// The practice agents' protocol and test control: everything under `/standin/`, outside of what Jenkins defines.
extension Site {
    mutating func agentOrControl(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> SiteOutcome {
        let segments = exchange.segments
        guard segments.count >= 2 else { return .answer(.notFound) }
        switch segments[1] {
        case "agent.sh" where segments.count == 2:
            return .answer(exchange.isPost ? .notFound : .text(PracticeAgentScript.text))
        case "agent" where segments.count == 3: return agentCall(segments[2], exchange, &effects)
        case "control" where segments.count == 2:
            return .answer(exchange.isPost ? control(exchange, &effects) : .postRequired)
        default: return .answer(.notFound)
        }
    }

    private mutating func agentCall(
        _ call: String, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> SiteOutcome {
        guard exchange.isPost == (call != "next") else { return .answer(.postRequired) }
        let cookie = exchange.parameter("cookie") ?? ""
        switch call {
        case "connect":
            let event = ControllerEvent.agentConnected(
                name: exchange.parameter("name") ?? "", secret: exchange.parameter("secret") ?? "",
                cookie: cookie.isEmpty ? nil : cookie)
            return .answer(agentReply(event, exchange, &effects))
        case "next":
            let after = exchange.parameter("after").flatMap { Int($0) } ?? 0
            let stepped = controller.step(.agentAsked(cookie: cookie, after: after), at: exchange.now)
            effects += stepped
            for case .reply(let reply) in stepped {
                switch reply {
                case .command(let numbered?): return .answer(.text(Self.text(of: numbered)))
                case .refused(let refusal): return .answer(.refusal(refusal))
                case .command(nil), .done, .queued, .connected: continue
                }
            }
            return controller.nodes.first { $0.value.cookie == cookie }.map { .wait(node: $0.key) }
                ?? .answer(.refusal(.staleCookie))
        case "log", "done":
            guard let key = RunKey(job: exchange.parameter("job") ?? "", buildText: exchange.parameter("build") ?? "")
            else { return .answer(.failure(400, "Not a build: \(exchange.parameter("build") ?? "")")) }
            if call == "done" {
                guard let exitCode = exchange.parameter("rc").flatMap({ Int($0) }) else {
                    return .answer(.failure(400, "Not an exit code: \(exchange.parameter("rc") ?? "")"))
                }
                let event = ControllerEvent.agentFinished(cookie: cookie, key, exitCode: exitCode)
                return .answer(agentReply(event, exchange, &effects))
            }
            let offset = exchange.parameter("at").flatMap { Int($0) } ?? 0
            let event = ControllerEvent.agentLogged(cookie: cookie, key, offset: offset, exchange.body)
            return .answer(agentReply(event, exchange, &effects))
        case "bye":
            return .answer(agentReply(.agentLeft(cookie: cookie), exchange, &effects))
        default: return .answer(.notFound)
        }
    }

    private mutating func agentReply(
        _ event: ControllerEvent, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        var answer = perform(event, at: exchange.now, &effects) { reply in
            if case .connected(let cookie) = reply { return .text(cookie + "\n") }
            return .text("ok\n")
        }
        // Agents cannot see a 404's reason apart from a wrong address: an unknown node is their 400.
        if case .agentConnected = event, answer.status == 404 { answer = .failure(400, "unknown node") }
        return answer
    }

    /// The first line of a command: what, job, build, sequence; the script follows.
    private static func text(of numbered: NumberedCommand) -> String {
        switch numbered.command {
        case .run(let key, let script):
            "run \(FormFields.encode(key.job)) \(key.buildText) \(numbered.sequence)\n\(script)"
        case .abort(let key):
            "abort \(FormFields.encode(key.job)) \(key.buildText) \(numbered.sequence)\n"
        }
    }

    /// The controls that change the site's own state. Faults of time and transport are the shell's.
    private mutating func control(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        let value = exchange.parameter("value") ?? ""
        let node = exchange.parameter("node") ?? ""
        let job = exchange.parameter("job") ?? ""
        let event: ControllerEvent
        switch exchange.parameter("action") {
        case "version":
            guard let version = ControllerVersion(value) else { return .failure(400, "Not a version: \(value)") }
            self.version = version
            return .text("ok\n")
        case "expire-crumb":
            access.expireCrumbs()
            return .text("ok\n")
        case "legacy-crumb":
            access.usesLegacyCrumb = value != "false"
            return .text("ok\n")
        case "anonymous-read":
            access.anonymousCanRead = value != "false"
            return .text("ok\n")
        case "hide-jobs":
            access.hidesJobs = value != "false"
            return .text("ok\n")
        case "locale":
            guard let locale = ControllerLocale(rawValue: value) else { return .failure(400, "Not a locale: \(value)") }
            self.locale = locale
            return .text("ok\n")
        case "quiet-period", "orphan-delay":
            guard let milliseconds = Self.milliseconds(value) else { return .failure(400, "Not a delay: \(value)") }
            if exchange.parameter("action") == "quiet-period" {
                controller.settings.quietPeriodMilliseconds = milliseconds
            } else {
                controller.settings.orphanedStepMilliseconds = milliseconds
            }
            return .text("ok\n")
        case "quiet-down": event = .quietDownSwitched(value != "false")
        case "drop-channel": event = .channelDropped(node: node)
        case "build-on-drain": event = .buildOnDrainArmed(job: job)
        case "label": event = .jobRelabelled(name: job, label: value.isEmpty ? nil : value)
        case "add-node":
            var configuration = NodeConfiguration(name: node)
            configuration.labels = exchange.parameter("labels") ?? ""
            configuration.executorCount = exchange.parameter("executors").flatMap { Int($0) } ?? 1
            let milliseconds = Self.milliseconds(exchange.parameter("build") ?? "1sec") ?? 1_000
            event = .simulatedNodeAdded(configuration, buildMilliseconds: milliseconds)
        default: return .failure(400, "No such control: \(exchange.parameter("action") ?? "")")
        }
        return perform(event, at: exchange.now, &effects) { _ in .text("ok\n") }
    }
}
