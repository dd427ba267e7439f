/// What a controller keeps, a line of JSON each: `{"k":"node","id":"n1","v":{…}}`, with `null` for what is gone.
///
/// Later lines replace earlier ones of the same key, so the file is a journal and, read to its end, the state.
struct KeptRecords: Equatable, Sendable {
    var kept = Controller.Kept()
    /// Hexadecimal, as agents' secrets are derived from it.
    var key: String?
    var bootCount = 0

    /// - Returns: False if the line is not one of ours.
    mutating func read(_ line: [UInt8]) -> Bool {
        guard let record = JSONValue.parse(line), let kind = record["k"]?.text, let value = record["v"] else {
            return false
        }
        let name = record["id"]?.text ?? ""
        switch kind {
        case "controller":
            key = value["key"]?.text
            bootCount = value["boots"]?.whole ?? 0
            kept.lastItem = value["lastItem"]?.whole ?? 0
            return key != nil
        case "job":
            // A new job of the same name starts with build 1.
            if value == .null {
                kept.jobs[name] = nil
                kept.builds[name] = nil
                return true
            }
            guard let configuration = Self.job(value) else { return false }
            kept.jobs[name] = configuration
        case "node":
            if value == .null {
                kept.nodes[name] = nil
                return true
            }
            guard let node = Self.node(value, name: name) else { return false }
            kept.nodes[name] = node
        case "build":
            guard let build = Self.build(value, job: name) else { return false }
            kept.builds[name, default: [:]][build.number] = build
        case "item":
            guard let id = record["id"]?.whole else { return false }
            kept.lastItem = max(kept.lastItem, id)
            if value == .null {
                kept.items[id] = nil
                return true
            }
            guard let item = Self.item(value, id: id) else { return false }
            kept.items[id] = item
        default: return false
        }
        return true
    }

    // MARK: Lines

    static func line(key: [UInt8], bootCount: Int, lastItem: Int) -> [UInt8] {
        line(
            "controller", .null,
            .members([
                "key": .string(Digest.hexadecimal(key)), "boots": .integer(bootCount), "lastItem": .integer(lastItem),
            ]))
    }

    static func line(_ key: StoredKey, of controller: Controller) -> [UInt8] {
        switch key {
        case .job(let name):
            line("job", .string(name), controller.jobs[name].map { json($0.configuration) } ?? .null)
        case .node(let name): line("node", .string(name), controller.nodes[name].map(json) ?? .null)
        case .item(let id):
            line("item", .integer(id), controller.queue.items.first { $0.id == id }.map(json) ?? .null)
        case .build(let job, let number):
            // A build does not go but with its job, whose line says so.
            controller.jobs[job]?.build(number).map { line("build", .string(job), json($0)) } ?? []
        }
    }

    private static func line(_ kind: String, _ id: JSONValue, _ value: JSONValue) -> [UInt8] {
        JSONValue.members(["k": .string(kind), "id": id, "v": value]).write() + [UInt8(ascii: "\n")]
    }

    // MARK: Jobs and nodes

    private static func json(_ job: JobConfiguration) -> JSONValue {
        .members(["xml": .string(job.xml), "label": .optional(job.label), "disabled": .bool(job.isDisabled)])
    }

    private static func job(_ value: JSONValue) -> JobConfiguration? {
        guard let xml = value["xml"]?.text, var configuration = try? JobXML.parse(Array(xml.utf8)) else { return nil }
        // Test control may have changed these without touching the document.
        configuration.label = value["label"]?.text
        configuration.isDisabled = value["disabled"] == .bool(true)
        return configuration
    }

