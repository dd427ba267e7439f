// The pages of jobs.
import XML

/// The pages of jobs, builds and the queue.
extension Site {
    mutating func createJob(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        guard exchange.isPost else { return .postRequired }
        if let refusal = missing(.jobCreate, exchange) { return refusal }
        guard let name = exchange.parameter("name") else { return .failure(400, "Query parameter 'name' is required") }
        if exchange.parameter("mode") == "copy" {
            guard let source = exchange.parameter("from").flatMap({ controller.jobs[$0] }) else {
                return .failure(400, "No such job: \(exchange.parameter("from") ?? "")")
            }
            let event = ControllerEvent.jobCreationRequested(name: name, source.configuration)
            return perform(event, at: exchange.now, &effects) { _ in .redirect(to: "\(exchange.root)job/\(name)/") }
        }
        do throws(XMLError) {
            let event = ControllerEvent.jobCreationRequested(name: name, try JobXML.parse(exchange.body))
            return perform(event, at: exchange.now, &effects) { _ in .accepted }
        } catch {
            return .failure(400, "\(error)")
        }
    }

    mutating func jobPage(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        let segments = exchange.segments
        guard segments.count >= 2, access.allows(exchange.principal, .jobRead), let job = controller.jobs[segments[1]]
        else { return .notFound }
        let rest = segments.dropFirst(2)
        switch rest.first {
        case nil: return .page("\(job.name) [Jenkins]")
        case "api" where rest.count == 2:
            return exchange.render(jobBeans(exchange).job(job), flavour: segments[3])
        case "config.xml" where rest.count == 1: return jobConfiguration(job, exchange, &effects)
        case let action? where rest.count == 1 && Int(action) == nil:
            return jobAction(action, job, exchange, &effects)
        case let number?: return buildPage(job, number, exchange, &effects)
        }
    }

    private mutating func jobConfiguration(
        _ job: Job, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        guard exchange.isPost else {
            let allowed = access.allows(exchange.principal, .jobExtendedRead)
            if !allowed, let refusal = missing(.jobConfigure, exchange) { return refusal }
            return .bytes(Array(job.configuration.xml.utf8), contentType: "application/xml")
        }
        if let refusal = missing(.jobConfigure, exchange) { return refusal }
        do throws(XMLError) {
            let event = ControllerEvent.jobChangeRequested(name: job.name, try JobXML.parse(exchange.body))
            return perform(event, at: exchange.now, &effects) { _ in .accepted }
        } catch {
            return .failure(400, "\(error)")
        }
    }

    private mutating func jobAction(
        _ action: String, _ job: Job, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        let permission: PracticePermission
        let event: ControllerEvent
        var target = exchange.root + "job/\(FormFields.encode(job.name))/"
        switch action {
        case "build", "buildWithParameters":
            return requestBuild(action, job, exchange, &effects)
        case "doDelete":
            (permission, event) = (.jobDelete, .jobDeletionRequested(name: job.name))
            target = exchange.root
        case "enable": (permission, event) = (.jobConfigure, .jobSwitchRequested(name: job.name, enabled: true))
        case "disable": (permission, event) = (.jobConfigure, .jobSwitchRequested(name: job.name, enabled: false))
        default: return .notFound
        }
        guard exchange.isPost else { return .postRequired }
        if let refusal = missing(permission, exchange) { return refusal }
        let location = target
        return perform(event, at: exchange.now, &effects) { _ in .redirect(to: location) }
    }

    private mutating func requestBuild(
        _ action: String, _ job: Job, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        guard exchange.isPost else { return .postRequired }
        if let refusal = missing(.jobBuild, exchange) { return refusal }
        if action == "buildWithParameters", job.configuration.parameters.isEmpty {
            return .failure(400, "\(job.name) is not parameterized")
        }
        var request = BuildRequest(job: job.name, user: exchange.principal.name)
        if let delay = exchange.parameter("delay") {
            guard let milliseconds = Self.milliseconds(delay) else { return .failure(400, "Not a delay: \(delay)") }
            request.delayMilliseconds = milliseconds
        }
        for field in exchange.parameters.reversed() { request.values[field.name] = field.value }
        for (name, value) in Self.submittedParameters(exchange.parameter("json")) { request.values[name] = value }
        return perform(.buildRequested(request), at: exchange.now, &effects) { reply in
            guard case .queued(let item) = reply else { return .failure(500, "No item") }
            let location = "\(exchange.root)queue/item/\(item)/"
            return Answer(status: 201, headers: [.init(name: "Location", value: location)])
        }
    }

