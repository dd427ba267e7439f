// Paths and bodies of what is asked of the controller.
import FoundationEssentials
import Resources

enum JenkinsRequests {
    /// A path segment with everything but letters, digits and `-._~` as %XX.
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let character = Character(Unicode.Scalar(byte))
            if byte < 128, character.isLetter || character.isNumber || "-._~".contains(character) {
                result.append(character)
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }

    static func query(_ path: String, _ parameters: [(String, String)]) -> String {
        path + "?" + form(parameters)
    }

    static func form(_ fields: [(String, String)]) -> String {
        fields.map { escaped($0.0) + "=" + escaped($0.1) }.joined(separator: "&")
    }

    static func computer(_ name: NodeName) -> String { "/computer/" + escaped(name.value) }

    /// The form of `doCreateItem` for an inbound agent.
    static func createForm(_ node: NodeSpec, webSocket: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(NodeForm(node, webSocket: webSocket))
        return form([
            ("name", node.name.value), ("type", "hudson.slaves.DumbSlave"),
            ("json", String(decoding: json, as: UTF8.self)),
        ])
    }

    /// The part of a build's URL that is the same under whatever address the controller is reached by.
    static func buildPath(_ url: String) -> String? {
        guard let range = url.firstRange(of: "/job/"), url.count <= 4_096 else { return nil }
        let path = url[range.lowerBound...]
        guard path.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "?" && $0 != "#" }) else { return nil }
        return path.hasSuffix("/") ? String(path.dropLast()) : String(path)
    }
}

/// `stapler-class` is read by every line, `$class` is the newer spelling.
private struct NodeForm: Encodable {
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

    struct Bag: Encodable {
        var isBag = "true"

        enum CodingKeys: String, CodingKey { case isBag = "stapler-class-bag" }
    }

    var name: String
    var nodeDescription: String
    var numExecutors: Int
    var remoteFS: String
    var labelString: String
    var mode: String
    var type = "hudson.slaves.DumbSlave"
    var retentionStrategy = Described(staplerClass: "hudson.slaves.RetentionStrategy$Always")
    var nodeProperties = Bag()
    var launcher: Described

    init(_ node: NodeSpec, webSocket: Bool) {
        name = node.name.value
        nodeDescription = node.description
        numExecutors = node.executors
        remoteFS = node.remoteFS
        labelString = node.labels.map { $0.contains { $0.isWhitespace } ? "\"\($0)\"" : $0 }.joined(separator: " ")
        mode = node.mode.rawValue
        launcher = Described(staplerClass: "hudson.slaves.JNLPLauncher", webSocket: webSocket ? true : nil)
    }
}
