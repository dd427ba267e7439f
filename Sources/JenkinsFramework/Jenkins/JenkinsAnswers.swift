// Reads the controller's JSON and XML into values. Whatever is missing or odd costs that one entry, never the poll.
import MesosProtocol
import Resources

/// Why an answer of the controller could not be used.
package struct UnreadableAnswer: Error, Hashable, Sendable, CustomStringConvertible {
    package var what: String
    package var reason: String

    package var description: String { "unreadable answer of \(what): \(reason)" }
}

package enum JenkinsAnswers {
    package static let queueTree =
        "discoverableItems[task[name]],items[id,why,blocked,buildable,pending,inQueueSince,timestamp,"
        + "buildableStartMilliseconds,task[name,fullName,url,labelExpression],actions[parameters[name,value,label]]]"
    /// The same of one computer.
    package static let oneComputerTree =
        "displayName,description,idle,offline,temporarilyOffline,offlineCauseReason,numExecutors,"
        + "assignedLabels[name],executors[idle,currentExecutable[url]]"
    /// All that is needed to see that items have left.
    package static let queuedTree = "items[id]"
    package static let computerTree =
        "computer[displayName,description,idle,offline,temporarilyOffline,offlineCauseReason,numExecutors,"
        + "assignedLabels[name],executors[idle,currentExecutable[url]]]"
    /// What of it may change from one moment to the next. The rest is remembered by name.
    package static let changingTree =
        "computer[displayName,idle,offline,temporarilyOffline,offlineCauseReason,"
        + "executors[idle,currentExecutable[url]]]"
    /// The same, and whether the agent is connected. For computers that are drained nothing else tells.
    package static func showingConnection(_ tree: String) -> String {
        tree.replacing("displayName,", with: "displayName,absoluteRemotePath,", maxReplacements: 1)
    }
    package static let rootTree = "mode,numExecutors,quietingDown"

    private static func object(_ bytes: [UInt8], of what: String) throws(UnreadableAnswer) -> JSONValue {
        do throws(JSONSyntaxError) {
            let value = try JSONValue(parsing: bytes)
            guard case .object = value else { throw .malformed(line: 1, near: value.kindName) }
            return value
        } catch {
            throw UnreadableAnswer(what: what, reason: "\(error)")
        }
    }

    // MARK: - Queue

    package struct Queue: Equatable, Sendable {
        package var items: [QueueItem]
        package var hasHiddenItems: Bool
    }

    package static func queue(_ bytes: [UInt8]) throws(UnreadableAnswer) -> Queue {
        let root = try object(bytes, of: "the queue")
        guard let items = root["items"]?.elements else {
            throw UnreadableAnswer(what: "the queue", reason: "no list of items")
        }
        let hidden = root["discoverableItems"]?.elements ?? []
        return Queue(items: items.compactMap(item), hasHiddenItems: items.isEmpty && !hidden.isEmpty)
    }

    private static func item(_ value: JSONValue) -> QueueItem? {
        guard let id = value["id"]?.integer, id >= 0, let task = value["task"] else { return nil }
        let phase: QueueItem.Phase
        if value["pending"]?.bool ?? false {
            phase = .pending
        } else if value["buildable"]?.bool ?? false {
            phase = .buildable
        } else if value["blocked"]?.bool ?? false {
            phase = .blocked
        } else {
            phase = .waiting
        }
        let label: QueueItem.LabelField
        switch task["labelExpression"] {
        case nil: label = .absent
        case .string(let text)?: label = .text(text)
        case .null?: label = .none
        default: label = .absent
        }
        var item = QueueItem(
            id: QueueItemID(id), phase: phase, taskClass: task["_class"]?.text ?? "",
            taskName: task["fullName"]?.text ?? task["name"]?.text ?? "", why: value["why"]?.text, label: label,
            labelParameter: labelParameter(value), inQueueSince: value["inQueueSince"]?.integer ?? 0)
        item.taskURL = task["url"]?.text ?? ""
        item.parameters = parameters(value)
        item.quietUntil = value["timestamp"]?.integer
        item.buildableSince = value["buildableStartMilliseconds"]?.integer
        return item
    }

    /// Text, numbers and truth values as text; the first of a name.
    private static func parameters(_ item: JSONValue) -> [String: String] {
        var found: [String: String] = [:]
        for action in item["actions"]?.elements ?? [] {
            for parameter in action["parameters"]?.elements ?? [] where found.count < 200 {
                guard let name = parameter["name"]?.text, found[name] == nil else { continue }
                switch parameter["value"] {
                case .string(let text)?: found[name] = text
                case .bool(let bool)?: found[name] = bool ? "true" : "false"
                case .number(.integer(let number))?: found[name] = String(number)
                case .number(.double(let number))?: found[name] = String(number)
                default: break
                }
            }
        }
        return found
    }

    /// The ids of all items, as `queuedTree` asks for them.
    package static func queued(_ bytes: [UInt8]) throws(UnreadableAnswer) -> Set<QueueItemID> {
        let root = try object(bytes, of: "the queue")
        guard let items = root["items"]?.elements else {
            throw UnreadableAnswer(what: "the queue", reason: "no list of items")
        }
        return Set(items.compactMap { $0["id"]?.integer }.filter { $0 >= 0 }.map { QueueItemID($0) })
    }

    /// Of the node and label parameter plugin: they override the job's label.
    private static func labelParameter(_ item: JSONValue) -> String? {
        for action in item["actions"]?.elements ?? [] {
            for parameter in action["parameters"]?.elements ?? [] {
                let name = parameter["_class"]?.text ?? ""
                guard name.hasSuffix(".LabelParameterValue") || name.hasSuffix(".NodeParameterValue") else { continue }
                if let chosen = parameter["value"]?.text ?? parameter["label"]?.text, !chosen.isEmpty { return chosen }
            }
        }
        return nil
    }

    // MARK: - Computers

    package static func computers(_ bytes: [UInt8]) throws(UnreadableAnswer) -> [Computer] {
        let root = try object(bytes, of: "the computers")
        guard let computers = root["computer"]?.elements else {
            throw UnreadableAnswer(what: "the computers", reason: "no list of computers")
        }
        return computers.compactMap(computer)
    }

    /// One computer, as `oneComputerTree` asks for it.
    package static func oneComputer(_ bytes: [UInt8]) throws(UnreadableAnswer) -> Computer {
        guard let computer = computer(try object(bytes, of: "a computer")) else {
            throw UnreadableAnswer(what: "a computer", reason: "it has no name")
        }
        return computer
    }

    private static func computer(_ value: JSONValue) -> Computer? {
        guard let name = value["displayName"]?.text, !name.isEmpty else { return nil }
        let isBuiltIn =
            value["_class"]?.text?.hasSuffix("$MasterComputer") ?? false || name == "Built-In Node" || name == "master"
        let executors = (value["executors"]?.elements ?? []).map { executor in
            Computer.Executor(
                isIdle: executor["idle"]?.bool ?? true, buildURL: executor["currentExecutable"]?["url"]?.text)
        }
        var computer = Computer(
            name: name, isBuiltIn: isBuiltIn, description: value["description"]?.text ?? "",
            // What is not said to be connected is not counted as supply.
            isOffline: value["offline"]?.bool ?? true,
            isTemporarilyOffline: value["temporarilyOffline"]?.bool ?? false,
            offlineReason: value["offlineCauseReason"]?.text ?? "",
            labels: (value["assignedLabels"]?.elements ?? []).compactMap { $0["name"]?.text }, mode: nil,
            executors: executors, isIdle: value["idle"]?.bool ?? false)
        computer.isConnected = connection(value["absoluteRemotePath"])
        return computer
    }

    /// The path is there as long as the agent is.
    private static func connection(_ path: JSONValue?) -> Bool? {
        switch path {
        case .string: true
        case .null: false
        default: nil
        }
    }

    // MARK: - Root, labels, items, builds

    package struct Root: Equatable, Sendable {
        package var isQuietingDown: Bool
        package var mode: NodeMode
    }

    package static func root(_ bytes: [UInt8]) throws(UnreadableAnswer) -> Root {
        let root = try object(bytes, of: "the root page")
        return Root(
            isQuietingDown: root["quietingDown"]?.bool ?? false,
            mode: root["mode"]?.text.flatMap(NodeMode.init) ?? .normal)
    }

    /// The mode of one node, from the page of its self label.
    package static func mode(of name: String, _ bytes: [UInt8]) throws(UnreadableAnswer) -> NodeMode? {
        let label = try object(bytes, of: "label \(name)")
        let node = (label["nodes"]?.elements ?? []).first { $0["nodeName"]?.text == name }
        return node?["mode"]?.text.flatMap(NodeMode.init)
    }

    package static func itemFate(_ bytes: [UInt8]) throws(UnreadableAnswer) -> ItemFate {
        let item = try object(bytes, of: "a queue item")
        if item["cancelled"]?.bool ?? false { return .cancelled }
        if let url = item["executable"]?["url"]?.text { return .started(buildURL: url) }
        return .unknown
    }

    package static func build(_ bytes: [UInt8]) throws(UnreadableAnswer) -> BuildView {
        let build = try object(bytes, of: "a build")
        let milliseconds = build["duration"]?.integer ?? 0
        let result = build["result"]?.text
        return BuildView(
            displayName: build["fullDisplayName"]?.text ?? "", isBuilding: build["building"]?.bool ?? (result == nil),
            result: result, duration: .milliseconds(max(milliseconds, 0)), builtOn: build["builtOn"]?.text ?? "")
    }

    // MARK: - The inbound agent's document

    /// The secret: the first `<argument>`; the second must be the node's name. Everything else varies between lines.
    package static func secret(of name: NodeName, _ bytes: [UInt8]) throws(UnreadableAnswer) -> AgentSecret {
        let what = "the agent document of \(name)"
        guard bytes.count <= 64 << 10 else { throw UnreadableAnswer(what: what, reason: "too long") }
        let arguments = elements("argument", in: String(decoding: bytes, as: UTF8.self))
        guard arguments.count >= 2 else { throw UnreadableAnswer(what: what, reason: "fewer than two arguments") }
        guard arguments[1] == name.value else {
            throw UnreadableAnswer(what: what, reason: "it is for another node")
        }
        let isHex = arguments[0].utf8.allSatisfy {
            ("0"..."9").contains($0.character) || ("a"..."f").contains($0.character)
        }
        guard isHex, (16...256).contains(arguments[0].utf8.count) else {
            throw UnreadableAnswer(what: what, reason: "its first argument is no secret")
        }
        return AgentSecret(arguments[0])
    }

    private static func elements(_ name: String, in xml: String) -> [String] {
        var found: [String] = []
        for part in xml.components(separatedBy: "<\(name)>").dropFirst() {
            let text = part.components(separatedBy: "</\(name)>")
            if text.count >= 2 { found.append(text[0].trimmingBlanks) }
        }
        return found
    }
}

extension UInt8 {
    fileprivate var character: Character { Character(Unicode.Scalar(self)) }
}

extension String {
    /// Pieces between occurrences of a separator, without Foundation.
    fileprivate func components(separatedBy separator: String) -> [String] {
        var pieces: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            pieces.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return pieces + [String(rest)]
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    fileprivate var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    fileprivate var integer: Int64? {
        switch self {
        case .number(.integer(let value)): value
        case .number(.double(let value)) where value.magnitude < 9e15: Int64(value)
        default: nil
        }
    }
}