    private static func json(_ node: Node) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "xml", value: .string(NodeDocuments.xml(node.configuration)))
        ]
        if let drain = node.drain {
            var user = ""
            if case .byUser(let name) = drain.kind { user = name }
            members.append(
                .init(
                    name: "drain",
                    value: .members([
                        "user": .string(user), "message": .string(drain.message),
                        "since": .integer(drain.since.milliseconds),
                    ])))
        }
        if case .simulated(let milliseconds) = node.channel {
            members.append(.init(name: "simulated", value: .integer(milliseconds)))
        }
        return .object(members)
    }

    private static func node(_ value: JSONValue, name: String) -> Controller.KeptNode? {
        guard let xml = value["xml"]?.text,
            let configuration = try? NodeDocuments.parse(xml: Array(xml.utf8), name: name)
        else { return nil }
        var node = Controller.KeptNode(configuration: configuration)
        if let drain = value["drain"] {
            node.drain = OfflineCause(
                kind: .byUser(drain["user"]?.text ?? ""), message: drain["message"]?.text ?? "",
                since: drain["since"]?.time ?? PracticeTime(milliseconds: 0))
        }
        node.simulatedMilliseconds = value["simulated"]?.whole.map { Int64($0) }
        return node
    }

    // MARK: The queue

    private static func json(_ item: QueueItem) -> JSONValue {
        let (state, time): (String, PracticeTime)
        switch item.state {
        case .waiting(let until): (state, time) = ("waiting", until)
        case .blocked(let since): (state, time) = ("blocked", since)
        case .buildable(let since), .pending(let since, _, _, _): (state, time) = ("buildable", since)
        case .left(let at, _): (state, time) = ("left", at)
        }
        var step = JSONValue.null
        if case .step(let key) = item.task { step = .string(key.buildText) }
        return .members([
            "job": .string(item.jobName), "step": step, "label": .optional(item.label),
            "queued": .integer(item.queuedAt.milliseconds), "parameters": json(item.parameters),
            "cause": json(item.cause), "state": .string(state), "time": .integer(time.milliseconds),
        ])
    }

    private static func item(_ value: JSONValue, id: Int) -> QueueItem? {
        guard let job = value["job"]?.text, let queuedAt = value["queued"]?.time, let time = value["time"]?.time else {
            return nil
        }
        let state: QueueItem.State
        switch value["state"]?.text {
        case "waiting": state = .waiting(until: time)
        case "blocked": state = .blocked(since: time)
        case "buildable": state = .buildable(since: time)
        default: return nil
        }
        var task = QueueItem.Task.job(job)
        if let text = value["step"]?.text {
            guard let key = RunKey(job: job, buildText: text) else { return nil }
            task = .step(key)
        }
        let label = value["label"]?.text
        return QueueItem(
            id: id, task: task, label: label, expression: label.flatMap(LabelExpression.parse), queuedAt: queuedAt,
            parameters: parameters(value["parameters"]), cause: cause(value["cause"]), state: state)
    }

    private static func json(_ parameters: [ParameterValue]) -> JSONValue {
        .array(
            parameters.map { parameter in
                let kind =
                    switch parameter.kind {
                    case .string: "string"
                    case .label: "label"
                    case .node: "node"
                    }
                return .array([.string(kind), .string(parameter.name), .string(parameter.value)])
            })
    }

    private static func parameters(_ value: JSONValue?) -> [ParameterValue] {
        (value?.elements ?? []).compactMap { entry in
            guard let parts = entry.elements, parts.count == 3, let name = parts[1].text, let text = parts[2].text
            else { return nil }
            let kind: ParameterDefinition.Kind =
                parts[0].text == "label" ? .label : parts[0].text == "node" ? .node : .string
            return ParameterValue(kind: kind, name: name, value: text)
        }
    }

    private static func json(_ cause: BuildCause) -> JSONValue {
        switch cause {
        case .user(let name): .string(name)
        case .restartedStep: .null
        }
    }

    private static func cause(_ value: JSONValue?) -> BuildCause { value?.text.map { .user($0) } ?? .restartedStep }
}

extension JSONValue {
    var whole: Int? {
        if case .integer(let value) = self { return Int(value) }
        return nil
    }

