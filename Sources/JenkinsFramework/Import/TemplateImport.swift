// One kind of agent of the plugin: a "slave info" of 0.x and 1.x, or an "agent spec template" of 2.x.
import MesosProtocol
import XML

struct TemplateImport {
    private(set) var reader: ImportReader
    let name: String
    /// As the cloud has it; nil: not said.
    var separatesWorkspaces: Bool?
    private let labels: String
    private let isSecondGeneration: Bool

    /// - Parameter taken: What is left of other templates' names in host names.
    init(_ element: XMLElement, isSecondGeneration: Bool, taken: Set<String>) {
        self.isSecondGeneration = isSecondGeneration
        let labels = element.childText("labelString") ?? element.childText("label") ?? ""
        self.labels = labels
        let first = LabelWords.split(labels).first ?? "mesos"
        let word = NameGenerator.hostnamePart(first)
        var candidate = word
        var number = 2
        while taken.contains(NameGenerator.hostnamePart(candidate)) {
            candidate = "\(word.prefix(16))-\(number)"
            number += 1
        }
        name = candidate
        reader = ImportReader(element, place: "template '\(candidate)'")
    }

    mutating func write(_ yaml: inout YAMLText) {
        _ = reader.text("labelString", "label")
        yaml.field("name", name)
        yaml.field("labels", labels.isEmpty ? name : labels)
        mode(&yaml)
        isSecondGeneration ? totals(&yaml) : parts(&yaml)
        attributes(&yaml)
        arguments(&yaml)
        properties(&yaml)
        uris(&yaml)
        if separatesWorkspaces == false { yaml.section("workspace") { $0.plain("perAgent", "false") } }
        reader.drop("externalContainerInfo", "options of external containerizers have no counterpart")
        let hasContainer = reader.child("containerInfo") != nil
        yaml.section("launch") { yaml in yaml.plain("method", "java") }
        if let element = reader.child("containerInfo") {
            var container = ContainerImport(element, place: reader.place)
            container.write(&yaml)
            reader.take(container.reader.notes)
        }
        if !hasContainer { reader.note(.changed, "containerInfo", "without one, agents are processes of the host") }
        reader.finish()
    }

    private mutating func mode(_ yaml: inout YAMLText) {
        let isDefault = reader.bool("defaultSlave") ?? false
        let mode = reader.text("mode")
        if isDefault {
            yaml.plain("mode", "normal")
            yaml.plain("default", "true")
            reader.note(
                .changed, "defaultSlave", "agents are started for builds without a label; jobs are not edited any more")
        } else if mode != "EXCLUSIVE" {
            yaml.plain("mode", "normal")
        }
        if let mode, !["NORMAL", "EXCLUSIVE"].contains(mode) {
            reader.note(.changed, "mode", "'\(mode.prefix(60))' is neither NORMAL nor EXCLUSIVE; taken for NORMAL")
        }
    }

    // MARK: - Resources

    /// Generations 0.x and 1.x: an agent's share, and one for each executor.
    private mutating func parts(_ yaml: inout YAMLText) {
        for (field, key) in [
            ("slaveCpus", "agentCpus"), ("slaveMem", "agentMemMb"), ("executorCpus", "executorCpus"),
            ("executorMem", "executorMemMb"),
        ] {
            if let number = reader.number(field) { yaml.plain(key, ImportReader.shortest(number)) }
        }
        disk("diskNeeded", &yaml)
        let least = reader.integer("minExecutors", in: 1...100) ?? 1
        let most = max(least, reader.integer("maxExecutors", in: 1...100) ?? 2)
        yaml.plain("minExecutors", "\(least)")
        yaml.plain("maxExecutors", "\(most)")
        if let folder = reader.text("remoteFSRoot") { yaml.field("remoteFs", folder) }
        idleTimeout(&yaml)
    }

    /// Generation 2.x: what one agent gets as a whole.
    private mutating func totals(_ yaml: inout YAMLText) {
        if let cpus = reader.number("cpus") { yaml.plain("cpus", ImportReader.shortest(cpus)) }
        // It asked for 32 MB more than its form said.
        if let memory = reader.number("mem") { yaml.plain("memMb", ImportReader.shortest(memory + 32)) }
        disk("disk", &yaml)
        let executors = [reader.integer("minExecutors", in: 0...1_000), reader.integer("maxExecutors", in: 0...1_000)]
        if executors.contains(where: { ($0 ?? 1) > 1 }) {
            reader.note(.changed, "maxExecutors", "2.x gave every agent one executor, and so does this")
        }
        if reader.bool("reusable") != true { yaml.plain("singleUse", "true") }
        idleTimeout(&yaml)
        if let style = reader.text("agentCommandStyle"), style != "Linux" {
            reader.note(.dropped, "agentCommandStyle", "'\(style)': only Linux agents are launched; see launch.method")
        }
        if let domain = reader.child("domainFilterModel") { faultDomain(domain, &yaml) }
    }

    private mutating func faultDomain(_ domain: XMLElement, _ yaml: inout YAMLText) {
        let parts = ["region", "zone"].compactMap { name in domain.childText(name).map { (name, $0) } }
            .filter { !$0.1.isEmpty }
        if !parts.isEmpty {
            yaml.map("domain", parts.map { (name: $0.0, value: $0.1) })
        } else if domain.attributes["class"]?.hasSuffix("Any") != true {
            reader.note(.dropped, "domainFilterModel", "set domain.region and domain.zone; the default is any")
        }
    }

