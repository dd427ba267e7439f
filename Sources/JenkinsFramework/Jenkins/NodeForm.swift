// The form in which a node is described to the controller, as its own page sends it.
import Resources

/// `stapler-class` is read by every line, `$class` is the newer spelling.
struct NodeForm: Encodable, Sendable {
    struct Described: Encodable {
        var staplerClass: String
        var webSocket: Bool?

        enum CodingKeys: String, CodingKey {
            case staplerClass = "stapler-class"
            case dollarClass = "$class"
            case webSocket
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(staplerClass, forKey: .staplerClass)
            try container.encode(staplerClass, forKey: .dollarClass)
            try container.encodeIfPresent(webSocket, forKey: .webSocket)
        }
    }

    /// The node's properties: a bag that holds those that are switched on, by their class.
    struct Properties: Encodable {
        struct Tools: Encodable {
            struct Location: Encodable {
                var key: String
                var home: String
            }
            var locations: [Location]
        }

        var isBag = "true"
        var tools: Tools?

        enum CodingKeys: String, CodingKey {
            case isBag = "stapler-class-bag"
            case tools = "hudson-tools-ToolLocationNodeProperty"
        }
    }

    var name: String
    var nodeDescription: String
    var numExecutors: Int
    var remoteFS: String
    var labelString: String
    var mode: String
    var type = "hudson.slaves.DumbSlave"
    var retentionStrategy = Described(staplerClass: "hudson.slaves.RetentionStrategy$Always")
    var nodeProperties: Properties
    var launcher: Described

    init(_ node: NodeSpec, webSocket: Bool, tools: [LaunchShape.ToolLocation] = []) {
        name = node.name.value
        nodeDescription = node.description
        numExecutors = node.executors
        remoteFS = node.remoteFS
        labelString = node.labels.map { $0.contains { $0.isWhitespace } ? "\"\($0)\"" : $0 }.joined(separator: " ")
        mode = node.mode.rawValue
        nodeProperties = Properties(
            tools: tools.isEmpty ? nil : .init(locations: tools.map { .init(key: $0.key, home: $0.home) }))
        launcher = Described(staplerClass: "hudson.slaves.JNLPLauncher", webSocket: webSocket ? true : nil)
    }
}