    /// `5sec`, `5`, `500ms`, `1min`, as `delay` takes them.
    static func milliseconds(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let amount = Int64(digits), amount <= 31_536_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "", "s", "sec", "secs": return amount * 1_000
        case "ms", "milli", "millis": return amount
        case "m", "min", "mins": return amount * 60_000
        case "h", "hour", "hours": return amount * 3_600_000
        default: return nil
        }
    }

    /// The form's `json={"parameter": [{"name": …, "value": …}]}`; a single parameter may come without the list.
    private static func submittedParameters(_ json: String?) -> [(String, String)] {
        guard let json, let form = JSONValue.parse(Array(json.utf8)), let parameter = form["parameter"] else {
            return []
        }
        let entries: [JSONValue]
        if case .array(let several) = parameter { entries = several } else { entries = [parameter] }
        return entries.compactMap { entry in
            guard let name = entry["name"]?.text, let value = entry["value"]?.text else { return nil }
            return (name, value)
        }
    }

    // MARK: Builds

    private func build(_ job: Job, _ text: String) -> Build? {
        switch text {
        case "lastBuild": job.builds.last
        case "lastCompletedBuild": job.builds.last { !$0.isBuilding }
        case "lastSuccessfulBuild", "lastStableBuild": job.builds.last { $0.result == .success }
        case "lastFailedBuild": job.builds.last { $0.result == .failure }
        default: Int(text).flatMap { job.build($0) }
        }
    }

    private mutating func buildPage(
        _ job: Job, _ text: String, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        guard let build = build(job, text) else { return .notFound }
        let segments = exchange.segments
        switch (segments.count, segments.count > 3 ? segments[3] : "") {
        case (3, _): return .page("\(job.name) #\(build.number) [Jenkins]")
        case (5, "api"): return exchange.render(jobBeans(exchange).build(build), flavour: segments[4])
        case (4, "consoleText"): return .bytes(build.console.bytes, contentType: "text/plain;charset=utf-8")
        case (5, "logText") where segments[4] == "progressiveText": return progressiveText(build, exchange)
        case (4, "stop"), (4, "term"), (4, "kill"):
            guard exchange.isPost else { return .postRequired }
            if let refusal = missing(.jobCancel, exchange) { return refusal }
            let location = jobBeans(exchange).url(job.name, build.number)
            let event = ControllerEvent.stopRequested(job: job.name, number: build.number)
            return perform(event, at: exchange.now, &effects) { _ in .redirect(to: location) }
        default: return .notFound
        }
    }

    private func progressiveText(_ build: Build, _ exchange: Exchange) -> Answer {
        let size = build.console.bytes.count
        var start = exchange.parameter("start").flatMap { Int($0) } ?? 0
        if start < 0 || start > size { start = 0 }
        var answer = Answer.bytes(Array(build.console.bytes[start...]), contentType: "text/plain;charset=utf-8")
        answer.headers.append(.init(name: "X-Text-Size", value: "\(size)"))
        if build.isBuilding { answer.headers.append(.init(name: "X-More-Data", value: "true")) }
        return answer
    }

    // MARK: The queue

    mutating func queuePage(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        let segments = exchange.segments
        var beans = QueueBeans(jobs: jobBeans(exchange), locale: locale)
        beans.canReadJobs = access.allows(exchange.principal, .jobRead)
        beans.canDiscoverJobs = access.allows(exchange.principal, .jobDiscover)
        switch (segments.count, segments.count > 1 ? segments[1] : "") {
        case (1, _): return .page("Queue [Jenkins]")
        case (3, "api"): return exchange.render(beans.queue(), flavour: segments[2])
        case (3, "item"), (5, "item"):
            guard beans.canReadJobs, let item = Int(segments[2]).flatMap({ controller.queue.item($0) }) else {
                return .notFound
            }
            if segments.count == 3 { return .page("Queue item \(item.id)") }
            return segments[3] == "api" ? exchange.render(beans.item(item), flavour: segments[4]) : .notFound
        case (2, "cancelItem"): return cancelItem(exchange, &effects)
        default: return .notFound
        }
    }

    private mutating func cancelItem(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        guard exchange.isPost else { return .postRequired }
        if let refusal = missing(.jobCancel, exchange) { return refusal }
        let text = exchange.parameter("id")
        guard let id = text.flatMap({ Int($0) }) else { return .failure(400, "Not a queue item: \(text ?? "")") }
        let usesRedirect = version < ControllerVersion(2, 165)
        let answer = perform(.cancelRequested(item: id), at: exchange.now, &effects) { _ in Answer(status: 204) }
        return usesRedirect ? .redirect(to: "\(exchange.root)queue/") : answer
    }
}