    var time: PracticeTime? {
        if case .integer(let value) = self { return PracticeTime(milliseconds: value) }
        return nil
    }

    var elements: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }
}

// MARK: - Builds

extension KeptRecords {
    /// How much of an ended build's console is kept.
    static let consoleBytesMax = 16 << 10

    fileprivate static func json(_ build: Build) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "number", value: .integer(build.number)),
            .init(name: "item", value: .integer(build.queueID)),
            .init(name: "started", value: .integer(build.startedAt.milliseconds)),
            .init(name: "node", value: .string(build.nodeName)),
            .init(name: "parameters", value: json(build.parameters)), .init(name: "cause", value: json(build.cause)),
        ]
        if let result = build.result, let ended = build.endedAt {
            let console = String(decoding: build.console.bytes.suffix(consoleBytesMax), as: UTF8.self)
            members += [
                .init(name: "result", value: .string(result.rawValue)),
                .init(name: "ended", value: .integer(ended.milliseconds)),
                .init(name: "console", value: .string(console)),
            ]
        } else {
            if build.isAbortRequested { members.append(.init(name: "aborting", value: .bool(true))) }
            if let end = build.simulatedEnd {
                members.append(.init(name: "simulatedEnd", value: .integer(end.milliseconds)))
            }
            if !build.stages.isEmpty {
                members.append(.init(name: "stages", value: .array(build.stages.map { .array($0.map(json)) })))
                members.append(.init(name: "steps", value: .array(build.steps.map(json))))
            }
        }
        return .object(members)
    }

    fileprivate static func build(_ value: JSONValue, job: String) -> Build? {
        guard let number = value["number"]?.whole, let item = value["item"]?.whole, let started = value["started"]?.time
        else { return nil }
        let stages = (value["stages"]?.elements ?? []).map { ($0.elements ?? []).compactMap(pipelineStep) }
        var build = Build(
            job: job, number: number, queueID: item, startedAt: started, nodeName: value["node"]?.text ?? "",
            parameters: parameters(value["parameters"]), cause: cause(value["cause"]), stages: stages)
        if let text = value["result"]?.text, let result = BuildResult(rawValue: text), let ended = value["ended"]?.time
        {
            build.restore(result, at: ended)
            build.console.append(Array((value["console"]?.text ?? "").utf8))
            return build
        }
        build.isAbortRequested = value["aborting"] == .bool(true)
        build.simulatedEnd = value["simulatedEnd"]?.time
        let steps = (value["steps"]?.elements ?? []).compactMap(progress)
        if steps.count == build.steps.count { build.steps = steps }
        return build
    }

    private static func json(_ step: PipelineStep) -> JSONValue {
        .array([.optional(step.label), .string(step.command), .integer(step.seconds)])
    }

    private static func pipelineStep(_ value: JSONValue) -> PipelineStep? {
        guard let parts = value.elements, parts.count == 3, let command = parts[1].text, let seconds = parts[2].whole
        else { return nil }
        return PipelineStep(label: parts[0].text, command: command, seconds: seconds)
    }

    private static func json(_ step: StepProgress) -> JSONValue {
        switch step {
        case .notStarted: .array([.string("not started")])
        case .queued(let item): .array([.string("queued"), .integer(item)])
        case .running(let node): .array([.string("running"), .string(node)])
        // Its deadline starts anew with the controller, which first waits for the node to come back.
        case .orphaned(let node, _): .array([.string("running"), .string(node)])
        case .finished(let code): .array([.string("finished"), .integer(code)])
        }
    }

    private static func progress(_ value: JSONValue) -> StepProgress? {
        guard let parts = value.elements, let word = parts.first?.text else { return nil }
        switch word {
        case "not started": return .notStarted
        case "queued": return parts.last?.whole.map { .queued(item: $0) }
        case "running": return parts.last?.text.map { .running(node: $0) }
        case "finished": return parts.last?.whole.map { .finished(exitCode: $0) }
        default: return nil
        }
    }
}
