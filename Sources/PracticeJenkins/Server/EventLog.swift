/// What `/standin/events` shows: requests and changes in the order they happened, bounded.
struct EventLog: Sendable {
    static let entriesMax = 50_000

    enum Entry: Sendable {
        /// `bytes` is the size of the answer's body.
        case request(method: String, target: String, status: Int, user: String, bytes: Int)
        case change(ControllerChange)
    }

    private var entries: [(sequence: Int, at: PracticeTime, entry: Entry)] = []
    private var lastSequence: Int

    /// - Parameter boot: How often the controller has been started: sequence numbers go on growing.
    init(boot: Int = 0) { lastSequence = boot << 32 }

    mutating func append(_ entry: Entry, at now: PracticeTime) {
        lastSequence += 1
        // Dropping a tenth at a time keeps the cost of the bound small.
        if entries.count >= Self.entriesMax { entries.removeFirst(Self.entriesMax / 10) }
        entries.append((lastSequence, now, entry))
    }

    /// Entries with a sequence number above `after`.
    func json(after: Int) -> JSONValue {
        // Sequence numbers are contiguous: what is wanted lies at the end.
        let skipped = entries.first.map { max(0, after - $0.sequence + 1) } ?? 0
        return .array(
            entries.dropFirst(skipped).map { sequence, at, entry in
                let head: [JSONValue.Member] = [
                    .init(name: "seq", value: .integer(sequence)), .init(name: "at", value: .integer(at.milliseconds)),
                ]
                guard case .object(let members) = Self.json(entry) else { return .object(head) }
                return .object(head + members)
            })
    }

    private static func json(_ entry: Entry) -> JSONValue {
        switch entry {
        case .request(let method, let target, let status, let user, let bytes):
            .members([
                "kind": .string("request"), "method": .string(method), "target": .string(target),
                "status": .integer(status), "user": .string(user), "bytes": .integer(bytes),
            ])
        case .change(let change): json(change)
        }
    }

    private static func json(_ change: ControllerChange) -> JSONValue {
        switch change {
        case .jobCreated(let job): .members(["kind": .string("jobCreated"), "job": .string(job)])
        case .jobDeleted(let job): .members(["kind": .string("jobDeleted"), "job": .string(job)])
        case .itemQueued(let id, let job):
            .members(["kind": .string("itemQueued"), "id": .integer(id), "job": .string(job)])
        case .itemCancelled(let id, let job):
            .members(["kind": .string("itemCancelled"), "id": .integer(id), "job": .string(job)])
        case .buildStarted(let key, let node):
            .members([
                "kind": .string("buildStarted"), "job": .string(key.job), "build": .string(key.buildText),
                "node": .string(node),
            ])
        case .buildEnded(let job, let number, let result):
            .members([
                "kind": .string("buildEnded"), "job": .string(job), "build": .string("\(number)"),
                "result": .string(result.rawValue),
            ])
        case .nodeCreated(let node): .members(["kind": .string("nodeCreated"), "node": .string(node)])
        case .nodeDrained(let node, let message):
            .members(["kind": .string("nodeDrained"), "node": .string(node), "message": .string(message)])
        case .nodeOpened(let node): .members(["kind": .string("nodeOpened"), "node": .string(node)])
        case .nodeDeleted(let node, let wasBusy):
            .members(["kind": .string("nodeDeleted"), "node": .string(node), "wasBusy": .bool(wasBusy)])
        case .agentConnected(let node): .members(["kind": .string("agentConnected"), "node": .string(node)])
        case .agentLost(let node): .members(["kind": .string("agentLost"), "node": .string(node)])
        case .agentLeft(let node): .members(["kind": .string("agentLeft"), "node": .string(node)])
        case .restarted: .members(["kind": .string("restarted")])
        }
    }
}
