// The JSON form of what the planner must remember. Secrets are not in it.
import FoundationEssentials
import Resources

struct RecordDocument: Codable {
    struct Agent: Codable {
        var name: String
        var template: String
        var executors: Int
        var agentID: String?
        var hostname: String
        var sawBuild: Bool
        var labels: [String]?
        var image: String?
        var builds: Int?
        var isUsedUp: Bool?
        /// Nanoseconds since the Unix epoch.
        var bornAt: Int64?
    }

    private static let version = 1

    var version: Int
    var frameworkID: String?
    var agents: [Agent]

    init(_ record: PlannerRecord) {
        version = Self.version
        frameworkID = record.frameworkID?.value
        agents = record.agents.map {
            Agent(
                name: $0.name.value, template: $0.template.value, executors: $0.executors, agentID: $0.agentID?.value,
                hostname: $0.hostname, sawBuild: $0.sawBuild, labels: $0.labels, image: $0.image, builds: $0.builds,
                isUsedUp: $0.isUsedUp, bornAt: $0.bornAt?.nanoseconds)
        }
    }

    var record: PlannerRecord {
        PlannerRecord(
            frameworkID: frameworkID.map { FrameworkID($0) },
            agents: agents.map {
                .init(
                    name: NodeName($0.name), template: TemplateName($0.template), executors: $0.executors,
                    agentID: $0.agentID.map { AgentID($0) }, hostname: $0.hostname, sawBuild: $0.sawBuild,
                    labels: $0.labels, image: $0.image, builds: $0.builds ?? 0, isUsedUp: $0.isUsedUp ?? false,
                    bornAt: $0.bornAt.map { WallTime(nanoseconds: $0) })
            })
    }

    /// - Parameter path: For the error.
    static func encode(
        _ record: PlannerRecord, path: String, isPretty: Bool = false
    ) throws(StateFileError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = isPretty ? [.sortedKeys, .prettyPrinted] : [.sortedKeys]
        do {
            return Array(try encoder.encode(RecordDocument(record)))
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
    }

    static func decode(_ bytes: [UInt8], path: String) throws(StateFileError) -> PlannerRecord {
        guard let document = try? JSONDecoder().decode(RecordDocument.self, from: Data(bytes)) else {
            throw .unreadable(path: path, reason: "not a state of this program")
        }
        guard document.version == version else {
            throw .wrongVersion(path: path, found: document.version, supported: version)
        }
        return document.record
    }
}