    private mutating func disk(_ name: String, _ yaml: inout YAMLText) {
        if let disk = reader.number(name), disk > 0 { yaml.plain("diskMb", ImportReader.shortest(disk)) }
    }

    private mutating func idleTimeout(_ yaml: inout YAMLText) {
        guard let minutes = reader.integer("idleTerminationMinutes", in: 0...1_000_000) else { return }
        yaml.plain("idleTimeout", minutes == 0 ? "0" : "\(minutes)m")
    }

    // MARK: - Attributes, arguments, properties

    private mutating func attributes(_ yaml: inout YAMLText) {
        var pairs: [(name: String, value: String)] = []
        if let text = reader.text("slaveAttributesString") {
            pairs = Self.jsonPairs(text) ?? []
            if pairs.isEmpty, text != "{}" {
                reader.note(.dropped, "slaveAttributesString", "not a JSON object of texts")
            }
        }
        if let element = reader.child("slaveAttributes") {
            pairs += Self.mapEntries(element)
            if pairs.isEmpty, let text = Self.jsonPairs(element.text) { pairs = text }
            let isEmptyText = ["", "{}"].contains(element.text.trimmingBlanks)
            if pairs.isEmpty, !element.children.isEmpty || !isEmptyText {
                reader.note(.dropped, "slaveAttributes", "its entries could not be read; set attributes")
            }
        }
        if let text = reader.text("agentAttributes") {
            for part in text.split(separator: ",") {
                let words = part.split(separator: ":", maxSplits: 1).map { String($0).trimmingBlanks }
                if words.count == 2 {
                    pairs.append((words[0], words[1]))
                } else {
                    reader.note(.dropped, "agentAttributes", "expected name:value, found '\(part.prefix(60))'")
                }
            }
        }
        var seen: Set<String> = []
        pairs = pairs.filter { !$0.name.isEmpty && seen.insert($0.name).inserted }.sorted { $0.name < $1.name }
        if !pairs.isEmpty { yaml.map("attributes", pairs) }
    }

    private static func jsonPairs(_ text: String) -> [(name: String, value: String)]? {
        guard case .object(let members)? = try? JSONValue(parsing: Array(text.utf8)) else { return nil }
        return members.compactMap { member in
            switch member.value {
            case .string(let text): (member.key, text)
            case .number(let number): (member.key, ImportReader.shortest(number.doubleValue))
            default: nil
            }
        }
    }

    /// Entries of a map as XStream writes them: an element with two texts, or a row of texts.
    private static func mapEntries(_ element: XMLElement) -> [(name: String, value: String)] {
        element.descendants(named: "entry").compactMap { entry in
            guard entry.children.count == 2 else { return nil }
            return (entry.children[0].text.trimmingBlanks, entry.children[1].text.trimmingBlanks)
        }
    }

    private mutating func arguments(_ yaml: inout YAMLText) {
        if let given = reader.text("jvmArgs") {
            let words = given.split(separator: " ").map(String.init)
            let gone = words.filter { $0.contains("UseConcMarkSweepGC") || $0.hasPrefix("-Xmx") }
            let kept = words.filter { !gone.contains($0) }
            if !kept.isEmpty { yaml.field("jvmArgs", kept.joined(separator: " ")) }
            if !gone.isEmpty {
                reader.note(
                    .changed, "jvmArgs",
                    "without \(gone.joined(separator: " ")): today's JVMs refuse it, or agentMemMb sets it")
            }
        }
        if let given = reader.text("jnlpArgs") {
            let words = given.split(separator: " ").map(String.init)
            let kept = words.filter { $0 != "-noReconnect" }
            if !kept.isEmpty { yaml.field("agentArgs", kept.joined(separator: " ")) }
            if kept.count < words.count {
                reader.note(
                    .changed, "jnlpArgs",
                    "without -noReconnect: agents come back after a break; launch.reconnect: 0 is the old way")
            }
        }
    }

    private mutating func properties(_ yaml: inout YAMLText) {
        guard let properties = reader.child("nodeProperties") else { return }
        for property in properties.children {
            switch property.name {
            case "hudson.slaves.EnvironmentVariablesNodeProperty":
                let texts = property.descendants(named: "tree-map").first?.children.filter { $0.name == "string" } ?? []
                let pairs = stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0].text, texts[$0 + 1].text) }
                if !pairs.isEmpty { yaml.map("env", pairs.map { (name: $0.0, value: $0.1) }) }
            case "hudson.tools.ToolLocationNodeProperty":
                let locations = property.descendants(named: "hudson.tools.ToolLocationNodeProperty_-ToolLocation")
                let pairs = locations.compactMap { location -> (name: String, value: String)? in
                    guard let type = location.childText("type"), let name = location.childText("name"),
                        let home = location.childText("home")
                    else { return nil }
                    return ("\(type)@\(name)", home)
                }
                if !pairs.isEmpty { yaml.map("toolLocations", pairs) }
            default:
                reader.note(.dropped, "nodeProperties/\(property.name)", "only variables and tool locations are known")
            }
        }
    }

    private mutating func uris(_ yaml: inout YAMLText) {
        let uris = (reader.child("additionalURIs")?.children ?? []).filter { !($0.childText("value") ?? "").isEmpty }
        yaml.items("uris", uris) { yaml, uri in
            yaml.field("value", uri.childText("value") ?? "")
            let isExecutable = uri.childText("executable") == "true"
            if isExecutable { yaml.plain("executable", "true") }
            if isExecutable || uri.childText("extract") == "false" { yaml.plain("extract", "false") }
        }
    }
}
