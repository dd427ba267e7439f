// From a Jenkins config.xml with a cloud of the Mesos plugin to a configuration of this framework.
import XML

/// Why nothing could be imported. One line for people.
public struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(description: String) { self.description = description }
}

/// What an import yields.
public struct ImportedConfiguration: Sendable {
    /// A configuration file.
    public var yaml: String
    public var notes: [ImportNote]
    /// What keeps the file from being loaded as it is; empty if it can be.
    public var problems: [ConfigurationProblem]
}

/// The plugin stored its configuration in two forms: generations 0.x and 1.x, and generation 2.x. Both are read, by the
/// names of their fields as XStream writes them.
public enum PluginImport {
    public static let bytesMax = 16 << 20
    private static let cloudName = "org.jenkinsci.plugins.mesos.MesosCloud"

    /// - Parameter cloud: The name of the cloud, for files that have several.
    public static func run(_ bytes: [UInt8], cloud: String? = nil) throws(ImportError) -> ImportedConfiguration {
        guard bytes.count <= bytesMax else { throw ImportError(description: "larger than \(bytesMax) bytes") }
        let root: XMLElement
        do throws(XMLError) {
            root = try XMLElement.parse(bytes)
        } catch {
            throw ImportError(description: "\(error)")
        }
        let clouds = root.descendants(named: cloudName)
        guard !clouds.isEmpty else {
            throw ImportError(description: "no cloud of the Mesos plugin in it (element \(cloudName))")
        }
        let names = clouds.map { $0.childText("name") ?? "" }
        let chosen = cloud.map { wanted in clouds.filter { $0.childText("name") == wanted } } ?? clouds
        guard let first = chosen.first, chosen.count == 1 else {
            let list = names.map { "'\($0)'" }.joined(separator: ", ")
            throw ImportError(
                description: cloud == nil
                    ? "it has \(clouds.count) clouds, \(list); choose one with --cloud"
                    : "it has \(chosen.isEmpty ? "no cloud" : "several clouds") of that name; there are \(list)")
        }
        var imported = CloudImport.read(first)
        do throws(ConfigurationError) {
            _ = try JenkinsConfiguration.parse(imported.yaml, path: "imported")
        } catch {
            imported.problems = error.problems
        }
        return imported
    }
}

/// The cloud: controller, cluster, and the framework's place in it.
private enum CloudImport {
    private static let urlPlaceholder = "http://jenkins.example.org/"
    private static let masterPlaceholder = "zk://zookeeper.example.org:2181/mesos"

    static func read(_ element: XMLElement) -> ImportedConfiguration {
        var cloud = ImportReader(element, place: "cloud")
        var yaml = YAMLText()
        yaml.comment("Imported from the Mesos plugin's cloud. See Docs/jenkins.md for every key.")
        yaml.field("stateDir", "/var/lib/mini-jenkins")
        _ = cloud.text("name")
        if let description = cloud.text("description") { yaml.field("description", description) }
        jenkins(&cloud, &yaml)
        mesos(&cloud, &yaml)
        health(&cloud)
        let separates = cloud.bool("nfsRemoteFSRoot")
        templates(&cloud, &yaml, separatesWorkspaces: separates)
        cloud.finish()
        return ImportedConfiguration(yaml: yaml.text, notes: cloud.notes, problems: [])
    }

    private static func jenkins(_ cloud: inout ImportReader, _ yaml: inout YAMLText) {
        let url = cloud.text("jenkinsURL")
        if url == nil { cloud.note(.missing, "jenkinsURL", "jenkins.url must be set to the controller's root URL") }
        yaml.section("jenkins") { yaml in
            yaml.field("url", url ?? urlPlaceholder)
            yaml.comment("user: mesos-framework\ntokenFile: /etc/mini/jenkins-token")
        }
        cloud.note(
            .missing, "user",
            "the plugin ran inside the controller; this framework needs jenkins.user and jenkins.tokenFile")
    }

    private static func mesos(_ cloud: inout ImportReader, _ yaml: inout YAMLText) {
        let master = cloud.text("master", "mesosMasterUrl")
        if master == nil { cloud.note(.missing, "master", "mesos.master must be set to where the masters are") }
        let name = cloud.text("frameworkName")
        let role = cloud.text("role") ?? "*"
        let user = cloud.text("slavesUser", "agentUser")
        let principal = cloud.text("principal")
        let checkpoint = cloud.bool("checkpoint")
        let decline = cloud.number("declineOfferDuration")
        yaml.section("mesos") { yaml in
            yaml.field("master", master.map(masterLocation) ?? masterPlaceholder)
            if let name { yaml.field("frameworkName", name) }
            yaml.list("roles", [role])
            if let user { yaml.field("user", user) }
            if let principal { yaml.field("principal", principal) }
            if let checkpoint { yaml.plain("checkpoint", "\(checkpoint)") }
            if let decline { yaml.plain("declineDuration", declineDuration(decline)) }
        }
        if let decline, decline >= 10_000 {
            cloud.note(
                .changed, "declineOfferDuration",
                "taken for milliseconds, as its form said; 0.x sent the number as seconds")
        }
        if checkpoint == false {
            cloud.note(
                .changed, "checkpoint", "carried over; with true, builds survive a restart of the agent's daemon")
        }
        if cloud.bool("onDemandRegistration") == true {
            cloud.note(
                .changed, "onDemandRegistration",
                "the framework stays registered and suppresses offers; mesos.onDemandRegistration: true tears it down")
        }
        cloud.drop("nativeLibraryPath", "not needed: the HTTP API is used")
        cloud.drop("credentialsId", "credentials of the controller; set mesos.principal and mesos.secretFile")
        cloud.drop("secret", "encrypted with the controller's key; set mesos.secretFile")
        cloud.drop("cloudID", "the master assigns a new framework id; the old framework's tasks are not taken over")
        cloud.drop("frameworkId", "the master assigns a new framework id; the old framework's tasks are not taken over")
    }

    /// `zk://...`, or one address, as the plugin took it.
    private static func masterLocation(_ text: String) -> String {
        text.hasSuffix("/") && text.hasPrefix("http") ? String(text.dropLast()) : text
    }

    private static func declineDuration(_ number: Double) -> String {
        number >= 10_000 ? "\(Int(number / 1_000))s" : "\(Int(number))s"
    }

    private static func health(_ cloud: inout ImportReader) {
        if cloud.bool("enableMetricsHealthcheck") == true {
            cloud.note(
                .changed, "enableMetricsHealthcheck",
                "a label that nothing serves is a warning; health.unmatchedLabelsFail: true makes /health fail")
        }
    }

    private static func templates(_ cloud: inout ImportReader, _ yaml: inout YAMLText, separatesWorkspaces: Bool?) {
        let old = cloud.child("slaveInfos")?.children ?? []
        let new = cloud.child("mesosAgentSpecTemplates")?.children ?? []
        var names: Set<String> = []
        var notes: [ImportNote] = []
        yaml.items("templates", old.map { ($0, false) } + new.map { ($0, true) }) { yaml, template in
            var importer = TemplateImport(template.0, isSecondGeneration: template.1, taken: names)
            importer.separatesWorkspaces = separatesWorkspaces
            importer.write(&yaml)
            names.insert(NameGenerator.hostnamePart(importer.name))
            notes += importer.reader.notes
        }
        cloud.take(notes)
        if old.isEmpty, new.isEmpty {
            cloud.note(.missing, "slaveInfos", "the cloud has no kinds of agents; add templates")
        }
    }
}
