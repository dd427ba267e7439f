// What sources beside the queue say about labels: the metrics of the prometheus plugin, a script on the controller, and the
// configuration of jobs.
import Resources

/// Facts about labels that came with a poll.
public struct LabelFacts: Equatable, Sendable {
    /// What a script on the controller said of one item.
    public struct ScriptedItem: Equatable, Sendable {
        /// nil: no label.
        public var label: String?
        public var isFlyweight: Bool

        public init(label: String?, isFlyweight: Bool = false) {
            self.label = label
            self.isFlyweight = isFlyweight
        }
    }

    /// How many items wait for each label expression, by the prometheus plugin.
    public var queueLengths: [String: Int]
    public var scripted: [QueueItemID: ScriptedItem]

    public init(queueLengths: [String: Int] = [:], scripted: [QueueItemID: ScriptedItem] = [:]) {
        self.queueLengths = queueLengths
        self.scripted = scripted
    }
}

/// The text format of Prometheus, as far as one gauge needs it.
package enum QueueLengthMetrics {
    private static let linesMax = 200_000

    /// Values of `…_executors_queue_length{label="X"}` by X. Lines that cannot be read are left out.
    package static func queueLengths(_ text: String) -> [String: Int] {
        var lengths: [String: Int] = [:]
        for line in text.split(separator: "\n").prefix(linesMax) where !line.hasPrefix("#") {
            guard let open = line.firstIndex(of: "{"), line[..<open].hasSuffix("_executors_queue_length"),
                let (labels, rest) = pairs(line[line.index(after: open)...]), let label = labels["label"],
                let number = rest.split(whereSeparator: { $0 == " " || $0 == "\t" }).first.flatMap({ Double($0) }),
                number >= 0, number < 1e6
            else { continue }
            lengths[label] = Int(number)
        }
        return lengths
    }

    /// `name="value",…}`, with `\\`, `\"` and `\n` in values; and what follows.
    private static func pairs(_ text: Substring) -> ([String: String], Substring)? {
        var found: [String: String] = [:]
        var rest = text
        while let first = rest.first {
            if first == "}" { return (found, rest.dropFirst()) }
            if first == "," || first == " " {
                rest = rest.dropFirst()
                continue
            }
            guard let equals = rest.firstIndex(of: "="), rest[equals...].dropFirst().first == "\"" else { return nil }
            let name = String(rest[..<equals])
            rest = rest[equals...].dropFirst(2)
            var value = ""
            var isClosed = false
            while let character = rest.popFirst() {
                if character == "\"" {
                    isClosed = true
                    break
                }
                guard character == "\\" else {
                    value.append(character)
                    continue
                }
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped == "n" ? "\n" : escaped)
            }
            guard isClosed else { return nil }
            found[name] = value
        }
        return nil
    }
}

/// The script that tells each queued item's label, and what it prints.
package enum QueueScript {
    /// One line for each item: id, whether it is a flyweight, whether it has a label, and the label; tabs between them.
    package static let text = """
        jenkins.model.Jenkins.get().queue.items.each { i ->
          def l = i.assignedLabel
          println([i.id, i.task instanceof hudson.model.Queue.FlyweightTask, l != null, l == null ? '' : \
        l.expression.replaceAll('[\\\\r\\\\n\\\\t]', ' ')].join('\\t'))
        }
        """

    /// Lines that are no such thing are left out: a script console prints more than it was asked for.
    package static func parse(_ text: String) -> [QueueItemID: LabelFacts.ScriptedItem] {
        var items: [QueueItemID: LabelFacts.ScriptedItem] = [:]
        for line in text.split(whereSeparator: \.isNewline).prefix(100_000) {
            let fields = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count >= 3, let id = QueueItemID(fields[0]), ["true", "false"].contains(fields[1]),
                ["true", "false"].contains(fields[2])
            else { continue }
            let label = fields[2] == "true" && fields.count == 4 ? String(fields[3]) : nil
            items[id] = .init(label: label, isFlyweight: fields[1] == "true")
        }
        return items
    }
}

/// The label in a job's `config.xml`.
package enum JobConfiguration {
    /// - Returns: nil if the text is no job's configuration; `.none` for a job that may run anywhere.
    package static func label(_ xml: String) -> QueueItem.LabelField? {
        guard let roams = element("canRoam", in: xml) else { return nil }
        if roams == "true" { return QueueItem.LabelField.none }
        guard let node = element("assignedNode", in: xml) else { return nil }
        return node.isEmpty ? QueueItem.LabelField.none : .text(node)
    }

    private static func element(_ name: String, in xml: String) -> String? {
        guard let open = xml.firstRange(of: "<\(name)>"),
            let close = xml[open.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        var text = String(xml[open.upperBound..<close.lowerBound]).trimmingBlanks
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
            text.replace(entity, with: character)
        }
        return text
    }
}
